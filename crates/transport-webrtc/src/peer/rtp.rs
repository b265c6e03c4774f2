//! One RTP packet without the engine's types, and the arithmetic of wrapping numbers.

use super::depacketize::starts_key;
use bytes::Bytes;
use offhook_transport::media::{Codec, Kind};
use std::time::Duration;

/// One RTP packet (RFC 3550), as far as forwarding needs it. Cloning shares the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpPacket {
    /// What its payload type stood for on the leg it came on; on another leg the number of
    /// the payload type differs.
    pub codec: Codec,
    /// Rises by one, wraps.
    pub sequence: u16,
    /// In ticks of the codec's clock; wraps.
    pub timestamp: u32,
    /// For video, the last packet of a frame.
    pub marker: bool,
    /// The stream it belongs to.
    pub ssrc: u32,
    /// The payload, in the codec's RTP format.
    pub payload: Bytes,
}

impl RtpPacket {
    /// Does a picture begin in it that needs no other? With H.264 its parameter sets or its slices
    /// (RFC 6184 §5.6–5.8), whichever comes first. Any packet of sound is a beginning.
    pub fn starts_key_frame(&self) -> bool {
        let key = |head: &u8| matches!(head & 0x1f, 5 | 7);
        match (self.codec, &*self.payload) {
            (Codec::H264, [head, rest @ ..]) => match (head & 0x1f, rest) {
                (24, units) => aggregated(units).any(|unit| unit.first().is_some_and(key)),
                (28, [header, ..]) => header & 0x80 != 0 && key(header),
                _ => key(head),
            },
            (Codec::H264, []) => false,
            (codec, payload) => codec.kind() == Kind::Audio || starts_key(codec, payload),
        }
    }
}

/// The units of an aggregation packet, as far as they are whole.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let [high, low, more @ ..] = rest else { return None };
        let (unit, after) = more.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        rest = after;
        Some(unit)
    })
}

/// Makes one growing number of a wrapping 16-bit one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence(Option<i64>);

impl Sequence {
    pub(super) fn extend(&mut self, sequence: u16) -> i64 {
        let extended = match self.0 {
            None => i64::from(sequence),
            Some(last) => last + i64::from(sequence.wrapping_sub(last as u16) as i16),
        };
        self.0 = Some(self.0.map_or(extended, |last| last.max(extended)));
        extended
    }
}

/// Media time from RTP timestamps, counted from the first one seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MediaClock {
    first_and_last: Option<(i64, i64)>,
}

impl MediaClock {
    pub(super) fn pts(&mut self, timestamp: u32, rate: u32) -> Duration {
        let (first, now) = match self.first_and_last {
            None => (i64::from(timestamp), i64::from(timestamp)),
            Some((first, last)) => (first, last + i64::from(timestamp.wrapping_sub(last as u32) as i32)),
        };
        self.first_and_last = Some((first, now));
        ticks_to_time(now.saturating_sub(first).max(0).unsigned_abs(), rate)
    }
}

pub(super) fn ticks_to_time(ticks: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    let nanos = (ticks % rate) * 1_000_000_000 / rate;
    Duration::from_secs(ticks / rate) + Duration::from_nanos(nanos)
}

/// Rounded to the nearest tick, wrapped as RTP timestamps are.
pub(super) fn time_to_ticks(time: Duration, rate: u32) -> u32 {
    ((time.as_nanos() * u128::from(rate) + 500_000_000) / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests;
