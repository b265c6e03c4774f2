//! What a server tells of what it forwards between members: media, and what they say.

use super::Server;
use std::sync::atomic::Ordering;

impl Server {
    /// Packets of members' media that were not forwarded to somebody because their connection had no
    /// room for them, since the start. A receiver asks for what it misses, or for a key frame; one whose
    /// number rises is too slow for what is published.
    pub fn unforwarded(&self) -> u64 {
        self.shared.unforwarded.load(Ordering::Relaxed)
    }

    /// Reactions that were not shown to somebody because they had too much unread, since the start.
    pub fn reactions_dropped(&self) -> u64 {
        self.shared.rooms.unshown.load(Ordering::Relaxed)
    }

    /// How often a member was so far behind, since the start, that a message or a change of the roster
    /// had no room: its link was cut, and its client rejoins rather than go on with a gap.
    pub fn fell_behind(&self) -> u64 {
        self.shared.rooms.fell_behind.load(Ordering::Relaxed)
    }
}
