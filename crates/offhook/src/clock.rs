//! The two clocks of a session: the monotonic one that feeds the machine, and the boot clock
//! that goes on while the machine sleeps. Their drift is how a suspend that nobody announced
//! is seen (F15). No deadline lives here; deadlines are the machine's.

use offhook_lifecycle::Time;
use std::time::Duration;

/// Drift between the clocks from which on a suspend is believed.
const SLEPT: Duration = Duration::from_secs(2);

/// Reads time since the session began.
#[derive(Debug)]
pub(crate) struct Clock {
    began: tokio::time::Instant,
}

impl Clock {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self { began: tokio::time::Instant::now() }
    }

    /// Time since the beginning, for the machine.
    pub(crate) fn now(&self) -> Time {
        Time::after(self.began.elapsed())
    }

    /// The instant at which a deadline of the machine is due.
    pub(crate) fn instant(&self, at: Time) -> tokio::time::Instant {
        // A deadline beyond what an instant can hold is one that never comes.
        let far = || tokio::time::Instant::now() + Duration::from_secs(86_400 * 365);
        self.began.checked_add(at.elapsed()).unwrap_or_else(far)
    }
}

/// Compares the boot clock with the monotonic one.
///
/// Linux only: `CLOCK_BOOTTIME` counts suspended time there and `CLOCK_MONOTONIC` does not.
/// On other systems no suspend is seen, and an application that learns of one says so with
/// `Controls::woken`.
#[derive(Debug)]
pub(crate) struct SleepWatch {
    last: Option<Reading>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    boot: Duration,
    monotonic: Duration,
}

impl SleepWatch {
    pub(crate) fn start() -> Self {
        Self { last: read() }
    }

    /// How long the machine slept since the last call, if it did.
    pub(crate) fn slept(&mut self) -> Option<Duration> {
        self.compare(read()?)
    }

    fn compare(&mut self, now: Reading) -> Option<Duration> {
        let last = self.last?;
        let boot = now.boot.checked_sub(last.boot)?;
        let monotonic = now.monotonic.checked_sub(last.monotonic)?;
        let drift = boot.saturating_sub(monotonic);
        if drift < SLEPT {
            return None;
        }
        self.last = Some(now);
        Some(drift)
    }
}

#[cfg(target_os = "linux")]
fn read() -> Option<Reading> {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let time = clock_gettime(clock);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    };
    Some(Reading { boot: read(ClockId::Boottime)?, monotonic: read(ClockId::Monotonic)? })
}

#[cfg(not(target_os = "linux"))]
const fn read() -> Option<Reading> {
    None
}

#[cfg(test)]
#[path = "clock/tests.rs"]
mod tests;
