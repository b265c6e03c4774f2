//! Telling the far side how the session goes (F74): in batches while the link is up, and a last
//! one before the goodbye. What is kept until then, and that leaving seals it, is in `telemetry.rs`.
//! Its time decides nothing about the session, so it is none of the machine's deadlines.

use super::Host;
use crate::shared::lock;
use offhook_lifecycle::{Attempt, Epoch, Event, Plane, State, Step};
use offhook_transport::{Action, Capability, Happened, Stats, TelemetryEntry};
use std::time::Duration;
use tokio::time::Instant;

/// Time between two batches.
const EVERY: Duration = Duration::from_secs(10);

/// When the next batch is due, and which link would take it.
#[derive(Debug, Default)]
pub(super) struct Batches {
    pub(super) due: Option<Instant>,
    /// The link that carried last.
    link: Option<Epoch>,
}

impl Host {
    /// Writes down what happened, where anybody wants to know.
    pub(super) fn sample(&mut self, what: Happened) {
        if !self.config.telemetry || !self.may_be_wanted() {
            return;
        }
        let at = self.clock.now().elapsed();
        lock(&self.shared.telemetry).record(TelemetryEntry { at, what });
        if self.batches.due.is_none() {
            self.batches.due = Some(Instant::now() + EVERY);
        }
    }

    /// Writes down what the machine reports; interruptions of media are measured by the reporter.
    pub(super) fn sample_report(&mut self, event: &Event) {
        match event {
            Event::State(state) if self.reporter.is_news(*state) => {
                self.sample(Happened::State { state: state.calling().name() });
            }
            Event::Attempt(attempt) => self.sample(dialled(attempt)),
            Event::PlaneLost { plane, fault } => {
                self.sample(Happened::LinkLost { plane: plane_code(*plane), fault: fault.code() });
            }
            Event::MigrationFinished { moved } => self.sample(Happened::Moved { moved: *moved }),
            Event::Error(cause) => self.sample(Happened::Error { code: cause.code() }),
            // Written down where the length of the interruption is known.
            Event::Recovered { .. }
            | Event::State(_)
            | Event::Progress(_)
            | Event::JoinFailed(_)
            | Event::AcceptFailed(_)
            | Event::MigrationStarted(_)
            | Event::Change { .. }
            | Event::Command { .. }
            | Event::Generating(_)
            | Event::Ended(_) => {}
        }
    }

    /// Writes down what the link measured.
    pub(super) fn sample_stats(&mut self, stats: &Stats) {
        self.sample(Happened::Statistics(stats.totals()));
    }

    /// Notes which link carries, from before an ending takes it away.
    pub(super) fn note_link(&mut self) {
        if let Some(epoch) = self.machine.snapshot().epoch() {
            self.batches.link = Some(epoch);
        }
    }

    /// Sends the batch that is due. While no link is up, or it takes nothing, it stays for the next.
    pub(super) fn send_telemetry(&mut self) {
        let now = Instant::now();
        if self.batches.due.is_none_or(|due| due > now) {
            return;
        }
        self.batches.due = Some(now + EVERY);
        let up = matches!(self.machine.state(), State::Live | State::Migrating);
        let Some(epoch) = self.batches.link.filter(|epoch| up && !self.links.is_full(*epoch)) else { return };
        if !self.is_wanted() {
            return;
        }
        let mut recorder = lock(&self.shared.telemetry);
        if let Some(batch) = recorder.take(false) {
            drop(recorder);
            self.links.act(epoch, Action::Telemetry(Box::new(batch)));
        }
    }

    /// The last batch, if this is the link for it; at most once.
    pub(super) fn last_telemetry(&mut self, epoch: Epoch) -> Option<Action> {
        if !self.config.telemetry || !self.is_wanted() {
            return None;
        }
        self.batches.link.take_if(|link| *link == epoch)?;
        self.batches.due = None;
        let mut recorder = lock(&self.shared.telemetry);
        recorder.seal();
        recorder.take(true).map(|batch| Action::Telemetry(Box::new(batch)))
    }

    /// Does the far side take it?
    fn is_wanted(&self) -> bool {
        self.contents.capabilities.is_some_and(|can| can.has(Capability::Telemetry))
    }

    /// Might it take it? Before the first link nobody knows.
    fn may_be_wanted(&self) -> bool {
        if self.contents.capabilities.is_some() {
            let wanted = self.is_wanted();
            if !wanted {
                lock(&self.shared.telemetry).forget();
            }
            return wanted;
        }
        self.shared.capabilities.has(Capability::Telemetry)
    }
}

const fn dialled(attempt: &Attempt) -> Happened {
    let step = match attempt.step {
        Step::Searching => "searching",
        Step::Preparing => "preparing",
        Step::Connecting => "connecting",
    };
    let error = match attempt.error {
        Some(cause) => Some(cause.code()),
        None => None,
    };
    Happened::Attempt { plan: attempt.plan.code(), step, took: attempt.took, error }
}

const fn plane_code(plane: Plane) -> &'static str {
    match plane {
        Plane::Signaling => "signaling",
        Plane::Media => "media",
    }
}
