//! Received packets to samples, in order: what is missing is concealed, what is late is left
//! out. When they are played is the ring's affair.

use super::resample::Running;
use crate::sound::{FRAME, RATE, lasts};
use offhook_transport::media::{Codec, EncodedFrame};
use opusic_c::{Channels, Decoder, SampleRate};
use std::time::Duration;

/// What is played is always of two channels: Opus makes two of one by itself.
pub(super) const CHANNELS: usize = 2;
/// The longest packet (RFC 6716 section 3.2.5), in samples of a channel.
const LONGEST: usize = RATE * 120 / 1_000;
/// A gap longer than this is a pause of the stream, and nothing that was lost: what Opus makes
/// up fades out by then.
const CONCEALED: Duration = Duration::from_millis(120);
/// Times are rounded on their way; what is off by less is no gap.
const SLACK: Duration = Duration::from_millis(5);

/// What became of what a [`Speaker`](super::Speaker) was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// Packets decoded.
    pub packets: u64,
    /// Frames of up to 20 ms that were missing, and made up from what was around them.
    pub concealed: u64,
    /// Packets that came when their time was over.
    pub late: u64,
    /// Packets that are no Opus, or damaged.
    pub undecodable: u64,
    /// Samples of each channel, at the device's rate, that came faster than they were played.
    pub lost: u64,
    /// How often it ran dry, and was silent until there was enough again.
    pub dry: u64,
}

pub(super) struct Hearing {
    decoder: Decoder,
    resampler: Running,
    /// When the next packet begins, if it follows the last.
    expected: Option<Duration>,
    /// Decoded, and not yet as much as the resampler takes.
    waiting: Vec<f32>,
    room: Vec<f32>,
    pub(super) heard: Heard,
}

impl Hearing {
    pub(super) fn new(rate: u32) -> Result<Self, String> {
        let decoder = Decoder::new(Channels::Stereo, SampleRate::Hz48000)
            .map_err(|error| format!("no decoder could be made: {}", error.message()))?;
        Ok(Self {
            decoder,
            resampler: Running::new(RATE, rate as usize, CHANNELS)?,
            expected: None,
            waiting: Vec::new(),
            room: vec![0.0; LONGEST * CHANNELS],
            heard: Heard::default(),
        })
    }

    /// The samples that become playable with this packet, at the device's rate.
    pub(super) fn take(&mut self, frame: &EncodedFrame, out: &mut Vec<f32>) {
        let Some(length) = lasts(&frame.data).filter(|_| frame.codec == Codec::Opus) else {
            self.heard.undecodable += 1;
            return;
        };
        let expected = self.expected.unwrap_or(frame.pts);
        let (ahead, behind) = (frame.pts.saturating_sub(expected), expected.saturating_sub(frame.pts));
        if behind > SLACK && behind <= CONCEALED {
            self.heard.late += 1;
            return;
        }
        if ahead > SLACK && ahead <= CONCEALED {
            self.conceal(ahead, &frame.data);
        }
        match self.decoder.decode_float_to_slice(&frame.data, &mut self.room, false) {
            Ok(frames) => {
                self.heard.packets += 1;
                self.waiting.extend_from_slice(&self.room[..frames * CHANNELS]);
            }
            Err(_) => self.heard.undecodable += 1,
        }
        self.expected = Some(frame.pts.saturating_add(length));
        self.resample(out);
    }

    /// Makes up what is missing; the last of it from the packet behind, if that bears a copy
    /// (RFC 6716 section 2.1.7).
    fn conceal(&mut self, gap: Duration, behind: &[u8]) {
        // Opus makes up multiples of 2.5 ms.
        let unit = RATE / 400;
        let mut left = (gap.as_micros() as usize * RATE / 1_000_000 + unit / 2) / unit * unit;
        while left > 0 {
            let frames = left.min(FRAME);
            let input = if frames == left { behind } else { &[] };
            let room = &mut self.room[..frames * CHANNELS];
            if let Ok(made) = self.decoder.decode_float_to_slice(input, room, !input.is_empty()) {
                self.waiting.extend_from_slice(&room[..made * CHANNELS]);
            }
            self.heard.concealed += 1;
            left -= frames;
        }
    }

    fn resample(&mut self, out: &mut Vec<f32>) {
        let piece = self.resampler.piece() * CHANNELS;
        let whole = self.waiting.len() / piece * piece;
        for samples in self.waiting[..whole].chunks_exact(piece) {
            self.resampler.process(samples, out);
        }
        self.waiting.drain(..whole);
    }
}
