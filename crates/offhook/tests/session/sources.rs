//! What comes of a track whose source is over or broke, and of the voice when its track goes or is fed by
//! something else (F54, F60, F61).

use crate::common::*;
use offhook::mock::Remote;
use offhook::transport::media::{Codec, EncodedFrame, TrackSpec, local};
use offhook::{Event, Events, Join, PlayError, Played, PublishError, Sound, Source};
use offhook_media::{Next, SourceError};
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// So many pictures from this number on, and then its end, or its failure.
struct Short {
    next: u64,
    left: u64,
    breaks: bool,
}

impl Short {
    fn new(from: u64) -> Self {
        Self { next: from, left: 5, breaks: false }
    }
}

impl Source for Short {
    fn codec(&self) -> Codec {
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::from_millis(40 * self.next)
    }
    fn next_frame(&mut self, _key: bool) -> Result<Next, SourceError> {
        if self.left == 0 {
            return if self.breaks { Err(SourceError::Device("unplugged".into())) } else { Ok(Next::Over) };
        }
        let frame = EncodedFrame { pts: self.next_due(), ..frame(self.next, true) };
        (self.next, self.left) = (self.next + 1, self.left - 1);
        Ok(Next::Frame(frame))
    }
}

/// The end of what is published as `camera`.
async fn ended(events: &mut Events) -> Option<String> {
    event(events, |event| match event {
        Event::SourceEnded { label, error } => {
            assert_eq!(label, "camera");
            Some(error.clone())
        }
        _ => None,
    })
    .await
}

fn numbers(remote: &Remote) -> Vec<u64> {
    remote.frames().iter().map(|published| number(&published.frame)).collect()
}

/// F60, F61: told once with its cause, and the track goes on with the next source, also the third.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_over_or_broke_is_told_and_another_takes_its_place() {
    let (client, remote) = studio();
    let broken = Short { breaks: true, ..Short::new(0) };
    let session = joined_studio(&client, Join::new().publish_as("camera", broken)).await;
    let mut events = session.events();
    let error = ended(&mut events).await.expect("it broke");
    assert!(error.contains("unplugged") && error.contains("open it again"), "{error}");
    let broken = session.replace("camera", Short::new(100)).expect("it is published still");
    assert!(broken.is_some(), "the old one comes back");
    assert_eq!(ended(&mut events).await, None, "over, and nothing broke");
    session.replace("camera", Short::new(200)).expect("it is published still");
    assert_eq!(ended(&mut events).await, None);
    let seen: Vec<_> = numbers(&remote);
    assert!(
        seen.iter().any(|n| (100..105).contains(n)) && seen.ends_with(&[200, 201, 202, 203, 204]),
        "{seen:?}"
    );
    let again = tokio::time::timeout(Duration::from_secs(60), ended(&mut events)).await;
    assert!(again.is_err(), "told once: {again:?}");
    // Left while nothing feeds the track, nothing of it stays.
    session.leave().await.released().await;
}

/// F60: what was unpublished is no news, and cannot be replaced; and says so by its name.
#[tokio::test(start_paused = true)]
async fn the_end_of_what_was_unpublished_is_not_told() {
    let (client, _remote) = studio();
    let session = joined_studio(&client, Join::new().publish_as("camera", Short::new(0))).await;
    let mut events = session.events();
    session.unpublish("camera").expect("it is published").expect("the source comes back");
    let told = tokio::time::timeout(Duration::from_secs(60), ended(&mut events)).await;
    assert!(told.is_err(), "{told:?}");
    let refused = session.replace("camera", Short::new(0)).err().expect("it is gone");
    assert!(matches!(&refused, PublishError::NoSuchTrack(label) if label == "camera"), "{refused}");
}

/// F60: a borrowed track whose owner let it go is told as well.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_borrowed_track_is_told() {
    let (client, _remote) = studio();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "mine".into() });
    let session = joined_studio(&client, Join::new().publish_as("camera", &track)).await;
    let mut events = session.events();
    sender.try_send(frame(0, true));
    drop(sender);
    assert_eq!(ended(&mut events).await, None);
    session.unpublish("camera").expect("it is listed until then");
}

fn second() -> Sound {
    Sound::from_samples(&[0.5; 48_000], 48_000, 1).expect("it can be encoded")
}

/// F54: what is being played ends, and what is played next has nowhere to play.
#[tokio::test(start_paused = true)]
async fn without_its_voice_a_session_plays_nothing_and_says_so() {
    let (client, _remote) = studio();
    for unpublishes in [true, false] {
        let session = joined_studio(&client, Join::new().voice()).await;
        let playing = session.play_audio(second()).expect("it has a voice");
        if unpublishes {
            session.unpublish("voice").expect("it is published");
        } else {
            let (other, _player) = offhook_media::voice();
            session.replace("voice", other).expect("of the same codec");
        }
        let played = tokio::time::timeout(Duration::from_secs(5), playing).await.expect("it ends");
        assert_eq!(played, Played::Ended);
        let refused = session.play_audio(second()).expect_err("no voice");
        assert_eq!(refused, PlayError::NoVoice);
        assert!(refused.to_string().contains("Join::voice()"), "the next step: {refused}");
        assert!(!session.stop_audio());
    }
    let (other, _player) = offhook_media::voice();
    let session = joined_studio(&client, Join::new().voice().publish_as("voice", other)).await;
    assert_eq!(session.play_audio(second()).expect_err("replaced in the join"), PlayError::NoVoice);
}

/// F60: another track under a name that is free again is another track, however soon.
#[tokio::test(start_paused = true)]
async fn a_label_that_is_free_again_is_had_by_the_next_track_at_once() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().publish_as("camera", Short::new(0))).await;
    let mut events = session.events();
    for from in [100, 200] {
        session.unpublish("camera").expect("it is published");
        session.publish_as("camera", Short::new(from)).expect("its label is free");
        assert_eq!(ended(&mut events).await, None);
        let seen = numbers(&remote);
        assert!(seen.ends_with(&[from + 3, from + 4]), "from {from}: {seen:?}");
    }
}

/// Pictures without an end, from this number on, at 25 a second of its own time; it may panic at one of them.
struct Endless {
    next: u64,
    from: u64,
    panics_at: Option<u64>,
}

impl Endless {
    fn new(from: u64) -> Self {
        Self { next: 0, from, panics_at: None }
    }
}

impl Source for Endless {
    fn codec(&self) -> Codec {
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::from_millis(40 * self.next)
    }
    #[allow(clippy::panic_in_result_fn, reason = "a source with a bug is what this one is")]
    fn next_frame(&mut self, _key: bool) -> Result<Next, SourceError> {
        assert_ne!(Some(self.next), self.panics_at, "broken on purpose");
        let frame = EncodedFrame { pts: self.next_due(), ..frame(self.from + self.next, true) };
        self.next += 1;
        Ok(Next::Frame(frame))
    }
}

/// F60: a source that played for a minute elsewhere goes on at once in the place of one that is younger, and
/// the track's times go on evenly.
#[tokio::test(start_paused = true)]
async fn a_source_with_a_past_takes_a_place_at_once() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().publish_as("camera", Endless::new(0))).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let old = session.unpublish("camera").expect("it is published").expect("it comes back");
    session.publish_as("screen", Endless::new(1_000_000)).expect("there is room");
    tokio::time::sleep(Duration::from_secs(5)).await;
    remote.frames();
    session.replace("screen", old).expect("of the same codec");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = remote.frames();
    assert!(seen.len() >= 45, "{} pictures in two seconds", seen.len());
    assert!(seen[2..].iter().all(|one| (1_400..2_000).contains(&number(&one.frame))), "they are its own");
    let step = Duration::from_millis(40);
    assert!(seen.windows(2).all(|two| two[1].frame.pts == two[0].frame.pts + step), "no jump in time");
}

/// F60, R17, F58: whoever owns the track is told that nobody has a use for it; and its end is not that of the
/// track that has the label by then.
#[tokio::test(start_paused = true)]
async fn a_borrowed_track_that_is_unpublished_is_let_go_of() {
    let (client, _remote) = studio();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "mine".into() });
    let session = joined_studio(&client, Join::new()).await;
    for round in 0..3 {
        session.publish_as("camera", &track).expect("its label is free");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(track.taps(), 1, "round {round}");
        session.unpublish("camera").expect("it is published");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!((track.taps(), sender.is_tapped()), (0, false), "round {round}");
    }
    session.publish_as("camera", &track).expect("its label is free");
    session.unpublish("camera").expect("also before anything runs");
    session.publish_as("camera", Endless::new(0)).expect("its label is free");
    let mut events = session.events();
    drop((sender, track));
    let told = tokio::time::timeout(Duration::from_secs(60), ended(&mut events)).await;
    assert!(told.is_err(), "another track has the label: {told:?}");
}

/// F60: what fed a track that is not published any more is gone, however often.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_unpublished_leaves_no_task_behind() {
    let (client, _remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = tasks();
    for _ in 0..20 {
        session.publish_as("camera", Endless::new(0)).expect("its label is free");
        tokio::time::sleep(Duration::from_millis(500)).await;
        session.unpublish("camera").expect("it is published");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(tasks(), before);
}

/// F60, F61: told as any other failure, and the next source has its place.
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_told_and_another_takes_its_place() {
    let (client, remote) = studio();
    let broken = Endless { panics_at: Some(10), ..Endless::new(0) };
    let session = joined_studio(&client, Join::new().publish_as("camera", broken)).await;
    let mut events = session.events();
    let error = ended(&mut events).await.expect("it broke");
    assert!(error.contains("panicked") && error.contains("in its place"), "{error}");
    session
        .replace("camera", Endless::new(500))
        .expect("it is published still")
        .expect("the old one comes back");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(numbers(&remote).iter().filter(|n| **n >= 500).count() >= 20, "the track goes on");
    session.leave().await.released().await;
}

/// F60: a borrowed track has no source to replace, and the refusal says what to do.
#[tokio::test(start_paused = true)]
async fn what_is_borrowed_is_not_replaced_and_the_refusal_says_so() {
    let (client, _remote) = studio();
    let (_sender, track) = local(TrackSpec { codec: Codec::H264, label: "mine".into() });
    let session = joined_studio(&client, Join::new().publish_as("camera", &track)).await;
    let refused = session.replace("camera", Endless::new(0)).err().expect("it is borrowed");
    assert!(matches!(&refused, PublishError::IsBorrowed(label) if label == "camera"), "{refused:?}");
    assert!(refused.to_string().contains("unpublish it, and publish the source"), "{refused}");
    let refused = session.replace("screen", Endless::new(0)).err().expect("there is none");
    assert!(matches!(&refused, PublishError::NoSuchTrack(label) if label == "screen"), "{refused:?}");
}

/// F60: a label that nobody chose is never one that somebody else has.
#[test]
fn two_that_publish_at_once_have_two_labels() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (client, _remote) = studio();
    let session = runtime.block_on(joined_studio(&client, Join::new()));
    for _ in 0..50 {
        let start = Barrier::new(2);
        let publish = || {
            start.wait();
            session.publish(Endless::new(0)).expect("there is room")
        };
        let labels = std::thread::scope(|threads| {
            let (one, two) = (threads.spawn(publish), threads.spawn(publish));
            [one.join().expect("no panic"), two.join().expect("no panic")]
        });
        let mut sorted = labels.clone();
        sorted.sort();
        assert_eq!(sorted, ["video", "video-2"]);
        labels.iter().for_each(|label| drop(session.unpublish(label).expect("it is published")));
        // The host takes the commands in.
        runtime.block_on(async {
            for _ in 0..64 {
                tokio::task::yield_now().await;
            }
        });
    }
    runtime.block_on(async { session.leave().await.released().await });
}

/// A source that is asked for its codec and does not answer before it may.
struct Slow(Arc<Barrier>);

impl Source for Slow {
    fn codec(&self) -> Codec {
        self.0.wait();
        self.0.wait();
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::ZERO
    }
    fn next_frame(&mut self, _key: bool) -> Result<Next, SourceError> {
        Ok(Next::Nothing)
    }
}

/// F60, R17: what is published while the session ends is refused, and kept by nobody.
#[test]
fn what_is_published_while_the_session_ends_is_refused_and_not_kept() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (client, remote) = studio();
    let session = runtime.block_on(joined_studio(&client, Join::new()));
    let may = Arc::new(Barrier::new(2));
    std::thread::scope(|threads| {
        let publishing = threads.spawn(|| session.publish_as("camera", Slow(may.clone())));
        // It was let in, and has not come to the list yet.
        may.wait();
        remote.end(offhook::transport::EndCode::Closed);
        runtime.block_on(async {
            until(&mut session.states(), offhook::CallingState::Left).await;
            nothing_left(&remote, 0).await;
        });
        may.wait();
        let refused = publishing.join().expect("no panic").expect_err("it is over");
        assert!(matches!(refused, PublishError::Ended { .. }), "{refused}");
    });
    assert_eq!(Arc::strong_count(&may), 1, "with the session still held");
    drop(session);
}
