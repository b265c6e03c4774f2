//! Cameras on Linux: Video4Linux, pictures by memory-mapped buffers.

use super::format::{Damage, Format, Given, nearest};
use super::taking::{Pictures, Taken};
use super::{CameraOptions, Opened, called};
use crate::device::{DeviceError, of_io};
use crate::i420::I420;
use crate::rate::FrameRate;
use crate::source::Lack;
use linuxvideo::format::{PixFormat, PixelFormat};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, CapabilityFlags, Device, Fract, VideoCaptureDevice};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An open camera that takes pictures.
pub(super) struct Capture {
    stream: ReadStream,
    format: Format,
    width: u32,
    height: u32,
    stride: u32,
}

impl Capture {
    /// The first camera that is meant and opens; if none does, the error that is nearest to it.
    pub(super) fn open(devices: &Path, options: &CameraOptions) -> Result<(Self, Opened), DeviceError> {
        let mut nearest: Option<DeviceError> = None;
        for path in paths(devices, options.device.as_deref()) {
            let tried = match Device::open(&path) {
                Ok(device) => {
                    if !is_meant(&device, &path, options.device.as_deref()) {
                        continue;
                    }
                    Self::start(device, &path, options)
                }
                Err(error) => Err(error),
            };
            match tried {
                Ok(opened) => return Ok(opened),
                Err(error) => {
                    let error = DeviceError::new(
                        format!("{} ({})", called(options), path.display()),
                        lack_of(&error),
                        error.to_string(),
                    );
                    if nearest.as_ref().is_none_or(|known| known.lack() == Lack::Absent) {
                        nearest = Some(error);
                    }
                }
            }
        }
        Err(nearest.unwrap_or_else(|| DeviceError::new(called(options), Lack::Absent, "there is none")))
    }

    fn start(device: Device, path: &Path, options: &CameraOptions) -> io::Result<(Self, Opened)> {
        let name = device.capabilities()?.card().to_owned();
        let listed: Vec<[u8; 4]> = device
            .formats(BufType::VIDEO_CAPTURE)
            .map_while(Result::ok)
            .map(|format| format.pixel_format().as_fourcc())
            .collect();
        let known = Format::ALL.into_iter().filter(|format| listed.contains(&format.fourcc()));
        // One handle at a time: who has asked for a format keeps others from it.
        let mut device = Some(device);
        let mut last = None;
        let best = nearest(known, options, |format| {
            last = None;
            let device = device.take().map_or_else(|| Device::open(path), Ok)?;
            let (given, capture, stride) = ask(device, format, options)?;
            last = Some((given, capture, stride));
            Ok(given)
        });
        let best = best.map_err(|failure: Option<io::Error>| {
            failure.unwrap_or_else(|| unsupported("it gives none of YUYV, NV12, I420 and JPEG"))
        })?;
        let (given, capture, stride) = match last {
            Some(last) if last.0 == best => last,
            other => {
                // Closed before it is opened again.
                drop(other);
                ask(Device::open(path)?, best.format, options)?
            }
        };
        let Given { format, width, height, frame_rate } = given;
        let opened = Opened { name, width: width & !1, height: height & !1, frame_rate };
        Ok((Self { stream: capture.into_stream()?, format, width, height, stride }, opened))
    }
}

impl Pictures for Capture {
    fn next(&mut self, most: Duration) -> io::Result<Taken> {
        if !comes(&self.stream, most)? {
            return Ok(Taken::Nothing);
        }
        let (format, width, height, stride) = (self.format, self.width, self.height, self.stride);
        self.stream.dequeue(|buffer| {
            if buffer.is_error() {
                return Ok(Taken::Damaged(Damage::Told));
            }
            Ok(format.picture(&buffer, width, height, stride).map_or_else(Taken::Damaged, Taken::Picture))
        })
    }
}

/// Is there something to be read, within this time? An error of the device is something: reading
/// tells which.
pub(super) fn comes(device: impl AsFd, most: Duration) -> io::Result<bool> {
    let most = Timespec { tv_sec: most.as_secs() as _, tv_nsec: most.subsec_nanos().into() };
    match poll(&mut [PollFd::new(&device, PollFlags::IN)], Some(&most)) {
        Ok(ready) => Ok(ready > 0),
        // A signal came first.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Asks a device for a format: its driver answers with the nearest size and rate that it has.
fn ask(
    device: Device,
    format: Format,
    options: &CameraOptions,
) -> io::Result<(Given, VideoCaptureDevice, u32)> {
    let wanted = PixFormat::new(options.width, options.height, PixelFormat::from_fourcc(format.fourcc()));
    let capture = device.video_capture(wanted)?;
    let given = capture.format();
    let (width, height, stride) = (given.width(), given.height(), given.bytes_per_line());
    if given.pixel_format().as_fourcc() != format.fourcc() {
        return Err(unsupported("it gave another format than it said"));
    }
    I420::check_size(width & !1, height & !1)
        .map_err(|error| io::Error::new(io::ErrorKind::Unsupported, error))?;
    let interval = u32::try_from(options.frame_rate.interval().as_micros()).unwrap_or(40_000);
    // Not every driver lets itself be asked; then it has the rate it has.
    let frame_rate = capture
        .set_frame_interval(Fract::new(interval, 1_000_000))
        .ok()
        .and_then(|given| FrameRate::new(given.denominator(), given.numerator()).ok())
        .unwrap_or(options.frame_rate);
    Ok((Given { format, width, height, frame_rate }, capture, stride))
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// The cameras that open, each as its path and its name.
pub(super) fn list(devices: &Path) -> Vec<String> {
    let named = paths(devices, None).into_iter().filter_map(|path| {
        let device = Device::open(&path).ok().filter(takes_pictures)?;
        Some(format!("{} {}", path.display(), device.capabilities().ok()?.card()))
    });
    named.collect()
}

/// What the system's word means (errno of V4L2's ioctls).
pub(super) fn lack_of(error: &io::Error) -> Lack {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        // Unplugged, while it was open too.
        Some(Errno::NODEV | Errno::NXIO) => Lack::Absent,
        _ => of_io(error),
    }
}

/// `video0`, `video1` and so on, in this order; or the one whose number or path is given.
fn paths(devices: &Path, device: Option<&str>) -> Vec<PathBuf> {
    if let Some(path) = device.filter(|device| device.contains('/')) {
        return vec![PathBuf::from(path)];
    }
    let only: Option<u32> = device.and_then(|device| device.parse().ok());
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(devices)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?;
            (only.is_none() || only == Some(number)).then(|| (number, entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

fn takes_pictures(device: &Device) -> bool {
    device.capabilities().is_ok_and(|can| can.device_capabilities().contains(CapabilityFlags::VIDEO_CAPTURE))
}

/// A camera has several nodes, of which not all take pictures.
fn is_meant(device: &Device, path: &Path, wanted: Option<&str>) -> bool {
    let Ok(can) = device.capabilities() else { return false };
    let named = wanted.is_none_or(|wanted| {
        path == Path::new(wanted)
            || wanted.parse::<u32>().is_ok()
            || can.card().to_lowercase().contains(&wanted.to_lowercase())
    });
    named && takes_pictures(device)
}
