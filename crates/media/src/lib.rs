//! Sources and sinks: test pattern, files, raw frames, H.264 in process, pictures, sound, devices.
//!
//! | to | take |
//! |---|---|
//! | send a file as if it were a camera | [`Clip`] |
//! | send a test pattern or raw pictures | [`Pattern`], `h264::Encoding`, `h264::LiveSender` (feature `h264`) |
//! | mirror raw pictures, and stop to | [`Mirror`], [`MirroredExt`] |
//! | play sounds, and be silent in between | [`Sound`], [`voice()`] |
//! | use the camera, the microphone, the speaker | `Camera` (feature `camera`), `Microphone`, `Speaker` (feature `audio`) |
//! | show pictures in a window | `Window` (feature `window`) |
//! | take the first source that opens, of several | [`Preferred`] |
//! | play a source into a track in time | [`SourceTrack`], [`Pump`] |
//! | see what comes back | `decoded` (feature `h264`), [`I420`] |
//! | read a still picture that somebody sent | `still::Still` (feature `stills`) |
//! | keep what was seen | [`Rgb::write_png`], [`ContactSheet`], [`ivf::Writer`] |
//!
//! Nothing here opens a connection. From `offhook-transport` it takes the track handles and
//! nothing else; of tokio it uses the clock. Features: `h264` (openh264, built from source),
//! `opus` (libopus, built from source with cmake; Ogg Opus is played without it), `stills` (PNG and
//! JPEG, by the `image` crate) and `samples` (a five-second clip, compiled in, "Big Buck Bunny", (c) Blender Foundation,
//! CC BY 3.0, peach.blender.org). Devices have a feature each, off by default: `camera` (Linux),
//! `audio` (on Linux building it needs the headers of libasound2) and `window`.
#![forbid(unsafe_code)]

pub mod annexb;
#[cfg(feature = "audio")]
pub mod audio;
#[cfg(feature = "camera")]
pub mod camera;
pub mod clip;
mod contact;
#[cfg(feature = "h264")]
mod decoded;
mod device;
#[cfg(feature = "h264")]
pub mod h264;
pub mod i420;
pub mod ivf;
#[cfg(any(feature = "camera", feature = "window"))]
mod latest;
mod mirror;
pub mod pattern;
pub mod picture;
mod preferred;
pub mod pump;
mod rate;
pub mod sound;
pub mod source;
#[cfg(feature = "stills")]
pub mod still;
mod text;
mod voice;
#[cfg(feature = "window")]
mod window;

#[cfg(feature = "audio")]
pub use audio::{Microphone, Speaker};
#[cfg(feature = "camera")]
pub use camera::{Camera, CameraOptions};
pub use clip::{Clip, ClipError, ClipSpec};
pub use contact::{ContactSheet, Pair};
#[cfg(feature = "h264")]
pub use decoded::{Decoded, DecodedExt, DecodedFrames, TakeFrames};
pub use device::{DeviceError, Lacking};
pub use i420::{I420, PictureError, Signature};
pub use mirror::{Mirror, Mirrored, MirroredExt};
pub use pattern::Pattern;
pub use picture::{Rgb, WritePictureError};
pub use preferred::{Opened, PassedOver, Preferred};
pub use pump::{Pump, PumpEnd, PumpStop};
pub use rate::{FrameRate, FrameRateError};
pub use sound::{Sound, SoundError};
pub use source::{Lack, Next, Publication, Source, SourceError, SourceTrack};
#[cfg(feature = "stills")]
pub use still::{Still, StillError};
pub use voice::{Played, Player, Playing, Voice, voice};
#[cfg(feature = "window")]
pub use window::Window;

/// Property tests leave their failing seeds in one place at the top of the repository.
#[cfg(test)]
fn test_config(seeds: &'static str) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(seeds))),
        ..Default::default()
    }
}
