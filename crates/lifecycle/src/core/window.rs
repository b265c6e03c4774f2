//! "At most n in a span", without allocation.

use crate::Time;
use std::time::Duration;

/// The most that any window counts to; policies beyond it are held to it.
const ROOM: usize = 16;

/// The moments of the last few happenings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    at: [Time; ROOM],
    len: usize,
}

impl Window {
    /// Counts one more; of a full window the oldest is forgotten.
    pub(crate) fn note(&mut self, now: Time) {
        if self.len == ROOM {
            self.at.copy_within(1.., 0);
            self.len -= 1;
        }
        self.at[self.len] = now;
        self.len += 1;
    }

    /// How many there were within `span` before `now`.
    pub(crate) fn count(&self, now: Time, span: Duration) -> usize {
        self.at[..self.len].iter().filter(|at| now.since(**at) < span).count()
    }

    /// Is the bound of `most` in `span` reached?
    pub(crate) fn is_full(&self, now: Time, span: Duration, most: u8) -> bool {
        self.count(now, span) >= usize::from(most).min(ROOM)
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}
