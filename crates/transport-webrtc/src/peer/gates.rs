//! The gates of all links that share a peer. A resume takes the peer over from the link it
//! follows, and each link has a gate of its own: media may leave while any of them is open,
//! so that the change of hands costs no packet, and none may when the last one is shut.

use offhook_transport::media::{Gate, GateLevel};
use std::sync::{Arc, PoisonError, RwLock};

/// One or more gates, seen as one. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Gates(Arc<RwLock<Vec<Gate>>>);

impl Gates {
    /// One more link may send. Gates that are shut for ever are forgotten.
    pub fn add(&self, gate: Gate) {
        let mut gates = self.0.write().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|gate| gate.level() != GateLevel::Closed);
        gates.push(gate);
    }

    /// As open as the most open of them.
    pub fn level(&self) -> GateLevel {
        let gates = self.0.read().unwrap_or_else(PoisonError::into_inner);
        gates.iter().map(Gate::level).min().unwrap_or(GateLevel::Closed)
    }

    /// Runs `send` if media may leave, holding a gate that is open meanwhile: when the closing
    /// of the last open one has returned, nothing passes. `send` must not wait.
    pub fn pass<T>(&self, send: impl FnOnce() -> T) -> Option<T> {
        let gates = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut send = Some(send);
        gates.iter().rev().find_map(|gate| gate.pass(|| send.take().map(|send| send())).flatten())
    }
}

impl From<Gate> for Gates {
    fn from(gate: Gate) -> Self {
        Self(Arc::new(RwLock::new(vec![gate])))
    }
}

#[cfg(test)]
mod tests;
