//! What a file is, told by its first bytes. It only names formats; two of them are read.

use std::fmt;

/// What bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// There are none.
    Nothing,
    /// An IVF file.
    Ivf,
    /// A byte stream with start codes, and not H.265.
    AnnexB,
    /// Some other format, by its name.
    Named(&'static str),
    /// Readable text.
    Text,
    /// None of the above.
    Unknown,
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("is empty"),
            Self::Ivf => f.write_str("is IVF"),
            Self::AnnexB => f.write_str("is an Annex B byte stream"),
            Self::Named(name) => write!(f, "looks like {name}"),
            Self::Text => f.write_str("looks like text"),
            Self::Unknown => f.write_str("is no known media format"),
        }
    }
}

/// (offset, bytes there, name)
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (4, b"ftyp", "MP4 or QuickTime"),
    (4, b"moov", "QuickTime"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (8, b"AVI ", "AVI"),
    (8, b"WAVE", "WAV sound"),
    (0, b"OggS", "Ogg"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"ID3", "MP3 sound"),
    (0, b"YUV4MPEG2", "raw Y4M video"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\0\0\x01\xba", "an MPEG program stream"),
    (0, b"\0\0\x01\xb3", "MPEG-1 or MPEG-2 video"),
];

/// Says what the first bytes of a file look like.
pub fn looks_like(data: &[u8]) -> Looks {
    if data.is_empty() {
        return Looks::Nothing;
    }
    if data.starts_with(b"DKIF") {
        return Looks::Ivf;
    }
    let at = |offset: usize, bytes: &[u8]| data.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    if let Some((.., name)) = SIGNATURES.iter().find(|(offset, bytes, _)| at(*offset, bytes)) {
        return Looks::Named(name);
    }
    // An H.265 stream begins with a delimiter or a video parameter set; its NAL header is two
    // bytes, and as H.264 the first of them would name a kind that does not exist.
    let zeros = data.iter().take_while(|byte| **byte == 0).count();
    if zeros >= 2 && data.get(zeros) == Some(&1) {
        return match (data.get(zeros + 1), data.get(zeros + 2)) {
            (Some(0x40 | 0x42 | 0x44 | 0x46), Some(1)) => Looks::Named("H.265 video"),
            _ => Looks::AnnexB,
        };
    }
    if data[0] == 0x47 && data.get(188).is_none_or(|byte| *byte == 0x47) && data.len() >= 188 {
        return Looks::Named("an MPEG transport stream");
    }
    let head = &data[..data.len().min(256)];
    if head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return Looks::Text;
    }
    Looks::Unknown
}
