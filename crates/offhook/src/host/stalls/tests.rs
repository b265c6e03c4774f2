//! When a picture counts as standing still, and when no more (F71).

use super::{Stall, Stalls};
use offhook_lifecycle::{Epoch, Time};
use offhook_transport::media::Kind;
use offhook_transport::{Stats, StreamStats};
use std::time::Duration;

const OLD: Epoch = Epoch(1);
const NEW: Epoch = Epoch(2);

fn at(seconds: u64) -> Time {
    Time::after(Duration::from_secs(seconds))
}

fn frames(frames: u64) -> Stats {
    let stream = StreamStats {
        mid: "0".into(),
        kind: Kind::Video,
        inbound: true,
        packets: frames,
        bytes: frames,
        packets_lost: 0,
        jitter: None,
        frames,
        nack_count: 0,
        pli_count: 0,
    };
    Stats { streams: vec![stream], ..Stats::default() }
}

fn due() -> Stalls {
    let mut stalls = Stalls::default();
    assert_eq!(stalls.says(OLD, "0", Kind::Video, true, at(0)), None);
    stalls
}

fn began() -> Vec<Stall> {
    vec![Stall::Began { mid: "0".into() }]
}

fn ended(seconds: u64) -> Vec<Stall> {
    vec![Stall::Ended { mid: "0".into(), after: Duration::from_secs(seconds) }]
}

/// F71: more than two seconds without a frame begin it, once; the next frame ends it, with how long it took.
#[test]
fn a_stall_begins_after_more_than_two_seconds_and_ends_with_the_next_frame() {
    let mut stalls = due();
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(1)), []);
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(2)), []);
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(3)), []);
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(4)), began());
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(5)), []);
    assert_eq!(stalls.measured(OLD, &frames(26), true, at(6)), ended(5));
    assert_eq!(stalls.measured(OLD, &frames(27), true, at(7)), []);
}

/// F71: what never comes at all stands still, too; half a frame a second does not.
#[test]
fn nothing_at_all_is_a_stall_and_a_slow_picture_is_none() {
    let mut stalls = due();
    assert_eq!(stalls.measured(OLD, &Stats::default(), true, at(1)), []);
    assert_eq!(stalls.measured(OLD, &Stats::default(), true, at(3)), began());
    let mut slow = due();
    for second in 1..20 {
        assert_eq!(slow.measured(OLD, &frames(1 + second / 2), true, at(second)), []);
    }
}

/// F71: nothing is due before the far side says that it sends, after it paused, and of sound.
#[test]
fn only_pictures_that_are_due_can_stall() {
    let mut stalls = Stalls::default();
    stalls.says(OLD, "1", Kind::Audio, true, at(0));
    assert_eq!(stalls.measured(OLD, &frames(0), true, at(9)), []);
    let mut stalls = due();
    assert_eq!(stalls.measured(OLD, &frames(0), true, at(3)), began());
    let over = stalls.says(OLD, "0", Kind::Video, false, at(5));
    assert_eq!(over, ended(5).pop(), "a pause ends it");
    assert_eq!(stalls.measured(OLD, &frames(0), true, at(9)), []);
}

/// F71: an outage is no stall by itself, and what stood still before it goes on to.
#[test]
fn an_outage_begins_no_stall() {
    let mut stalls = due();
    stalls.measured(OLD, &frames(25), true, at(1));
    assert_eq!(stalls.measured(OLD, &frames(25), false, at(9)), []);
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(10)), [], "a second after its end");
    assert_eq!(stalls.measured(OLD, &frames(25), true, at(12)), began());
    assert_eq!(stalls.measured(OLD, &frames(25), false, at(15)), []);
    assert_eq!(stalls.measured(OLD, &frames(30), true, at(20)), ended(11));
}

/// F71: after a rejoin only what is promised on the new link is due; what stood still ends with the
/// first frame of the new one, or with the promise.
#[test]
fn a_new_link_is_judged_by_its_own_promises_and_frames() {
    let mut stalls = due();
    assert_eq!(stalls.measured(OLD, &frames(0), true, at(3)), began());
    stalls.says(NEW, "0", Kind::Video, true, at(3));
    assert_eq!(stalls.moved_to(NEW, at(3)), [], "it is promised again");
    assert_eq!(stalls.measured(OLD, &frames(7), true, at(4)), [], "the old link counts no more");
    assert_eq!(stalls.measured(NEW, &frames(3), true, at(5)), ended(5));
    assert_eq!(stalls.moved_to(Epoch(3), at(6)), [], "nothing stood still");
    assert_eq!(stalls.measured(Epoch(3), &frames(3), true, at(20)), [], "and nothing is due");
    let mut stalls = due();
    assert_eq!(stalls.measured(OLD, &frames(0), true, at(3)), began());
    assert_eq!(stalls.moved_to(NEW, at(4)), ended(4));
}
