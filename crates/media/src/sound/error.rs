//! Why a sound cannot be taken, each with what to do about it.

use super::LONGEST;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a sound cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SoundError {
    /// There is no such file, or it may not be read.
    #[error("cannot open {} ({source}); check the path and that it may be read", path.display())]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading broke off.
    #[error("the sound could not be read to its end ({0}); check the disk or the line that it comes over")]
    Read(#[source] io::Error),
    /// It is neither Ogg nor WAV.
    #[error("this is neither Ogg Opus nor WAV; convert it, for instance to 16-bit WAV")]
    Unknown,
    /// WAV, and nothing here that could encode it.
    #[error(
        "WAV has to be encoded, and this program was built without the feature `opus`; build it with, or convert the file to Ogg Opus"
    )]
    NeedsEncoder,
    /// What is in it contradicts itself.
    #[error("the sound is broken ({0}); convert it anew, or get a whole copy of it")]
    Broken(&'static str),
    /// A format that is known and not taken.
    #[error("this kind of sound is not taken ({0}); convert it, for instance to 16-bit WAV")]
    NotTaken(String),
    /// There is nothing in it.
    #[error("there is no sound in it; name a file that holds some")]
    Empty,
    /// Longer than [`LONGEST`](super::LONGEST).
    #[error("a sound lasts {} minutes at most; play it in pieces", LONGEST.as_secs() / 60)]
    TooLong,
    /// The encoder failed.
    #[error("the sound could not be encoded ({0}); convert it to Ogg Opus beforehand")]
    Encode(String),
}
