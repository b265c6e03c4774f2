//! Samples between a device's callback and the rest, bounded: what is too much is the oldest,
//! which is lost and counted. A lock is held for as long as a few hundred samples take to copy.

use crate::device::DeviceError;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Interleaved samples of a fixed number of channels. Lengths are in frames: a sample of each.
pub(super) struct Ring {
    channels: usize,
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    samples: VecDeque<f32>,
    lost: u64,
    overrun: bool,
    /// The largest piece that came in, or was asked for.
    piece: usize,
    /// It plays; otherwise it fills up first.
    flowing: bool,
    dry: u64,
    failure: Option<DeviceError>,
}

impl Ring {
    pub(super) fn new(channels: usize, most: usize) -> Self {
        let state = State { samples: VecDeque::with_capacity(channels * most), ..State::default() };
        Self { channels: channels.max(1), most, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Takes whole frames in. What no longer fits is lost, the oldest first.
    pub(super) fn push(&self, samples: impl ExactSizeIterator<Item = f32>) {
        let mut state = self.lock();
        let frames = samples.len() / self.channels;
        state.piece = state.piece.max(frames);
        // Not the whole of a piece that is larger than the ring: its capacity never grows.
        let fits = self.most * self.channels;
        let skip = samples.len().saturating_sub(fits);
        let over = (state.samples.len() + samples.len() - skip).saturating_sub(fits);
        state.samples.drain(..over);
        state.samples.extend(samples.skip(skip));
        let lost = (over + skip) / self.channels;
        state.lost += lost as u64;
        state.overrun |= lost > 0;
    }

    /// Appends `frames` to `into`, or nothing if there are not as many.
    pub(super) fn take(&self, frames: usize, into: &mut Vec<f32>) -> bool {
        let mut state = self.lock();
        let samples = frames * self.channels;
        if state.samples.len() < samples {
            return false;
        }
        into.extend(state.samples.drain(..samples));
        true
    }

    /// Fills `frames` frames by calling `put` with each. It begins once `cushion` frames are
    /// there, the piece asked for included; where it runs dry it is silent until they are again.
    pub(super) fn play(&self, frames: usize, cushion: usize, mut put: impl FnMut(usize, &[f32])) {
        let mut state = self.lock();
        state.piece = state.piece.max(frames);
        let (held, enough) = (state.samples.len() / self.channels, cushion.max(frames).min(self.most));
        if !state.flowing && held < enough {
            return;
        }
        state.flowing = held >= frames;
        if !state.flowing {
            state.dry += 1;
        }
        let mut frame = [0.0; 8];
        let width = self.channels.min(frame.len());
        for at in 0..frames.min(held) {
            for slot in &mut frame[..width] {
                *slot = state.samples.pop_front().unwrap_or_default();
            }
            put(at, &frame[..width]);
        }
    }

    /// Loses all but the newest `frames`.
    pub(super) fn keep_newest(&self, frames: usize) {
        let mut state = self.lock();
        let over = state.samples.len().saturating_sub(frames * self.channels);
        state.samples.drain(..over);
        state.lost += (over / self.channels) as u64;
    }

    /// Frames that are held.
    pub(super) fn frames(&self) -> usize {
        self.lock().samples.len() / self.channels
    }

    /// The largest piece that came in, or was asked for.
    pub(super) fn piece(&self) -> usize {
        self.lock().piece
    }

    /// Were frames lost for want of room since this was last asked?
    pub(super) fn take_overrun(&self) -> bool {
        std::mem::take(&mut self.lock().overrun)
    }

    /// Frames lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// How often it ran dry.
    pub(super) fn dry(&self) -> u64 {
        self.lock().dry
    }

    /// The device failed, for good; the first word counts.
    pub(super) fn fail(&self, failure: DeviceError) {
        self.lock().failure.get_or_insert(failure);
    }

    pub(super) fn failure(&self) -> Option<DeviceError> {
        self.lock().failure.clone()
    }
}
