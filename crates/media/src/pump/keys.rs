//! How many wishes for a key frame are granted: far sides ask in bursts, and each key frame
//! costs ten ordinary ones.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const GRANTS: usize = 4;
const WITHIN: Duration = Duration::from_secs(1);

/// Grants at most four wishes in any second; a wish too many waits, it is not lost.
#[derive(Debug, Default)]
pub(super) struct KeyBudget {
    granted: VecDeque<Instant>,
    waiting: bool,
}

impl KeyBudget {
    /// Shall the frame played `now` be a key frame?
    pub(super) fn grant(&mut self, now: Instant, wanted: bool) -> bool {
        self.waiting |= wanted;
        while self.granted.front().is_some_and(|at| now.saturating_duration_since(*at) >= WITHIN) {
            self.granted.pop_front();
        }
        let grant = self.waiting && self.granted.len() < GRANTS;
        if grant {
            self.waiting = false;
            self.granted.push_back(now);
        }
        grant
    }

    /// The wish that was granted brought no frame; it is open again.
    pub(super) fn give_back(&mut self, granted: bool) {
        if granted {
            self.waiting = true;
            self.granted.pop_back();
        }
    }
}
