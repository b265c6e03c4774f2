//! A picture that stands still, over the scripted transport (F71).

use crate::common::*;
use futures_util::FutureExt;
use offhook::mock::{MockTransport, Studio};
use offhook::transport::Content;
use offhook::transport::media::Kind;
use offhook::{Client, Event, Join};
use std::time::Duration;

const FRAME: Duration = Duration::from_millis(40);

/// F71: an event at its start and one at its end, with its duration; nothing while the picture moves.
#[tokio::test(start_paused = true)]
async fn a_stall_of_the_picture_is_told_at_its_start_and_at_its_end() {
    let (transport, remote) = MockTransport::studio(7);
    remote.auto(Studio::seeded(7).measuring());
    let client = Client::new(transport).seed(7);
    let session = joined_studio(&client, Join::new()).await;
    let dial = remote.newest().expect("the link");
    let says = |sending| dial.content(Content::Track { mid: "video".into(), kind: Kind::Video, sending });
    says(true);
    let mut events = session.events();
    for n in 0..250 {
        remote.send_frame(&frame(n, true));
        tokio::time::sleep(FRAME).await;
    }
    while let Some(Some(event)) = futures_util::StreamExt::next(&mut events).now_or_never() {
        let still = matches!(event, Event::PictureStalled { .. } | Event::PictureResumed { .. });
        assert!(!still, "it moved all the time: {event:?}");
    }
    let stopped = tokio::time::Instant::now();
    let mid = event(&mut events, |event| match event {
        Event::PictureStalled { mid } => Some(mid.clone()),
        _ => None,
    })
    .await;
    assert_eq!(mid, "video");
    let (within, least) = (Duration::from_millis(4_100), Duration::from_secs(2));
    assert!(stopped.elapsed() >= least && stopped.elapsed() <= within, "{:?}", stopped.elapsed());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let again = stopped.elapsed();
    for n in 250..300 {
        remote.send_frame(&frame(n, true));
        tokio::time::sleep(FRAME).await;
    }
    let after = event(&mut events, |event| match event {
        Event::PictureResumed { after, .. } => Some(*after),
        _ => None,
    })
    .await;
    assert!(after.abs_diff(again) <= Duration::from_millis(1_100), "{after:?} of {again:?}");
    says(false);
    event(&mut events, |event| matches!(event, Event::RemoteTrack { sending: false, .. }).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    session.leave().await.released().await;
    let rest = all(events).await;
    assert!(!rest.iter().any(|event| matches!(event, Event::PictureStalled { .. })), "paused: {rest:?}");
    client.shutdown().await;
}
