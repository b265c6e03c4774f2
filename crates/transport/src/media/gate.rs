//! The one valve that all outgoing user's media passes.

use std::sync::{Arc, PoisonError, RwLock};

/// How far the gate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum GateLevel {
    /// Media may leave the machine.
    Open,
    /// It may not now; frames are dropped and counted (before the ledger is acked, R14).
    #[default]
    Muted,
    /// Never again: the session was left (R4).
    Closed,
}

/// A valve shared by everything that sends user's media. Starts muted.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<RwLock<GateLevel>>);

impl Gate {
    /// A fresh, muted gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// The level as of now.
    pub fn level(&self) -> GateLevel {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets media pass, unless closed.
    pub fn open(&self) {
        self.set(GateLevel::Open);
    }

    /// Holds media back, unless closed.
    pub fn mute(&self) {
        self.set(GateLevel::Muted);
    }

    /// Shuts for ever. When this returns no [`pass`](Gate::pass) is under way and none will
    /// succeed: that is what lets `leave()` promise silence on return.
    pub fn close(&self) {
        self.set(GateLevel::Closed);
    }

    /// Runs `send` if media may leave, holding the gate meanwhile. `send` must not wait, and
    /// must not use this gate.
    pub fn pass<T>(&self, send: impl FnOnce() -> T) -> Option<T> {
        let level = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (*level == GateLevel::Open).then(send)
    }

    fn set(&self, to: GateLevel) {
        let mut level = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *level != GateLevel::Closed {
            *level = to;
        }
    }
}
