//! What the far side saw, with the virtual time it saw it at. Bounded: the oldest goes.

use crate::DialSeen;
use offhook_transport::media::EncodedFrame;
use offhook_transport::{Action, Epoch, InstanceId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Entries a log holds before it loses the oldest.
const DEPTH: usize = 8192;

/// One thing the far side saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Since the pair was made, on the (perhaps virtual) clock.
    pub at: Duration,
    /// By whom.
    pub instance: InstanceId,
    /// On which of its dials.
    pub epoch: Epoch,
    /// What.
    pub what: What,
}

/// What the far side saw.
#[derive(Clone, Debug)]
pub enum What {
    /// A dial arrived.
    Dial(Arc<DialSeen>),
    /// An action arrived.
    Action(Arc<Action>),
    /// An action was taken by a link whose signaling plane was dead; the far side never got it.
    Lost(Arc<Action>),
    /// The connection was closed or dropped.
    Closed,
}

/// A frame that left the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// When it left.
    pub at: Duration,
    /// The newest epoch that holds the media plane it left on.
    pub epoch: Epoch,
    /// The label of its track.
    pub label: String,
    /// The frame.
    pub frame: EncodedFrame,
}

#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    lost: u64,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), lost: 0 }
    }
}

impl<T> Log<T> {
    pub(crate) fn push(&mut self, entry: T) {
        if self.entries.len() == DEPTH {
            self.entries.pop_front();
            self.lost += 1;
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.entries.pop_front()
    }

    pub(crate) fn take(&mut self) -> Vec<T> {
        self.entries.drain(..).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}
