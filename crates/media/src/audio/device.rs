//! Sound devices: which there are, which one is meant, how it is asked to run, and the thread
//! that holds it open.

use super::ring::Ring;
use crate::device::DeviceError;
use crate::source::Lack;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig, SupportedStreamConfigRange,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// The rate of Opus: where the device has it, nothing has to be resampled.
const WANTED: u32 = 48_000;
/// A device that did not open within this has hung.
const OPENING: Duration = Duration::from_secs(10);

/// One direction or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

impl Way {
    const fn what(self) -> &'static str {
        match self {
            Self::In => "microphone",
            Self::Out => "speaker",
        }
    }
}

/// The names of what can be recorded from. Blocks for as long as the system takes to tell.
///
/// # Errors
/// When there is no sound system.
pub fn microphones() -> Result<Vec<String>, DeviceError> {
    list(Way::In)
}

/// The names of what can be played on. Blocks for as long as the system takes to tell.
///
/// # Errors
/// When there is no sound system.
pub fn speakers() -> Result<Vec<String>, DeviceError> {
    list(Way::Out)
}

/// What a device was opened as.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) rate: u32,
    pub(super) channels: usize,
}

/// Keeps a device open. Dropping it closes the device, on the device's own thread.
pub(super) struct Kept {
    _stop: SyncSender<()>,
}

#[cfg(test)]
impl Kept {
    /// Keeps no device: what a test stands in for.
    pub(super) fn nothing() -> Self {
        Self { _stop: sync_channel(1).0 }
    }
}

/// Opens a device and runs it: its callback fills a ring of `most` frames, or plays from it once
/// `cushion` frames are there.
pub(super) fn open(
    way: Way,
    name: Option<&str>,
    most: fn(&Opened) -> usize,
    cushion: fn(&Opened) -> usize,
) -> Result<(Opened, Arc<Ring>, Kept), DeviceError> {
    let called = name
        .map_or_else(|| format!("the default {}", way.what()), |name| format!("the {} {name:?}", way.what()));
    let wanted = name.map(str::to_owned);
    let (say, hear) = sync_channel(1);
    let (stop, stopped): (_, Receiver<()>) = sync_channel(1);
    let told = called.clone();
    let holding = move || {
        let opened = start(way, wanted.as_deref(), &told, most, cushion);
        let (answer, stream) = match opened {
            Ok((opened, ring, stream)) => (Ok((opened, ring)), Some(stream)),
            Err(error) => (Err(error), None),
        };
        // Nobody hears it when opening took too long; then the device is closed again.
        if say.send(answer).is_ok() {
            // Ends when the handle is dropped: nothing is ever sent.
            let _ = stopped.recv();
        }
        drop(stream);
    };
    let failed = |what: String| DeviceError::new(called.clone(), Lack::Unusable, what);
    thread::Builder::new()
        .name(format!("offhook-{}", way.what()))
        .spawn(holding)
        .map_err(|error| failed(format!("no thread could be started ({error})")))?;
    let (opened, ring) =
        hear.recv_timeout(OPENING).map_err(|_| failed(format!("it did not open within {OPENING:?}")))??;
    Ok((opened, ring, Kept { _stop: stop }))
}

fn start(
    way: Way,
    name: Option<&str>,
    called: &str,
    most: fn(&Opened) -> usize,
    cushion: fn(&Opened) -> usize,
) -> Result<(Opened, Arc<Ring>, Stream), DeviceError> {
    let why = |error: cpal::Error| of(called, &error);
    let device = find(way, name)
        .map_err(why)?
        .ok_or_else(|| DeviceError::new(called, Lack::Absent, "there is none"))?;
    let config = choose(way, &device).map_err(why)?;
    let opened = Opened {
        name: names(&device).into_iter().next().unwrap_or_else(|| called.to_owned()),
        rate: config.sample_rate(),
        channels: usize::from(config.channels()),
    };
    // What is played is always of two channels; what is recorded, of as many as the device has.
    let channels = match way {
        Way::In => opened.channels,
        Way::Out => 2,
    };
    let ring = Arc::new(Ring::new(channels, most(&opened)));
    let stream = run(way, &device, &config, called, &ring, cushion(&opened)).map_err(why)?;
    stream.play().map_err(why)?;
    Ok((opened, ring, stream))
}

fn list(way: Way) -> Result<Vec<String>, DeviceError> {
    let devices = all(way).map_err(|error| of(&format!("the list of {}s", way.what()), &error))?;
    Ok(devices.iter().filter_map(|device| names(device).into_iter().next()).collect())
}

fn all(way: Way) -> Result<Vec<Device>, cpal::Error> {
    let host = cpal::default_host();
    Ok(match way {
        Way::In => host.input_devices()?.collect(),
        Way::Out => host.output_devices()?.collect(),
    })
}

/// The system's own name of a device, and how it is called in words.
fn names(device: &Device) -> Vec<String> {
    let id = device.id().ok().map(|id| id.id().to_owned());
    let words = device.description().ok().map(|description| description.name().to_owned());
    id.into_iter().chain(words).collect()
}

/// The default one; or by its name, or by what is part of the name of the first such.
fn find(way: Way, name: Option<&str>) -> Result<Option<Device>, cpal::Error> {
    let Some(name) = name else {
        let host = cpal::default_host();
        return Ok(match way {
            Way::In => host.default_input_device(),
            Way::Out => host.default_output_device(),
        });
    };
    let mut devices = all(way)?;
    let part = name.to_lowercase();
    let exact = devices.iter().position(|device| names(device).iter().any(|known| known == name));
    let at = exact.or_else(|| {
        devices
            .iter()
            .position(|device| names(device).iter().any(|known| known.to_lowercase().contains(&part)))
    });
    Ok(at.map(|at| devices.swap_remove(at)))
}

/// As near to what Opus takes as the device has it: the rate first, then the channels, then the
/// format.
fn choose(way: Way, device: &Device) -> Result<SupportedStreamConfig, cpal::Error> {
    let (ranges, channels): (Vec<_>, u16) = match way {
        Way::In => (device.supported_input_configs()?.collect(), 1),
        Way::Out => (device.supported_output_configs()?.collect(), 2),
    };
    let rate =
        |range: &SupportedStreamConfigRange| WANTED.clamp(range.min_sample_rate(), range.max_sample_rate());
    let format = |format: SampleFormat| match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I16 => Some(1),
        SampleFormat::I32 | SampleFormat::U16 | SampleFormat::U32 | SampleFormat::F64 => Some(2),
        SampleFormat::I8 | SampleFormat::U8 => Some(3),
        _ => None,
    };
    let usable = ranges.into_iter().filter_map(|range| Some((format(range.sample_format())?, range)));
    let best = usable.min_by_key(|(format, range)| {
        (rate(range).abs_diff(WANTED), range.channels().abs_diff(channels), *format)
    });
    let Some((_, range)) = best else {
        return Err(cpal::Error::with_message(
            ErrorKind::UnsupportedConfig,
            "it has no kind of samples that is taken here",
        ));
    };
    let rate = rate(&range);
    Ok(range.with_sample_rate(rate))
}

fn run(
    way: Way,
    device: &Device,
    config: &SupportedStreamConfig,
    called: &str,
    ring: &Arc<Ring>,
    cushion: usize,
) -> Result<Stream, cpal::Error> {
    let run = match config.sample_format() {
        SampleFormat::F32 => run_as::<f32>,
        SampleFormat::F64 => run_as::<f64>,
        SampleFormat::I8 => run_as::<i8>,
        SampleFormat::I16 => run_as::<i16>,
        SampleFormat::I32 => run_as::<i32>,
        SampleFormat::U8 => run_as::<u8>,
        SampleFormat::U16 => run_as::<u16>,
        SampleFormat::U32 => run_as::<u32>,
        _ => return Err(ErrorKind::UnsupportedConfig.into()),
    };
    run(way, device, config, called, ring, cushion)
}

fn run_as<T: SizedSample + FromSample<f32>>(
    way: Way,
    device: &Device,
    config: &SupportedStreamConfig,
    called: &str,
    ring: &Arc<Ring>,
    cushion: usize,
) -> Result<Stream, cpal::Error>
where
    f32: FromSample<T>,
{
    let mut wanted: StreamConfig = config.config();
    // Pieces of 20 ms: what a system chooses by itself may be as long as seconds.
    if let SupportedBufferSize::Range { min, max } = *config.buffer_size() {
        wanted.buffer_size = BufferSize::Fixed((wanted.sample_rate / 50).clamp(min, max.max(min)));
    }
    let failing = {
        let (called, ring) = (called.to_owned(), ring.clone());
        move |error: cpal::Error| match error.kind() {
            // It goes on by itself.
            ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
            _ => ring.fail(of(&called, &error)),
        }
    };
    let ring = ring.clone();
    let channels = usize::from(wanted.channels).max(1);
    match way {
        Way::In => device.build_input_stream(
            wanted,
            move |samples: &[T], _: &_| ring.push(samples.iter().map(|sample| f32::from_sample(*sample))),
            failing,
            None,
        ),
        Way::Out => device.build_output_stream(
            wanted,
            move |samples: &mut [T], _: &_| {
                samples.fill(T::EQUILIBRIUM);
                let frames = samples.len() / channels;
                ring.play(frames, cushion, |at, frame| {
                    let out = &mut samples[at * channels..][..channels];
                    if let ([one], [left, right]) = (&mut *out, frame) {
                        *one = T::from_sample((left + right) / 2.0);
                        return;
                    }
                    for (slot, sample) in out.iter_mut().zip(frame) {
                        *slot = T::from_sample(*sample);
                    }
                });
            },
            failing,
            None,
        ),
    }
}

/// The system's word as one of the three causes.
pub(super) fn of(called: &str, error: &cpal::Error) -> DeviceError {
    let lack = match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Lack::Absent,
        ErrorKind::PermissionDenied => Lack::Declined,
        _ => Lack::Unusable,
    };
    DeviceError::new(called, lack, error.to_string().trim_end_matches('.'))
}
