//! One outage after another: plans that escalate and never downgrade (R7), and the budgets that
//! outlive an outage and start anew only after proven health (R11).

use super::Core;
use super::timers::Timer;
use super::window::Window;
use crate::{EndReason, Event, Fault, Gate, JoinErrorKind, Plan, Plane, Rejection, Time};
use std::time::Duration;

/// How the next dial recovers. Ordered: within an outage it only rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Recovery {
    #[default]
    Resume,
    Rejoin,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Outage {
    pub(crate) active: bool,
    pub(crate) began: Time,
    pub(crate) plan: Recovery,
    /// What to wait for before the first dial.
    pub(crate) wait: Option<Duration>,
    /// Is it the far side that has us wait? Then no sign of life cuts it short.
    pub(crate) told: bool,
    pub(crate) resume_until: Time,
    /// Was the media path already made anew over the living signaling?
    pub(crate) restarted: bool,
    /// Was nothing but media lost in this outage?
    pub(crate) media_only: bool,
    /// Is the dial one that was granted in `failed`, judged by its own deadline alone?
    pub(crate) granted: bool,
    /// Did a server that another one named refuse the session for good?
    pub(crate) target_refused: bool,
    pub(crate) away_since: Option<Time>,
    // From here on: what only health resets.
    pub(crate) away_used: Duration,
    pub(crate) tries: u8,
    pub(crate) dials: u32,
    pub(crate) resumed_at: Option<Time>,
    pub(crate) short_resumes: Window,
    pub(crate) rejoins: Window,
}

impl Outage {
    /// Why a session that is `failed` ended.
    pub(crate) const fn end_reason(&self) -> EndReason {
        if self.media_only { EndReason::MediaLost } else { EndReason::NetworkLost }
    }
}

impl Core {
    /// The link is lost. `at_least` is the mildest plan that may be tried.
    pub(crate) fn begin_outage(&mut self, at_least: Recovery, wait: Option<Duration>) {
        let kept_until = self.place_kept_until();
        let lone = self.outage.dials == 0;
        let short =
            self.outage.resumed_at.take().is_some_and(|at| self.now.since(at) < self.policy.short_resume);
        if short {
            self.outage.short_resumes.note(self.now);
            self.outage.tries = self.outage.tries.saturating_add(1);
        }
        let flaps = self.outage.short_resumes.is_full(
            self.now,
            self.policy.short_resume_span,
            self.policy.short_resumes.max(1),
        );
        let spent = self.outage.tries >= self.policy.resume_tries.max(1);
        let no_place = kept_until <= self.now || flaps || spent;
        let outage = &mut self.outage;
        outage.active = true;
        outage.began = self.now;
        outage.resume_until = kept_until;
        outage.restarted = false;
        outage.granted = false;
        outage.target_refused = false;
        outage.told = false;
        outage.media_only = self
            .current
            .as_ref()
            .is_some_and(|line| line.lost.has(Plane::Media) && !line.lost.has(Plane::Signaling));
        outage.plan = if no_place { Recovery::Rejoin } else { at_least };
        outage.wait = wait;
        if lone {
            return;
        }
        let ceiling = self.policy.backoff_ceiling(self.outage.dials - 1);
        let backoff = self.jitter.upto(ceiling);
        self.outage.wait = Some(wait.unwrap_or_default().max(backoff));
    }

    /// How an outage begins that a fault of a plane began.
    pub(crate) fn begin_outage_by(&mut self, fault: Fault) {
        let (at_least, wait) = self.remedy_for(fault);
        self.begin_outage(at_least, wait);
        self.outage.told = fault == Fault::ServerRestart;
    }

    /// The mildest plan that can mend this fault, and what to wait for before it.
    pub(super) fn remedy_for(&mut self, fault: Fault) -> (Recovery, Option<Duration>) {
        match fault {
            // The reason may still be on its way; after it a new connection, for the old is closed.
            Fault::ClosedByPeer => (Recovery::Rejoin, Some(self.policy.ending_grace)),
            Fault::ServerRestart => (Recovery::Rejoin, Some(self.jitter.upto(self.policy.restart_spread))),
            Fault::Unreachable
            | Fault::Closed
            | Fault::TimedOut
            | Fault::Silent
            | Fault::Tls
            | Fault::BadAddress
            | Fault::Protocol
            | Fault::IceFailed
            | Fault::Dtls
            | Fault::MediaFault
            | Fault::CredentialTimeout
            | Fault::Local => (Recovery::Resume, None),
        }
    }

    /// The away clock stops.
    pub(crate) fn stop_away(&mut self) {
        if let Some(since) = self.outage.away_since.take() {
            self.outage.away_used = self.outage.away_used.saturating_add(self.now.since(since));
        }
        self.timers.clear(Timer::Away);
    }

    /// Entering `live`, from wherever.
    pub(crate) fn go_live(&mut self) {
        let recovered = self.outage.active;
        let plan = self.standby.as_ref().map(|standby| standby.plan);
        self.stop_away();
        self.promote();
        self.joins = 1;
        // What carries shows that there is a network, whatever a hint said.
        self.network_up = true;
        self.said_down = false;
        self.timers.clear(Timer::ResumeWindow);
        self.outage.active = false;
        self.outage.granted = false;
        if std::mem::take(&mut self.moving) {
            self.report(Event::MigrationFinished { moved: true });
        }
        if recovered {
            let plan = plan.unwrap_or(Plan::Resume { restart_ice: true });
            self.outage.resumed_at = matches!(plan, Plan::Resume { .. }).then_some(self.now);
            self.report(Event::Recovered { plan, after: self.now.since(self.outage.began) });
        }
        self.stop_watching();
        self.watch_planes();
        self.timers.set(Timer::Healthy, self.now.plus(self.policy.healthy));
        if !self.suspended {
            self.gate_current(Gate::Open);
        }
        // What was wished for while nothing could be told.
        self.touch();
    }

    /// All planes were healthy for long enough: the past is forgotten.
    pub(crate) fn forget_outages(&mut self) {
        let outage = &mut self.outage;
        outage.away_used = Duration::ZERO;
        outage.tries = 0;
        outage.dials = 0;
        outage.resumed_at = None;
        outage.short_resumes.clear();
        outage.rejoins.clear();
        self.refreshed = false;
        self.network_granted = None;
    }

    pub(crate) fn escalate(&mut self, plan: Recovery) {
        self.outage.plan = self.outage.plan.max(plan);
        if self.outage.plan == Recovery::Rejoin {
            self.timers.clear(Timer::ResumeWindow);
        }
    }

    /// After a server's restart its clients come back spread out (E10): over its own time, or
    /// the policy's.
    pub(crate) fn restart_wait(&mut self, over: Option<Duration>) -> Duration {
        self.jitter.upto(over.unwrap_or(self.policy.restart_spread))
    }

    /// How long a refusal tells us to wait, if it does: no shorter, and not to the instant,
    /// for it tells others the same (E11).
    pub(crate) fn told_wait(
        &mut self,
        why: JoinErrorKind,
        retry_after: Option<Duration>,
        dials: u32,
    ) -> Option<Duration> {
        if why == (JoinErrorKind::Rejected { code: Rejection::Restarting }) {
            return Some(self.restart_wait(retry_after));
        }
        let least = match why {
            JoinErrorKind::Busy { retry_after: in_line, .. } => in_line.or(retry_after),
            _ => retry_after,
        }?;
        let span = self.policy.backoff_ceiling(dials).max(least.min(self.policy.restart_spread));
        Some(least.saturating_add(self.jitter.upto(span)))
    }

    /// Did the sleep outlast the far side's patience?
    pub(crate) fn slept_past_window(&self) -> bool {
        let window = self.current.as_ref().and_then(|line| line.facts.resume_window);
        self.slept > window.unwrap_or(self.policy.resume_window)
    }

    pub(crate) fn is_resuming(&self) -> bool {
        self.outage.plan == Recovery::Resume
    }

    pub(super) fn is_rejoin_budget_spent(&self) -> bool {
        self.outage.plan == Recovery::Rejoin && !self.outage.granted && self.are_rejoins_full()
    }

    pub(super) fn are_rejoins_full(&self) -> bool {
        self.outage.rejoins.is_full(self.now, self.policy.rejoin_span, self.policy.rejoins.max(1))
    }
}

/// What the session ends with when a recovery is refused for good.
pub(crate) const fn refused_for_good(kind: JoinErrorKind) -> EndReason {
    match kind {
        JoinErrorKind::Unauthorized => EndReason::Unauthorized,
        JoinErrorKind::NotPermitted => EndReason::Kicked,
        JoinErrorKind::NotFound | JoinErrorKind::NoSessionToResume => EndReason::Closed,
        JoinErrorKind::NotSupported => EndReason::Unsupported,
        JoinErrorKind::ProtocolError => EndReason::ProtocolError,
        JoinErrorKind::ControlFailed => EndReason::ControlLost,
        JoinErrorKind::Rejected { code: Rejection::SessionEnded | Rejection::EndedBeforeJoin } => {
            EndReason::Closed
        }
        JoinErrorKind::Rejected { code: Rejection::Replaced | Rejection::StaleEpoch } => EndReason::Replaced,
        kind => EndReason::JoinFailed(kind),
    }
}
