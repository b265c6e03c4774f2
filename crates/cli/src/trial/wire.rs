//! Media as it is seen on the wire: packets of RTP, new ones and those sent again told apart. What
//! is in them is encrypted; their headers are not (RFC 3711).

#[cfg(test)]
mod tests;

use std::collections::HashMap;

/// Streams that are kept apart at most; those of more are new for ever.
const MOST_STREAMS: usize = 4096;

/// Everything that somebody sent.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// The newest number of each stream.
    streams: HashMap<u32, u16>,
    packets: u64,
}

impl Wire {
    /// A datagram was sent.
    pub(crate) fn sent(&mut self, datagram: &[u8]) {
        let Some((stream, number)) = packet(datagram) else { return };
        let is_new = self.streams.get(&stream).is_none_or(|newest| is_newer(number, *newest));
        if is_new {
            self.packets += 1;
            if self.streams.len() < MOST_STREAMS || self.streams.contains_key(&stream) {
                self.streams.insert(stream, number);
            }
        }
    }

    /// Packets that were sent for the first time. One that is sent again, because it was lost, is
    /// not counted; one that overtook another hides it.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }
}

/// The stream and the number of a packet of RTP (RFC 3550 section 5.1), and nothing for RTCP
/// (RFC 5761 section 4), checks, handshakes and data (RFC 7983 section 7).
fn packet(datagram: &[u8]) -> Option<(u32, u16)> {
    let [128..=191, kind, high, low, _, _, _, _, a, b, c, d, ..] = *datagram else { return None };
    (!matches!(kind, 192..=223)).then(|| (u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([high, low])))
}

/// Numbers go round (RFC 1982).
fn is_newer(number: u16, newest: u16) -> bool {
    matches!(number.wrapping_sub(newest), 1..0x8000)
}
