//! H.264 Annex B byte streams (ITU-T H.264 annex B): from the bytes of a file to its access
//! units, as slices of those bytes. It reads headers only; pictures are decoded in `h264`,
//! sequence parameter sets are read in `annexb/sps.rs`.

mod sps;
#[cfg(test)]
mod tests;

pub use sps::Sps;

use bytes::{Bytes, BytesMut};
use std::ops::Range;
use thiserror::Error;

/// The most access units one stream may have: six hours at 50 a second.
pub const MAX_UNITS: usize = 1 << 20;

/// What is wrong with bytes that should be an Annex B H.264 stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnnexBError {
    /// There are no bytes.
    #[error("it is empty")]
    Empty,
    /// No start code, or what follows it is no H.264 NAL unit.
    #[error("it is not an H.264 byte stream (no start code followed by an H.264 NAL unit)")]
    NotH264,
    /// It has pictures but never says how they are coded.
    #[error("it has no usable sequence and picture parameter sets before its first key frame")]
    NoHeaders,
    /// No picture in it can be decoded by itself.
    #[error("it has no key frame")]
    NoKeyFrame,
    /// It ends in the middle of something.
    #[error("it is cut off: it ends inside {inside}")]
    Truncated {
        /// What it ends inside of.
        inside: &'static str,
    },
    /// More than [`MAX_UNITS`] pictures.
    #[error("it has more than {MAX_UNITS} pictures")]
    TooLong,
}

/// One access unit: all of one picture, with its start codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The bytes, a slice of the stream. Only a key frame that lacked its parameter sets was
    /// copied, once, to put them in front of it.
    pub data: Bytes,
    /// An IDR picture, with the parameter sets it needs.
    pub key: bool,
}

/// A whole stream, cut into access units; it begins at its first key frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The access units in decoding order, which in baseline is display order.
    pub units: Vec<AccessUnit>,
    /// What the first sequence parameter set says.
    pub sps: Sps,
    /// Access units before the first key frame, left out because nothing could decode them.
    pub skipped: usize,
}

/// The kinds of NAL unit that matter here (table 7-1).
mod kind {
    pub(super) const SLICE: u8 = 1;
    pub(super) const IDR: u8 = 5;
    pub(super) const SEI: u8 = 6;
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const DELIMITER: u8 = 9;
}

/// Cuts a stream into access units. Memory beside `data` is one small entry per picture.
///
/// # Errors
/// Says what is missing or wrong. A cut inside the last picture's coded data cannot be seen
/// without decoding it; `Clip::verify` (feature `h264`) does.
pub fn parse(data: &Bytes) -> Result<Stream, AnnexBError> {
    if data.is_empty() {
        return Err(AnnexBError::Empty);
    }
    let mut nals = nal_units(data).peekable();
    let Some(first) = nals.peek() else { return Err(AnnexBError::NotH264) };
    if data[..first.start].iter().any(|byte| *byte != 0) || !begins_h264(&data[first.payload.clone()]) {
        return Err(AnnexBError::NotH264);
    }
    let mut cut = Cut::default();
    for nal in nals {
        cut.take(data, &nal)?;
    }
    cut.finish(data)
}

/// Does the access unit hold an IDR picture?
pub fn is_key(unit: &[u8]) -> bool {
    nal_units(unit).any(|nal| nal.kind(unit) == Some(kind::IDR))
}

/// The first sequence parameter set in these bytes, if there is one and it can be read.
pub fn find_sps(unit: &[u8]) -> Option<Sps> {
    every_sps(unit).next().flatten()
}

/// Every sequence parameter set in these bytes; `None` for one that cannot be read.
pub fn every_sps(unit: &[u8]) -> impl Iterator<Item = Option<Sps>> + '_ {
    nal_units(unit)
        .filter(|nal| nal.kind(unit) == Some(kind::SPS))
        .map(|nal| Sps::parse(&unit[nal.payload.start + 1..nal.payload.end]))
}

/// Where one NAL unit lies: with its start code, and without.
#[derive(Clone, Debug)]
struct Nal {
    start: usize,
    payload: Range<usize>,
}

impl Nal {
    fn kind(&self, data: &[u8]) -> Option<u8> {
        data[self.payload.clone()].first().map(|header| header & 0x1f)
    }
}

/// Every NAL unit, in order. Zero bytes before a start code belong to that start code.
fn nal_units(data: &[u8]) -> impl Iterator<Item = Nal> + '_ {
    let mut next = find_start_code(data, 0);
    std::iter::from_fn(move || {
        let (start, begin) = next?;
        next = find_start_code(data, begin);
        let end = next.map_or(data.len(), |(start, _)| start);
        Some(Nal { start, payload: begin..end })
    })
}

/// The next `00 00 01` at or after `from`: where its zeros begin, and where its payload does.
fn find_start_code(data: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while at + 3 <= data.len() {
        // The third byte decides how far the search may jump.
        match data[at + 2] {
            0 => at += 1,
            1 if data[at] == 0 && data[at + 1] == 0 => {
                let zeros = data[from..at].iter().rev().take_while(|byte| **byte == 0).count();
                return Some((at - zeros, at + 3));
            }
            _ => at += 3,
        }
    }
    None
}

/// Forbidden bit clear, and a kind that a stream may begin with.
fn begins_h264(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| {
        let reference = header & 0x60 != 0;
        header & 0x80 == 0
            && match header & 0x1f {
                kind::SPS | kind::PPS | kind::IDR => reference,
                // Delimiters and SEI carry no reference bits; HEVC headers never look like this.
                kind::SEI | kind::DELIMITER => !reference,
                kind::SLICE => payload.len() > 4,
                _ => false,
            }
    })
}

/// The access unit being gathered, and what was gathered before.
#[derive(Default)]
struct Cut {
    units: Vec<AccessUnit>,
    skipped: usize,
    sps: Option<(Sps, Range<usize>)>,
    pps: Option<Range<usize>>,
    /// A parameter set that could not be read: an error only if nothing better follows.
    bad_sps: bool,
    open: Option<Open>,
    /// Where the stream ends, were it to end here.
    end: usize,
    last_kind: u8,
    last_len: usize,
}

#[derive(Default)]
struct Open {
    start: usize,
    pictures: bool,
    key: bool,
    sps: bool,
    pps: bool,
}

impl Cut {
    fn take(&mut self, data: &Bytes, nal: &Nal) -> Result<(), AnnexBError> {
        let kind = nal.kind(data).unwrap_or(0);
        let slice = matches!(kind, kind::SLICE..=kind::IDR);
        // first_mb_in_slice is the first Exp-Golomb number of a slice; a set first bit is zero.
        let first_slice = slice && data[nal.payload.clone()].get(1).is_none_or(|byte| byte & 0x80 != 0);
        // 7.4.1.2.3: these begin a new access unit once the last one has its picture.
        let begins = first_slice || matches!(kind, kind::SEI..=kind::DELIMITER | 14..=18);
        if begins && self.open.as_ref().is_some_and(|open| open.pictures) {
            self.close(data, nal.start)?;
        }
        let open = self.open.get_or_insert_with(|| Open { start: nal.start, ..Open::default() });
        match kind {
            kind::SPS => match Sps::parse(&data[nal.payload.start + 1..nal.payload.end]) {
                Some(sps) => {
                    open.sps = true;
                    let first = self.sps.as_ref().map_or(sps, |(first, _)| *first);
                    self.sps = Some((first, nal.start..nal.payload.end));
                }
                None => self.bad_sps = true,
            },
            // One without a body is damage; the one before it still holds.
            kind::PPS if nal.payload.len() > 1 => {
                open.pps = true;
                self.pps = Some(nal.start..nal.payload.end);
            }
            _ if slice => {
                open.pictures = true;
                open.key |= kind == kind::IDR;
            }
            _ => {}
        }
        self.end = nal.payload.end;
        (self.last_kind, self.last_len) = (kind, nal.payload.len());
        Ok(())
    }

    fn close(&mut self, data: &Bytes, end: usize) -> Result<(), AnnexBError> {
        let Some(open) = self.open.take().filter(|open| open.pictures) else { return Ok(()) };
        if self.units.len() == MAX_UNITS {
            return Err(AnnexBError::TooLong);
        }
        if self.units.is_empty() && !open.key {
            self.skipped += 1;
            return Ok(());
        }
        let own = data.slice(open.start..end);
        let unit = if open.key && !(open.sps && open.pps) { self.with_headers(data, &own)? } else { own };
        self.units.push(AccessUnit { data: unit, key: open.key });
        Ok(())
    }

    /// A key frame without parameter sets is of no use to whoever joins late.
    fn with_headers(&self, data: &Bytes, unit: &Bytes) -> Result<Bytes, AnnexBError> {
        let (Some((_, sps)), Some(pps)) = (&self.sps, &self.pps) else {
            return Err(AnnexBError::NoHeaders);
        };
        let mut whole = BytesMut::with_capacity(sps.len() + pps.len() + unit.len());
        for part in [&data[sps.clone()], &data[pps.clone()], unit] {
            whole.extend_from_slice(part);
        }
        Ok(whole.freeze())
    }

    fn finish(mut self, data: &Bytes) -> Result<Stream, AnnexBError> {
        let in_headers = self.open.as_ref().is_some_and(|open| !open.pictures);
        let slice = matches!(self.last_kind, kind::SLICE..=kind::IDR);
        self.close(data, self.end.max(data.len()))?;
        let Some((sps, _)) = self.sps else {
            let cut = self.bad_sps && self.last_kind == kind::SPS;
            return Err(if cut {
                AnnexBError::Truncated { inside: "its first header" }
            } else {
                AnnexBError::NoHeaders
            });
        };
        if self.last_len == 0 {
            return Err(AnnexBError::Truncated { inside: "a start code" });
        }
        // A slice header alone is longer than two bytes.
        if slice && self.last_len < 3 {
            return Err(AnnexBError::Truncated { inside: "the header of a picture" });
        }
        // An end of sequence or of stream (10, 11) may close a file; headers may not.
        if in_headers && !matches!(self.last_kind, 10..=12) {
            return Err(AnnexBError::Truncated { inside: "the headers of a picture" });
        }
        if self.units.is_empty() {
            return Err(AnnexBError::NoKeyFrame);
        }
        Ok(Stream { units: self.units, sps, skipped: self.skipped })
    }
}
