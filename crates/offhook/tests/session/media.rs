//! The user's own media: what is taken over stops with the session, what is borrowed does not
//! (R4, R17, F13, F60; D18, D19, A16, A17).
//!
//! The bugs named here: A16 ReviewStage/luke#12; A17 elevenlabs/packages#873; D19
//! openai/openai-realtime-console#510.

use crate::common::*;
use offhook::transport::RefusedCode;
use offhook::transport::media::{Codec, EncodedFrame, Kind, TrackSpec, local};
use offhook::{BadName, BadTrack, Join, JoinErrorKind, PublishError, Source};
use offhook_media::{Next, SourceError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source that counts how often it is read, and when it is dropped.
struct Counting {
    base: u64,
    n: u64,
    reads: Arc<AtomicU64>,
    alive: Arc<()>,
}

impl Counting {
    fn new(base: u64) -> (Self, Arc<AtomicU64>, Arc<()>) {
        let (reads, alive) = (Arc::new(AtomicU64::new(0)), Arc::new(()));
        (Self { base, n: 0, reads: reads.clone(), alive: alive.clone() }, reads, alive)
    }
}

impl Source for Counting {
    fn codec(&self) -> Codec {
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::from_millis(40 * self.n)
    }
    fn next_frame(&mut self, _key: bool) -> Result<Next, SourceError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _held = &self.alive;
        let frame = EncodedFrame { pts: self.next_due(), ..frame(self.base + self.n, true) };
        self.n += 1;
        Ok(Next::Frame(frame))
    }
}

/// D18 openai/openai-agents-js#1586, first half; D19, A16, A17: our own source stops, at once.
#[tokio::test(start_paused = true)]
async fn a_source_that_was_taken_over_is_not_read_after_leave_returned() {
    let (client, remote) = studio();
    let (source, reads, alive) = Counting::new(0);
    let session = joined_studio(&client, Join::new().publish(source)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(reads.load(Ordering::Relaxed) > 20);
    remote.frames();
    let leaving = session.leave();
    let at_leave = reads.load(Ordering::Relaxed);
    leaving.await.released().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(reads.load(Ordering::Relaxed), at_leave);
    assert!(remote.frames().is_empty(), "no packet of the user's after the leave");
    assert_eq!(Arc::strong_count(&alive), 1, "the source is dropped with the session");
}

/// D18, second half: a borrowed track is alive, unmuted, and published by the next session.
#[tokio::test(start_paused = true)]
async fn a_borrowed_track_is_never_stopped_and_the_next_session_can_publish_it() {
    let (client, remote) = studio();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "mine".into() });
    for round in 0..2 {
        let session = joined_studio(&client, Join::new().publish(&track)).await;
        let mut n = 0;
        let arrived = loop {
            sender.try_send(frame(n, true));
            n += 1;
            tokio::time::sleep(Duration::from_millis(40)).await;
            if let Some(published) = remote.frames().pop() {
                break published;
            }
            assert!(n < 100, "round {round}: nothing arrives");
        };
        assert!(number(&arrived.frame) < n);
        drop(session.mute(Kind::Video));
        assert!(!track.is_muted(), "muted for this session only");
        session.leave().await.released().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(!track.is_muted());
        assert_eq!(track.taps(), 0, "nobody listens any more");
    }
    let mut tap = track.tap();
    assert!(sender.try_send(frame(0, true)), "the user's own end still works");
    assert_eq!(tap.next().await.as_ref().map(number), Some(0));
}

/// A failed join gives the source back, and it was never read.
#[tokio::test(start_paused = true)]
async fn a_refused_join_gives_its_sources_back_unread() {
    let (client, remote) = by_hand();
    let (source, reads, alive) = Counting::new(0);
    let joining = idle(&client).join(Join::new().publish_as("cam", source));
    let dial = remote.dial().await;
    assert_eq!(dial.seen().publishes[0].label, "cam");
    dial.refuse(RefusedCode::NotPermitted);
    let (back, join) = joining.await.expect_err("refused").into_parts();
    assert_eq!((reads.load(Ordering::Relaxed), Arc::strong_count(&alive)), (0, 2));
    let joining = back.idle().expect("idle").join(join);
    let dial = remote.dial().await;
    assert_eq!(dial.seen().publishes[0].label, "cam");
    dial.accept();
    let session = joining.await.expect("accepted");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(reads.load(Ordering::Relaxed) > 10);
    drop(session);
}

/// R14: fail closed. Before the far side acked the desired state no frame leaves.
#[tokio::test(start_paused = true)]
async fn no_frame_leaves_before_the_initial_state_is_acked() {
    let (client, remote) = by_hand();
    let (source, _reads, _alive) = Counting::new(0);
    let joining = idle(&client).join(Join::new().prompt("sepia").publish(source));
    let dial = remote.dial().await;
    dial.answer();
    dial.up(dial.a_welcome());
    dial.carried(offhook::transport::Plane::Signaling);
    dial.carried(offhook::transport::Plane::Media);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(remote.frames().is_empty());
    dial.ack(dial.seen().revision);
    let session = joining.await.expect("accepted");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let frames = remote.frames();
    assert_eq!(frames.first().map(|published| number(&published.frame)), Some(0), "from its beginning");
    drop(session);
}

/// F60.
#[tokio::test(start_paused = true)]
async fn a_source_is_replaced_without_a_step_back_in_time() {
    let (client, remote) = studio();
    let (old, old_reads, _) = Counting::new(0);
    let (new, _, _) = Counting::new(1_000_000);
    let session = joined_studio(&client, Join::new().publish(old)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let given_back = session.replace("video", new).expect("published as video");
    assert!(given_back.is_some());
    let at_swap = old_reads.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(old_reads.load(Ordering::Relaxed), at_swap);
    let frames = remote.frames();
    assert!(frames.iter().any(|published| number(&published.frame) >= 1_000_000));
    assert!(frames.is_sorted_by_key(|published| published.frame.pts), "times never fall");
    assert!(matches!(session.replace("other", Counting::new(0).0), Err(PublishError::NoSuchTrack(_))));
    let source = session.unpublish("video").expect("published").expect("it was taken over");
    remote.frames();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(remote.frames().is_empty());
    drop(source);
}

/// F60: a mute is in effect on this side when the call returns, whatever the far side says.
#[tokio::test(start_paused = true)]
async fn a_mute_holds_at_once() {
    let (client, remote) = studio();
    let (source, _, _) = Counting::new(0);
    let session = joined_studio(&client, Join::new().publish(source)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(session.mute(Kind::Video));
    tokio::time::sleep(Duration::from_millis(50)).await;
    remote.frames();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(remote.frames().is_empty());
    session.unmute(Kind::Video).await.expect("acked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!remote.frames().is_empty());
}

/// Joined with a kind muted, nothing of it ever goes out.
#[tokio::test(start_paused = true)]
async fn a_join_that_is_muted_sends_nothing() {
    let (client, remote) = studio();
    let (source, _, _) = Counting::new(0);
    let session = joined_studio(&client, Join::new().muted(Kind::Video).publish(source)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(remote.frames().is_empty());
    drop(session);
}

/// F60: a label that no wire can carry, and one track too many, are refused where they are asked for, on a
/// transport that would take them as well.
#[tokio::test(start_paused = true)]
async fn a_track_that_no_session_can_have_is_refused_before_it_goes_anywhere() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let long = "x".repeat(129);
    let bad = [
        ("", BadName::Empty),
        ("a\nb", BadName::Control { at: 1 }),
        (&*long, BadName::TooLong { limit: TrackSpec::LABEL }),
    ];
    for (label, why) in bad {
        let refused = session.publish_as(label, Counting::new(0).0).expect_err("no label");
        assert!(
            matches!(&refused, PublishError::BadLabel { label: of, why: is } if of == label && *is == why)
        );
        let before = remote.log().len();
        let error = idle(&client).join(Join::new().publish_as(label, Counting::new(0).0)).await;
        let error = error.expect_err("no label");
        assert_eq!(error.kind(), JoinErrorKind::BadTrack(BadTrack::Label));
        assert_eq!(error.track(), Some(label));
        assert_eq!(remote.log().len(), before, "nothing was dialled");
        let (back, join) = error.into_parts();
        assert!(back.idle().is_some() && format!("{join:?}").contains("publish"), "all of it comes back");
    }
    for n in 0..TrackSpec::MOST {
        session.publish_as(format!("track-{n}"), Counting::new(0).0).expect("there is room");
    }
    let refused = session.publish(Counting::new(0).0).expect_err("too many");
    assert!(matches!(refused, PublishError::TooMany { limit: TrackSpec::MOST }), "{refused:?}");
    drop(session.unpublish("track-0").expect("it is there"));
    session.publish_as("x".repeat(TrackSpec::LABEL), Counting::new(0).0).expect("there is room again");
    session.set_prompt("sepia").await.expect("it is as joined as before");
    drop(session.leave());
}
