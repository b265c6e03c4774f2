//! IVF files, reading and writing: a 32-byte header, then frames with a size and a time each.
//! Which codecs get through is decided here; what to do with them in `clip`.

#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use offhook_transport::media::{Codec, EncodedFrame};
use std::io;
use std::time::Duration;
use thiserror::Error;

use crate::annexb;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 12;

/// The most frames one file may have.
pub const MAX_FRAMES: usize = annexb::MAX_UNITS;

/// What is wrong with bytes that should be an IVF file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IvfError {
    /// The bytes do not begin with an IVF header.
    #[error("it is not IVF (no DKIF signature)")]
    NotIvf,
    /// It is cut off.
    #[error("it is cut off: it ends inside {inside}")]
    Truncated {
        /// What it ends inside of.
        inside: String,
    },
    /// It holds something else than H.264 or VP8.
    #[error("it holds {name}, not H.264 or VP8")]
    Codec {
        /// The codec's name, or its four characters.
        name: String,
    },
    /// Its header cannot be: a time base with a zero in it.
    #[error("its header has no usable time base ({rate}/{scale})")]
    TimeBase {
        /// Ticks in a second, times `scale`.
        rate: u32,
        /// What `rate` is divided by.
        scale: u32,
    },
    /// A frame's time is before the one in front of it.
    #[error("frame {frame} is timed before frame {}", frame.saturating_sub(1))]
    Disordered {
        /// The number of the frame, from zero.
        frame: usize,
    },
    /// It has a header and no frames.
    #[error("it has no frames")]
    NoFrames,
    /// More than [`MAX_FRAMES`] frames.
    #[error("it has more than {MAX_FRAMES} frames")]
    TooLong,
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The codec of every frame.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Ticks in a second, times `scale`. For most files: the frame rate.
    pub rate: u32,
    /// What `rate` is divided by.
    pub scale: u32,
}

/// A whole file: its header and its frames, which are slices of the bytes given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What the header says.
    pub header: Header,
    /// The frames in order; times are counted from the first.
    pub frames: Vec<EncodedFrame>,
}

/// Reads a whole file. Memory beside `data` is one small entry per frame.
///
/// # Errors
/// Says what is wrong, and names a codec that is not carried.
pub fn parse(data: &Bytes) -> Result<File, IvfError> {
    if !data.starts_with(b"DKIF") {
        return Err(IvfError::NotIvf);
    }
    let truncated = |inside: &str| IvfError::Truncated { inside: inside.to_owned() };
    let mut head = data.get(..HEADER).ok_or_else(|| truncated("its header"))?;
    head.advance(6);
    let header_len = usize::from(head.get_u16_le());
    let codec = codec_of([head.get_u8(), head.get_u8(), head.get_u8(), head.get_u8()])?;
    let (width, height) = (head.get_u16_le(), head.get_u16_le());
    let (rate, scale) = (head.get_u32_le(), head.get_u32_le());
    if rate == 0 || scale == 0 {
        return Err(IvfError::TimeBase { rate, scale });
    }
    let header = Header { codec, width, height, rate, scale };
    let mut at = header_len.max(HEADER);
    if at > data.len() {
        return Err(truncated("its header"));
    }
    let mut frames: Vec<EncodedFrame> = Vec::new();
    let mut first = None;
    while at < data.len() {
        let number = frames.len();
        if number == MAX_FRAMES {
            return Err(IvfError::TooLong);
        }
        let cut = || truncated(&format!("frame {number}"));
        let mut head = data.get(at..at + FRAME_HEADER).ok_or_else(cut)?;
        let (size, ticks) = (head.get_u32_le() as usize, head.get_u64_le());
        let begin = at + FRAME_HEADER;
        let end = begin.checked_add(size).filter(|end| *end <= data.len()).ok_or_else(cut)?;
        let since = ticks.checked_sub(*first.get_or_insert(ticks));
        let pts = since.map(|ticks| header.time(ticks)).ok_or(IvfError::Disordered { frame: number })?;
        if frames.last().is_some_and(|last| last.pts > pts) {
            return Err(IvfError::Disordered { frame: number });
        }
        let payload = data.slice(begin..end);
        frames.push(EncodedFrame { codec, key: is_key(codec, &payload), data: payload, pts });
        at = end;
    }
    if frames.is_empty() {
        return Err(IvfError::NoFrames);
    }
    Ok(File { header, frames })
}

/// Writes a file frame by frame. The header's frame count is left zero, as it is for a stream
/// whose end is not known; readers count for themselves.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    header: Header,
}

impl<W: io::Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What writing yields, and [`io::ErrorKind::InvalidInput`] for a codec or a time base
    /// that IVF cannot carry.
    pub fn new(mut out: W, header: Header) -> io::Result<Self> {
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text.to_owned());
        let fourcc = match header.codec {
            Codec::H264 => b"H264",
            Codec::Vp8 => b"VP80",
            _ => return Err(invalid("IVF carries H.264 and VP8 here; give it a video track")),
        };
        if header.rate == 0 || header.scale == 0 {
            return Err(invalid("an IVF time base needs a rate and a scale above zero"));
        }
        let mut head = BytesMut::with_capacity(HEADER);
        head.put_slice(b"DKIF");
        head.put_u16_le(0);
        head.put_u16_le(HEADER as u16);
        head.put_slice(fourcc);
        head.put_u16_le(header.width);
        head.put_u16_le(header.height);
        head.put_u32_le(header.rate);
        head.put_u32_le(header.scale);
        head.put_u64_le(0);
        out.write_all(&head)?;
        Ok(Self { out, header })
    }

    /// Writes one frame; its time is rounded to the nearest tick of the header's time base.
    ///
    /// # Errors
    /// What writing yields, and [`io::ErrorKind::InvalidInput`] for another codec than the
    /// header's or a frame of 4 GiB.
    pub fn write(&mut self, frame: &EncodedFrame) -> io::Result<()> {
        let size = u32::try_from(frame.data.len()).ok().filter(|_| frame.codec == self.header.codec);
        let size = size.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the frame does not belong in this IVF file")
        })?;
        let unit = u128::from(self.header.scale) * 1_000_000_000;
        let ticks = (frame.pts.as_nanos() * u128::from(self.header.rate) + unit / 2) / unit;
        let mut head = BytesMut::with_capacity(FRAME_HEADER);
        head.put_u32_le(size);
        head.put_u64_le(u64::try_from(ticks).unwrap_or(u64::MAX));
        self.out.write_all(&head)?;
        self.out.write_all(&frame.data)
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// What flushing yields.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl Header {
    /// Ticks as time, saturating.
    fn time(&self, ticks: u64) -> Duration {
        let nanos = u128::from(ticks)
            .saturating_mul(u128::from(self.scale) * 1_000_000_000)
            .checked_div(u128::from(self.rate))
            .unwrap_or(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

fn codec_of(fourcc: [u8; 4]) -> Result<Codec, IvfError> {
    let name = match &fourcc {
        b"H264" | b"AVC1" | b"avc1" => return Ok(Codec::H264),
        b"VP80" => return Ok(Codec::Vp8),
        b"VP90" => "VP9".to_owned(),
        b"AV01" => "AV1".to_owned(),
        b"HEVC" | b"H265" => "H.265".to_owned(),
        other => format!("codec '{}'", other.escape_ascii()),
    };
    Err(IvfError::Codec { name })
}

/// RFC 6386 9.1: the lowest bit of a VP8 frame is clear for a key frame.
fn is_key(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::H264 => annexb::is_key(payload),
        _ => payload.first().is_some_and(|byte| byte & 1 == 0),
    }
}
