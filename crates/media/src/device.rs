//! What cameras, microphones and speakers have in common: why one cannot be had, told apart as
//! the W3C's Media Capture does (getUserMedia), each with its next step. The devices themselves
//! are in `camera` and `audio`.

#[cfg(test)]
mod tests;

use crate::clip::ClipError;
use crate::source::Lack;
use std::convert::Infallible;
use thiserror::Error;

/// A device that cannot be had, or that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{device}: {what}; {}", next_step(*lack))]
pub struct DeviceError {
    device: String,
    lack: Lack,
    what: String,
}

impl DeviceError {
    /// Of `device`, as it is to be called in a sentence, for what the system said. For devices
    /// of your own, too: a [`Source`](crate::Source) that fails in the middle boxes one into
    /// [`SourceError::Device`](crate::SourceError::Device).
    pub fn new(device: impl Into<String>, lack: Lack, what: impl Into<String>) -> Self {
        Self { device: device.into(), lack, what: what.into() }
    }

    /// Which device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Which of the three causes it is.
    pub fn lack(&self) -> Lack {
        self.lack
    }
}

/// An error that says what a source lacks; what an opener of [`Preferred`](crate::Preferred)
/// fails with.
pub trait Lacking: std::error::Error + Send + Sync + 'static {
    /// Which of the three causes it is.
    fn lack(&self) -> Lack;
}

impl Lacking for DeviceError {
    fn lack(&self) -> Lack {
        self.lack
    }
}

impl Lacking for ClipError {
    fn lack(&self) -> Lack {
        match self {
            Self::Missing { .. } => Lack::Absent,
            Self::Unreadable { source: Some(source), .. } => of_io(source),
            // It is there, and is no clip.
            _ => Lack::Unusable,
        }
    }
}

#[cfg(feature = "h264")]
impl Lacking for crate::h264::EncodeError {
    fn lack(&self) -> Lack {
        Lack::Unusable
    }
}

/// For what always opens: a pattern, a voice, a clip in memory.
impl Lacking for Infallible {
    fn lack(&self) -> Lack {
        match *self {}
    }
}

/// What the system's word means for who wants to read (errno of open(2)).
pub(crate) fn of_io(error: &std::io::Error) -> Lack {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => Lack::Absent,
        ErrorKind::PermissionDenied => Lack::Declined,
        _ => Lack::Unusable,
    }
}

fn next_step(lack: Lack) -> &'static str {
    match lack {
        Lack::Absent => "plug it in, or choose another",
        Lack::Unusable => "close the program that has it, or unplug it and plug it in again",
        Lack::Declined => {
            "allow this program to use it in the system's settings (on Linux: join the group `video` or `audio`)"
        }
    }
}
