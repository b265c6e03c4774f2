//! What a relay has done, as counters.

use crate::{Way, Ways};

/// What happened in one way. Each datagram that arrives is counted in `held` until it is settled, and then once in
/// `passed`, `lost`, `cut`, `overflowed` or `failed`.
///
/// For TCP a packet is one read of at most 1,460 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Packets that the relay holds now, waiting for the link, in the air, or partly written. Duplicates not counted.
    pub held: u64,
    /// Packets handed on, duplicates not counted.
    pub passed: u64,
    /// Bytes of content handed on, headers and duplicates not counted.
    pub bytes: u64,
    /// Datagrams lost by chance; for TCP, segments that came late by one retransmission and are in `passed` as well.
    pub lost: u64,
    /// Datagrams dropped because the way was black-holed, on arrival or in the air.
    pub cut: u64,
    /// Datagrams dropped because the queue was full.
    pub overflowed: u64,
    /// Datagrams handed on a second time.
    pub duplicated: u64,
    /// Packets that the system refused to send; for UDP also the reports that nobody listens where an earlier datagram
    /// went (which is in `passed` as well, since it was sent).
    pub failed: u64,
}

/// A relay's counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Client to upstream.
    pub up: Tally,
    /// Upstream to client.
    pub down: Tally,
    /// Flows open now: TCP connections, or UDP clients with an upstream-side socket.
    pub open: usize,
    /// Flows ever opened.
    pub opened: u64,
    /// TCP connections that ended by a reset, of the rig's or of either end's making.
    pub reset: u64,
    /// TCP connections that ended because the upstream could not be dialled.
    pub unreachable: u64,
    /// Flows turned away or dropped because the relay had too many.
    pub turned_away: u64,
    /// How often the upstream-side sockets were replaced.
    pub rebinds: u64,
}

impl Stats {
    /// The counters of one way.
    pub fn way(&self, way: Way) -> &Tally {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    pub(crate) fn way_mut(&mut self, way: Way) -> &mut Tally {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Both ways side by side.
    pub fn ways(&self) -> Ways<Tally> {
        Ways { up: self.up, down: self.down }
    }
}
