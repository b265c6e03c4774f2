//! How much one member may say to the others.

use super::*;
use std::time::Duration;

// S10, F63
#[test]
fn after_a_pause_as_much_may_be_said_again_and_never_more() {
    let (start, rate) = (Instant::now(), 1_000_000);
    let mut said = Said::nothing(rate, start);
    let says = |said: &mut Said, at: u64| {
        let now = start + Duration::from_secs(at);
        (0..).take_while(|_| said.more(40_000, rate, now)).count()
    };
    assert_eq!(says(&mut said, 0), 200, "eight seconds of it at once");
    assert_eq!(says(&mut said, 0), 0);
    assert_eq!(says(&mut said, 2), 50, "what two seconds earn");
    assert_eq!(says(&mut said, 3_600), 200, "and no more, however long nothing is said");
}

// S10: what is refused costs nothing, so that something smaller may be said.
#[test]
fn what_is_refused_is_not_counted() {
    let start = Instant::now();
    let mut said = Said::nothing(10_000, start);
    assert!(said.more(79_000, 10_000, start));
    assert!(!said.more(2_000, 10_000, start) && !said.more(2_000, 10_000, start));
    assert!(said.more(1_000, 10_000, start));
}
