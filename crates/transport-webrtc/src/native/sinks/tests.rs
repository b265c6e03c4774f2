//! Which link's frames the application sees, and which of them (R13).

use super::*;
use futures_util::FutureExt;
use offhook_transport::media::{Codec, Remote, TrackReceiver};
use std::time::Duration;

fn frame(number: u8, key: bool) -> EncodedFrame {
    let data = bytes::Bytes::copy_from_slice(&[number]);
    EncodedFrame { codec: Codec::H264, data, pts: Duration::from_millis(number.into()), key }
}

fn seen(video: &mut TrackReceiver) -> Vec<u8> {
    std::iter::from_fn(|| video.next().now_or_never().flatten()).map(|frame| frame.data[0]).collect()
}

fn sinks(remote: &Remote, epoch: u32) -> Sinks {
    let sinks = Sinks::default();
    sinks.add(Epoch(epoch), remote.sink(Epoch(epoch)));
    sinks
}

/// R13: one switch, on a key frame that was there before, and no frame twice.
#[test]
fn a_move_begins_with_the_picture_that_is_held() {
    let remote = Remote::new();
    let mut video = remote.receiver(Kind::Video);
    let (old, new) = (sinks(&remote, 1), sinks(&remote, 2));
    remote.switch_to(Epoch(1));
    old.push("0", &frame(1, true));
    new.push("0", &frame(50, false));
    assert!(!new.has_picture(), "nothing begins with half a picture");
    for number in [51, 52] {
        new.push("0", &frame(number, number == 51));
        old.push("0", &frame(number - 49, false));
    }
    assert!(new.has_picture());
    remote.switch_to(Epoch(2));
    new.push("0", &frame(53, false));
    old.push("0", &frame(4, false));
    new.push("0", &frame(54, false));
    assert_eq!(seen(&mut video), [1, 2, 3, 51, 52, 53, 54]);
    assert!(!new.has_picture());
}

/// R14: a picture from before a mute is shown at the switch, and not when the mute is over.
#[test]
fn what_is_held_is_shown_at_the_switch_though_nothing_comes_after_it() {
    let remote = Remote::new();
    let mut video = remote.receiver(Kind::Video);
    let (old, new) = (sinks(&remote, 1), sinks(&remote, 2));
    remote.switch_to(Epoch(1));
    old.push("0", &frame(1, true));
    new.push("0", &frame(50, true));
    new.settle();
    assert_eq!(seen(&mut video), [1], "it is not chosen yet");
    remote.switch_to(Epoch(2));
    new.settle();
    assert_eq!(seen(&mut video), [50]);
    new.push("0", &frame(51, true));
    assert_eq!(seen(&mut video), [51]);
}

/// F30: links that share a peer share its frames; none is held while one of them takes it.
#[test]
fn a_resume_gets_each_frame_once() {
    let remote = Remote::new();
    let mut video = remote.receiver(Kind::Video);
    let shared = sinks(&remote, 1);
    remote.switch_to(Epoch(1));
    shared.push("0", &frame(1, true));
    shared.add(Epoch(2), remote.sink(Epoch(2)));
    shared.push("0", &frame(2, false));
    assert!(!shared.has_picture());
    remote.switch_to(Epoch(2));
    shared.push("0", &frame(3, false));
    shared.push("0", &frame(4, true));
    shared.remove(Epoch(1));
    shared.push("0", &frame(5, false));
    assert_eq!(seen(&mut video), [1, 2, 3, 4, 5]);
}

/// R16.
#[test]
fn what_is_held_is_bounded() {
    let remote = Remote::new();
    remote.switch_to(Epoch(1));
    let new = sinks(&remote, 2);
    new.push("0", &frame(0, true));
    for number in 0..200 {
        new.push("0", &frame(number, false));
    }
    assert!(!new.has_picture(), "too old to begin with");
    let large = EncodedFrame { data: vec![0; HELD_BYTES / 2 + 1].into(), ..frame(1, true) };
    new.push("0", &large);
    new.push("0", &EncodedFrame { key: false, ..large });
    let bytes: usize = new.lock().held.values().map(|held| held.bytes).sum();
    assert!(bytes <= HELD_BYTES);
}

fn camera(of: &str) -> TrackId {
    TrackId::new(of, "camera")
}

fn routes<const N: usize>(sections: [(&str, &str); N]) -> HashMap<String, Route> {
    sections.map(|(mid, of)| (mid.to_owned(), Route::Track(camera(of)))).into()
}

/// F62: frames go to whose they are, and those that overtook the answer wait for it.
#[test]
fn frames_that_are_faster_than_the_answer_that_names_them_wait_for_it() {
    let remote = Remote::new();
    remote.switch_to(Epoch(1));
    let (mut own, mut ada) = (remote.receiver(Kind::Video), remote.track(&camera("ada"), Kind::Video));
    let room = sinks(&remote, 1);
    room.forwards();
    room.push("0", &frame(1, true));
    room.push("0", &frame(2, false));
    assert_eq!((seen(&mut own), seen(&mut ada)), (vec![], vec![]), "nobody's yet");
    room.route(routes([("0", "ada")]));
    room.push("0", &frame(3, false));
    assert_eq!((seen(&mut own), seen(&mut ada)), (vec![], vec![1, 2, 3]));
}

/// F62: a section that is used again brings nothing of whose it was before.
#[test]
fn a_section_that_is_used_again_brings_nothing_of_before() {
    let remote = Remote::new();
    remote.switch_to(Epoch(1));
    let (mut ada, mut bob) =
        (remote.track(&camera("ada"), Kind::Video), remote.track(&camera("bob"), Kind::Video));
    let room = sinks(&remote, 1);
    room.route(routes([("0", "ada")]));
    assert_eq!(room.mid_of(&camera("ada")).as_deref(), Some("0"));
    room.push("0", &frame(1, true));
    room.keep("ada", &[]);
    room.push("0", &frame(2, false));
    room.route(routes([("0", "bob")]));
    room.push("0", &frame(3, false));
    room.push("0", &frame(4, true));
    assert_eq!((seen(&mut ada), seen(&mut bob)), (vec![1], vec![4]));
    // And what was held for one is not handed to another.
    let moved = sinks(&remote, 2);
    moved.route(routes([("0", "ada")]));
    moved.push("0", &frame(50, true));
    moved.route(routes([("0", "bob")]));
    remote.switch_to(Epoch(2));
    moved.settle();
    assert_eq!((seen(&mut ada), seen(&mut bob)), (vec![], vec![]));
}
