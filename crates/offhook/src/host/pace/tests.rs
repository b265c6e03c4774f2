//! A burst, and then so many a second.

use super::{BURST, LEVELS, PER_SECOND, Pace, STILL_THERE, WORDS};
use offhook_lifecycle::Time;
use std::time::Duration;

#[test]
fn after_a_burst_so_many_a_second_are_let_through() {
    let mut pace = Pace::new(WORDS);
    let now = Time::default();
    let burst = (0..10_000).filter(|_| pace.take(now)).count();
    assert_eq!(burst, BURST as usize);
    let mut taken = 0;
    for millisecond in 1..=10_000_u64 {
        taken += usize::from(pace.take(now.plus(Duration::from_millis(millisecond))));
    }
    let expected = 10 * PER_SECOND as usize;
    assert!((expected - 1..=expected).contains(&taken), "{taken}");
    let later = now.plus(Duration::from_secs(3600));
    assert_eq!((0..10_000).filter(|_| pace.take(later)).count(), BURST as usize, "rest saves up no more");
}

#[test]
fn what_is_due_may_be_said_when_it_is_and_not_long_before() {
    for rate in [WORDS, LEVELS, STILL_THERE] {
        let mut pace = Pace::new(rate);
        let mut now = Time::default();
        while pace.take(now) {}
        for _ in 0..100 {
            let due = pace.due();
            let wait = due.since(now);
            let apart = Duration::from_secs(1) / rate.per_second;
            assert!(wait < apart + Duration::from_millis(2), "{rate:?}: {wait:?}");
            now = due;
            assert!(pace.take(now), "{rate:?}: it was due");
            assert!(!pace.take(now), "{rate:?}: and no more than that");
        }
    }
}
