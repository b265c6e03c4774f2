//! What was seen, with its time in seconds since the run began. Written by `play.rs` while it
//! happens, read by `rules/` when it is over. Facts only: nothing here knows what ought to be.

use super::plan::Hint;
use offhook::{CallingState, ConnectionState, Event};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A picture taken from the clip, to be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) at: f64,
    /// Which picture of the clip.
    pub(crate) picture: usize,
}

/// A picture that came back, decoded and judged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Returned {
    pub(crate) at: f64,
    /// The look it has beyond doubt.
    pub(crate) look: Option<usize>,
    /// The pictures of the clip that it may be; none when it is nobody's.
    pub(crate) near: Vec<usize>,
}

/// How a wish ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The far side has it in effect.
    Applied,
    /// Anything else, by its code.
    Other(String),
}

/// A prompt that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) look: usize,
    pub(crate) at: f64,
    /// When it was answered, and how; none while it waits.
    pub(crate) answered: Option<(f64, Answer)>,
}

/// The camera muted or unmuted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Muting {
    pub(crate) muted: bool,
    /// Before the call.
    pub(crate) called: f64,
    /// When the call had returned.
    pub(crate) returned: f64,
}

/// A fault of the network, a turn of a server, or a network that was said to be gone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) name: String,
    pub(crate) from: f64,
    /// Its end; the same moment for one that has no length, none if it was not reached.
    pub(crate) to: Option<f64>,
    /// Does it swallow media? What was sent into it may be asked for, and come, after it.
    pub(crate) swallows: bool,
    /// So much longer than otherwise it may take to recover from it, in seconds.
    pub(crate) spread: f64,
}

/// The session was asked to go elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AskedToGo {
    pub(crate) at: f64,
    /// When the old link is closed.
    pub(crate) until: f64,
    /// Does the place take it?
    pub(crate) taken: bool,
    /// Which trouble it is, by its place.
    pub(crate) trouble: usize,
}

/// A returned frame as it came, still encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) at: f64,
    /// Seconds since its stream began; a stream is one connection's.
    pub(crate) pts: f64,
    pub(crate) key: bool,
    pub(crate) bytes: usize,
    /// Of its bytes.
    pub(crate) hash: u64,
}

/// One consistent look at the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) calling: CallingState,
    pub(crate) connection: ConnectionState,
    pub(crate) percent: u8,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Why the session was not joined.
    pub(crate) not_joined: Option<String>,
    pub(crate) joined: Option<f64>,
    pub(crate) first_picture: Option<f64>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) returned: Vec<Returned>,
    pub(crate) prompts: Vec<Asked>,
    pub(crate) mutings: Vec<Muting>,
    pub(crate) troubles: Vec<Trouble>,
    /// How many of them were the network's, and how many a server's.
    pub(crate) faults: usize,
    pub(crate) turns: usize,
    /// What was told of the network.
    pub(crate) hints: Vec<(f64, Hint)>,
    pub(crate) asked_to_go: Vec<AskedToGo>,
    /// Why a server did not do its turn.
    pub(crate) stage: Option<String>,
    /// Returned frames, before they are decoded.
    pub(crate) frames: Vec<Frame>,
    /// Why the network could not be played to the end of the schedule.
    pub(crate) rig: Option<String>,
    pub(crate) states: Vec<(f64, CallingState)>,
    /// Changes that the reader of states was too slow for.
    pub(crate) states_missed: u64,
    pub(crate) shown: Vec<(f64, Shown)>,
    /// Every event but statistics.
    pub(crate) events: Vec<(f64, Event)>,
    /// Did the stream of events end by itself?
    pub(crate) events_ended: bool,
    /// The most members that a server had at any look.
    pub(crate) most_members: usize,
    /// Packets of media that the client sent for the first time, so far, at each look.
    pub(crate) packets: Vec<(f64, u64)>,
    /// When the faults were over.
    pub(crate) calm: Option<f64>,
    /// The last prompt, asked for in the calm: was it answered, was it seen?
    pub(crate) last_prompt: Option<(bool, bool)>,
    /// When leaving was called, had returned, and everything was released.
    pub(crate) leaving: Option<(f64, f64)>,
    pub(crate) released: Option<f64>,
    /// Did the borrowed camera still run when the session was over?
    pub(crate) camera_runs: Option<bool>,
    /// Changes whose end never came.
    pub(crate) unanswered: usize,
    /// Tasks and sockets.
    pub(crate) left_over: Option<(usize, usize)>,
}

/// Where it is written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    seen: Mutex<Seen>,
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something down.
    pub(crate) fn note<T>(&self, write: impl FnOnce(&mut Seen) -> T) -> T {
        write(&mut self.lock())
    }

    /// Takes everything out.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.lock())
    }
}
