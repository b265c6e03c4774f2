//! How fast a session says things to the others: so many a second, and a burst. What is beyond is
//! refused here, because a far side answers a flood by closing the link. Decides nothing about the
//! session.

#[cfg(test)]
mod tests;

use offhook_lifecycle::Time;

/// Messages, reactions and words a second; half of what the reference server takes of everything.
pub(crate) const PER_SECOND: u32 = 50;
/// And so many at once.
pub(crate) const BURST: u32 = 200;

/// What may still be said now.
#[derive(Debug)]
pub(super) struct Pace {
    left: f64,
    at: Option<Time>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: f64::from(BURST), at: None }
    }
}

impl Pace {
    /// Says one more; false where that is too fast.
    pub(super) fn take(&mut self, now: Time) -> bool {
        let passed = self.at.replace(now).map_or(0.0, |at| now.since(at).as_secs_f64());
        self.left = (self.left + passed * f64::from(PER_SECOND)).min(f64::from(BURST));
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}
