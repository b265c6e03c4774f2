//! From RTP payloads to frames, in order: H.264 to Annex B access units, VP8, Opus.
//!
//! After a loss nothing is given until a frame that can be decoded by itself. One copy: each
//! payload is appended to its frame. Hostile input makes frames broken, never a panic, and a
//! frame that grows beyond bounds is dropped.

use super::rtp::{MediaClock, RtpPacket};
use bytes::{BufMut, BytesMut};
use offhook_transport::media::{Codec, EncodedFrame, Kind};

/// The longest frame that is put together.
const MAX_FRAME: usize = 4 * 1024 * 1024;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Puts the frames of one stream together.
#[derive(Debug)]
pub(super) struct Assembler {
    codec: Codec,
    clock: MediaClock,
    frame: BytesMut,
    timestamp: Option<u32>,
    /// The frame under way misses something.
    broken: bool,
    /// The frame under way can be decoded by itself.
    key: bool,
    /// It looks as if it will turn out to be such a frame.
    promising: bool,
    /// Packets were lost before the next one; true before the first.
    lost: bool,
    /// Inside a fragmented NAL unit.
    fragment: bool,
    /// Is that unit one to be left out?
    left_out: bool,
    /// The frame under way has its marker.
    marked: bool,
    ends: Ends,
    /// Frames are useless until one can be decoded by itself.
    await_key: bool,
}

/// How the frames of a stream end. The marker is on the last packet of each (RFC 6184 §5.1, RFC 7741
/// §4.1); but there are senders that set none at all, whose frames end where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// None has ended yet.
    Unknown,
    /// With a marker: one without it was left by its sender in the middle, also where it stops between
    /// two slices and nothing else shows that.
    Marked,
    /// Without.
    Unmarked,
}

impl Assembler {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            clock: MediaClock::default(),
            frame: BytesMut::new(),
            timestamp: None,
            broken: false,
            key: false,
            promising: false,
            lost: true,
            fragment: false,
            left_out: false,
            marked: false,
            ends: Ends::Unknown,
            await_key: codec.kind() == Kind::Video,
        }
    }

    /// Is a key frame needed before anything can be shown, and not coming in just now?
    pub(super) fn needs_key(&self) -> bool {
        let coming = self.timestamp.is_some() && self.promising && !self.broken;
        self.await_key && !coming
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// One or more packets are lost for good before the next.
    pub(super) fn gap(&mut self) {
        self.lost = true;
        self.await_key = self.codec.kind() == Kind::Video;
    }

    /// Takes the next packet in order; gives at most one frame.
    pub(super) fn push(&mut self, packet: &RtpPacket) -> Option<EncodedFrame> {
        if self.codec == Codec::Opus {
            let pts = self.clock.pts(packet.timestamp, self.codec.clock_rate());
            let data = packet.payload.clone();
            return (!data.is_empty()).then_some(EncodedFrame { codec: self.codec, data, pts, key: true });
        }
        let lost = std::mem::take(&mut self.lost);
        self.broken |= lost;
        // A new time without a marker before it: the frame before had its last packet lost, or it was
        // never sent, or its sender sets no markers. What is whole is given, what is not is dropped.
        let before = match self.timestamp {
            Some(timestamp) if timestamp != packet.timestamp => self.finish(timestamp),
            _ => None,
        };
        if self.timestamp.is_none() {
            self.begin(packet.timestamp);
            // What was lost may have been the beginning of this frame.
            self.broken = lost && !starts_frame(self.codec, &packet.payload);
        }
        if self.frame.len() + packet.payload.len() > MAX_FRAME {
            self.broken = true;
        } else if !packet.payload.is_empty() {
            match self.codec {
                Codec::Vp8 => self.vp8(&packet.payload),
                _ => self.h264(&packet.payload),
            }
        }
        self.marked = packet.marker;
        // One frame at a time: this one is given with the next packet.
        if packet.marker && before.is_none() { self.finish(packet.timestamp) } else { before }
    }

    fn begin(&mut self, timestamp: u32) {
        self.timestamp = Some(timestamp);
        self.frame.clear();
        self.key = false;
        self.promising = false;
        self.fragment = false;
        self.marked = false;
    }

    fn finish(&mut self, timestamp: u32) -> Option<EncodedFrame> {
        self.timestamp = None;
        let pts = self.clock.pts(timestamp, self.codec.clock_rate());
        let whole = !self.broken && !self.fragment && !self.frame.is_empty() && self.has_ended();
        self.broken = false;
        self.fragment = false;
        if !whole {
            self.await_key = true;
            return None;
        }
        if self.await_key && !self.key {
            return None;
        }
        self.await_key = false;
        let data = self.frame.split().freeze();
        Some(EncodedFrame { codec: self.codec, data, pts, key: self.key })
    }

    /// Did its sender end the frame under way, of which no packet is missing? Of a sender of which
    /// nothing is known yet the first frame without a marker is given up: after one more it is known.
    fn has_ended(&mut self) -> bool {
        let ended = self.marked || self.ends == Ends::Unmarked;
        self.ends = match (self.ends, self.marked) {
            (_, true) | (Ends::Marked, false) => Ends::Marked,
            (Ends::Unknown | Ends::Unmarked, false) => Ends::Unmarked,
        };
        ended
    }

    fn vp8(&mut self, payload: &[u8]) {
        let Some((start, picture)) = vp8_payload(payload) else {
            self.broken = true;
            return;
        };
        if self.frame.is_empty() {
            if !start {
                self.broken = true;
                return;
            }
            // The frame tag's first bit is 0 for a key frame (RFC 6386 §9.1).
            self.key = picture.first().is_some_and(|byte| byte & 1 == 0);
            self.promising = self.key;
        }
        self.frame.put_slice(picture);
    }

    fn h264(&mut self, payload: &[u8]) {
        match payload[0] & 0x1f {
            1..=23 => {
                self.close_fragment();
                self.unit(payload);
            }
            24 => {
                self.close_fragment();
                let mut rest = &payload[1..];
                while let [high, low, more @ ..] = rest {
                    let size = usize::from(u16::from_be_bytes([*high, *low]));
                    let Some((unit, after)) = more.split_at_checked(size).filter(|_| size > 0) else {
                        self.broken = true;
                        return;
                    };
                    self.unit(unit);
                    rest = after;
                }
                self.broken |= !rest.is_empty();
            }
            28 => self.fragment(payload),
            _ => self.broken = true,
        }
    }

    fn fragment(&mut self, payload: &[u8]) {
        let [indicator, header, part @ ..] = payload else {
            self.broken = true;
            return;
        };
        let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
        if start {
            self.close_fragment();
            self.left_out = !self.unit(&[(indicator & 0xe0) | (header & 0x1f)]);
            self.fragment = true;
        } else if !self.fragment {
            self.broken = true;
            return;
        }
        if !self.left_out {
            self.frame.put_slice(part);
        }
        self.fragment &= !end;
    }

    /// A unit begins: a fragmented one before it must have ended.
    fn close_fragment(&mut self) {
        self.broken |= self.fragment;
        self.fragment = false;
    }

    /// Takes a unit, or the beginning of one. False for one of a reserved type: to be left out
    /// (ISO/IEC 14496-10 §7.4.1). VP8 that is passed off as H.264 looks like one in most of its packets,
    /// and nothing is left of it.
    fn unit(&mut self, unit: &[u8]) -> bool {
        if matches!(unit[0] & 0x1f, 0 | 16..=18 | 22 | 23) {
            return false;
        }
        // An IDR picture; its parameter sets are in the same access unit or came before.
        self.key |= unit[0] & 0x1f == 5;
        self.promising |= matches!(unit[0] & 0x1f, 5 | 7);
        self.frame.put_slice(&START_CODE);
        self.frame.put_slice(unit);
        true
    }
}

/// Can nothing of the same frame have come before this payload?
fn starts_frame(codec: Codec, payload: &[u8]) -> bool {
    // A slice whose first macroblock is 0 is the first of its picture (ISO/IEC 14496-10
    // §7.4.3); parameter sets, messages and delimiters come before the first slice. Before
    // an IDR slice there are parameter sets, which then are what was lost.
    let unit = |unit: &[u8]| match unit {
        [head, rest @ ..] => match head & 0x1f {
            1 => rest.first().is_some_and(|byte| byte & 0x80 != 0),
            6..=9 => true,
            _ => false,
        },
        [] => false,
    };
    match (codec, payload) {
        (Codec::H264, [head, _, _, inner @ ..]) if head & 0x1f == 24 => unit(inner),
        (Codec::H264, [indicator, header, inner @ ..]) if indicator & 0x1f == 28 => {
            let kind = header & 0x1f;
            let first = inner.first().is_some_and(|byte| byte & 0x80 != 0);
            header & 0x80 != 0 && ((first && kind == 1) || matches!(kind, 6..=9))
        }
        (Codec::H264, whole) => unit(whole),
        (Codec::Vp8, payload) => vp8_payload(payload).is_some_and(|(start, _)| start),
        _ => true,
    }
}

/// Does a picture that needs no other begin here?
pub(super) fn starts_key(codec: Codec, payload: &[u8]) -> bool {
    match (codec, payload) {
        (Codec::H264, [head, _, _, inner, ..]) if head & 0x1f == 24 => inner & 0x1f == 7,
        (Codec::H264, [head, ..]) => head & 0x1f == 7,
        (Codec::Vp8, payload) => vp8_payload(payload)
            .is_some_and(|(start, picture)| start && picture.first().is_some_and(|byte| byte & 1 == 0)),
        _ => false,
    }
}

/// Does a picture start here, and its bytes (RFC 7741 §4.2).
fn vp8_payload(payload: &[u8]) -> Option<(bool, &[u8])> {
    let first = *payload.first()?;
    let start = first & 0x10 != 0 && first & 0x07 == 0;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extended = *payload.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extended & 0x40 != 0);
        at += usize::from(extended & 0x30 != 0);
    }
    payload.get(at..).filter(|rest| !rest.is_empty()).map(|rest| (start, rest))
}

#[cfg(test)]
mod tests;
