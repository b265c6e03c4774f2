//! What a server tells of the media that it forwards between members.

use super::Server;
use std::sync::atomic::Ordering;

impl Server {
    /// Packets of members' media that were not forwarded to somebody because their connection had no
    /// room for them, since the start. A receiver asks for what it misses, or for a key frame; one whose
    /// number rises is too slow for what is published.
    pub fn unforwarded(&self) -> u64 {
        self.shared.unforwarded.load(Ordering::Relaxed)
    }
}
