//! What is written down of a session for its far side (F74): a bounded list that leaving seals.
//! When it is sent is in `host/telemetry.rs`.

use offhook_transport::{Happened, Telemetry, TelemetryEntry};
use std::collections::VecDeque;

/// The entries of the next batch.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    entries: VecDeque<TelemetryEntry>,
    left_out: u64,
    batches: u64,
    sealed: bool,
}

impl Recorder {
    /// One more entry. Where there is no room the oldest statistics give way, or, where there are
    /// none, the oldest entry. After the seal nothing is taken.
    pub(crate) fn record(&mut self, entry: TelemetryEntry) {
        if self.sealed {
            return;
        }
        if self.entries.len() == Telemetry::ENTRIES {
            let measured = |entry: &TelemetryEntry| matches!(entry.what, Happened::Statistics(_));
            let oldest = self.entries.iter().position(measured).unwrap_or(0);
            self.entries.remove(oldest);
            self.left_out += 1;
        }
        self.entries.push_back(entry);
    }

    /// The session was left: nothing is sampled any more (R4). What was before can still be taken.
    pub(crate) fn seal(&mut self) {
        self.sealed = true;
    }

    /// What was written down since the last batch; `None` where that is nothing, unless it is to be
    /// the last one.
    pub(crate) fn take(&mut self, last: bool) -> Option<Telemetry> {
        if self.entries.is_empty() && !last {
            return None;
        }
        self.batches += 1;
        Some(Telemetry {
            batch: self.batches,
            last,
            left_out: std::mem::take(&mut self.left_out),
            entries: std::mem::take(&mut self.entries).into(),
        })
    }

    /// Nobody wants to know.
    pub(crate) fn forget(&mut self) {
        self.entries.clear();
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests;
