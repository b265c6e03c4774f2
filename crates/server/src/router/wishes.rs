//! How often one receiver's wish for a key frame is passed on to a publisher, whom each costs the bits of many
//! other pictures, and the other receivers with it. Pure: time is what it is told. That somebody new is to be
//! shown the track asks on its own account (`router.rs`).

#[cfg(test)]
mod tests;

use std::time::Duration;
use tokio::time::Instant;

/// Wishes that are passed on at once: losses come in bursts, and what mends them may be lost as well.
const AT_ONCE: u32 = 6;
/// And then one each time.
const EVERY: Duration = Duration::from_secs(2);
/// A wish is the one before said again while its key frame may still be on the way.
const AGAIN: Duration = Duration::from_millis(500);

/// The wishes of one leg. One that comes too soon waits, and is met by whatever key frame goes out meanwhile.
pub(super) struct Wishes {
    /// When all that may be passed on at once may be again.
    full: Instant,
    passed_on: Option<Instant>,
}

impl Wishes {
    pub(super) fn new(now: Instant) -> Self {
        Self { full: now, passed_on: None }
    }

    /// When a wish of now may be passed on.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let again = self.passed_on.map_or(now, |at| at + AGAIN);
        // One of them is free so long before all are.
        let free = self.full.checked_sub(EVERY.saturating_mul(AT_ONCE - 1)).unwrap_or(now);
        now.max(again).max(free)
    }

    /// Is a wish to be passed on that was due? Not where a key frame went out since; then it costs nothing.
    pub(super) fn grant(&mut self, wished: Instant, key: Option<Instant>, now: Instant) -> bool {
        if key.is_some_and(|key| key >= wished) {
            return false;
        }
        self.passed_on = Some(now);
        self.full = self.full.max(now) + EVERY;
        true
    }
}
