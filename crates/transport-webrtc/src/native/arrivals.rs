//! Packets of media as they come in over one peer: counted, and told at once to whoever waits for
//! the next one. What their coming proves is in `media.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Arrivals {
    packets: AtomicU64,
    came: Notify,
}

impl Arrivals {
    /// One came. Wakes nobody where nobody waits.
    pub(super) fn note(&self) {
        self.packets.fetch_add(1, Ordering::Release);
        self.came.notify_waiters();
    }

    pub(super) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Acquire)
    }

    /// Ready when more than these came.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn past(&self, before: u64) {
        loop {
            let mut came = std::pin::pin!(self.came.notified());
            // From here on no arrival is missed.
            came.as_mut().enable();
            if self.packets() > before {
                return;
            }
            came.await;
        }
    }
}
