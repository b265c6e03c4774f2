//! What a link measures, in the words of W3C webrtc-stats, and what is reckoned from it: deltas
//! and totals. Measuring is the transport's.

use crate::media::Kind;
use std::time::Duration;

/// A link as measured until now, in the words of W3C webrtc-stats. A transport gives one a second
/// while a link is up. Counters run from the beginning of the link; [`since`](Self::since) makes
/// deltas of them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Stats {
    /// `currentRoundTripTime` of the selected pair.
    pub round_trip_time: Option<Duration>,
    /// `bytesSent` of the transport.
    pub bytes_sent: u64,
    /// `bytesReceived` of the transport.
    pub bytes_received: u64,
    /// Each RTP stream.
    pub streams: Vec<StreamStats>,
}

/// One RTP stream, inbound or outbound.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamStats {
    /// The mid it runs on.
    pub mid: String,
    /// `kind`.
    pub kind: Kind,
    /// True for a stream that comes in (`inbound-rtp`), false for one that goes out (`outbound-rtp`).
    pub inbound: bool,
    /// `packetsSent` or `packetsReceived`.
    pub packets: u64,
    /// `bytesSent` or `bytesReceived`.
    pub bytes: u64,
    /// `packetsLost`: inbound what did not come here, outbound what did not come there as far as its
    /// receiver reports say (`remote-inbound-rtp`). What was sent again in time is not lost.
    /// Duplicates count against it, so it may fall.
    pub packets_lost: i64,
    /// `jitter`, for inbound: the variation of the time a packet takes, as RFC 3550, section
    /// 6.4.1, estimates it. `None` where it is not known.
    pub jitter: Option<Duration>,
    /// `framesSent` or `framesReceived`.
    pub frames: u64,
    /// `nackCount`: inbound those that we sent, outbound those that came.
    pub nack_count: u64,
    /// `pliCount`, as `nack_count`.
    pub pli_count: u64,
}

/// All streams of a link together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StatsTotals {
    /// As in [`Stats`].
    pub round_trip_time: Option<Duration>,
    /// As in [`Stats`].
    pub bytes_sent: u64,
    /// As in [`Stats`].
    pub bytes_received: u64,
    /// `packetsSent` of all outbound streams.
    pub packets_sent: u64,
    /// `packetsReceived` of all inbound streams.
    pub packets_received: u64,
    /// `packetsLost` of all inbound streams.
    pub packets_lost: i64,
    /// The largest `jitter` of the inbound streams.
    pub jitter: Option<Duration>,
    /// `framesSent` of all outbound streams.
    pub frames_sent: u64,
    /// `framesReceived` of all inbound streams.
    pub frames_received: u64,
    /// `nackCount` of all streams.
    pub nack_count: u64,
    /// `pliCount` of all streams.
    pub pli_count: u64,
}

impl Stats {
    /// What was counted between `earlier` and this: counters are deltas, the round trip and the
    /// jitter are what they are now. What ran back meanwhile, because the link was made anew, and
    /// streams that `earlier` does not have, count from zero.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let anew = self.bytes_sent < earlier.bytes_sent || self.bytes_received < earlier.bytes_received;
        let before = if anew { &Self::default() } else { earlier };
        let streams = self.streams.iter().map(|stream| {
            let known = before.streams.iter().find(|known| {
                (&known.mid, known.inbound) == (&stream.mid, stream.inbound) && !stream.ran_back(known)
            });
            known.map_or_else(|| stream.clone(), |known| stream.since(known))
        });
        Self {
            round_trip_time: self.round_trip_time,
            bytes_sent: self.bytes_sent - before.bytes_sent,
            bytes_received: self.bytes_received - before.bytes_received,
            streams: streams.collect(),
        }
    }

    /// All streams together.
    pub fn totals(&self) -> StatsTotals {
        let mut all = StatsTotals {
            round_trip_time: self.round_trip_time,
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
            ..StatsTotals::default()
        };
        for stream in &self.streams {
            if stream.inbound {
                all.packets_received += stream.packets;
                all.packets_lost += stream.packets_lost;
                all.frames_received += stream.frames;
                all.jitter = all.jitter.max(stream.jitter);
            } else {
                all.packets_sent += stream.packets;
                all.frames_sent += stream.frames;
            }
            all.nack_count += stream.nack_count;
            all.pli_count += stream.pli_count;
        }
        all
    }
}

impl StreamStats {
    fn ran_back(&self, earlier: &Self) -> bool {
        self.packets < earlier.packets
            || self.bytes < earlier.bytes
            || self.frames < earlier.frames
            || self.nack_count < earlier.nack_count
            || self.pli_count < earlier.pli_count
    }

    fn since(&self, earlier: &Self) -> Self {
        Self {
            mid: self.mid.clone(),
            kind: self.kind,
            inbound: self.inbound,
            packets: self.packets - earlier.packets,
            bytes: self.bytes - earlier.bytes,
            packets_lost: self.packets_lost - earlier.packets_lost,
            jitter: self.jitter,
            frames: self.frames - earlier.frames,
            nack_count: self.nack_count - earlier.nack_count,
            pli_count: self.pli_count - earlier.pli_count,
        }
    }
}

#[cfg(test)]
mod tests;
