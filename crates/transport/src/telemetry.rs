//! What a client tells its far side of how the session went (F74). Every word in it is one of
//! this library's own codes, so that nothing secret and no text of a user's can be.
//! When it is sampled and sent is the host's affair.

use crate::StatsTotals;
use std::time::Duration;

/// One batch of telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// The number of this batch in its session, from 1. A batch that is lost is not sent again.
    pub batch: u64,
    /// The last one: a goodbye follows.
    pub last: bool,
    /// Entries that had no room in this batch. Statistics give way first, then the oldest.
    pub left_out: u64,
    /// What happened, oldest first; at most [`ENTRIES`](Self::ENTRIES).
    pub entries: Vec<TelemetryEntry>,
}

impl Telemetry {
    /// The most entries in one batch.
    pub const ENTRIES: usize = 120;
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelemetryEntry {
    /// When, since the session was made on the client.
    pub at: Duration,
    /// What.
    pub what: Happened,
}

/// What happened in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The session is in this state from now on.
    State {
        /// The calling state's name.
        state: &'static str,
    },
    /// A dial is over.
    Attempt {
        /// The code of its plan.
        plan: &'static str,
        /// The code of the step it had come to.
        step: &'static str,
        /// How long it took.
        took: Duration,
        /// The code of why it failed; `None` when it carried.
        error: Option<&'static str>,
    },
    /// A plane of the link was lost.
    LinkLost {
        /// The plane's code.
        plane: &'static str,
        /// The fault's code.
        fault: &'static str,
    },
    /// The link carries again.
    Recovered {
        /// The code of the plan that did it.
        plan: &'static str,
        /// How long the session was away.
        after: Duration,
        /// The longest stretch of it without media; zero where media lived on.
        media_interrupted: Duration,
    },
    /// A move to another server is over.
    Moved {
        /// Did the new link carry in time?
        moved: bool,
    },
    /// The picture of the far side stands still.
    PictureStalled,
    /// It moves again, or is not due any more.
    PictureResumed {
        /// How long it stood still.
        after: Duration,
    },
    /// Something ended the session, or its recovery.
    Error {
        /// The code.
        code: &'static str,
    },
    /// What the link measured.
    Statistics(StatsTotals),
}
