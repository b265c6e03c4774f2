//! How good a link is said to be, over the scripted transport (F72).

use crate::common::*;
use offhook::mock::{MockDial, MockTransport, Studio};
use offhook::transport::{Content, FaultKind, Plane};
use offhook::{CallingState, Client, Event, Events, Grade, Join, Limit, Quality, Stats};
use std::time::Duration;

fn quality(event: &Event) -> Option<Quality> {
    match event {
        Event::QualityChanged(quality) => Some(*quality),
        _ => None,
    }
}

/// So many seconds with this round trip, as the link measures them.
async fn seconds(dial: &MockDial, events: &mut Events, count: u32, round_trip: u64) {
    for _ in 0..count {
        let round_trip_time = Some(Duration::from_millis(round_trip));
        dial.content(Content::Stats(Box::new(Stats { round_trip_time, ..Stats::default() })));
        event(events, |event| matches!(event, Event::Stats(_)).then_some(())).await;
    }
}

/// F72: known after the warm-up, told when it changes, unknown in an outage, known again after it.
#[tokio::test(start_paused = true)]
async fn the_quality_is_told_when_it_changes_and_is_unknown_in_an_outage() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    seconds(&dial, &mut events, 4, 20).await;
    assert_eq!(session.view().quality(), None, "it is too early");
    seconds(&dial, &mut events, 1, 20).await;
    assert_eq!(event(&mut events, quality).await, Quality::GOOD);
    assert_eq!(session.view().quality(), Some(Quality::GOOD));

    let poor = Quality { grade: Grade::Poor, limited_by: Some(Limit::RoundTrip) };
    // The shortest of three seconds is long in the third and the fourth.
    seconds(&dial, &mut events, 4, 700).await;
    assert_eq!(event(&mut events, quality).await, poor);
    assert_eq!(session.view().quality(), Some(poor));

    let mut states = session.states();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    until(&mut states, CallingState::Reconnecting).await;
    assert_eq!(session.view().quality(), None, "nothing is known of a link that is lost");
    let again = remote.dial().await;
    again.accept();
    until(&mut states, CallingState::Joined).await;
    seconds(&again, &mut events, 4, 700).await;
    assert_eq!(session.view().quality(), None, "it is too early again");
    seconds(&again, &mut events, 1, 700).await;
    assert_eq!(event(&mut events, quality).await, poor, "told again, although it is as it was");

    session.leave().await.released().await;
    let rest = all(events).await;
    assert!(!rest.iter().any(|event| quality(event).is_some()), "nothing of it at the end: {rest:?}");
}

/// F72: a far side that measures by itself, over every plan of recovery: the handle goes on to tell.
#[tokio::test(start_paused = true)]
async fn a_studio_that_is_near_is_good_before_and_after_every_recovery() {
    let (transport, remote) = MockTransport::studio(7);
    remote.auto(Studio::seeded(7).measuring());
    let client = Client::new(transport).seed(7);
    let session = joined_studio(&client, Join::new()).await;
    let mut events = session.events();
    assert_eq!(event(&mut events, quality).await, Quality::GOOD);
    for planes in [&[Plane::Signaling][..], &[Plane::Signaling, Plane::Media]] {
        let link = remote.newest().expect("the link");
        for plane in planes {
            link.lose(*plane, FaultKind::Closed);
        }
        assert_eq!(event(&mut events, quality).await, Quality::GOOD, "after {planes:?}");
    }
    session.leave().await.released().await;
    client.shutdown().await;
}
