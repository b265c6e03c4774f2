//! How many frames a link says: what the protocol lets a client say, less a reserve for what cannot wait
//! (answers, pings, candidates, what is kept for a resume). Where it is used up, nothing more is taken of
//! the host and nothing is told of our own media until it is not: both wait in their queues, and nobody
//! closes the link over a flood. Decides nothing else.

use offhook_signaling::limits::{FRAMES_BURST, FRAMES_PER_SECOND};
use std::time::Duration;
use tokio::time::Instant;

/// Of every second, and of every burst, a fifth is kept for what cannot wait.
const SHARE: f64 = 0.8;
/// A whole piece of an image counts for so much of a frame: it was asked for.
const PIECE: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: f64::from(FRAMES_BURST) * SHARE, at: Instant::now() }
    }
}

impl Budget {
    /// One more frame goes out, whether it may or not.
    pub(super) fn spend(&mut self) {
        self.earn();
        self.left -= 1.0;
    }

    /// The frame just counted was a whole piece of an image.
    pub(super) fn was_piece(&mut self) {
        self.left += 1.0 - PIECE;
    }

    /// Is anything left for what can wait?
    pub(super) fn has_left(&mut self) -> bool {
        self.earn();
        self.left >= 1.0
    }

    /// When something is left again; `None` where it is now.
    pub(super) fn due(&mut self) -> Option<Instant> {
        if self.has_left() {
            return None;
        }
        let missing = (1.0 - self.left) / (f64::from(FRAMES_PER_SECOND) * SHARE);
        // What is counted in fractions must not be asked for an instant too early.
        Some(self.at + Duration::from_secs_f64(missing) + Duration::from_millis(1))
    }

    fn earn(&mut self) {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        let most = f64::from(FRAMES_BURST) * SHARE;
        self.left = (self.left + passed * f64::from(FRAMES_PER_SECOND) * SHARE).min(most);
    }
}

#[cfg(test)]
mod tests;
