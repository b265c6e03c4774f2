//! The two clocks of a session: the monotonic one that feeds the machine, and the boot clock
//! that goes on while the machine sleeps. Their drift is how a suspend that nobody announced
//! is seen (F15). No deadline lives here; deadlines are the machine's.

use offhook_lifecycle::Time;
use std::sync::Arc;
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

/// The two clocks whose drift is a sleep.
pub(crate) trait Clocks: Send + Sync {
    /// Both, read together; none where there is no such pair.
    fn read(&self) -> Option<Reading>;
}

/// What both clocks showed at one moment, each since a beginning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Goes on while the machine sleeps.
    pub(crate) boot: Duration,
    /// Stands still meanwhile.
    pub(crate) monotonic: Duration,
}

/// Compares the boot clock with the monotonic one.
pub(crate) struct SleepWatch {
    clocks: Arc<dyn Clocks>,
    last: Option<Reading>,
}

impl SleepWatch {
    pub(crate) fn start(clocks: Arc<dyn Clocks>) -> Self {
        Self { last: clocks.read(), clocks }
    }

    /// How long the machine slept since the last call, if it did.
    pub(crate) fn slept(&mut self) -> Option<Duration> {
        let now = self.clocks.read()?;
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

/// The clocks of this machine.
///
/// Linux only: `CLOCK_BOOTTIME` counts suspended time there and `CLOCK_MONOTONIC` does not.
/// On other systems no suspend is seen, and an application that learns of one says so with
/// `Controls::woken`.
pub(crate) struct SystemClocks;

impl Clocks for SystemClocks {
    #[cfg(target_os = "linux")]
    fn read(&self) -> Option<Reading> {
        use rustix::time::{ClockId, clock_gettime};
        let read = |clock| {
            let time = clock_gettime(clock);
            Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
        };
        Some(Reading { boot: read(ClockId::Boottime)?, monotonic: read(ClockId::Monotonic)? })
    }

    #[cfg(not(target_os = "linux"))]
    fn read(&self) -> Option<Reading> {
        None
    }
}

#[cfg(test)]
mod tests;
