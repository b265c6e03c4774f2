//! Where received frames go: into the sinks of all links that share a peer. The newest is
//! tried first; it takes frames from the moment the host switches to it, so a resume costs no
//! picture.
//!
//! While the host has chosen none of them, as during a move, the frames since the newest key frame
//! are held: when it switches there is a picture to begin with, and nobody has to ask for one. They
//! are handed on at the switch and not with the next frame, which may be long in coming: what was
//! painted before a mute must not be shown after it (R14).

use offhook_transport::Epoch;
use offhook_transport::media::{EncodedFrame, Kind, RemoteSink};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Frames that are held. With more than these behind it a key frame is too old to begin with.
const HELD: usize = 64;
/// And how much they may be in all.
const HELD_BYTES: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Sinks(Mutex<State>);

#[derive(Default)]
struct State {
    sinks: Vec<(Epoch, RemoteSink)>,
    held: Vec<EncodedFrame>,
    bytes: usize,
}

impl Sinks {
    pub(super) fn add(&self, epoch: Epoch, sink: RemoteSink) {
        self.lock().sinks.push((epoch, sink));
    }

    pub(super) fn remove(&self, epoch: Epoch) {
        self.lock().sinks.retain(|(of, _)| *of != epoch);
    }

    pub(super) fn push(&self, frame: &EncodedFrame) {
        let mut state = self.lock();
        let chosen = state.settle();
        for (_, sink) in state.sinks.iter().rev() {
            if sink.push(frame) {
                return;
            }
        }
        if !chosen {
            state.hold(frame);
        }
    }

    /// The host may have chosen: what is held goes to the one it chose, now.
    pub(super) fn settle(&self) {
        self.lock().settle();
    }

    /// Is a picture held that could be begun with?
    pub(super) fn has_picture(&self) -> bool {
        !self.lock().held.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Hands what is held on to the newest that is chosen. False if none is.
    fn settle(&mut self) -> bool {
        let Some((_, sink)) = self.sinks.iter().rev().find(|(_, sink)| sink.is_chosen()) else {
            return false;
        };
        self.bytes = 0;
        for frame in self.held.drain(..) {
            sink.push(&frame);
        }
        true
    }

    fn hold(&mut self, frame: &EncodedFrame) {
        // Sound is not begun with what is past.
        if frame.codec.kind() != Kind::Video || (self.held.is_empty() && !frame.key) {
            return;
        }
        if frame.key || self.held.len() == HELD || self.bytes + frame.data.len() > HELD_BYTES {
            self.held.clear();
            self.bytes = 0;
        }
        if frame.key || !self.held.is_empty() {
            self.bytes += frame.data.len();
            self.held.push(frame.clone());
        }
    }
}

#[cfg(test)]
mod tests;
