//! What the clocks promise.

use super::*;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Clocks that show what a test wrote down, one reading after the other.
struct Written(Mutex<VecDeque<Reading>>);

impl Clocks for Written {
    fn read(&self) -> Option<Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// A watch that sees these readings, in milliseconds of the boot clock and the monotonic one.
fn sees(readings: &[(u64, u64)]) -> SleepWatch {
    let read = |(boot, monotonic): &(u64, u64)| Reading {
        boot: Duration::from_millis(*boot),
        monotonic: Duration::from_millis(*monotonic),
    };
    SleepWatch::start(Arc::new(Written(Mutex::new(readings.iter().map(read).collect()))))
}

/// F15.
#[test]
fn a_jump_of_the_boot_clock_is_a_suspend_of_that_length_and_is_told_once() {
    let mut watch = sees(&[(1_000, 1_000), (3_900, 2_000), (13_000, 3_000), (14_000, 4_000)]);
    assert_eq!(watch.slept(), None, "less than two seconds is noise");
    assert_eq!(watch.slept(), Some(Duration::from_secs(10)));
    assert_eq!(watch.slept(), None, "told once");
    assert_eq!(watch.slept(), None, "and clocks that cannot be read say nothing");
}

#[test]
fn clocks_that_step_back_are_not_a_suspend() {
    let mut watch = sees(&[(5_000, 5_000), (4_000, 6_000), (6_000, 4_000)]);
    assert_eq!(watch.slept(), None);
    assert_eq!(watch.slept(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn the_boot_clock_can_be_read_here() {
    assert!(SystemClocks.read().is_some());
    assert_eq!(SleepWatch::start(Arc::new(SystemClocks)).slept(), None);
}
