//! Why a file is no clip, and what to do about it.

use super::Looks;
use crate::annexb::AnnexBError;
use crate::ivf::IvfError;
use offhook_transport::media::Codec;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The command that makes a clip of nearly anything.
const CONVERT: &str = "convert it with: ffmpeg -i IN -an -c:v libx264 -profile:v baseline -g 50 out.h264";

/// Why a file is no clip. The text names the file and the next step.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClipError {
    /// There is no such file.
    #[error("{} does not exist; check the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
        /// What the system said, if it was asked.
        #[source]
        source: Option<io::Error>,
    },
    /// The file has no bytes.
    #[error("{} is empty; was its recording or download cut short?", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is too large to be held in memory.
    #[error("{} is larger than {} MiB; cut a shorter piece, clips are held in memory", path.display(), limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is something else.
    #[error("{} {looks}; a clip is H.264 (Annex B) or an IVF file: {CONVERT}", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        looks: Looks,
    },
    /// The clip is whole, but not in the codec that is needed.
    #[error("the clip is {}, {} is needed; {CONVERT}", name(*is), name(*wanted))]
    OtherCodec {
        /// The clip's codec.
        is: Codec,
        /// The codec asked for.
        wanted: Codec,
    },
    /// H.264 in a profile that may reorder pictures, which a live session cannot carry.
    #[error("{} is H.264 {}; a session carries baseline only: {CONVERT}", path.display(), profile_name(*profile))]
    Profile {
        /// The file.
        path: PathBuf,
        /// Its `profile_idc`.
        profile: u8,
    },
    /// The Annex B stream is damaged or cut off.
    #[error("{} cannot be played: {source}; record or {CONVERT}", path.display())]
    AnnexB {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: AnnexBError,
    },
    /// The IVF file is damaged, cut off, or holds another codec.
    #[error("{} cannot be played: {source}; {CONVERT}", path.display())]
    Ivf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IvfError,
    },
    /// It has the headers of a clip, and no picture that decodes: of one that was cut off early the first
    /// is not whole. Found with the feature `h264` alone.
    #[error("{} cannot be played: {}; was its recording or download cut short? get the whole file, or {CONVERT}",
        path.display(),
        if *frames == 1 { "its only picture is not whole".to_owned() } else { format!("none of its {frames} pictures decodes") })]
    NoPicture {
        /// The file.
        path: PathBuf,
        /// Pictures that it should have had.
        frames: usize,
    },
    /// A picture in it does not decode; the last one of a file that was cut off.
    #[error("picture {frame} of {frames} does not decode{}; get the whole file, or {CONVERT}",
        if frame + 1 == *frames { " (the file is cut off)" } else { "" })]
    Damaged {
        /// The number of the picture, from zero.
        frame: usize,
        /// Pictures in the clip.
        frames: usize,
    },
}

/// Problems that no system call reports.
pub(super) enum Problem {
    Directory,
}

impl ClipError {
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path: path.to_owned() },
            io::ErrorKind::IsADirectory => Self::unreadable(path, Problem::Directory),
            io::ErrorKind::PermissionDenied => Self::Unreadable {
                path: path.to_owned(),
                problem: "permission denied; make it readable for this user".to_owned(),
                source: Some(source),
            },
            _ => {
                Self::Unreadable { path: path.to_owned(), problem: source.to_string(), source: Some(source) }
            }
        }
    }

    pub(super) fn unreadable(path: &Path, problem: Problem) -> Self {
        let problem = match problem {
            Problem::Directory => "it is a directory; name a file in it".to_owned(),
        };
        Self::Unreadable { path: path.to_owned(), problem, source: None }
    }
}

fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H.264",
        Codec::Vp8 => "VP8",
        Codec::Opus => "Opus",
        _ => "another codec",
    }
}

fn profile_name(profile: u8) -> impl fmt::Display {
    match profile {
        77 => "main profile".to_owned(),
        88 => "extended profile".to_owned(),
        100 => "high profile".to_owned(),
        other => format!("profile {other}"),
    }
}
