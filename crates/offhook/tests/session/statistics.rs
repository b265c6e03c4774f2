//! Statistics once a second over the scripted transport (F70, R4).

use crate::common::*;
use futures_util::StreamExt;
use offhook::mock::{MockTransport, Remote, Studio};
use offhook::transport::media::Kind;
use offhook::transport::{FaultKind, Plane};
use offhook::{Client, Clip, Event, Join, Stats};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn measuring() -> (Client, Remote) {
    let (transport, remote) = MockTransport::studio(7);
    remote.auto(Studio::seeded(7).measuring());
    (Client::new(transport).seed(7), remote)
}

/// The next statistics, and when they came.
async fn measured(events: &mut offhook::Events) -> (Stats, Instant) {
    let stats = event(events, |event| match event {
        Event::Stats(stats) => Some((**stats).clone()),
        _ => None,
    })
    .await;
    (stats, Instant::now())
}

/// F70: one a second; the counters grow by a second's frames each way, a frame a packet here.
#[tokio::test(start_paused = true)]
async fn statistics_come_once_a_second_and_grow_by_what_passed() {
    let (client, _remote) = measuring();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let mut events = session.events();
    let (mut last, mut at) = measured(&mut events).await;
    for _ in 0..5 {
        let (stats, now) = measured(&mut events).await;
        assert_eq!(now - at, SECOND);
        assert_eq!(stats.round_trip_time, Some(Duration::from_millis(20)));
        let delta = stats.since(&last);
        for inbound in [false, true] {
            let one = delta.streams.iter().find(|one| one.inbound == inbound).expect("both ways");
            assert_eq!(one.kind, Kind::Video);
            assert!((20..=30).contains(&one.frames), "25 a second: {one:?}");
            assert_eq!(one.packets, one.frames);
            assert!(one.bytes > one.frames, "{one:?}");
        }
        let all = delta.totals();
        let sent: u64 = delta.streams.iter().filter(|one| !one.inbound).map(|one| one.bytes).sum();
        assert_eq!(delta.bytes_sent, sent);
        assert!(all.frames_sent >= 20 && all.frames_received >= 20 && all.packets_lost == 0, "{all:?}");
        (last, at) = (stats, now);
    }
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F70: a resume keeps the media, and what was counted goes on; still one a second.
#[tokio::test(start_paused = true)]
async fn statistics_go_on_over_a_resume() {
    let (client, remote) = measuring();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let mut events = session.events();
    let (before, _) = measured(&mut events).await;
    remote.newest().expect("the link").lose(Plane::Signaling, FaultKind::Closed);
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    let (first, at) = measured(&mut events).await;
    let (second, then) = measured(&mut events).await;
    assert_eq!(then - at, SECOND);
    assert!(first.totals().frames_sent > before.totals().frames_sent, "{first:?}");
    assert!((20..=30).contains(&second.since(&first).totals().frames_sent), "{second:?}");
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F70, R4: none comes after `leave` returned, however long one listens.
#[tokio::test(start_paused = true)]
async fn no_statistics_come_after_leave_returned() {
    let (client, _remote) = measuring();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let mut events = session.events();
    measured(&mut events).await;
    // The next one is due in this very instant.
    tokio::time::advance(SECOND).await;
    let mut left = session.leave().await;
    let after: Vec<Event> = all(events.by_ref()).await;
    assert!(!after.iter().any(|event| matches!(event, Event::Stats(_))), "{after:?}");
    assert!(matches!(after.last(), Some(Event::Ended(_))), "{after:?}");
    left.released().await;
    client.shutdown().await;
}
