//! How fast a session says things: so many a second, and a burst. Words to others that are beyond it are
//! refused here, what is a level waits for its turn (`links/late.rs`), because a far side answers a flood
//! by closing the link. Decides nothing about the session.
//!
//! All of it together is below what the native protocol lets a client say, with room for what a link says
//! by itself; should a link have more to say than was thought of here, it waits by its own count.

#[cfg(test)]
mod tests;

use offhook_lifecycle::Time;
use std::time::Duration;

/// How fast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) per_second: u32,
    /// And so many at once.
    pub(super) burst: u32,
}

/// Messages, reactions and words a second; half of what the reference server takes of everything.
pub(crate) const PER_SECOND: u32 = 50;
/// And so many at once.
pub(crate) const BURST: u32 = 200;

/// What is said to others.
pub(super) const WORDS: Rate = Rate { per_second: PER_SECOND, burst: BURST };
/// What a moderator asks for: little, and not to wait behind a flood of reactions.
pub(super) const MODERATION: Rate = Rate { per_second: 10, burst: 50 };
/// Changes of the desired state and of what is published: as often as anybody can see them.
pub(super) const LEVELS: Rate = Rate { per_second: 15, burst: 30 };
/// That the user is still there.
pub(super) const STILL_THERE: Rate = Rate { per_second: 1, burst: 1 };

/// What may still be said now.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    left: f64,
    at: Option<Time>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, left: f64::from(rate.burst), at: None }
    }

    /// Says one more; false where that is too fast.
    pub(super) fn take(&mut self, now: Time) -> bool {
        let passed = self.at.replace(now).map_or(0.0, |at| now.since(at).as_secs_f64());
        let earned = passed * f64::from(self.rate.per_second);
        self.left = (self.left + earned).min(f64::from(self.rate.burst));
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    /// When one more may be said; by then it may for certain.
    pub(super) fn due(&self) -> Time {
        let missing = (1.0 - self.left).max(0.0) / f64::from(self.rate.per_second.max(1));
        // What is counted in fractions must not be asked for an instant too early.
        let missing = Duration::from_secs_f64(missing) + Duration::from_millis(1);
        self.at.unwrap_or_default().plus(missing)
    }
}
