//! Facts about queueing, on plain durations.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing::saved_seeds;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn passage(wire: usize, delay: Duration) -> Passage {
    Passage { wire, delay, in_order: true }
}

/// Runs a lane until it is empty, waking exactly when it asks to be woken, and writes down what comes out when.
fn drain(
    lane: &mut Lane<u32>,
    link: &mut Link,
    conditions: &Conditions,
    mut now: Duration,
) -> Vec<(Duration, u32)> {
    let mut out = Vec::new();
    // Each wake moves at least one packet on, and a packet moves twice.
    for _ in 0..10_000 {
        lane.advance(now, link, conditions);
        while let Some(item) = lane.pop(now) {
            out.push((now, item));
        }
        let Some(wake) = lane.wake(link, conditions) else { return out };
        assert!(wake > now, "asked to be woken at {wake:?}, which is not after {now:?}");
        now = wake;
    }
    panic!("the lane never ran empty");
}

#[test]
fn a_clear_lane_hands_on_at_once() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    lane.offer(ms(5), passage(100, Duration::ZERO), 1_000, 1).unwrap();
    lane.advance(ms(5), &mut link, &Conditions::clear());
    assert_eq!(lane.pop(ms(5)), Some(1));
    assert_eq!(lane.wake(&link, &Conditions::clear()), None);
}

#[test]
fn a_packet_is_not_due_before_its_delay() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    lane.offer(ms(5), passage(100, ms(20)), 1_000, 1).unwrap();
    lane.advance(ms(5), &mut link, &Conditions::clear());
    assert_eq!(lane.pop(ms(24)), None);
    assert_eq!(lane.wake(&link, &Conditions::clear()), Some(ms(25)));
    assert_eq!(lane.pop(ms(25)), Some(1));
}

#[test]
fn jitter_does_not_reorder() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    lane.offer(ms(0), passage(1, ms(30)), 1_000, 1).unwrap();
    lane.offer(ms(1), passage(1, ms(2)), 1_000, 2).unwrap();
    assert_eq!(drain(&mut lane, &mut link, &Conditions::clear(), ms(1)), [(ms(30), 1), (ms(30), 2)]);
}

#[test]
fn a_reordered_packet_is_passed_and_holds_nobody_up() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    lane.offer(ms(0), Passage { wire: 1, delay: ms(30), in_order: false }, 1_000, 1).unwrap();
    lane.offer(ms(1), passage(1, ms(2)), 1_000, 2).unwrap();
    assert_eq!(drain(&mut lane, &mut link, &Conditions::clear(), ms(1)), [(ms(3), 2), (ms(30), 1)]);
}

#[test]
fn a_rate_spaces_packets_by_their_size() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let conditions = Conditions::clear().rate(1_000);
    for (n, wire) in [(1, 10), (2, 20), (3, 5)] {
        lane.offer(ms(0), passage(wire, ms(100)), 1_000, n).unwrap();
    }
    assert_eq!(drain(&mut lane, &mut link, &conditions, ms(0)), [(ms(110), 1), (ms(130), 2), (ms(135), 3)]);
}

#[test]
fn an_idle_link_saves_nothing_up() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let conditions = Conditions::clear().rate(1_000);
    lane.offer(ms(0), passage(10, Duration::ZERO), 1_000, 1).unwrap();
    assert_eq!(drain(&mut lane, &mut link, &conditions, ms(0)), [(ms(10), 1)]);
    lane.offer(ms(500), passage(10, Duration::ZERO), 1_000, 2).unwrap();
    lane.offer(ms(500), passage(10, Duration::ZERO), 1_000, 3).unwrap();
    assert_eq!(drain(&mut lane, &mut link, &conditions, ms(500)), [(ms(510), 2), (ms(520), 3)]);
}

#[test]
fn a_late_wake_loses_no_throughput() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let conditions = Conditions::clear().rate(1_000);
    for n in 0..10 {
        lane.offer(ms(0), passage(1, Duration::ZERO), 1_000, n).unwrap();
    }
    lane.advance(ms(0), &mut link, &conditions);
    lane.advance(ms(7), &mut link, &conditions);
    let out: Vec<u32> = std::iter::from_fn(|| lane.pop(ms(7))).collect();
    assert_eq!(out, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn two_lanes_on_one_link_share_its_rate() {
    let (mut a, mut b, mut link) = (Lane::new(), Lane::new(), Link::default());
    let conditions = Conditions::clear().rate(1_000);
    a.offer(ms(0), passage(10, Duration::ZERO), 1_000, 1).unwrap();
    b.offer(ms(0), passage(10, Duration::ZERO), 1_000, 2).unwrap();
    a.advance(ms(0), &mut link, &conditions);
    b.advance(ms(0), &mut link, &conditions);
    assert_eq!((a.wake(&link, &conditions), b.wake(&link, &conditions)), (Some(ms(10)), Some(ms(10))));
    a.advance(ms(10), &mut link, &conditions);
    assert_eq!(a.pop(ms(10)), Some(1));
    b.advance(ms(10), &mut link, &conditions);
    b.advance(ms(19), &mut link, &conditions);
    assert_eq!(b.pop(ms(19)), None);
    b.advance(ms(20), &mut link, &conditions);
    assert_eq!(b.pop(ms(20)), Some(2));
}

#[test]
fn a_changed_rate_also_concerns_the_packet_under_way() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let slow = Conditions::clear().rate(1);
    for n in 0..3 {
        lane.offer(ms(0), passage(1_000, Duration::ZERO), 10_000, n).unwrap();
    }
    lane.advance(ms(0), &mut link, &slow);
    assert_eq!(lane.wake(&link, &slow), Some(ms(1_000_000)));
    let faster = Conditions::clear().rate(100_000);
    assert_eq!(drain(&mut lane, &mut link, &faster, ms(5)), [(ms(10), 0), (ms(20), 1), (ms(30), 2)]);
}

#[test]
fn lifting_the_rate_frees_what_waits() {
    let (mut lane, mut other, mut link) = (Lane::new(), Lane::new(), Link::default());
    for n in 0..3 {
        lane.offer(ms(0), passage(1_000, Duration::ZERO), 10_000, n).unwrap();
    }
    other.offer(ms(0), passage(1, Duration::ZERO), 10_000, 3).unwrap();
    lane.advance(ms(0), &mut link, &Conditions::clear().rate(1));
    // Also a lane that shares the link and hears of it first.
    assert_eq!(drain(&mut other, &mut link, &Conditions::clear(), ms(5)), [(ms(5), 3)]);
    assert_eq!(
        drain(&mut lane, &mut link, &Conditions::clear(), ms(5)),
        [(ms(5), 0), (ms(5), 1), (ms(5), 2)]
    );
}

#[test]
fn a_full_lane_refuses_but_an_empty_one_takes_anything() {
    let mut lane = Lane::new();
    assert_eq!(lane.offer(ms(0), passage(500, ms(1)), 100, 1), Ok(()));
    assert_eq!(lane.offer(ms(0), passage(1, ms(1)), 100, 2), Err(Full));
    let mut link = Link::default();
    lane.advance(ms(0), &mut link, &Conditions::clear());
    assert_eq!(lane.pop(ms(1)), Some(1));
    assert_eq!(lane.offer(ms(1), passage(100, ms(1)), 100, 3), Ok(()));
}

#[test]
fn absurd_rates_and_delays_do_not_overflow() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let conditions = Conditions::clear().rate(0);
    for n in 0..3 {
        lane.force(Duration::MAX, passage(usize::MAX, Duration::MAX), n);
        lane.advance(Duration::MAX, &mut link, &conditions);
    }
    assert_eq!(transmission(1_000, Some(0)), Duration::from_secs(1_000));
    assert_eq!(transmission(usize::MAX, Some(1)), Duration::MAX);
}

#[test]
fn a_purge_takes_everything_and_leaves_the_lane_as_new() {
    let (mut lane, mut link) = (Lane::new(), Link::default());
    let slow = Conditions::clear().rate(1_000);
    for n in 0..4 {
        lane.offer(ms(0), passage(10, ms(1_000)), 1_000, n).unwrap();
    }
    lane.advance(ms(0), &mut link, &slow);
    lane.advance(ms(10), &mut link, &slow);
    // One in the air, one on the link, two that wait.
    assert_eq!(lane.purge().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((lane.held(), lane.wake(&link, &slow)), (0, None));
    lane.offer(ms(20), passage(10, ms(5)), 1_000, 4).unwrap();
    assert_eq!(drain(&mut lane, &mut link, &slow, ms(20)), [(ms(35), 4)]);
}

#[derive(Debug, Clone)]
struct Step {
    after: Duration,
    wire: usize,
    delay: Duration,
    in_order: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u64..50, 1_usize..2_000, 0_u64..80, prop::bool::weighted(0.8)).prop_map(
        |(after, wire, delay, in_order)| Step { after: ms(after), wire, delay: ms(delay), in_order },
    );
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(saved_seeds("netrig-lane.txt"))]

    #[test]
    fn what_goes_in_comes_out_once_in_time_in_order_and_within_the_rate(
        steps in steps(), rate in prop::option::of(1_000_u64..1_000_000), limit in 1_000_usize..20_000,
    ) {
        let conditions = Conditions { rate, ..Conditions::clear() };
        let (mut lane, mut link) = (Lane::new(), Link::default());
        let (mut taken, mut out) = (Vec::new(), Vec::new());
        let mut now = Duration::ZERO;
        for (n, step) in steps.iter().enumerate() {
            // Up to the next arrival, wake whenever asked to.
            let arrival = now + step.after;
            while let Some(wake) = lane.wake(&link, &conditions).filter(|wake| *wake <= arrival) {
                now = now.max(wake);
                lane.advance(now, &mut link, &conditions);
                while let Some(item) = lane.pop(now) { out.push((now, item)); }
            }
            now = arrival;
            let before = lane.held();
            match lane.offer(now, Passage { wire: step.wire, delay: step.delay, in_order: step.in_order }, limit, n as u32) {
                Ok(()) => taken.push((now, n as u32)),
                Err(Full) => prop_assert!(before > 0 && before + step.wire > limit),
            }
            prop_assert!(lane.held() <= limit.max(before).max(step.wire));
            lane.advance(now, &mut link, &conditions);
            while let Some(item) = lane.pop(now) { out.push((now, item)); }
        }
        out.extend(drain(&mut lane, &mut link, &conditions, now));
        prop_assert_eq!(lane.held(), 0);

        // Once each, and never early.
        let mut sorted: Vec<u32> = out.iter().map(|(_, n)| *n).collect();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, taken.iter().map(|(_, n)| *n).collect::<Vec<_>>());
        for (arrived, n) in &taken {
            let step = &steps[*n as usize];
            let (left, _) = out.iter().find(|(_, m)| m == n).expect("all came out");
            prop_assert!(*left >= *arrived + step.delay + transmission(step.wire, rate));
        }
        // Those that keep order keep it among themselves.
        let kept: Vec<u32> = out.iter().map(|(_, n)| *n).filter(|n| steps[*n as usize].in_order).collect();
        prop_assert!(kept.is_sorted(), "{:?}", kept);
    }
}
