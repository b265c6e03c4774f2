//! A laptop that switches networks: the facade over real WebRTC, client and server on hosts of their own, in network
//! namespaces. Skipped with a printed reason where the machine does not allow them. Times are printed, not judged.
#![cfg(all(feature = "webrtc", target_os = "linux"))]

mod far_side;
#[path = "far_side/laptop.rs"]
mod laptop;

use far_side::{event, soon};
use laptop::{World, joined, switch_networks, turns_grey, world};
use offhook::{CallingState, Event, Network as Known};
use offhook_netrig::{Conditions, Direction};
use std::time::{Duration, Instant};

/// F03, over a line as a mobile phone has it.
#[tokio::test]
async fn a_join_works_over_25_ms_each_way_with_2_percent_of_loss() {
    let Some(world) = world().await else { return };
    world.home.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(25)).loss(0.02));
    let World { laptop, url, credential, .. } = &world;
    let (url, credential) = (url.clone(), credential.clone());
    let call = laptop.run(async move || {
        let (client, session, mut video) = joined(&url, &credential).await;
        soon("the ack", session.set_prompt("greyscale")).await.expect("it is known");
        turns_grey(&mut video).await;
        drop(session.leave());
        client.shutdown().await;
    });
    soon("the call", call.expect("the host is there")).await.expect("it runs to its end");
    let lost = world.home.stats();
    eprintln!("the line lost {} up and {} down", lost.up.lost, lost.down.lost);
    assert!(lost.up.lost + lost.down.lost > 0, "a line that lost nothing shows nothing");
}

/// F30, F33: the old interface and its address are gone, a new one is there, on another network. The system says so,
/// and the application hands it on.
#[tokio::test]
async fn a_laptop_that_switches_networks_has_media_flowing_again_with_the_latest_prompt() {
    let Some(switched) = switch_networks(true).await else { return };
    eprintln!("{switched:?}");
    assert!(switched.carried > 0, "the pictures came over another network than the new one");
}

/// R9, bug group (f): nobody says that the address has changed; the alarms find it.
#[tokio::test]
async fn a_laptop_that_switches_networks_unsaid_has_media_flowing_again_too() {
    let Some(switched) = switch_networks(false).await else { return };
    eprintln!("{switched:?}");
    assert!(switched.carried > 0, "the pictures came over another network than the new one");
}

/// F33, R10, R14: no network, and then the same one again.
#[tokio::test]
async fn a_link_that_goes_down_is_offline_and_its_return_brings_the_latest_prompt() {
    let Some(world) = world().await else { return };
    let World { laptop, wlan, url, credential, .. } = world;
    let call = laptop.run(async move || {
        let (client, session, mut video) = joined(&url, &credential).await;
        let mut states = session.events();
        wlan.down().expect("it is there");
        client.network(Known::Down);
        let became = |wanted| {
            move |event: &Event| matches!(event, Event::StateChanged(state) if *state == wanted).then_some(())
        };
        event("Offline", &mut states, became(CallingState::Offline)).await;
        let setting = session.set_prompt("greyscale");
        wlan.up().expect("it is there");
        let began = Instant::now();
        client.network(Known::Up);
        event("Joined", &mut states, became(CallingState::Joined)).await;
        eprintln!("joined {:?} after the link came up", began.elapsed());
        soon("the ack", setting).await.expect("it is known");
        turns_grey(&mut video).await;
        eprintln!("flowing, repainted, {:?} after the link came up", began.elapsed());
        drop(session.leave());
        client.shutdown().await;
    });
    soon("the call", call.expect("the host is there")).await.expect("it runs to its end");
}
