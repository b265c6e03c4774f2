//! Facts of a track whose ends are used by several threads at once. Each of these races is run so often that
//! a way through is found, where there is one.

use super::*;
use bytes::Bytes;
use futures_util::FutureExt;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

fn frame(key: bool) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, data: Bytes::new(), pts: Duration::ZERO, key }
}

fn video() -> (TrackSender, LocalTrack) {
    local(TrackSpec { codec: Codec::H264, label: "camera".into() })
}

/// Holds a track up: wakes nobody before somebody else is about to take the track, and has had the time to
/// look at it.
#[derive(Default)]
struct Holding {
    held: AtomicBool,
    taking: AtomicBool,
}

impl Wake for Holding {
    fn wake(self: Arc<Self>) {
        self.held.store(true, Ordering::Release);
        wait_for(&self.taking);
        (0..20_000).for_each(|_| std::hint::spin_loop());
    }
}

fn wait_for(fact: &AtomicBool) {
    while !fact.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

/// R16: whoever begins to take a track in the moment of its end hears the end.
#[test]
fn a_tap_that_is_taken_while_the_track_ends_runs_dry() {
    for round in 0..100 {
        let (sender, track) = video();
        let holding = Arc::<Holding>::default();
        let mut waits = track.tap();
        assert!(waits.poll_next(&mut Context::from_waker(&Waker::from(holding.clone()))).is_pending());
        let mut tap = thread::scope(|scope| {
            scope.spawn(move || {
                // Waits inside for the other thread, and ends the track with the next thing it does.
                sender.try_send(frame(true));
                drop(sender);
            });
            wait_for(&holding.held);
            holding.taking.store(true, Ordering::Release);
            track.tap()
        });
        assert_eq!(tap.next().now_or_never(), Some(None), "round {round}");
        assert_eq!(track.taps(), 0, "round {round}");
    }
}

/// F60: what waits for a connection that is slow does not go out after a mute, and is counted.
#[test]
fn what_waits_in_a_tap_does_not_outlive_a_mute() {
    let (sender, track) = video();
    let mut tap = track.tap();
    sender.try_send(frame(true));
    sender.try_send(frame(false));
    track.set_muted(true);
    assert_eq!(tap.next().now_or_never(), None);
    assert_eq!(tap.dropped(), 2);
    assert!(!sender.try_send(frame(true)));
    track.set_muted(false);
    assert!(sender.key_frame_wanted());
    assert!(!sender.try_send(frame(false)), "it needs what was dropped");
    assert!(sender.try_send(frame(true)));
    assert_eq!(tap.next().now_or_never(), Some(Some(frame(true))));
}

/// F60: once a mute has returned nothing of the track comes to a connection, whoever is sending at that
/// moment; and what comes first when it is taken back is a key frame.
#[test]
fn a_mute_holds_when_it_returns_and_is_followed_by_a_key_frame() {
    const ROUNDS: u32 = 300;
    let (sender, track) = video();
    let mut tap = track.tap();
    let (tries, over) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                sender.try_send(frame(sender.key_frame_wanted()));
                tries.fetch_add(1, Ordering::AcqRel);
            }
        });
        let mut failed = None;
        for round in 1..=ROUNDS {
            let first = loop {
                if let Some(frame) = tap.next().now_or_never() {
                    break frame.expect("the track goes on");
                }
                thread::yield_now();
            };
            track.set_muted(true);
            let at_mute = tap.next().now_or_never();
            let tried = tries.load(Ordering::Acquire);
            while tries.load(Ordering::Acquire).wrapping_sub(tried) < 2 {
                thread::yield_now();
            }
            let later = tap.next().now_or_never();
            if !first.key || at_mute.is_some() || later.is_some() {
                failed = Some((round, first.key, at_mute, later));
                break;
            }
            track.set_muted(false);
        }
        over.store(true, Ordering::Release);
        assert_eq!(failed, None, "a delta frame first, or a frame after the mute");
    });
}
