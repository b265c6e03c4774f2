//! What becomes of a track whose source gives no more, and of a voice whose track is taken away
//! (F54, F60, F61).

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::{Codec, EncodedFrame};
use offhook::{
    DeviceError, Event, Join, Kind, Lack, PlayError, Played, PublishError, Sound, Source, SourceEnd,
    SourceError,
};
use offhook_media::Next;
use std::error::Error;
use std::time::Duration;

/// What becomes of a [`Short`] source after its last frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Fails,
    IsOver,
}

/// A key frame first and when asked for, 25 frames a second, so many of them.
struct Short {
    base: u64,
    n: u64,
    frames: u64,
    then: Then,
}

impl Short {
    fn new(base: u64, frames: u64, then: Then) -> Self {
        Self { base, n: 0, frames, then }
    }
}

impl Source for Short {
    fn codec(&self) -> Codec {
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::from_millis(40 * self.n)
    }
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        if self.n == self.frames {
            return match self.then {
                Then::IsOver => Ok(Next::Over),
                Then::Fails => Err(SourceError::Device(Box::new(DeviceError::new(
                    "the camera",
                    Lack::Absent,
                    "unplugged",
                )))),
            };
        }
        let frame = EncodedFrame { pts: self.next_due(), ..frame(self.base + self.n, key || self.n == 0) };
        self.n += 1;
        Ok(Next::Frame(frame))
    }
}

async fn ended(events: &mut (impl StreamExt<Item = Event> + Unpin)) -> (String, SourceEnd) {
    event(events, |event| match event {
        Event::SourceEnded { label, why } => Some((label.clone(), why.clone())),
        _ => None,
    })
    .await
}

/// F60, F61: whatever became of a source, another is put to work in its place: a key frame first, and times
/// that go on by as much as nothing came. Listeners are told once of each.
#[tokio::test(start_paused = true)]
async fn a_source_that_failed_or_is_over_is_told_of_and_replaced() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().publish(Short::new(0, 20, Then::Fails))).await;
    let mut events = session.events();
    let (label, why) = ended(&mut events).await;
    let SourceEnd::Failed(error) = why else { panic!("it failed, and is not {why:?}") };
    assert_eq!(label, "video");
    let device = error.source().and_then(|device| device.downcast_ref::<DeviceError>()).expect("of a device");
    assert_eq!((device.device(), device.lack()), ("the camera", Lack::Absent));
    let mut last = remote.frames().last().expect("it has played").frame.pts;

    for (round, then) in [(1, Then::IsOver), (2, Then::Fails), (3, Then::IsOver)] {
        let resting = Duration::from_secs(10);
        tokio::time::sleep(resting).await;
        assert!(remote.frames().is_empty(), "there is nothing to be sent");
        assert!(
            events
                .next()
                .now_or_never()
                .is_none_or(|event| !matches!(event, Some(Event::SourceEnded { .. })))
        );
        let base = 1_000 * round;
        let old = session.replace("video", Short::new(base, 20, then)).expect("it is published");
        assert!(old.is_some(), "the spent one comes back");
        let (label, why) = ended(&mut events).await;
        assert_eq!((label.as_str(), matches!(why, SourceEnd::Over)), ("video", then == Then::IsOver));
        let frames = remote.frames();
        let numbers: Vec<u64> = frames.iter().map(|sent| number(&sent.frame)).collect();
        assert_eq!(numbers, (base..base + 20).collect::<Vec<_>>(), "every frame of the new one, in order");
        let first = &frames[0].frame;
        assert!(first.key, "nothing before it can be decoded over there");
        let step = first.pts.saturating_sub(last);
        assert!(step >= resting && step < resting * 2, "{step:?}");
        assert!(frames.is_sorted_by_key(|sent| sent.frame.pts));
        last = frames[19].frame.pts;
    }
    // It can be taken back as well.
    let back = session.unpublish("video").expect("it is published").expect("it was taken over");
    assert_eq!(back.codec(), Codec::H264);
    drop(session.leave());
}

/// F60: what was replaced before it came to its end is not told of; nor is what was taken away.
#[tokio::test(start_paused = true)]
async fn a_source_that_was_taken_away_before_its_end_is_not_told_of() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().publish(Short::new(0, 20, Then::Fails))).await;
    let mut events = session.events();
    tokio::time::sleep(Duration::from_millis(200)).await;
    session.replace("video", Short::new(1_000, u64::MAX, Then::IsOver)).expect("it is published");
    session.publish_as("other", Short::new(2_000, 1_000, Then::Fails)).expect("there is room");
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(session.unpublish("other").expect("it is published"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let gone = session.replace("other", Short::new(0, 1, Then::IsOver)).err().expect("it was unpublished");
    assert!(matches!(gone, PublishError::NoSuchTrack(label) if label == "other"));
    assert!(number(&remote.frames().last().expect("it plays").frame) >= 1_000);
    drop(session.leave());
    let told = all(&mut events).await;
    assert!(!told.iter().any(|event| matches!(event, Event::SourceEnded { .. })), "{told:?}");
}

/// R3, R4: a spent source keeps nothing alive, and nothing is told after the end.
#[tokio::test(start_paused = true)]
async fn a_session_whose_source_is_spent_ends_as_any_other() {
    let (client, remote) = studio();
    let before = tasks();
    let session = joined_studio(&client, Join::new().publish(Short::new(0, 20, Then::Fails))).await;
    let mut events = session.events();
    ended(&mut events).await;
    session.leave().await.released().await;
    assert!(matches!(all(events).await.last(), Some(Event::Ended(_))));
    client.shutdown().await;
    nothing_left(&remote, before).await;
}

/// What a voice plays ends with its track.
fn tone() -> Sound {
    Sound::from_samples(&vec![0.25; 48_000 * 5], 48_000, 1).expect("it can be encoded")
}

/// F54: whoever takes the voice away ends what is played, and nothing is played into what is not there.
#[tokio::test(start_paused = true)]
async fn a_voice_that_was_taken_away_plays_nothing_more() {
    for replaced in [false, true] {
        let (client, _remote) = studio();
        let session = joined_studio(&client, Join::new().voice()).await;
        let mut playing = session.play_audio(tone()).expect("it has a voice");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!((&mut playing).now_or_never().is_none(), "it sounds");
        // What is refused takes nothing away.
        let refused = session.replace("voice", Short::new(0, 1, Then::IsOver)).err().expect("it is video");
        assert!(matches!(refused, PublishError::OtherCodec));
        assert!((&mut playing).now_or_never().is_none(), "it sounds still");
        let back = if replaced {
            session.replace("voice", offhook_media::voice().0).expect("it is sound")
        } else {
            session.unpublish("voice").expect("it is published")
        };
        assert_eq!(playing.now_or_never(), Some(Played::Ended), "with what it was played into");
        assert!(back.is_some(), "kept, which keeps nothing playing");
        assert_eq!(session.play_audio(tone()).expect_err("there is none"), PlayError::NoVoice);
        assert!(!session.stop_audio());
        // Another track of that name is no voice.
        if !replaced {
            session.publish_as("voice", offhook_media::voice().0).expect("the label is free");
            assert_eq!(session.play_audio(tone()).expect_err("there is none"), PlayError::NoVoice);
        }
        drop(session.mute(Kind::Audio));
        drop(session.leave());
    }
}
