//! A picture that stands still on a line that swallows it (F71).

use crate::line::*;
use offhook::Event;
use offhook_netrig::Direction;
use std::time::Duration;

/// F71: the far side sends and says so, and none of it arrives; both its start and its end are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_does_not_arrive_is_told_until_it_does() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let stalled = |event: &Event| match event {
        Event::PictureStalled { mid } => Some(mid.clone()),
        _ => None,
    };
    assert!(!session.told().iter().any(|(_, event)| stalled(event).is_some()), "it moves");
    line.udp.each(|relay| relay.swallow_media(Direction::Down));
    let (began, mid) = session.tells("the stall", 0, stalled).await;
    line.net.restore().expect("the relays are there");
    let resumed = |event: &Event| match event {
        Event::PictureResumed { mid, after } => Some((mid.clone(), *after)),
        _ => None,
    };
    let (ended, (of, after)) = session.tells("its end", 0, resumed).await;
    assert_eq!(of, mid);
    assert!(ended > began && after >= Duration::from_secs(2), "{after:?}");
    assert!(after < (ended - began) + Duration::from_secs(6), "{after:?} for {:?}", ended - began);
    session.pictures(5).await;
    line.end().await;
}
