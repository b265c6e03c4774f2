//! Where outgoing video comes from: the trait, and the ways a source becomes a publication,
//! taken over or borrowed (R17). Pacing is in `pump`; encoding sources are in `h264`.

#[cfg(test)]
mod tests;

use crate::pump::Pump;
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, TrackSpec, VideoWish, local};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// Why a source gave no frame.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A picture of the source could not be encoded.
    #[cfg(feature = "h264")]
    #[error("the source's picture could not be encoded: {0}")]
    Encode(#[from] crate::h264::EncodeError),
    /// The device behind a source failed in the middle; a device of this crate says so with a
    /// [`DeviceError`](crate::DeviceError).
    #[error("the source's device failed: {0}; check that it is still there, then open it again")]
    Device(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The source's own code panicked while a session read it.
    #[error(
        "the source panicked; what it panicked with is on standard error: mend it, or put another in its place"
    )]
    Panicked,
}

/// Why a source cannot be read at all: three causes, three next steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The device is not there. Plug it in.
    Absent,
    /// It is there and cannot be opened: another program has it, or it failed.
    Unusable,
    /// The user or the system said no. It has to be allowed.
    Declined,
}

/// What a source yields when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame.
    Frame(EncodedFrame),
    /// Nothing this time: the device has no new picture, or the encoder left one out to hold
    /// its bit rate.
    Nothing,
    /// Nothing any more.
    Over,
}

/// Something that yields encoded frames when asked. It is asked at the time each frame is due,
/// never ahead, so a live source may do its work inside [`next_frame`](Source::next_frame).
pub trait Source: Send {
    /// The codec of every frame.
    fn codec(&self) -> Codec;

    /// When the next frame is due, counted from the source's own start. Never falls, also
    /// over a loop or a jump.
    fn next_due(&self) -> Duration;

    /// What keeps it from being read, as far as it knows. A join that takes the source over asks
    /// before any I/O, and with an answer it fails as "no user media" and gives the source back.
    ///
    /// A source that is open already, as most are, needs no answer of its own.
    fn lack(&self) -> Option<Lack> {
        None
    }

    /// From here on nobody has a use for larger pictures, or more of them, than `wish` says; `None`
    /// is as it was made. Whoever encodes scales and thins out, whoever passes on a source passes
    /// this on, and frames that were encoded elsewhere stay as they are: the default does nothing.
    ///
    /// Said before the next frame, whenever it changes (F58).
    fn want(&mut self, wish: Option<VideoWish>) {
        let _ = wish;
    }

    /// The next frame, its time being what [`next_due`](Source::next_due) said. Whatever it
    /// yields, `next_due` moves on with it.
    ///
    /// With `key`, the frame shall be a key frame if the source can make or find one. It must
    /// not wait; a few milliseconds of computing are fine.
    ///
    /// # Errors
    /// When the source can give no more frames, for good.
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError>;
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn codec(&self) -> Codec {
        (**self).codec()
    }

    fn next_due(&self) -> Duration {
        (**self).next_due()
    }

    fn lack(&self) -> Option<Lack> {
        (**self).lack()
    }

    fn want(&mut self, wish: Option<VideoWish>) {
        (**self).want(wish);
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        (**self).next_frame(key)
    }
}

/// A track the application keeps: it runs the pump, sessions only borrow.
///
/// A session that ends leaves it as it was, and the next one can publish it again. While
/// nobody borrows it, its source is not read.
#[derive(Clone, Debug)]
pub struct SourceTrack {
    track: LocalTrack,
}

impl SourceTrack {
    /// Joins a source to a track named `label`. Run the [`Pump`] (spawn its
    /// [`run`](Pump::run)) for as long as the track shall live: the track ends with it.
    pub fn new(label: impl Into<String>, source: impl Source + 'static) -> (Self, Pump) {
        let (sender, track) = local(TrackSpec { codec: source.codec(), label: label.into() });
        (Self { track }, Pump::new(source, sender))
    }

    /// The end that transports tap.
    pub fn track(&self) -> &LocalTrack {
        &self.track
    }
}

/// What is handed to `publish`: a source to take over, or a track to borrow.
///
/// `publish(Clip::open("me.h264")?)` takes the clip; `publish(&track)` borrows a
/// [`SourceTrack`] or a [`LocalTrack`].
pub enum Publication {
    /// The session paces the source, stops reading it when it leaves, and gives it back with
    /// a failed join.
    Taken(Box<dyn Source>),
    /// Somebody else feeds the track; the session only sends it.
    Borrowed(LocalTrack),
}

impl Publication {
    /// The codec that will be sent.
    pub fn codec(&self) -> Codec {
        match self {
            Self::Taken(source) => source.codec(),
            Self::Borrowed(track) => track.spec().codec,
        }
    }

    /// What keeps it from being sent, as far as it knows; of a borrowed track its owner knows.
    pub fn lack(&self) -> Option<Lack> {
        match self {
            Self::Taken(source) => source.lack(),
            Self::Borrowed(_) => None,
        }
    }

    /// The track to send, and for a source that was taken the pump to run beside it. A
    /// borrowed track keeps its own label.
    pub fn into_track(self, label: impl Into<String>) -> (LocalTrack, Option<Pump>) {
        match self {
            Self::Taken(source) => {
                let (kept, pump) = SourceTrack::new(label, source);
                (kept.track, Some(pump))
            }
            Self::Borrowed(track) => (track, None),
        }
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(source) => f.debug_tuple("Taken").field(&source.codec()).finish(),
            Self::Borrowed(track) => f.debug_tuple("Borrowed").field(track.spec()).finish(),
        }
    }
}

impl<S: Source + 'static> From<S> for Publication {
    fn from(source: S) -> Self {
        Self::Taken(Box::new(source))
    }
}

impl From<&SourceTrack> for Publication {
    fn from(track: &SourceTrack) -> Self {
        Self::Borrowed(track.track.clone())
    }
}

impl From<&LocalTrack> for Publication {
    fn from(track: &LocalTrack) -> Self {
        Self::Borrowed(track.clone())
    }
}

impl From<LocalTrack> for Publication {
    fn from(track: LocalTrack) -> Self {
        Self::Borrowed(track)
    }
}
