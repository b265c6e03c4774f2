//! A bounded queue of frames between two sides that need not share a runtime.
//!
//! Media is perishable: a full queue loses its oldest frame, and after a loss a video stream
//! is silent until its next key frame, because what lies between cannot be decoded.

use super::{EncodedFrame, Kind, VideoWish};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Debug)]
struct State {
    frames: VecDeque<EncodedFrame>,
    broken: bool,
    closed: bool,
    key_wanted: bool,
    wish: Option<VideoWish>,
    dropped: u64,
    reader: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            frames: VecDeque::with_capacity(capacity),
            broken: false,
            closed: false,
            key_wanted: false,
            wish: None,
            dropped: 0,
            reader: None,
        };
        Self { capacity, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the stream start at a key frame: what comes before one is dropped. The caller asks
    /// the source for it.
    pub(super) fn await_key(&self) {
        self.lock().broken = true;
    }

    /// Takes a frame in; true if it was queued.
    pub(super) fn push(&self, frame: EncodedFrame) -> bool {
        let mut state = self.lock();
        if state.closed {
            state.dropped += 1;
            return false;
        }
        let video = frame.codec.kind() == Kind::Video;
        if video && state.broken {
            if !frame.key {
                state.dropped += 1;
                return false;
            }
            state.broken = false;
        }
        if video && frame.key {
            // The wish is granted.
            state.key_wanted = false;
        }
        if state.frames.len() == self.capacity {
            if video && !frame.key {
                // The oldest goes, and with it everything that needs it.
                state.dropped += state.frames.len() as u64 + 1;
                state.frames.clear();
                state.broken = true;
                state.key_wanted = true;
                return false;
            }
            if video {
                state.dropped += state.frames.len() as u64;
                state.frames.clear();
            } else {
                state.dropped += 1;
                state.frames.pop_front();
            }
        }
        state.frames.push_back(frame);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        true
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        let mut state = self.lock();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Drops what waits.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.dropped += state.frames.len() as u64;
        state.frames.clear();
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn count_drop(&self) {
        self.lock().dropped += 1;
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// At what size and rate the taker wants the track.
    pub(super) fn set_wish(&self, wish: Option<VideoWish>) {
        self.lock().wish = wish;
    }

    pub(super) fn wish(&self) -> Option<VideoWish> {
        self.lock().wish
    }

    pub(super) fn want_key(&self) {
        self.lock().key_wanted = true;
    }

    pub(super) fn take_key_wanted(&self) -> bool {
        std::mem::take(&mut self.lock().key_wanted)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
