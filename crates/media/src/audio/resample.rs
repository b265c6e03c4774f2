//! A running stream of samples from one rate to another, in pieces of 10 ms.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// Brings interleaved samples to another rate, piece by piece. Delays them by about 10 ms where
/// the rates differ, and by nothing where they are the same.
pub(super) struct Running {
    channels: usize,
    piece: usize,
    fft: Option<Fft<f32>>,
    room: Vec<f32>,
}

impl Running {
    /// The text says which rates cannot be.
    pub(super) fn new(from: usize, to: usize, channels: usize) -> Result<Self, String> {
        let piece = (from / 100).max(1);
        if from == to {
            return Ok(Self { channels, piece, fft: None, room: Vec::new() });
        }
        let fft = Fft::new(from, to, piece, channels, FixedSync::Input)
            .map_err(|error| format!("{from} to {to} samples a second: {error}"))?;
        let (piece, room) = (fft.input_frames_next(), vec![0.0; fft.output_frames_max() * channels]);
        Ok(Self { channels, piece, fft: Some(fft), room })
    }

    /// Frames that it takes at a time.
    pub(super) fn piece(&self) -> usize {
        self.piece
    }

    /// Appends to `out` what becomes of exactly one piece.
    pub(super) fn process(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else {
            out.extend_from_slice(samples);
            return;
        };
        let frames = self.room.len() / self.channels;
        // Neither fails: the piece and the room are as long as it said itself.
        let (Ok(input), Ok(mut output)) = (
            InterleavedSlice::new(samples, self.channels, samples.len() / self.channels),
            InterleavedSlice::new_mut(&mut self.room, self.channels, frames),
        ) else {
            return;
        };
        let Ok((_, written)) = fft.process_into_buffer(&input, &mut output, None) else { return };
        out.extend_from_slice(&self.room[..written * self.channels]);
    }
}
