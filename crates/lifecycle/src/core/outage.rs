//! One outage after another: plans that escalate and never downgrade (R7), and the budgets that
//! outlive an outage and start anew only after proven health (R11).

use super::Core;
use super::lines::REPLACED;
use super::timers::Timer;
use super::window::Window;
use crate::{
    Cause, EndReason, Epoch, Event, Fault, Gate, JoinErrorKind, Output, Plan, Plane, Rejection, Time,
};
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
    pub(crate) resume_until: Time,
    /// Was the media path already made anew over the living signaling?
    pub(crate) restarted: bool,
    /// Was nothing but media lost in this outage?
    pub(crate) media_only: bool,
    /// Is the dial one that was granted in `failed`, judged by its own deadline alone?
    pub(crate) granted: bool,
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
    }

    /// The mildest plan that can mend this fault, and what to wait for before it.
    fn remedy_for(&mut self, fault: Fault) -> (Recovery, Option<Duration>) {
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

    /// Entering `reconnecting`.
    pub(crate) fn start_recovery(&mut self) {
        self.timers.clear(Timer::Healthy);
        self.watch_planes();
        let left = self.policy.away.saturating_sub(self.outage.away_used);
        self.outage.away_since = Some(self.now);
        if self.outage.granted {
            self.timers.clear(Timer::Away);
        } else {
            self.timers.set(Timer::Away, self.now.plus(left));
            if left.is_zero() {
                return;
            }
        }
        if self.outage.plan == Recovery::Resume {
            self.timers.set(Timer::ResumeWindow, self.outage.resume_until.max(self.now));
        }
        match self.outage.wait.take() {
            Some(wait) if !wait.is_zero() => self.timers.set(Timer::Backoff, self.now.plus(wait)),
            _ => self.recover_now(),
        }
    }

    /// As [`recover_now`](Self::recover_now), for somebody who has one dial granted: a spent
    /// budget does not forbid it, and its own deadline judges it (R11).
    pub(crate) fn recover_by_grant(&mut self) {
        self.recover(true);
    }

    /// The network is back while we try without it: one dial at once, if it is granted.
    pub(crate) fn network_back(&mut self) {
        if self.network_grants() {
            self.recover_by_grant();
        }
    }

    /// Dials, or makes the media path anew over living signaling; at once.
    pub(crate) fn recover_now(&mut self) {
        self.recover(false);
    }

    fn recover(&mut self, by_grant: bool) {
        self.timers.clear(Timer::Backoff);
        if let Some(line) = &mut self.current {
            line.restarting = false;
        }
        if self.hint.is_some() && !self.outage.granted {
            self.escalate(Recovery::Rejoin);
        }
        if self.outage.plan == Recovery::Resume && self.now >= self.outage.resume_until {
            self.escalate(Recovery::Rejoin);
        }
        let lost = self
            .current
            .as_ref()
            .map(|line| (line.epoch, line.lives(Plane::Signaling), line.lives(Plane::Media), line.facts));
        match (self.outage.plan, lost) {
            (Recovery::Resume, Some((epoch, true, false, facts)))
                if facts.ice_restart && !self.outage.restarted =>
            {
                self.drop_standby(REPLACED);
                self.outage.restarted = true;
                if let Some(line) = &mut self.current {
                    line.restarting = true;
                }
                self.timers.set(Timer::Dial, self.now.plus(self.policy.media_path));
                self.outputs.push_back(Output::RestartIce { epoch });
            }
            (Recovery::Resume, Some((_, _, media_lives, facts)))
                if media_lives || facts.ice_restart || !facts.media =>
            {
                self.dial(Plan::Resume { restart_ice: !media_lives && facts.media });
            }
            (Recovery::Resume | Recovery::Rejoin, _) => {
                self.escalate(Recovery::Rejoin);
                let spent = self.is_rejoin_budget_spent();
                self.outage.granted |= spent && by_grant;
                if spent && !by_grant {
                    // Links that come and go for ever are no recovery: away is over, now (E1).
                    self.drop_standby(REPLACED);
                    self.timers.set(Timer::Away, self.now);
                    return;
                }
                self.dial(Plan::Rejoin);
            }
        }
        self.outage.dials = self.outage.dials.saturating_add(1);
    }

    /// The dial or restart failed. True when recovery gives up.
    pub(crate) fn recovery_failed(&mut self, cause: Cause, wait: Option<Duration>) -> bool {
        self.note_error(cause);
        let restarting = self.current.as_mut().is_some_and(|line| std::mem::take(&mut line.restarting));
        let answered = self.standby.as_ref().is_some_and(|standby| standby.answered) || restarting;
        self.drop_standby(cause);
        if std::mem::take(&mut self.outage.granted) {
            return true;
        }
        if answered && self.outage.plan == Recovery::Resume {
            self.outage.tries = self.outage.tries.saturating_add(1);
        }
        if self.outage.tries >= self.policy.resume_tries.max(1) {
            self.escalate(Recovery::Rejoin);
        }
        if self.is_rejoin_budget_spent() {
            return true;
        }
        let ceiling = self.policy.backoff_ceiling(self.outage.dials.saturating_sub(1));
        let wait = wait.unwrap_or_else(|| self.jitter.upto(ceiling));
        // Never zero: a far side that refuses at once must not be able to spin us.
        self.timers.set(Timer::Backoff, self.now.plus(wait.max(Duration::from_millis(1))));
        false
    }

    /// `Due(Backoff)` while away. True when recovery gives up.
    pub(crate) fn backoff_over(&mut self) -> bool {
        if self.is_rejoin_budget_spent() {
            return true;
        }
        self.recover_now();
        false
    }

    /// No resume any more: a rejoin, now or after `wait`. True when recovery gives up.
    pub(crate) fn rejoin_instead(&mut self, cause: Cause, wait: Option<Duration>) -> bool {
        self.note_error(cause);
        self.escalate(Recovery::Rejoin);
        if let Some(line) = &mut self.current {
            line.restarting = false;
        }
        self.drop_standby(cause);
        if self.is_rejoin_budget_spent() {
            return true;
        }
        match wait {
            Some(wait) if !wait.is_zero() => self.timers.set(Timer::Backoff, self.now.plus(wait)),
            _ => self.recover_now(),
        }
        false
    }

    /// The media path could not be made anew over living signaling. True when recovery gives up.
    pub(crate) fn restart_failed(&mut self, fault: Fault) -> bool {
        match self.remedy_for(fault) {
            (Recovery::Rejoin, wait) => self.rejoin_instead(Cause::Fault(fault), wait),
            (Recovery::Resume, wait) => self.recovery_failed(Cause::Fault(fault), wait),
        }
    }

    /// The old connection is gone for good while it is being recovered. True when recovery gives up.
    pub(crate) fn link_closed(&mut self, epoch: Epoch) -> bool {
        let restarting = self.is_restarting();
        self.outage.media_only = false;
        self.judge_closed(epoch);
        if restarting {
            // The restart rode on it.
            return self.rejoin_instead(Cause::Fault(Fault::Closed), None);
        }
        self.merge_loss(Plane::Media, Fault::Closed)
    }

    /// A second plane was lost while the first is being recovered: they are one outage (R8).
    /// True when recovery gives up.
    pub(crate) fn merge_loss(&mut self, plane: Plane, fault: Fault) -> bool {
        if plane == Plane::Signaling {
            self.outage.media_only = false;
        }
        if self.outage.plan == Recovery::Rejoin {
            return false;
        }
        if let (Recovery::Rejoin, wait) = self.remedy_for(fault) {
            return self.rejoin_instead(Cause::Fault(fault), wait);
        }
        let restarting = self.current.as_mut().is_some_and(|line| std::mem::take(&mut line.restarting));
        match (plane, &mut self.standby) {
            // The restart rode on signaling that is gone: it rides in a resume now.
            (Plane::Signaling, None) if restarting => self.recover_now(),
            // The resume under way took media for living: it is to be made anew as well.
            (Plane::Media, Some(standby)) if standby.plan == (Plan::Resume { restart_ice: false }) => {
                standby.plan = Plan::Resume { restart_ice: true };
                standby.carried = standby.carried.without(Plane::Media);
                let epoch = standby.epoch;
                self.outputs.push_back(Output::RestartIce { epoch });
            }
            _ => {}
        }
        false
    }

    /// The media path over living signaling carries again. True when all planes are well.
    pub(crate) fn restart_carried(&mut self) -> bool {
        let Some(line) = self.current.as_mut().filter(|line| line.restarting) else { return false };
        line.restarting = false;
        line.lost = line.lost.without(Plane::Media);
        line.lost.is_empty()
    }

    /// The path shows life: collapse the backoff, and replace a dial that was begun in the hole.
    pub(crate) fn path_alive(&mut self) {
        if self.is_dial_stale() || self.timers.is_set(Timer::Backoff) {
            self.recover_by_grant();
        }
    }

    /// The away clock stops.
    pub(crate) fn stop_away(&mut self) {
        if let Some(since) = self.outage.away_since.take() {
            self.outage.away_used = self.outage.away_used.saturating_add(self.now.since(since));
        }
        self.timers.clear(Timer::Away);
    }

    /// Entering `offline`.
    pub(crate) fn go_offline(&mut self) {
        self.stop_moving();
        if !self.outage.active {
            self.begin_outage(Recovery::Resume, None);
        }
        self.stop_away();
        self.stop_watching();
        self.timers.clear(Timer::ResumeWindow);
        self.outage.granted = false;
        self.drop_standby(Cause::Fault(Fault::Unreachable));
        if let Some(line) = &mut self.current {
            // Without a network nothing is heard; life that comes all the same is a hint.
            line.lost = super::lines::Planes::BOTH;
            line.restarting = false;
        }
        self.outage.media_only = false;
        self.note_fault(Fault::Unreachable);
        if let Some(offline) = self.policy.offline {
            self.timers.set(Timer::Offline, self.now.plus(offline));
        }
    }

    /// Out of `offline`: one dial at once, if it is granted; spent budgets do not forbid it.
    pub(crate) fn come_back(&mut self, at_once: bool) {
        self.network_up = true;
        self.outage.wait = match at_once {
            true => None,
            false => Some(self.jitter.upto(self.policy.backoff_ceiling(self.outage.dials))),
        };
        self.outage.granted = self.outage.away_used >= self.policy.away || self.are_rejoins_full();
        self.touch();
    }

    /// `NetworkUp` grants one dial at once per ten seconds (R11).
    pub(crate) fn network_grants(&mut self) -> bool {
        let granted = self.network_granted.is_none_or(|at| self.now.since(at) >= self.policy.network_grant);
        if granted {
            self.network_granted = Some(self.now);
        }
        granted
    }

    /// As [`network_grants`](Self::network_grants), for a state that has nothing else to wait for:
    /// how long until the next dial is granted.
    pub(crate) fn wait_for_grant(&mut self) -> Option<Duration> {
        let earliest = self.network_granted.map_or(self.now, |at| at.plus(self.policy.network_grant));
        self.network_granted = Some(earliest.max(self.now));
        Some(earliest.since(self.now))
    }

    /// Out of `failed`: one rejoin, judged by its own deadline.
    pub(crate) fn grant_rejoin(&mut self, wait: Option<Duration>) {
        // Whoever asks for this is awake.
        self.suspended = false;
        self.network_up = true;
        self.outage.active = true;
        self.outage.plan = Recovery::Rejoin;
        self.outage.granted = true;
        self.outage.wait = wait;
    }

    /// Entering `failed`: nothing is left open, and nothing of the user's goes out (E1).
    pub(crate) fn give_up_recovery(&mut self) {
        self.stop_away();
        self.stop_watching();
        self.timers.clear(Timer::ResumeWindow);
        self.outage.granted = false;
        self.gate_current(Gate::Closed);
        self.drop_standby(REPLACED);
        self.drop_current();
        self.set_generating(false);
        if let Some(after) = self.policy.failed {
            self.timers.set(Timer::EndAt, self.now.plus(after));
        }
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

    fn escalate(&mut self, plan: Recovery) {
        self.outage.plan = self.outage.plan.max(plan);
        if self.outage.plan == Recovery::Rejoin {
            self.timers.clear(Timer::ResumeWindow);
        }
    }

    /// After a server's restart its clients come back spread out (E10).
    pub(crate) fn restart_wait(&mut self) -> Duration {
        self.jitter.upto(self.policy.restart_spread)
    }

    /// Is the media path being made anew over living signaling?
    pub(crate) fn is_restarting(&self) -> bool {
        self.current.as_ref().is_some_and(|line| line.restarting)
    }

    /// Did the sleep outlast the far side's patience?
    pub(crate) fn slept_past_window(&self) -> bool {
        let window = self.current.as_ref().and_then(|line| line.facts.resume_window);
        self.slept > window.unwrap_or(self.policy.resume_window)
    }

    pub(crate) fn is_resuming(&self) -> bool {
        self.outage.plan == Recovery::Resume
    }

    fn is_rejoin_budget_spent(&self) -> bool {
        self.outage.plan == Recovery::Rejoin && !self.outage.granted && self.are_rejoins_full()
    }

    fn are_rejoins_full(&self) -> bool {
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
