//! What is to be known of a session that is over.

use super::Session;
use offhook_lifecycle::{Attempt, EndReason, Left, Who};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

/// A session's life in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The far side's id of the session, where it had one.
    pub session: Option<Arc<str>>,
    /// From the join's success to the end; zero if it never succeeded.
    pub duration: Duration,
    /// Every dial that is over, of joins and recoveries, with step, duration and error (F09).
    /// Of very many the newest 64.
    pub attempts: Vec<Attempt>,
    /// How often the link was lost and came back.
    pub recoveries: u32,
    /// How often the session moved to another server.
    pub migrations: u32,
    /// How long it was away, in all outages that it came back from.
    pub away: Duration,
}

impl Session<Left> {
    /// Why it is over. The first cause, written once (R1).
    pub fn reason(&self) -> EndReason {
        self.inner.ending().reason
    }

    /// Who ended it.
    pub fn who(&self) -> Who {
        self.inner.ending().who
    }

    /// Does joining again make sense without anybody changing anything?
    pub fn may_retry(&self) -> bool {
        self.inner.ending().may_retry()
    }

    /// The far side's own words on the ending, if it had any.
    pub fn text(&self) -> Option<Arc<str>> {
        self.shared().notes().text.clone()
    }

    /// Its life in numbers.
    pub fn summary(&self) -> Summary {
        let session = self.id();
        let notes = self.shared().notes();
        let tally = notes.tally;
        let duration = match (tally.joined_at, tally.ended_at) {
            (Some(joined), Some(ended)) => ended.since(joined),
            _ => Duration::ZERO,
        };
        Summary {
            session,
            duration,
            attempts: notes.attempts.clone(),
            recoveries: tally.recoveries,
            migrations: tally.migrations,
            away: tally.away,
        }
    }

    /// Waits until every task, socket and track of this session is gone: at once where the far
    /// side answers the goodbye, and never longer than the policy's goodbye (F11).
    ///
    /// # Drop
    /// Cleanup goes on by itself.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn released(&mut self) {
        poll_fn(|cx| self.inner.poll_released(cx)).await;
    }
}
