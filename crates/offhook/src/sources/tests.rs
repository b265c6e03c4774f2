//! Who owns a source, and how its times go on: taken over, swapped, given back, borrowed
//! (R17; D18 openai/openai-agents-js#1586). Over a whole session: `tests/session/media.rs`.

use super::*;
use offhook_media::{Next, Source, SourceError};
use offhook_transport::media::{Codec, EncodedFrame};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A frame every so often; says in its first byte whose it is, and counts its reads.
struct Ticking {
    name: u8,
    n: u32,
    every: Duration,
    reads: Arc<AtomicU32>,
    codec: Codec,
    keys: bool,
}

impl Ticking {
    fn new(name: u8, every: u64) -> Self {
        let every = Duration::from_millis(every);
        Self { name, n: 0, every, reads: Arc::default(), codec: Codec::H264, keys: false }
    }
}

impl Source for Ticking {
    fn codec(&self) -> Codec {
        self.codec
    }
    fn next_due(&self) -> Duration {
        self.every * self.n
    }
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let pts = self.next_due();
        self.n += 1;
        self.keys |= key;
        Ok(Next::Frame(EncodedFrame { codec: self.codec, data: vec![self.name].into(), pts, key }))
    }
}

fn slot(source: Ticking) -> (Arc<Slot>, Swappable) {
    let slot = Arc::new(Slot::new(Box::new(source)));
    (slot.clone(), Swappable(slot))
}

fn frame(source: &mut Swappable) -> EncodedFrame {
    match source.next_frame(false) {
        Ok(Next::Frame(frame)) => frame,
        other => panic!("a frame is due, not {other:?}"),
    }
}

#[test]
fn a_source_that_is_taken_back_is_not_read_any_more() {
    let ticking = Ticking::new(1, 40);
    let reads = ticking.reads.clone();
    let (slot, mut source) = slot(ticking);
    frame(&mut source);
    let back = slot.take().expect("it was there");
    let due = source.next_due();
    assert!(matches!(source.next_frame(true), Ok(Next::Over)));
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    assert_eq!(due, Duration::from_millis(40), "its time does not fall when it is gone");
    assert_eq!(back.next_due(), Duration::from_millis(40), "it stands where it was left");
    assert!(slot.take().is_none(), "there is one of it");
}

#[test]
fn the_first_frame_after_a_swap_is_asked_to_be_a_key_frame_and_only_that_one() {
    let (slot, mut source) = slot(Ticking::new(1, 40));
    assert_eq!([frame(&mut source).key, frame(&mut source).key], [true, false]);
    let old = slot.swap(Box::new(Ticking::new(2, 40)));
    assert!(matches!(old, Ok(Some(_))), "the same codec");
    assert_eq!([frame(&mut source).key, frame(&mut source).key], [true, false]);
}

#[test]
fn a_source_of_another_codec_is_refused_and_the_old_one_plays_on() {
    let (slot, mut source) = slot(Ticking::new(1, 40));
    let other = Ticking { codec: Codec::Opus, ..Ticking::new(2, 40) };
    assert_eq!(slot.swap(Box::new(other)).err(), Some(Refused::OtherCodec));
    assert_eq!(frame(&mut source).data[..], [1]);
}

#[test]
fn nothing_can_be_swapped_into_a_slot_that_was_emptied() {
    let (slot, mut source) = slot(Ticking::new(1, 40));
    slot.take();
    assert_eq!(slot.swap(Box::new(Ticking::new(2, 40))).err(), Some(Refused::Empty));
    assert!(matches!(source.next_frame(false), Ok(Next::Over)));
}

#[test]
fn a_borrowed_track_is_given_back_however_often_and_a_taken_source_once() {
    let (_sender, theirs) = local(TrackSpec { codec: Codec::H264, label: "theirs".into() });
    let (borrowed, _feeder) = Track::new("video".into(), Publication::from(&theirs));
    assert!(matches!(borrowed.give_back(), Some(Publication::Borrowed(_))));
    assert!(matches!(borrowed.give_back(), Some(Publication::Borrowed(_))));
    let (taken, _feeder) = Track::new("video".into(), Publication::from(Ticking::new(1, 40)));
    assert!(matches!(taken.give_back(), Some(Publication::Taken(_))));
    assert!(taken.give_back().is_none());
}

/// D18: openai/openai-agents-js#1586, the half that stops too much.
#[tokio::test(start_paused = true)]
async fn a_borrowed_track_outlives_its_session_unmuted_and_feeds_the_next() {
    let (sender, theirs) = local(TrackSpec { codec: Codec::H264, label: "theirs".into() });
    for round in 0..2 {
        let (track, feeder) = Track::new("video".into(), Publication::from(&theirs));
        let gate = Gate::new();
        gate.open();
        let relay = tokio::spawn(feeder.run(gate.clone(), mpsc::channel(1).0));
        let mut tap = track.track.tap();
        track.track.set_muted(true);
        assert!(!theirs.is_muted(), "the session's own track is muted, theirs is not");
        track.track.set_muted(false);
        while theirs.taps() == 0 {
            tokio::task::yield_now().await;
        }
        let data = vec![round].into();
        sender.try_send(EncodedFrame { codec: Codec::H264, data, pts: Duration::ZERO, key: true });
        let came = tap.next().await.expect("the session has not ended");
        assert_eq!(came.data[..], [round]);
        gate.close();
        let data = vec![99].into();
        sender.try_send(EncodedFrame { codec: Codec::H264, data, pts: Duration::from_millis(40), key: true });
        relay.await.expect("a closed gate ends the relay");
        assert!(tap.next().await.is_none(), "what came after the gate was closed is not passed on");
        assert_eq!(theirs.taps(), 0, "nobody listens to it any more");
    }
    let mut tap = theirs.tap();
    let data = vec![7].into();
    assert!(sender.try_send(EncodedFrame { codec: Codec::H264, data, pts: Duration::ZERO, key: true }));
    assert_eq!(tap.next().await.expect("alive").data[..], [7]);
}

/// D18, the half that stops too little: the source is not read once the gate is closed.
#[tokio::test(start_paused = true)]
async fn a_source_that_was_taken_over_is_not_read_once_the_gate_is_closed() {
    let ticking = Ticking::new(1, 40);
    let reads = ticking.reads.clone();
    let (track, feeder) = Track::new("video".into(), Publication::from(ticking));
    let mut tap = track.track.tap();
    let gate = Gate::new();
    gate.open();
    let pump = tokio::spawn(feeder.run(gate.clone(), mpsc::channel(1).0));
    tap.next().await.expect("it plays");
    gate.close();
    let at_close = reads.load(Ordering::Relaxed);
    pump.await.expect("a closed gate ends the pump");
    assert_eq!(reads.load(Ordering::Relaxed), at_close);
    let back = track.give_back().expect("it is still there to be published again");
    assert!(matches!(back, Publication::Taken(_)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/offhook-sources.txt"),
        ))),
        ..ProptestConfig::default()
    })]

    /// F60: whatever is swapped when, times never fall.
    #[test]
    fn over_any_swaps_times_never_fall(
        rates in prop::collection::vec(1_u64..200, 1..8),
        played in prop::collection::vec(0_usize..12, 8),
    ) {
        let (slot, mut source) = slot(Ticking::new(0, 33));
        let mut last = Duration::ZERO;
        for (n, rate) in rates.iter().enumerate() {
            for _ in 0..played[n] {
                let due = source.next_due();
                let frame = frame(&mut source);
                prop_assert_eq!(frame.pts, due, "a frame comes with the time it was due at");
                prop_assert!(frame.pts >= last, "{:?} after {:?}", frame.pts, last);
                last = frame.pts;
            }
            let before = source.next_due();
            let name = u8::try_from(n).unwrap_or(u8::MAX);
            // It has played elsewhere before: its own clock is somewhere else.
            let mut newer = Ticking::new(name, *rate);
            newer.n = u32::try_from(*rate).unwrap_or(0);
            prop_assert!(slot.swap(Box::new(newer)).is_ok());
            prop_assert!(source.next_due() >= before);
        }
    }
}
