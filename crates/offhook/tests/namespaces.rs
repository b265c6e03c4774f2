//! A laptop that switches networks: the facade over real WebRTC, client and server on hosts of their own, in network
//! namespaces. Skipped with a printed reason where the machine does not allow them. Times are printed, not judged.
#![cfg(all(feature = "webrtc", target_os = "linux"))]

mod far_side;
#[path = "far_side/laptop.rs"]
mod laptop;

use far_side::{event, soon};
use laptop::{Learns, World, joined, switch_networks, turns_grey, world};
use offhook::transport::{NetworkFact, Secret, Transport};
use offhook::{CallingState, Event, Fault, Network as Known, Plane, WebRtc, mock};
use offhook_netrig::namespaces::{Access, Host};
use offhook_netrig::{Conditions, Direction};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// F03, over a line as a mobile phone has it.
#[tokio::test]
async fn a_join_works_over_25_ms_each_way_with_2_percent_of_loss() {
    let Some(world) = world().await else { return };
    world.home.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(25)).loss(0.02));
    let World { laptop, url, credential, .. } = &world;
    let (url, credential) = (url.clone(), credential.clone());
    let call = laptop.run(async move || {
        let (client, session, mut video) = joined(&url, &credential, Learns::FromTheSystem).await;
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
    let Some(switched) = switch_networks(Learns::FromTheApplication).await else { return };
    eprintln!("{switched:?}");
    assert!(switched.carried > 0, "the pictures came over another network than the new one");
}

/// F30, F33: nobody hands anything on; the session learns it from the system, and waits for no silence.
#[tokio::test]
async fn a_laptop_that_switches_networks_untold_recovers_by_what_the_system_says() {
    let Some(switched) = switch_networks(Learns::FromTheSystem).await else { return };
    eprintln!("{switched:?}");
    let both = [Plane::Signaling, Plane::Media].map(|plane| (plane, Fault::Unreachable));
    assert_eq!(switched.lost, both, "it was found otherwise");
    assert!(switched.carried > 0, "the pictures came over another network than the new one");
}

/// R9, bug group (f): nobody says that the address has changed; the alarms find it.
#[tokio::test]
async fn a_laptop_that_switches_networks_unsaid_has_media_flowing_again_too() {
    let Some(switched) = switch_networks(Learns::BySilence).await else { return };
    eprintln!("{switched:?}");
    assert!(switched.lost.iter().all(|(_, fault)| *fault != Fault::Unreachable), "somebody said it");
    assert!(switched.carried > 0, "the pictures came over another network than the new one");
}

/// F33, R10, R14: no network, and then the same one again; the application says so, or the system alone.
#[tokio::test]
async fn a_link_that_goes_down_is_offline_and_its_return_brings_the_latest_prompt() {
    for learns in [Learns::FromTheApplication, Learns::FromTheSystem] {
        let Some(world) = world().await else { return };
        let World { laptop, wlan, url, credential, .. } = world;
        let call = laptop.run(async move || {
            let (client, session, mut video) = joined(&url, &credential, learns).await;
            let mut states = session.events();
            wlan.down().expect("it is there");
            let told = |level| {
                if learns == Learns::FromTheApplication {
                    client.network(level);
                }
            };
            told(Known::Down);
            let became = |wanted| {
                move |event: &Event| {
                    matches!(event, Event::StateChanged(state) if *state == wanted).then_some(())
                }
            };
            event("Offline", &mut states, became(CallingState::Offline)).await;
            let setting = session.set_prompt("greyscale");
            wlan.up().expect("it is there");
            let began = Instant::now();
            told(Known::Up);
            event("Joined", &mut states, became(CallingState::Joined)).await;
            eprintln!("{learns:?}: joined {:?} after the link came up", began.elapsed());
            soon("the ack", setting).await.expect("it is known");
            turns_grey(&mut video).await;
            eprintln!("{learns:?}: flowing, repainted, {:?} after the link came up", began.elapsed());
            drop(session.leave());
            client.shutdown().await;
        });
        soon("the call", call.expect("the host is there")).await.expect("it runs to its end");
    }
}

fn ip(host: &Host, order: &str) {
    let mut command = Command::new("ip");
    command.args(order.split(' '));
    let output = host.command(command).expect("the host is there");
    assert!(output.status.success(), "{order}: {}", String::from_utf8_lossy(&output.stderr));
}

/// F33: what the watch says of the way to the server, and what it does not say: a bridge that comes and goes, an
/// interface that is no longer used.
#[tokio::test]
async fn the_system_says_what_becomes_of_the_way_to_the_server_and_of_nothing_else() {
    let Some(world) = world().await else { return };
    let mobile = world.lab.network(Access::Nat).expect("there is room");
    let World { laptop, wlan, url, credential, .. } = &world;
    let (url, credential) = (url.clone(), credential.clone());
    let (say, mut said) = mpsc::channel(16);
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let watching = laptop.run(async move || {
        let transport = WebRtc::new(url).dangerous_allow_plain_ws();
        let request = mock::a_join();
        let mut watch = transport.watch_network(request.instance).expect("it has one");
        let mut link = transport
            .dial(offhook::transport::DialRequest { credential: Some(Secret::new(credential)), ..request });
        loop {
            let event = link.next().await.expect("it lives");
            if matches!(event, offhook::transport::Event::Up(_)) {
                break;
            }
        }
        let hearing = async {
            // Once without news: from now on it hears.
            let quiet = tokio::time::timeout(Duration::from_millis(50), watch.next()).await;
            assert!(quiet.is_err(), "nothing happened, and yet {quiet:?}");
            reached.send(()).expect("the test waits");
            while let Some(fact) = watch.next().await {
                say.send(fact).await.expect("the test listens");
            }
        };
        let living = async { while link.next().await.is_some() {} };
        tokio::join!(hearing, living);
    });
    let _watching = watching.expect("the host is there");
    soon("the server", is_reached).await.expect("it goes on");
    // A container engine, or a VPN that does not lead there.
    ip(laptop, "tuntap add dev docker0 mode tap");
    ip(laptop, "addr add 172.17.0.1/16 dev docker0");
    ip(laptop, "link set docker0 up");
    ip(laptop, "route add 203.0.113.0/24 dev docker0");
    ip(laptop, "link delete docker0");
    let modem = laptop.plug(&mobile).expect("there is room");
    assert_eq!(soon("the other network", said.recv()).await, Some(NetworkFact::Changed));
    wlan.down().expect("it is there");
    modem.down().expect("it is there");
    assert_eq!(soon("no network", said.recv()).await, Some(NetworkFact::Down));
    modem.up().expect("it is there");
    assert_eq!(soon("its return", said.recv()).await, Some(NetworkFact::Up));
    ip(laptop, &format!("route del default dev {}", modem.name()));
    assert_eq!(soon("no route", said.recv()).await, Some(NetworkFact::Down));
}
