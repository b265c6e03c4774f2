//! Statistics of a real link (F70, R4).

use crate::far_side::*;
use futures_util::StreamExt;
use offhook::transport::media::Kind;
use offhook::{Event, Join, Stats};
use std::time::Duration;
use tokio::time::Instant;

async fn measured(events: &mut offhook::Events) -> (Stats, Instant) {
    let stats = event("statistics", events, |event| match event {
        Event::Stats(stats) => Some((**stats).clone()),
        _ => None,
    })
    .await;
    (stats, Instant::now())
}

/// F70, R4: once a second, with values that a link on loopback can have, growing by what passes; none
/// after `leave` returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_link_is_measured_once_a_second_until_it_is_left() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let mut events = session.events();
    let mut video = session.remote_video().await.expect("it has media");
    soon("a picture", video.next()).await.expect("media flows both ways");
    let (mut last, began) = measured(&mut events).await;
    for _ in 0..4 {
        let (stats, _) = measured(&mut events).await;
        let delta = stats.since(&last);
        assert!(
            stats.bytes_sent > last.bytes_sent && stats.bytes_received > last.bytes_received,
            "{stats:?}"
        );
        let round_trip = stats.round_trip_time.expect("checks were answered");
        assert!(round_trip < Duration::from_secs(1), "{round_trip:?} on loopback");
        for inbound in [false, true] {
            let now = stats.streams.iter().find(|one| one.inbound == inbound).expect("both ways");
            let grown = delta.streams.iter().find(|one| one.inbound == inbound).expect("as before");
            assert_eq!(now.kind, Kind::Video);
            assert!(!now.mid.is_empty());
            assert!((1..=75).contains(&grown.frames), "25 a second: {grown:?}");
            assert!(grown.packets >= grown.frames && grown.bytes > grown.packets, "{grown:?}");
            assert!(now.packets_lost.abs() < 10, "{now:?}");
            assert_eq!(now.jitter.is_some(), inbound, "{now:?}");
            // Seconds, as W3C has it: in units of the RTP clock it would be 90,000 times as much.
            assert!(now.jitter.is_none_or(|jitter| jitter < Duration::from_secs(1)), "{now:?}");
        }
        last = stats;
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(3_900), "four within {took:?}: more than one a second");
    let mut left = session.leave().await;
    let after: Vec<Event> = soon("the end of the events", events.collect()).await;
    assert!(!after.iter().any(|event| matches!(event, Event::Stats(_))), "{after:?}");
    soon("the release", left.released()).await;
    server.shutdown().await;
}

/// F70: sound is measured by its own clock, and is told apart from pictures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_is_measured_as_sound() {
    let server = server().await;
    let client = client(&server, "ada");
    let join = Join::new().model("echo").voice();
    let session = soon("the join", client.session("persona", "7").join(join)).await.expect("it is let in");
    let mut events = session.events();
    let (first, _) = measured(&mut events).await;
    let (second, _) = measured(&mut events).await;
    let delta = second.since(&first);
    let voice = delta.streams.iter().find(|one| !one.inbound).expect("the voice goes out");
    assert_eq!(voice.kind, Kind::Audio);
    assert!((10..=150).contains(&voice.packets), "fifty a second: {voice:?}");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
