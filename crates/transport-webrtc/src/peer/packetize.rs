//! From one encoded frame to RTP payloads: H.264 (RFC 6184: single NAL units, STAP-A, FU-A),
//! VP8 (RFC 7741), Opus (RFC 7587).
//!
//! Copies: a NAL unit that fits travels as a slice of the frame, uncopied. Fragments and
//! aggregates are copied once, here, because a payload must be one piece.

use bytes::{BufMut, Bytes, BytesMut};
use offhook_transport::media::Codec;

/// The longest payload. With RTP, extensions, SRTP, UDP, IPv6 and a TURN header the datagram
/// stays below 1280 bytes, which every path takes (RFC 8200 §5).
pub(super) const MAX_PAYLOAD: usize = 1160;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// Packetises the frames of one track.
#[derive(Debug)]
pub(super) struct Packetizer {
    codec: Codec,
    picture: u16,
}

impl Packetizer {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, picture: 0 }
    }

    /// The payloads of one frame, in order; the last gets the marker.
    pub(super) fn packetize(&mut self, frame: &Bytes, out: &mut Vec<Bytes>) {
        match self.codec {
            Codec::H264 => h264(frame, out),
            Codec::Vp8 => self.vp8(frame, out),
            _ => out.push(frame.clone()),
        }
    }

    fn vp8(&mut self, frame: &Bytes, out: &mut Vec<Bytes>) {
        // Extended, with a 15-bit picture id, so that a lost packet can be told from a lost
        // picture.
        let [high, low] = (0x8000 | self.picture).to_be_bytes();
        self.picture = (self.picture + 1) & 0x7fff;
        for (place, part) in frame.chunks(MAX_PAYLOAD - 4).enumerate() {
            let start = if place == 0 { 0x10 } else { 0 };
            let mut payload = BytesMut::with_capacity(part.len() + 4);
            payload.put_slice(&[0x80 | start, 0x80, high, low]);
            payload.put_slice(part);
            out.push(payload.freeze());
        }
    }
}

fn h264(frame: &Bytes, out: &mut Vec<Bytes>) {
    let mut small: Vec<Bytes> = Vec::new();
    let mut size = 1;
    for nal in nal_units(frame) {
        if 1 + 2 + nal.len() > MAX_PAYLOAD {
            flush(&mut small, out);
            size = 1;
            if nal.len() <= MAX_PAYLOAD {
                out.push(nal);
            } else {
                fragment(&nal, out);
            }
            continue;
        }
        if size + 2 + nal.len() > MAX_PAYLOAD {
            flush(&mut small, out);
            size = 1;
        }
        size += 2 + nal.len();
        small.push(nal);
    }
    flush(&mut small, out);
}

/// One alone goes as it is, several as one aggregate.
fn flush(small: &mut Vec<Bytes>, out: &mut Vec<Bytes>) {
    match small.as_slice() {
        [] => {}
        [one] => out.push(one.clone()),
        several => {
            let mut payload = BytesMut::with_capacity(MAX_PAYLOAD);
            let forbidden = several.iter().fold(0, |all, nal| all | (nal[0] & 0x80));
            let importance = several.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
            payload.put_u8(forbidden | importance | STAP_A);
            for nal in several {
                payload.put_u16(nal.len() as u16);
                payload.put_slice(nal);
            }
            out.push(payload.freeze());
        }
    }
    small.clear();
}

fn fragment(nal: &Bytes, out: &mut Vec<Bytes>) {
    let indicator = (nal[0] & 0xe0) | FU_A;
    let kind = nal[0] & 0x1f;
    let parts = nal[1..].chunks(MAX_PAYLOAD - 2);
    let last = parts.len().saturating_sub(1);
    for (place, part) in parts.enumerate() {
        let start = if place == 0 { FU_START } else { 0 };
        let end = if place == last { FU_END } else { 0 };
        let mut payload = BytesMut::with_capacity(part.len() + 2);
        payload.put_slice(&[indicator, start | end | kind]);
        payload.put_slice(part);
        out.push(payload.freeze());
    }
}

/// The NAL units of an Annex B byte stream, as slices of it, without start codes and the
/// zeros around them (ISO/IEC 14496-10 Annex B).
pub(super) fn nal_units(stream: &Bytes) -> Vec<Bytes> {
    let mut units = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= stream.len() {
        // A start code cannot begin before the next byte if this third one is above 1.
        if stream[at + 2] > 1 {
            at += 3;
        } else if stream[at] == 0 && stream[at + 1] == 0 && stream[at + 2] == 1 {
            if let Some(begin) = begin {
                push_trimmed(stream, begin, at, &mut units);
            }
            begin = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    // A frame without any start code is taken as one unit.
    push_trimmed(stream, begin.unwrap_or(0), stream.len(), &mut units);
    units
}

fn push_trimmed(stream: &Bytes, begin: usize, mut end: usize, units: &mut Vec<Bytes>) {
    while end > begin && stream[end - 1] == 0 {
        end -= 1;
    }
    if end > begin {
        units.push(stream.slice(begin..end));
    }
}

#[cfg(test)]
#[path = "packetize/tests.rs"]
mod tests;
