//! What the clocks promise.

use super::*;

const fn at(boot: u64, monotonic: u64) -> Reading {
    Reading { boot: Duration::from_millis(boot), monotonic: Duration::from_millis(monotonic) }
}

#[test]
fn a_jump_of_the_boot_clock_is_a_suspend_of_that_length_and_is_told_once() {
    let mut watch = SleepWatch { last: Some(at(1_000, 1_000)) };
    assert_eq!(watch.compare(at(3_900, 2_000)), None, "less than two seconds is noise");
    assert_eq!(watch.compare(at(13_000, 3_000)), Some(Duration::from_secs(10)));
    assert_eq!(watch.compare(at(14_000, 4_000)), None, "told once");
}

#[test]
fn clocks_that_step_back_are_not_a_suspend() {
    let mut watch = SleepWatch { last: Some(at(5_000, 5_000)) };
    assert_eq!(watch.compare(at(4_000, 6_000)), None);
    assert_eq!(watch.compare(at(6_000, 4_000)), None);
}

#[cfg(target_os = "linux")]
#[test]
fn the_boot_clock_can_be_read_here() {
    assert!(read().is_some());
    assert_eq!(SleepWatch::start().slept(), None);
}
