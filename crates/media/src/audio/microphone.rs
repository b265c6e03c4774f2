//! A microphone as a source: 20 ms of Opus each time 20 ms have passed, by the clock of whoever
//! reads it. The device has a clock of its own; what the two drift apart is lost, or waited for,
//! in pieces that are counted.

use super::device::{self, Kept, Opened, Way};
use super::resample::Running;
use super::ring::Ring;
use crate::device::DeviceError;
use crate::sound::{FRAME, FrameEncoder, RATE, SoundError, mix};
use crate::source::{Lack, Next, Source, SourceError};
use offhook_transport::media::{Codec, EncodedFrame};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One packet.
const TICK: Duration = Duration::from_millis(20);

/// A microphone: a source of Opus, one packet of 20 ms each time one is due.
///
/// What is heard while nobody reads it is forgotten: half a second is held, the oldest goes
/// first, and who begins to read begins with what is heard then.
///
/// # Drop
/// Closes the device, on its own thread; waits for nothing.
pub struct Microphone {
    opened: Opened,
    ring: Arc<Ring>,
    _kept: Kept,
    ready: Ready,
    encoder: FrameEncoder,
    number: u64,
    flowing: bool,
    spoken: Spoken,
}

/// Samples on their way from the device to the encoder.
struct Ready {
    resampler: Running,
    channels: usize,
    raw: Vec<f32>,
    samples: Vec<f32>,
}

/// What became of what a [`Microphone`] heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spoken {
    /// Packets yielded.
    pub packets: u64,
    /// Packets that were due and not there: the device had not delivered.
    pub missing: u64,
    /// Samples (of each channel, at the device's rate) lost because nobody read them in time.
    pub lost: u64,
}

impl Microphone {
    /// Opens the microphone of this name, as [`microphones`](super::microphones) tells them, or
    /// the first whose name this is a part of; `None` is the system's default one. One channel
    /// is taken where it has that, and 48 kHz; whatever else it has is resampled and mixed.
    ///
    /// Blocks for as long as opening takes, ten seconds at most.
    ///
    /// # Errors
    /// [`DeviceError`] with one of the three causes.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        let (opened, ring, kept) = device::open(Way::In, name, |opened| opened.rate as usize / 2, |_| 0)?;
        Self::of(opened, ring, kept)
    }

    /// Of what fills this ring.
    pub(super) fn of(opened: Opened, ring: Arc<Ring>, kept: Kept) -> Result<Self, DeviceError> {
        let unusable = |what: String| DeviceError::new(opened.name.clone(), Lack::Unusable, what);
        let channels = opened.channels.min(2);
        let resampler = Running::new(opened.rate as usize, RATE, channels).map_err(unusable)?;
        let encoder = FrameEncoder::new(channels).map_err(|error| unusable(error.to_string()))?;
        let ready = Ready { resampler, channels, raw: Vec::new(), samples: Vec::new() };
        Ok(Self {
            opened,
            ring,
            _kept: kept,
            ready,
            encoder,
            number: 0,
            flowing: false,
            spoken: Spoken::default(),
        })
    }

    /// The system's name of it.
    pub fn name(&self) -> &str {
        &self.opened.name
    }

    /// What became of what it heard.
    pub fn spoken(&self) -> Spoken {
        Spoken { lost: self.ring.lost(), ..self.spoken }
    }

    /// So much is held in reserve, in frames of the device: its own piece, and one of ours.
    fn cushion(&self) -> usize {
        self.ring.piece() + self.opened.rate as usize / 50
    }

    /// 20 ms of samples, if they are there.
    fn next_samples(&mut self) -> bool {
        let cushion = self.cushion();
        let held = self.ring.frames();
        // Nobody read for a while, or the device's clock is ahead: on with what is heard now.
        if self.ring.take_overrun() || held > cushion + self.opened.rate as usize / 10 {
            self.ring.keep_newest(cushion);
        }
        if !self.flowing && held < cushion {
            return false;
        }
        self.flowing = self.ready.fill(&self.ring);
        self.flowing
    }
}

impl Ready {
    fn fill(&mut self, ring: &Ring) -> bool {
        while self.samples.len() < FRAME * self.channels {
            self.raw.clear();
            if !ring.take(self.resampler.piece(), &mut self.raw) {
                return false;
            }
            if ring.channels() > 2 {
                self.raw = mix(&self.raw, ring.channels()).0;
            }
            self.resampler.process(&self.raw, &mut self.samples);
        }
        true
    }
}

impl Source for Microphone {
    fn codec(&self) -> Codec {
        Codec::Opus
    }

    fn next_due(&self) -> Duration {
        TICK.saturating_mul(u32::try_from(self.number).unwrap_or(u32::MAX))
    }

    fn lack(&self) -> Option<Lack> {
        self.ring.failure().map(|failure| failure.lack())
    }

    /// [`Next::Nothing`] when the device has not delivered: time goes on, the far side conceals.
    ///
    /// # Errors
    /// When the device is gone or failed. It does not come back by itself: open it again, and
    /// put it in this one's place.
    fn next_frame(&mut self, _: bool) -> Result<Next, SourceError> {
        if let Some(failure) = self.ring.failure() {
            return Err(SourceError::Device(Box::new(failure)));
        }
        let pts = self.next_due();
        self.number += 1;
        if !self.next_samples() {
            self.spoken.missing += 1;
            return Ok(Next::Nothing);
        }
        let samples = FRAME * self.ready.channels;
        let data = self.encoder.encode(&self.ready.samples[..samples]).map_err(failed)?;
        self.ready.samples.drain(..samples);
        self.spoken.packets += 1;
        Ok(Next::Frame(EncodedFrame { codec: Codec::Opus, data, pts, key: true }))
    }
}

fn failed(error: SoundError) -> SourceError {
    SourceError::Device(Box::new(error))
}

impl fmt::Debug for Microphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microphone").field("opened", &self.opened).field("spoken", &self.spoken()).finish()
    }
}
