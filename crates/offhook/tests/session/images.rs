//! Images over the scripted far side, in virtual time: how long one may take, what is told
//! meanwhile, and what a far side without it says (F03, F51, R14, R15).

use crate::common::*;
use offhook::mock::{Studio, image_in};
use offhook::transport::media::{Codec, TrackSpec, local};
use offhook::{CallingState, Change, ChangeOutcome, Client, Event, Join, JoinErrorKind, SetError, StateItem};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;

fn with(studio: Studio) -> Client {
    let (client, remote) = by_hand();
    remote.auto(studio);
    client
}

/// F51, R14, R15: 5 MB over 512 kb/s take 80 seconds, of which none is an alarm.
#[tokio::test(start_paused = true)]
async fn five_megabytes_at_512_kilobits_end_applied_and_raise_no_alarm() {
    // A piece of 16 KiB each quarter of a second.
    let client = with(Studio::seeded(7).answering_in(Duration::from_millis(250)));
    let session = joined_studio(&client, Join::new()).await;
    let mut events = session.events();
    event(&mut events, |event| (*event == Event::StateChanged(CallingState::Joined)).then_some(())).await;
    let began = Instant::now();
    session.set_image(vec![7; 5 * 1024 * 1024]).await.expect("it arrives in the end");
    assert!(began.elapsed() > Duration::from_secs(75), "{:?}", began.elapsed());
    let mut percents = Vec::new();
    event(&mut events, |event| match event {
        Event::LinkLost { .. } | Event::StateChanged(_) | Event::Error(_) => panic!("alarmed: {event:?}"),
        Event::Uploading { received, total, .. } => {
            percents.push(received * 100 / total);
            None
        }
        Event::Change { outcome, .. } => {
            assert_eq!(*outcome, ChangeOutcome::Applied);
            Some(())
        }
        _ => None,
    })
    .await;
    assert_eq!(percents, (0..=100).collect::<Vec<_>>(), "a percent at a time");
}

/// F03, R14: no deadline of the join ends it while pieces arrive.
#[tokio::test(start_paused = true)]
async fn a_join_waits_for_its_image_for_longer_than_it_may_last() {
    let client = with(Studio::seeded(7).answering_in(Duration::from_millis(250)));
    let began = Instant::now();
    let session = idle(&client).join(Join::new().image(vec![7; 5 * 1024 * 1024])).await;
    let session = session.expect("it moves all the while");
    assert!(began.elapsed() > Duration::from_secs(75), "{:?}", began.elapsed());
    assert_eq!(session.state(), CallingState::Joined);
}

/// F51: sent once, seen in the frames that come back, and known by its hash from then on.
#[tokio::test(start_paused = true)]
async fn an_image_is_in_the_frames_that_come_back_until_it_is_cleared() {
    let client = with(Studio::seeded(7));
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let session = joined_studio(&client, Join::new().prompt("sepia").publish(&track)).await;
    let hash: [u8; 32] = Sha256::digest(b"picture").into();
    let mut video = session.remote_video().await.expect("it has media");
    let mut number = 0;
    for (change, seen) in [
        (Change::new().image(&b"picture"[..]), Some(hash)),
        (Change::new().prompt("mirror"), Some(hash)),
        (Change::new().clear_image(), None),
        (Change::new().image_by_sha256(hash), Some(hash)),
    ] {
        session.set(change).await.expect("applied");
        number += 1;
        assert!(sender.try_send(frame(number, true)));
        let back = video.next().await.expect("the session goes on");
        assert_eq!(image_in(&back), seen, "frame {number}");
    }
}

/// F51: what a far side does not keep, or does not read, is refused in its words.
#[tokio::test(start_paused = true)]
async fn an_image_that_the_far_side_lacks_or_does_not_read_is_refused_in_its_words() {
    let client = with(Studio::seeded(7));
    let session = joined_studio(&client, Join::new()).await;
    let refused = session.set(Change::new().image_by_sha256([7; 32])).await.expect_err("never sent");
    let SetError::Refused { item: StateItem::Image, text } = &refused else { panic!("{refused:?}") };
    assert!(text.contains("set it by its bytes"), "{text}");

    let client = with(Studio::seeded(7).refusing_images("only GIF is read here"));
    let session = joined_studio(&client, Join::new()).await;
    let refused = session.set_image(&b"picture"[..]).await;
    let text = "only GIF is read here".into();
    assert_eq!(refused, Err(SetError::Refused { item: StateItem::Image, text }));
    let error = idle(&client).join(Join::new().image(&b"picture"[..])).await.expect_err("nor in a join");
    assert_eq!(error.kind(), JoinErrorKind::InitialStateRefused { item: StateItem::Image });
    assert_eq!(error.text(), Some("only GIF is read here"));
}

/// F51, R14: by its hash alone, and still there after the far side forgot everything.
#[tokio::test(start_paused = true)]
async fn an_image_named_by_its_hash_is_sent_again_to_a_far_side_that_forgot_it() {
    let (client, remote) = by_hand();
    remote.auto(Studio::seeded(7));
    let session = joined_studio(&client, Join::new()).await;
    let hash: [u8; 32] = Sha256::digest(b"picture").into();
    session.set_image(&b"picture"[..]).await.expect("applied");
    session.set(Change::new().clear_image()).await.expect("applied");
    session.set(Change::new().image_by_sha256(hash)).await.expect("it is kept");
    let mut events = session.events();
    let (mut uploads, mut lost) = (0, false);
    remote.restart();
    event(&mut events, |event| {
        lost |= matches!(event, Event::LinkLost { .. });
        uploads += usize::from(lost && matches!(event, Event::Uploading { .. }));
        matches!(event, Event::Recovered { .. }).then_some(())
    })
    .await;
    assert_eq!(uploads, 1, "it asked for the bytes again, and got them");
    assert_eq!(session.state(), CallingState::Joined);
}
