//! A camera as a source of H.264 (feature `camera`). Which device is meant and how it is read is
//! in `camera/v4l.rs`, in which form its pictures come in `camera/format.rs`, its thread in
//! `camera/taking.rs`.
//!
//! Cameras are read on Linux. Elsewhere there is [`LiveSender`](crate::h264::LiveSender), into
//! which whoever has pictures pushes them.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no camera is read there"))]
mod format;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no camera is read there"))]
mod jpeg;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no camera is read there"))]
mod layout;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no camera is read there"))]
mod taking;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod v4l;

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use v4l as system;

use crate::device::DeviceError;
use crate::h264::{EncoderOptions, Fitting};
use crate::mirror::Mirror;
use crate::rate::FrameRate;
use crate::source::{Lack, Next, Source, SourceError};
use offhook_transport::media::{Codec, VideoWish};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;
use taking::{STALLED, Shared, take};

/// Where the system keeps its cameras.
const DEVICES: &str = "/dev";
/// A device that did not open within this has hung.
const OPENING: Duration = Duration::from_secs(10);

/// Which camera, and what is wished of it: it gives the nearest that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraOptions {
    /// Its number, its path, or a part of its name as [`cameras`] tells it; `None`, the default,
    /// is the first that opens.
    pub device: Option<String>,
    /// Pixels in a row. Default 640.
    pub width: u32,
    /// Rows. Default 480.
    pub height: u32,
    /// Pictures a second. Default 30.
    pub frame_rate: FrameRate,
    /// Bits a second to aim at, as of [`EncoderOptions`].
    pub bitrate: u32,
}

impl Default for CameraOptions {
    fn default() -> Self {
        Self {
            device: None,
            width: 640,
            height: 480,
            frame_rate: FrameRate::new(30, 1).unwrap_or_default(),
            bitrate: EncoderOptions::default().bitrate,
        }
    }
}

/// The cameras that can be opened, each as its path and its name.
pub fn cameras() -> Vec<String> {
    system::list(Path::new(DEVICES))
}

/// A camera: a source of H.264, encoded when a frame is due, of the newest picture there is.
///
/// Pictures are taken on a thread of its own, whether they are read or not; one is held, and one
/// that nobody read is lost and counted. Key frames are made when they are asked for.
///
/// # Drop
/// Closes the device, on its own thread, within a tenth of a second; waits for nothing.
pub struct Camera {
    opened: Opened,
    shared: Arc<Shared>,
    encoder: Fitting,
    mirror: Mirror,
    number: u64,
}

/// What a device was opened as.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    name: String,
    width: u32,
    height: u32,
    frame_rate: FrameRate,
}

impl Camera {
    /// Opens a camera that gives raw pictures (YUYV, NV12 or I420) or JPEG. Raw ones are taken where
    /// it gives them in the size and at the rate that is wished for, otherwise what is nearest: the
    /// size first, then the rate.
    ///
    /// Blocks for as long as opening takes, ten seconds at most.
    ///
    /// # Errors
    /// [`DeviceError`] with one of the three causes. Of several cameras that do not open, it is
    /// of the one that is nearest to it.
    pub fn open(options: &CameraOptions) -> Result<Self, DeviceError> {
        Self::open_in(Path::new(DEVICES), options)
    }

    fn open_in(devices: &Path, options: &CameraOptions) -> Result<Self, DeviceError> {
        let called = called(options);
        let unusable = |what: String| DeviceError::new(called.clone(), Lack::Unusable, what);
        let shared = Arc::new(Shared::new());
        let (say, hear) = sync_channel(1);
        let (theirs, devices, wanted) = (shared.clone(), devices.to_owned(), options.clone());
        thread::Builder::new()
            .name("offhook-camera".to_owned())
            .spawn(move || match system::Capture::open(&devices, &wanted) {
                Err(error) => drop(say.send(Err(error))),
                Ok((mut capture, opened)) => {
                    let name = opened.name.clone();
                    // Nobody hears it when opening took too long; then it is closed again.
                    if say.send(Ok(opened)).is_ok() {
                        take(&mut capture, &name, &theirs, STALLED);
                    }
                }
            })
            .map_err(|error| unusable(format!("no thread could be started ({error})")))?;
        let opened = hear.recv_timeout(OPENING).unwrap_or_else(|_| {
            shared.stop.store(true, Ordering::Release);
            Err(unusable(format!("it did not open within {OPENING:?}")))
        })?;
        let encoding =
            EncoderOptions { bitrate: options.bitrate, frame_rate: opened.frame_rate, key_every: None };
        let encoder = Fitting::new(encoding).map_err(|error| {
            shared.stop.store(true, Ordering::Release);
            unusable(error.to_string())
        })?;
        Ok(Self { opened, shared, encoder, mirror: Mirror::new(), number: 0 })
    }

    /// Mirrors its pictures while the switch is on: what is sent, also to everybody else (F60).
    #[must_use]
    pub fn mirrored(mut self, by: &Mirror) -> Self {
        self.mirror = by.clone();
        self
    }

    /// The system's name of it.
    pub fn name(&self) -> &str {
        &self.opened.name
    }

    /// Width and height of its pictures, which it chose.
    pub fn size(&self) -> (u32, u32) {
        (self.opened.width, self.opened.height)
    }

    /// Pictures a second, which it chose.
    pub fn frame_rate(&self) -> FrameRate {
        self.opened.frame_rate
    }

    /// Pictures that were taken and never read.
    pub fn lost(&self) -> u64 {
        self.shared.latest.lost()
    }

    /// Pictures that came damaged, and were passed over: cut off, of another size than agreed upon,
    /// or nothing that can be decoded. A camera that gives no other for five seconds has failed.
    pub fn damaged(&self) -> u64 {
        self.shared.damaged.load(Ordering::Relaxed)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}

/// What a camera is called in a sentence, before it has said its name.
pub(crate) fn called(options: &CameraOptions) -> String {
    options.device.as_ref().map_or_else(|| "the camera".to_owned(), |device| format!("the camera {device:?}"))
}

impl Source for Camera {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn next_due(&self) -> Duration {
        self.opened.frame_rate.due(self.number)
    }

    fn lack(&self) -> Option<Lack> {
        self.shared.failure().map(|failure| failure.lack())
    }

    fn want(&mut self, wish: Option<VideoWish>) {
        self.encoder.want(wish);
    }

    /// [`Next::Nothing`] when no picture came since the last one.
    ///
    /// # Errors
    /// When the camera is gone or failed: [`SourceError::Device`] with a [`DeviceError`]. It does
    /// not come back by itself: open it again, and put it in this one's place.
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        if let Some(failure) = self.shared.failure() {
            return Err(SourceError::Device(Box::new(failure)));
        }
        let pts = self.next_due();
        self.number += 1;
        if key {
            self.encoder.force_key_frame();
        }
        let Some(picture) = self.shared.latest.take() else { return Ok(Next::Nothing) };
        let picture = self.mirror.apply(picture);
        Ok(self.encoder.encode(&picture, pts)?.map_or(Next::Nothing, Next::Frame))
    }
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Camera")
            .field("opened", &self.opened)
            .field("lost", &self.lost())
            .field("damaged", &self.damaged())
            .finish()
    }
}
