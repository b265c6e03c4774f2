//! Where received frames go: into the sinks of all links that share a peer. The newest is
//! tried first; it takes frames from the moment the host switches to it, so a resume costs no
//! picture. Which section brings whose track the answers say; a section of nobody's is the far
//! side's own.
//!
//! While the host has chosen none of the links, as during a move, the frames since the newest key frame
//! are held: when it switches there is a picture to begin with, and nobody has to ask for one. They
//! are handed on at the switch and not with the next frame, which may be long in coming: what was
//! painted before a mute must not be shown after it (R14). So are, in a room, the frames of a section
//! that were faster than the answer that says whose they are.

use offhook_transport::Epoch;
use offhook_transport::media::{EncodedFrame, Kind, RemoteSink, TrackId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Frames that are held of one section. With more than these behind it a key frame is too old to
/// begin with.
const HELD: usize = 64;
/// And how much they may be.
const HELD_BYTES: usize = 1 << 20;
/// And of all sections together; beyond it a section begins with the next key frame.
const HELD_OF_ALL: usize = 8 << 20;

#[derive(Default)]
pub(super) struct Sinks(Mutex<State>);

#[derive(Default)]
struct State {
    sinks: Vec<(Epoch, RemoteSink)>,
    /// Are members' tracks forwarded here? Then a section that no answer named yet is nobody's yet.
    forwards: bool,
    /// What the newest answer said.
    routes: HashMap<String, Route>,
    held: HashMap<String, Held>,
}

/// Whose a section is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The far side's own.
    Own,
    /// A member's.
    Track(TrackId),
}

#[derive(Default)]
struct Held {
    frames: Vec<EncodedFrame>,
    bytes: usize,
}

impl Sinks {
    pub(super) fn add(&self, epoch: Epoch, sink: RemoteSink) {
        self.lock().sinks.push((epoch, sink));
    }

    pub(super) fn remove(&self, epoch: Epoch) {
        self.lock().sinks.retain(|(of, _)| *of != epoch);
    }

    /// The far side forwards members' tracks.
    pub(super) fn forwards(&self) {
        self.lock().forwards = true;
    }

    /// An answer says whose each section is. What is held of one that was somebody else's is
    /// forgotten, what was faster than the answer is handed on.
    pub(super) fn route(&self, routes: HashMap<String, Route>) {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.routes, routes);
        let State { routes, held, forwards, .. } = &mut *state;
        *forwards |= routes.values().any(|route| matches!(route, Route::Track(_)));
        held.retain(|mid, _| before.get(mid).is_none_or(|route| routes.get(mid) == Some(route)));
        state.settle();
    }

    /// A member has only these tracks any more: what still comes of others is nobody's.
    pub(super) fn keep(&self, member: &str, labels: &[&str]) {
        let mut state = self.lock();
        let State { routes, held, .. } = &mut *state;
        routes.retain(|mid, route| match route {
            Route::Track(id) if id.member() == member && !labels.contains(&id.label()) => {
                held.remove(mid);
                false
            }
            Route::Track(_) | Route::Own => true,
        });
    }

    /// The section that brings this track.
    pub(super) fn mid_of(&self, track: &TrackId) -> Option<String> {
        let state = self.lock();
        let found = state.routes.iter().find(|(_, route)| **route == Route::Track(track.clone()));
        found.map(|(mid, _)| mid.clone())
    }

    pub(super) fn push(&self, mid: &str, frame: &EncodedFrame) {
        let mut state = self.lock();
        let chosen = state.settle();
        let own = (!state.forwards).then_some(&Route::Own);
        let Some(route) = state.routes.get(mid).or(own) else {
            return state.hold(mid, frame);
        };
        if state.sinks.iter().rev().any(|(_, sink)| route.push(sink, frame)) {
            return;
        }
        if !chosen {
            state.hold(mid, frame);
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

impl Route {
    fn push(&self, sink: &RemoteSink, frame: &EncodedFrame) -> bool {
        match self {
            Self::Own => sink.push(frame),
            Self::Track(id) => sink.push_track(id, frame),
        }
    }
}

impl State {
    /// Hands what is held on to the newest that is chosen. False if none is.
    fn settle(&mut self) -> bool {
        let Self { sinks, routes, held, forwards } = self;
        let Some((_, sink)) = sinks.iter().rev().find(|(_, sink)| sink.is_chosen()) else {
            return false;
        };
        if held.is_empty() {
            return true;
        }
        held.retain(|mid, held| {
            let own = (!*forwards).then_some(&Route::Own);
            let Some(route) = routes.get(mid).or(own) else { return true };
            for frame in &held.frames {
                route.push(sink, frame);
            }
            false
        });
        true
    }

    fn hold(&mut self, mid: &str, frame: &EncodedFrame) {
        // Sound is not begun with what is past.
        if frame.codec.kind() != Kind::Video || (!frame.key && !self.held.contains_key(mid)) {
            return;
        }
        let size = frame.data.len();
        let before = self.held.remove(mid).unwrap_or_default();
        let others: usize = self.held.values().map(|held| held.bytes).sum();
        let full = before.frames.len() == HELD || before.bytes + size > HELD_BYTES;
        if others + size + if frame.key { 0 } else { before.bytes } > HELD_OF_ALL {
            return;
        }
        let mut held = match (frame.key, full) {
            (true, _) => Held::default(),
            (false, true) => return,
            (false, false) => before,
        };
        held.bytes += size;
        held.frames.push(frame.clone());
        self.held.insert(mid.to_owned(), held);
    }
}

#[cfg(test)]
mod tests;
