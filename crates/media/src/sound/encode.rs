//! From samples to packets: mixed down to two channels at most, resampled to 48 kHz, encoded in
//! frames of 20 ms.

use super::{LONGEST, Sound, SoundError};
use bytes::Bytes;
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use std::fmt::Display;

/// What Opus is coded at.
pub(crate) const RATE: usize = 48_000;
/// 20 ms.
pub(crate) const FRAME: usize = RATE / 50;
/// The largest packet of one frame (RFC 6716 section 3.4).
const LARGEST: usize = 1_275;
/// Good speech, and good music, for most ears.
const MONO: u32 = 48_000;
const STEREO: u32 = 96_000;
/// Frames that are resampled at a time.
const CHUNK: usize = 1_024;

pub(super) fn check(rate: u32, channels: u16) -> Result<(), SoundError> {
    if !(8_000..=192_000).contains(&rate) {
        return Err(SoundError::NotTaken(format!("{rate} samples a second; 8,000 to 192,000 are taken")));
    }
    if !(1..=8).contains(&channels) {
        return Err(SoundError::NotTaken(format!("{channels} channels; one to eight are taken")));
    }
    Ok(())
}

pub(super) fn encode(samples: &[f32], rate: u32, channels: u16) -> Result<Sound, SoundError> {
    check(rate, channels)?;
    let channels = usize::from(channels);
    if samples.is_empty() {
        return Err(SoundError::Empty);
    }
    if !samples.len().is_multiple_of(channels) {
        return Err(SoundError::Broken("its last moment misses a channel"));
    }
    if samples.len() / channels > LONGEST.as_secs() as usize * rate as usize {
        return Err(SoundError::TooLong);
    }
    let (mixed, channels) = mix(samples, channels);
    let even = resample(mixed, rate as usize, channels)?;
    Sound::from_packets(packets(even, channels)?)
}

/// To two channels where there are more (ITU-R BS.775, without the low frequency effects), in
/// the order of WAV: left, right, centre, effects, two at the back, two at the sides.
pub(crate) fn mix(samples: &[f32], channels: usize) -> (Vec<f32>, usize) {
    // What is no number is silence, and what is too loud is not for here.
    let sane = |sample: f32| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
    if channels <= 2 {
        return (samples.iter().map(|sample| sane(*sample)).collect(), channels);
    }
    const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let weights: &[(f32, f32)] = match channels {
        3 => &[(1.0, 0.0), (0.0, 1.0), (HALF, HALF)],
        4 => &[(1.0, 0.0), (0.0, 1.0), (HALF, 0.0), (0.0, HALF)],
        5 => &[(1.0, 0.0), (0.0, 1.0), (HALF, HALF), (HALF, 0.0), (0.0, HALF)],
        _ => &[
            (1.0, 0.0),
            (0.0, 1.0),
            (HALF, HALF),
            (0.0, 0.0),
            (HALF, 0.0),
            (0.0, HALF),
            (HALF, 0.0),
            (0.0, HALF),
        ],
    };
    let weights = &weights[..channels.min(weights.len())];
    // So that all of them at once are not too loud.
    let whole: f32 = weights.iter().map(|(left, _)| left).sum();
    let mut mixed = Vec::with_capacity(samples.len() / channels * 2);
    for moment in samples.chunks_exact(channels) {
        let (mut left, mut right) = (0.0, 0.0);
        for (sample, (to_left, to_right)) in moment.iter().zip(weights) {
            left += sane(*sample) * to_left / whole;
            right += sane(*sample) * to_right / whole;
        }
        mixed.extend([left, right]);
    }
    (mixed, 2)
}

fn resample(samples: Vec<f32>, rate: usize, channels: usize) -> Result<Vec<f32>, SoundError> {
    if rate == RATE {
        return Ok(samples);
    }
    let frames = samples.len() / channels;
    let mut resampler = Fft::<f32>::new(rate, RATE, CHUNK, channels, FixedSync::Both).map_err(failed)?;
    let whole = InterleavedSlice::new(&samples, channels, frames).map_err(failed)?;
    Ok(resampler.process_all(&whole, frames, None).map_err(failed)?.take_data())
}

fn packets(mut samples: Vec<f32>, channels: usize) -> Result<Vec<Bytes>, SoundError> {
    let mut encoder = FrameEncoder::new(channels)?;
    let frame = FRAME * channels;
    samples.resize(samples.len().next_multiple_of(frame), 0.0);
    samples.chunks_exact(frame).map(|samples| encoder.encode(samples)).collect()
}

/// Encodes frames of 20 ms, one after the other.
pub(crate) struct FrameEncoder {
    encoder: Encoder,
    buffer: [u8; LARGEST],
}

impl FrameEncoder {
    /// For one channel, or two.
    pub(crate) fn new(channels: usize) -> Result<Self, SoundError> {
        let (kind, bitrate) = if channels == 1 { (Channels::Mono, MONO) } else { (Channels::Stereo, STEREO) };
        let mut encoder = Encoder::new(kind, SampleRate::Hz48000, Application::Audio).map_err(encoding)?;
        encoder.set_bitrate(Bitrate::Value(bitrate)).map_err(encoding)?;
        Ok(Self { encoder, buffer: [0; LARGEST] })
    }

    /// One packet, of [`FRAME`] samples a channel at [`RATE`].
    pub(crate) fn encode(&mut self, samples: &[f32]) -> Result<Bytes, SoundError> {
        let len = self.encoder.encode_float_to_slice(samples, &mut self.buffer).map_err(encoding)?;
        Ok(Bytes::copy_from_slice(&self.buffer[..len]))
    }
}

fn failed(error: impl Display) -> SoundError {
    SoundError::Encode(error.to_string())
}

fn encoding(code: opusic_c::ErrorCode) -> SoundError {
    SoundError::Encode(code.message().to_owned())
}
