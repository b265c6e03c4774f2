//! A burst, and then so many a second.

use super::{BURST, PER_SECOND, Pace};
use offhook_lifecycle::Time;
use std::time::Duration;

#[test]
fn after_a_burst_so_many_a_second_are_let_through() {
    let mut pace = Pace::default();
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
