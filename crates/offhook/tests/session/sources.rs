//! What comes of a track whose source is over or broke, and of the voice when its track goes or is fed by
//! something else (F54, F60, F61).

use crate::common::*;
use offhook::mock::Remote;
use offhook::transport::media::{Codec, EncodedFrame, TrackSpec, local};
use offhook::{Event, Events, Join, PlayError, Played, PublishError, Sound, Source};
use offhook_media::{Next, SourceError};
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
