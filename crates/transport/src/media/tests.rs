//! The facts of the media handles.

use super::*;
use crate::Epoch;
use futures_util::FutureExt;

fn frame(n: u8, key: bool) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, data: Bytes::from(vec![n]), pts: Duration::from_millis(n.into()), key }
}

fn video(label: &str) -> (TrackSender, LocalTrack) {
    local(TrackSpec { codec: Codec::H264, label: label.into() })
}

#[test]
fn a_closed_gate_never_opens_again() {
    let gate = Gate::new();
    assert_eq!(gate.pass(|| 1), None, "a fresh gate is muted");
    gate.open();
    assert_eq!(gate.pass(|| 1), Some(1));
    gate.close();
    gate.open();
    assert_eq!(gate.pass(|| 1), None);
}

#[test]
fn a_tap_starts_at_a_key_frame_and_asks_for_it() {
    let (sender, track) = video("camera");
    assert!(!sender.try_send(frame(0, true)), "nobody takes it");
    let mut tap = track.tap();
    assert!(sender.key_frame_wanted());
    assert!(!sender.try_send(frame(1, false)));
    assert!(sender.try_send(frame(2, true)));
    assert_eq!(tap.next().now_or_never().flatten(), Some(frame(2, true)));
    assert_eq!(sender.dropped(), 1);
}

#[test]
fn a_slow_tap_loses_whole_groups_and_asks_for_a_key_frame() {
    let (sender, track) = video("camera");
    let mut tap = track.tap();
    sender.try_send(frame(0, true));
    for n in 1..=64 {
        sender.try_send(frame(n, false));
    }
    assert!(tap.next().now_or_never().is_none(), "the group was dropped whole");
    assert!(sender.key_frame_wanted());
    assert!(!sender.try_send(frame(65, false)));
    assert!(sender.try_send(frame(66, true)));
    assert_eq!(tap.next().now_or_never().flatten(), Some(frame(66, true)));
    assert_eq!(tap.dropped(), 66);
}

#[test]
fn one_track_feeds_two_connections_and_ends_both() {
    let (sender, track) = video("camera");
    let (mut old, mut new) = (track.tap(), track.tap());
    sender.try_send(frame(1, true));
    assert!(old.next().now_or_never().flatten().is_some());
    assert!(new.next().now_or_never().flatten().is_some());
    drop(old);
    assert_eq!(track.taps(), 1);
    drop(sender);
    assert_eq!(new.next().now_or_never(), Some(None));
    assert_eq!(track.tap().next().now_or_never(), Some(None), "a tap of an ended track is dry");
}

/// R19: of a source that does not keep to what it said nothing goes out that nobody could read.
#[test]
fn a_frame_of_another_codec_is_dropped_and_the_track_goes_on_with_a_key_frame() {
    let (sender, track) = video("camera");
    let mut tap = track.tap();
    assert!(sender.try_send(frame(0, true)));
    assert!(sender.key_frame_wanted(), "as every tap begins");
    for codec in [Codec::Vp8, Codec::Opus] {
        assert!(!sender.try_send(EncodedFrame { codec, ..frame(1, true) }));
    }
    assert_eq!(sender.dropped(), 2);
    assert!(sender.key_frame_wanted());
    assert!(!sender.try_send(frame(2, false)), "it may need what is missing");
    assert!(sender.try_send(frame(3, true)));
    let got: Vec<_> = std::iter::from_fn(|| tap.next().now_or_never().flatten()).collect();
    assert_eq!(got, [frame(0, true), frame(3, true)]);
}

#[test]
fn a_muted_track_sends_nothing_and_comes_back_with_a_key_frame() {
    let (sender, track) = video("camera");
    let mut tap = track.tap();
    track.set_muted(true);
    assert!(!sender.try_send(frame(1, true)));
    track.set_muted(false);
    assert!(sender.key_frame_wanted());
    assert!(!sender.try_send(frame(2, false)));
    assert!(sender.try_send(frame(3, true)));
    assert_eq!(tap.next().now_or_never().flatten(), Some(frame(3, true)));
}

// F41, R13
#[test]
fn the_receiver_switches_links_at_a_key_frame_and_drops_the_old() {
    let remote = Remote::new();
    let mut receiver = remote.receiver(Kind::Video);
    let (old, new) = (remote.sink(Epoch(1)), remote.sink(Epoch(2)));
    remote.switch_to(Epoch(1));
    assert!(old.push(&frame(1, true)));
    remote.switch_to(Epoch(2));
    assert!(!new.push(&frame(20, false)), "not decodable yet");
    assert!(old.push(&frame(2, false)), "the old link still carries");
    assert!(new.push(&frame(21, true)));
    assert!(!old.push(&frame(3, false)), "nothing of the old follows the new");
    let got: Vec<u8> =
        std::iter::from_fn(|| receiver.next().now_or_never().flatten().map(|f| f.data[0])).collect();
    assert_eq!(got, [1, 2, 21]);
    remote.close();
    assert_eq!(receiver.next().now_or_never(), Some(None));
}

#[test]
fn a_wish_for_a_key_frame_reaches_every_sink_once() {
    let remote = Remote::new();
    let mut sink = remote.sink(Epoch(1));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(sink.poll_key_frame_wanted(&mut cx).is_pending());
    let receiver = remote.receiver(Kind::Video);
    assert!(sink.poll_key_frame_wanted(&mut cx).is_ready());
    assert!(sink.poll_key_frame_wanted(&mut cx).is_pending());
    receiver.want_key_frame();
    assert!(sink.poll_key_frame_wanted(&mut cx).is_ready());
}

fn taken(receiver: &mut TrackReceiver) -> Vec<u8> {
    std::iter::from_fn(|| receiver.next().now_or_never().flatten().map(|frame| frame.data[0])).collect()
}

// F62
#[test]
fn each_handle_of_a_members_track_gets_that_track_and_no_other() {
    let remote = Remote::new();
    remote.switch_to(Epoch(1));
    let sink = remote.sink(Epoch(1));
    let (ada, bob) = (TrackId::new("ada", "camera"), TrackId::new("bob", "camera"));
    let mut own = remote.receiver(Kind::Video);
    let (mut adas, mut bobs, mut again) =
        (remote.track(&ada, Kind::Video), remote.track(&bob, Kind::Video), remote.track(&bob, Kind::Video));
    assert!(sink.push_track(&ada, &frame(1, true)));
    assert!(sink.push_track(&bob, &frame(2, true)));
    assert!(sink.push(&frame(3, true)));
    assert!(!sink.push_track(&TrackId::new("cy", "camera"), &frame(4, true)), "nobody holds it");
    assert_eq!(
        [taken(&mut adas), taken(&mut bobs), taken(&mut again), taken(&mut own)],
        [vec![1], vec![2], vec![2], vec![3]]
    );
    assert_eq!((remote.forwarded(), remote.dropped()), (3, 1));
    remote.end_track(&bob);
    assert_eq!(bobs.next().now_or_never(), Some(None));
    assert!(!adas.is_closed());
    remote.close();
    assert_eq!(adas.next().now_or_never(), Some(None));
    assert!(remote.track(&ada, Kind::Video).is_closed(), "after the end there is nothing to hear");
}

// F41, F62, R13
#[test]
fn each_members_track_switches_links_at_a_key_frame_of_its_own() {
    let remote = Remote::new();
    let (ada, bob) = (TrackId::new("ada", "camera"), TrackId::new("bob", "camera"));
    let (mut adas, mut bobs) = (remote.track(&ada, Kind::Video), remote.track(&bob, Kind::Video));
    let (old, new) = (remote.sink(Epoch(1)), remote.sink(Epoch(2)));
    remote.switch_to(Epoch(1));
    assert!(old.push_track(&ada, &frame(1, true)));
    assert!(old.push_track(&bob, &frame(2, true)));
    remote.switch_to(Epoch(2));
    assert!(new.push_track(&ada, &frame(11, true)), "hers has switched");
    assert!(!new.push_track(&bob, &frame(12, false)), "his is not decodable there yet");
    assert!(!old.push_track(&ada, &frame(3, false)));
    assert!(old.push_track(&bob, &frame(4, false)), "so the old link still carries it");
    assert!(new.push_track(&bob, &frame(14, true)));
    assert!(!old.push_track(&bob, &frame(5, true)), "nothing of the old follows the new");
    assert_eq!(taken(&mut adas), [1, 11]);
    assert_eq!(taken(&mut bobs), [2, 4, 14]);
}

// F62
#[test]
fn a_key_frame_is_asked_of_the_track_that_needs_one() {
    let remote = Remote::new();
    let mut sink = remote.sink(Epoch(1));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let ada = TrackId::new("ada", "camera");
    let receiver = remote.track(&ada, Kind::Video);
    let wishes = KeyWishes { all: false, tracks: vec![ada] };
    assert_eq!(sink.poll_key_wishes(&mut cx), std::task::Poll::Ready(wishes));
    assert!(sink.poll_key_wishes(&mut cx).is_pending());
    remote.switch_to(Epoch(1));
    let all = KeyWishes { all: true, tracks: Vec::new() };
    assert_eq!(sink.poll_key_wishes(&mut cx), std::task::Poll::Ready(all));
    drop(receiver);
    let _sound = remote.track(&TrackId::new("bob", "voice"), Kind::Audio);
    assert!(sink.poll_key_wishes(&mut cx).is_pending(), "sound needs none");
}
