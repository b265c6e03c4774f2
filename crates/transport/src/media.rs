//! Frames and the handles they flow through, beside the connection and never through it.
//!
//! The application holds a [`TrackSender`] and a [`TrackReceiver`]; both survive every
//! recovery. A transport attaches to the other ends: it takes a [`Tap`] of each published
//! track and pushes what it receives into a [`RemoteSink`]. The [`Gate`] decides, in one
//! place, whether user's media may leave the machine at all. Codecs live elsewhere.

mod gate;
mod local;
mod queue;
mod remote;
#[cfg(test)]
mod tests;
mod wish;

pub use gate::{Gate, GateLevel};
pub use local::{LocalTrack, Tap, TrackSender, TrackSpec, local};
pub use remote::{KeyWishes, Remote, RemoteSink, TrackId, TrackReceiver};
pub use wish::{LimitedBy, VideoWanted, VideoWish};

use bytes::Bytes;
use std::time::Duration;

/// What a frame is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// H.264, Annex B byte stream, constrained baseline, one access unit a frame.
    H264,
    /// VP8, one frame.
    Vp8,
    /// Opus, one packet, 48 kHz.
    Opus,
}

impl Codec {
    /// Audio or video.
    pub const fn kind(self) -> Kind {
        match self {
            Self::H264 | Self::Vp8 => Kind::Video,
            Self::Opus => Kind::Audio,
        }
    }

    /// Ticks of the RTP clock in a second (RFC 6184, RFC 7741, RFC 7587).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::H264 | Self::Vp8 => 90_000,
            Self::Opus => 48_000,
        }
    }
}

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// One encoded frame or packet of sound. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// How it is encoded.
    pub codec: Codec,
    /// The payload, whole.
    pub data: Bytes,
    /// When it is to be shown, counted from the start of its stream.
    pub pts: Duration,
    /// Can it be decoded without an earlier one? Always true for sound.
    pub key: bool,
}

/// What a dial gets to send and where it puts what it receives.
#[derive(Clone, Debug, Default)]
pub struct MediaPorts {
    /// Published tracks, in the order of publication.
    pub publish: Vec<LocalTrack>,
    /// Where received frames go; `None` takes nothing.
    pub sink: Option<RemoteSink>,
    /// Stops outgoing media at once.
    pub gate: Gate,
}
