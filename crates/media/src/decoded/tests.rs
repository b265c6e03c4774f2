//! Facts about a received track as pictures.

use super::*;
use crate::clip::Clip;
use bytes::Bytes;
use offhook_transport::Epoch;
use offhook_transport::media::{Codec, EncodedFrame, Kind, Remote, RemoteSink};

fn clip() -> Vec<EncodedFrame> {
    let bytes = Bytes::from_static(include_bytes!("../../assets/bunny-640x360-25fps.h264"));
    Clip::from_bytes("clip", bytes).unwrap().frames().cloned().collect()
}

fn link() -> (Remote, RemoteSink, DecodedFrames) {
    let remote = Remote::new();
    let epoch = Epoch(1);
    remote.switch_to(epoch);
    let frames = remote.receiver(Kind::Video).decoded();
    (remote.clone(), remote.sink(epoch), frames)
}

/// Was a key frame asked for since the last call?
fn asked(sink: &mut RemoteSink) -> bool {
    sink.poll_key_frame_wanted(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
}

#[tokio::test]
async fn pictures_come_in_order_with_their_times_and_end_with_the_session() {
    let (remote, sink, mut frames) = link();
    for frame in &clip()[..10] {
        assert!(sink.push(frame));
    }
    remote.close();
    for number in 0..10u32 {
        let decoded = frames.next().await.unwrap();
        assert_eq!(decoded.pts, Duration::from_millis(40) * number);
        assert_eq!((decoded.picture.width(), decoded.picture.height()), (640, 360));
        assert_eq!(decoded.key, number == 0);
    }
    assert_eq!(frames.next().await, None);
    assert_eq!((frames.undecodable(), frames.last_error().is_none()), (0, true));
}

#[tokio::test]
async fn taking_some_pictures_ends_after_that_many_and_gives_the_track_back() {
    let (_remote, sink, frames) = link();
    for frame in &clip()[..5] {
        sink.push(frame);
    }
    let mut three = frames.take(3);
    let mut seen = 0;
    while three.next().await.is_some() {
        seen += 1;
    }
    assert_eq!(seen, 3);
    assert_eq!(three.into_inner().next().await.unwrap().pts, Duration::from_millis(120));
}

#[tokio::test]
async fn after_damage_a_key_frame_is_asked_for_and_pictures_go_on_from_it() {
    let (_remote, mut sink, mut frames) = link();
    let clip = clip();
    sink.push(&clip[0]);
    assert!(frames.next().await.unwrap().key);
    while asked(&mut sink) {}
    // A reserved slice type: damaged beyond concealment.
    let damaged =
        EncodedFrame { data: Bytes::from_static(&[0, 0, 0, 1, 0x41, 0xff, 0xff, 0xff]), ..clip[1].clone() };
    sink.push(&damaged);
    for frame in &clip[2..5] {
        sink.push(frame);
    }
    sink.push(&clip[50]);
    let next = frames.next().await.unwrap();
    assert_eq!((next.pts, next.key), (Duration::from_secs(2), true));
    assert_eq!(frames.undecodable(), 4);
    assert!(matches!(frames.last_error(), Some(DecodeError::NeedsKeyFrame)));
    assert!(asked(&mut sink), "the far side was asked");
    assert!(!asked(&mut sink), "once, not for every frame that was passed over");
}

#[tokio::test]
async fn another_codec_is_counted_and_never_asked_about() {
    let (remote, mut sink, mut frames) = link();
    let vp8 =
        EncodedFrame { codec: Codec::Vp8, data: Bytes::from_static(&[0]), pts: Duration::ZERO, key: true };
    sink.push(&vp8);
    // The receiver itself asks when it is made; what counts is what comes after.
    while asked(&mut sink) {}
    remote.close();
    assert_eq!(frames.next().await, None);
    assert_eq!(frames.undecodable(), 1);
    assert!(matches!(frames.last_error(), Some(DecodeError::OtherCodec(Codec::Vp8))));
    assert!(!asked(&mut sink));
}
