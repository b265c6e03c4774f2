//! Published tracks that the far side does not take, by a far side that is a hand (F41, F60): a join names
//! the track; in a running session it is told once, and the session goes on.

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::MockDial;
use offhook::transport::media::{Codec, LocalTrack, TrackSender, TrackSpec, local};
use offhook::transport::{Content, FaultKind, Plan, Plane, RefusedCode, ResumeRefusal};
use offhook::{Event, Events, Join, JoinErrorKind, Untaken, UntakenTrack, Who};
use std::time::Duration;

/// In virtual time, until everything that was said has been heard.
const SETTLED: Duration = Duration::from_millis(200);

fn vp8() -> (TrackSender, LocalTrack) {
    local(TrackSpec { codec: Codec::Vp8, label: "its own name".into() })
}

fn untaken(label: &str) -> UntakenTrack {
    UntakenTrack { label: label.into(), codec: Codec::Vp8, why: Untaken::Codec }
}

fn says(dial: &MockDial, tracks: &[UntakenTrack]) {
    dial.content(Content::Untaken(tracks.to_vec()));
}

/// What was told of such tracks, in short words, until now.
fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::TrackNotTaken(track) => told.push(format!("-{}", track.label)),
            Event::TrackTaken(label) => told.push(format!("+{label}")),
            _ => {}
        }
    }
    told
}

/// F60: typed, with the label, the codec and what to do next; what was put in comes back, and another
/// codec joins.
#[tokio::test(start_paused = true)]
async fn a_join_whose_track_is_not_taken_names_it_and_gives_it_back() {
    let (client, remote) = by_hand();
    let (_sender, track) = vp8();
    let joining = idle(&client).join(Join::new().publish_as("screen", &track));
    let dial = remote.dial().await;
    says(&dial, &[untaken("screen")]);
    dial.refuse(RefusedCode::TrackNotTaken);
    let error = joining.await.expect_err("it is not taken");
    assert_eq!((error.kind(), error.track()), (JoinErrorKind::TrackNotTaken, Some("screen")));
    assert_eq!(error.untaken(), [untaken("screen")]);
    assert_eq!((error.kind().who(), error.is_retryable()), (Who::User, false));
    assert_eq!(error.attempts().len(), 1, "trying again cannot help");
    let text = error.to_string();
    for word in ["screen", "Vp8", "publish it in a codec that it takes"] {
        assert!(text.contains(word), "{text}");
    }
    let (back, _) = error.into_parts();
    let joining = back.idle().expect("it was never joined").join(Join::new());
    remote.dial().await.accept();
    let session = joining.await.expect("without it");
    assert_eq!(session.untaken_tracks(), []);
}

/// F41, F60: told once, over every recovery, and taken again where a far side takes it.
#[tokio::test(start_paused = true)]
async fn a_track_that_is_not_taken_is_told_once_until_a_far_side_takes_it() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    let (_sender, track) = vp8();
    session.publish_as("screen", &track).expect("it can be published");
    tokio::time::sleep(SETTLED).await;
    says(&dial, &[untaken("screen"), untaken("never published")]);
    says(&dial, &[untaken("screen")]);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["-screen"]);
    assert_eq!(session.untaken_tracks(), [untaken("screen")]);

    dial.lose(Plane::Signaling, FaultKind::Closed);
    let resume = remote.dial().await;
    assert!(matches!(resume.plan(), Plan::Resume { .. }));
    resume.refuse_resume(ResumeRefusal::Gone);
    let rejoin = remote.dial().await;
    rejoin.accept();
    says(&rejoin, &[untaken("screen")]);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), [] as [&str; 0], "that is known");

    rejoin.lose(Plane::Signaling, FaultKind::Closed);
    let resume = remote.dial().await;
    resume.refuse_resume(ResumeRefusal::Gone);
    let other = remote.dial().await;
    other.accept();
    says(&other, &[]);
    // A link of before has nothing to say of this one.
    says(&rejoin, &[untaken("screen")]);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["+screen"]);
    assert_eq!(session.untaken_tracks(), []);
}

/// F60: one that is taken back is not missed; under the same name it is told of anew.
#[tokio::test(start_paused = true)]
async fn a_track_that_was_taken_back_is_told_anew_when_it_is_published_again() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    let (_sender, track) = vp8();
    for _ in 0..2 {
        session.publish_as("screen", &track).expect("it can be published");
        tokio::time::sleep(SETTLED).await;
        says(&dial, &[untaken("screen")]);
        tokio::time::sleep(SETTLED).await;
        assert_eq!(told(&mut events), ["-screen"]);
        session.unpublish("screen").expect("it is published");
        tokio::time::sleep(SETTLED).await;
        assert_eq!(session.untaken_tracks(), []);
        says(&dial, &[]);
        tokio::time::sleep(SETTLED).await;
        assert_eq!(told(&mut events), [] as [&str; 0]);
    }
}
