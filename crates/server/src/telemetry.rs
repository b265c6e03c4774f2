//! The intake for telemetry (F74): what members' clients tell of their sessions, for the owner of the
//! server. Bounded in every way; what has no room is counted. The words are in
//! `offhook_signaling::Telemetry`; nothing here acts on them.

use futures_util::Stream;
use offhook_signaling::Telemetry;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One batch, and whose it is. Who they are is the server's word; what the batch says is the
/// client's, and may be anything that fits a frame: escape it before it is shown on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryReport {
    /// The session, as `kind/id`.
    pub session: String,
    /// The server's id of it, the same as in the client's log.
    pub session_id: String,
    /// The user.
    pub user: String,
    /// The instance, in hexadecimal digits.
    pub instance: String,
    /// What the client tells: at most 120 entries and 64 KiB on the wire.
    pub batch: Telemetry,
}

/// Most batches that may wait for a reader: with each as large as a frame, 256 MiB.
const MOST: usize = 4096;

/// The server's end: give it to [`Builder::telemetry`](crate::Builder::telemetry). Cloning shares
/// it, so that several servers may fill one stream.
#[derive(Clone)]
pub struct TelemetryIntake {
    reports: mpsc::Sender<TelemetryReport>,
    missed: Arc<AtomicU64>,
}

/// The owner's end: a stream of what comes.
///
/// # Drop
/// From then on the server asks no client for telemetry any more, and drops what still comes.
#[derive(Debug)]
pub struct TelemetryReports {
    reports: mpsc::Receiver<TelemetryReport>,
    missed: Arc<AtomicU64>,
}

impl TelemetryIntake {
    /// An intake in which so many batches wait for their reader, 1 to 4096. A batch that finds
    /// it full is dropped and counted: no member ever waits for the reader.
    #[must_use]
    pub fn bounded(batches: usize) -> (Self, TelemetryReports) {
        let (sender, receiver) = mpsc::channel(batches.clamp(1, MOST));
        let missed = Arc::<AtomicU64>::default();
        (Self { reports: sender, missed: missed.clone() }, TelemetryReports { reports: receiver, missed })
    }

    /// Does anybody read?
    pub(crate) fn is_open(&self) -> bool {
        !self.reports.is_closed()
    }

    pub(crate) fn take(&self, report: TelemetryReport) {
        if self.reports.try_send(report).is_err() {
            self.miss();
        }
    }

    pub(crate) fn miss(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for TelemetryIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryIntake").field("missed", &self.missed).finish_non_exhaustive()
    }
}

impl TelemetryReports {
    /// The next batch; `None` when every server that could send one is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<TelemetryReport> {
        self.reports.recv().await
    }

    /// How many batches were dropped: because they came too often
    /// ([`Limits::telemetry_per_minute`](crate::Limits::telemetry_per_minute)) or found no room.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl Stream for TelemetryReports {
    type Item = TelemetryReport;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TelemetryReport>> {
        self.reports.poll_recv(cx)
    }
}

/// Whose last batch a socket may still bring, when its member is gone.
#[derive(Clone, Debug)]
pub(crate) struct Farewell {
    pub(crate) intake: TelemetryIntake,
    pub(crate) session: String,
    pub(crate) session_id: String,
    pub(crate) user: String,
    pub(crate) instance: String,
}

impl Farewell {
    /// Takes it. There is one.
    pub(crate) fn take(self, batch: Telemetry) {
        let Self { intake, session, session_id, user, instance } = self;
        intake.take(TelemetryReport { session, session_id, user, instance, batch });
    }
}

/// How often one member may tell: so many batches a minute, and as many at once.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(crate) fn full(per_minute: u32, now: Instant) -> Self {
        Self { left: f64::from(per_minute), at: now }
    }

    /// Uses one up; false if there is none.
    pub(crate) fn take(&mut self, per_minute: u32, now: Instant) -> bool {
        let most = f64::from(per_minute);
        let earned = now.saturating_duration_since(self.at).as_secs_f64() / MINUTE.as_secs_f64() * most;
        self.left = (self.left + earned).min(most);
        self.at = now;
        let has = self.left >= 1.0;
        if has {
            self.left -= 1.0;
        }
        has
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
