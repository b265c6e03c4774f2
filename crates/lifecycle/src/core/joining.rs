//! One join: its attempts, its clock that stops in a queue and without a network, and how it
//! gives up.

use super::lines::REPLACED;
use super::timers::Timer;
use super::{Core, Hint};
use crate::{
    Cause, Class, CredentialRef, EndReason, Epoch, Event, Fault, JoinErrorKind, JoinWish, MediaWhy, Plan,
    Plane, Rejection, Step,
};
use std::time::Duration;

/// What a join gives the session back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum JoinOrigin {
    #[default]
    Idle,
    Ring,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Join {
    pub(crate) origin: JoinOrigin,
    pub(crate) wait_in_queue: bool,
    pub(crate) returning: bool,
    pub(crate) attempt: u8,
    pub(crate) step: Step,
    pub(crate) ice_failures: u8,
    /// Is it waiting for a place? That time is no attempt and no part of the deadline.
    pub(crate) queued: bool,
    /// What is left of the whole join's time, while its clock stands still.
    pub(crate) left: Option<Duration>,
}

impl Core {
    pub(crate) fn plan_join(&mut self, wish: JoinWish) {
        self.join = Join { wait_in_queue: wish.wait_in_queue, returning: wish.returning, ..Join::default() };
    }

    pub(crate) fn plan_ring_join(&mut self, credential: Option<CredentialRef>) {
        self.join = Join { origin: JoinOrigin::Ring, ..Join::default() };
        self.credential = credential.or(self.credential);
        self.accepting = false;
    }

    /// Entering `joining`.
    pub(crate) fn start_join(&mut self) {
        self.refreshed = false;
        self.timers.set(Timer::Join, self.now.plus(self.policy.whole_join));
        self.report(Event::Progress(self.progress));
        if self.network_up {
            self.dial_join();
        } else {
            self.join_without_network();
        }
    }

    /// Back in `idle`, for another try by its user.
    pub(crate) fn back_to_idle(&mut self) {
        self.timers.clear_states();
        self.join = Join::default();
    }

    fn dial_join(&mut self) {
        self.join.attempt += 1;
        self.join.step = Step::Searching;
        self.timers.clear(Timer::Backoff);
        self.show_progress(None, None);
        self.dial(if self.join.returning { Plan::Rejoin } else { Plan::Join });
    }

    /// `Due(Backoff)`: the wait is over.
    pub(crate) fn redial_join(&mut self) {
        if self.join.queued {
            self.leave_queue();
        }
        if self.network_up && self.standby.is_none() {
            self.dial_join();
        }
    }

    /// Nothing is dialled and the clock stands still, for at most the offline deadline.
    pub(crate) fn join_without_network(&mut self) {
        self.timers.clear(Timer::Backoff);
        self.stop_join_clock();
        let most = self.policy.offline.unwrap_or(Duration::from_secs(120));
        self.timers.set(Timer::Offline, self.now.plus(most));
    }

    pub(crate) fn join_with_network(&mut self) {
        self.timers.clear(Timer::Offline);
        let hung = self.is_dial_stale() && self.join.attempt < self.policy.join_attempts;
        if hung && !self.join.queued {
            // It was begun in the hole; the next one goes out at once.
            self.drop_standby(REPLACED);
        }
        if self.standby.is_none() && !self.join.queued {
            self.start_join_clock();
            self.dial_join();
        } else if !self.join.queued {
            self.start_join_clock();
        } else if self.standby.is_none() && !self.timers.is_set(Timer::Backoff) {
            self.leave_queue();
            self.dial_join();
        }
    }

    /// About to sleep: the dial would not live through it, and is no attempt.
    pub(crate) fn join_suspended(&mut self) {
        if self.standby.is_some() {
            self.join.attempt = self.join.attempt.saturating_sub(1);
            self.drop_standby(REPLACED);
        }
        self.join_without_network();
    }

    /// The announced sleep is over: as a wake, and the network is up.
    pub(crate) fn join_unsuspended(&mut self) {
        self.join_with_network();
    }

    /// What was begun over the old network ends with it; that was no try of the far side.
    pub(crate) fn redial_on_new_network(&mut self) {
        let begun = self.network_up && self.standby.is_some() && !self.join.queued;
        // A network that changes all the time makes no storm of dials (R11).
        if begun && (self.is_dial_stale() || self.network_grants()) {
            self.join.attempt = self.join.attempt.saturating_sub(1);
            self.redial_after_wake();
        }
    }

    /// After a sleep whatever was under way is stale.
    pub(crate) fn redial_after_wake(&mut self) {
        if self.network_up && self.join.attempt < self.policy.join_attempts {
            if self.join.queued {
                self.leave_queue();
            }
            self.drop_standby(REPLACED);
            self.start_join_clock();
            self.dial_join();
        }
    }

    /// A step further, or another place in the queue. An error when waiting was not asked for.
    pub(crate) fn join_progress(
        &mut self,
        step: Step,
        queue_position: Option<u32>,
        eta: Option<Duration>,
    ) -> Result<(), JoinErrorKind> {
        self.dial_answered();
        if queue_position.is_some() && !self.join.wait_in_queue {
            return Err(JoinErrorKind::Busy { retry_after: eta, queue_position });
        }
        match (queue_position.is_some(), self.join.queued) {
            (true, false) => self.enter_queue(),
            (false, true) => self.leave_queue(),
            (true, true) | (false, false) => {}
        }
        // What is loaded may take long; a far side that goes on saying so is answering. The whole
        // join's own time bounds it (F57).
        let further = step > self.join.step || (step == self.join.step && step == Step::Preparing);
        self.join.step = self.join.step.max(step);
        if let Some(standby) = &mut self.standby {
            standby.pace.reach(self.join.step, self.now);
        }
        if further && self.timers.is_set(Timer::Dial) && !self.standby.as_ref().is_some_and(|s| s.up) {
            self.timers.set(Timer::Dial, self.now.plus(self.policy.join_response));
        }
        self.show_progress(queue_position, eta);
        Ok(())
    }

    pub(crate) fn join_up(&mut self) {
        if self.join.queued {
            self.leave_queue();
        }
        self.join.step = Step::Connecting;
        self.show_progress(None, None);
    }

    /// The dial failed. An error when that was the last one.
    pub(crate) fn attempt_failed(&mut self, fault: Fault) -> Result<(), JoinErrorKind> {
        let blocked = fault == Fault::IceFailed || (fault == Fault::TimedOut && self.is_ice_unconnected());
        let kind =
            if blocked { JoinErrorKind::MediaFailed(MediaWhy::UdpBlocked) } else { self.kind_of(fault) };
        self.note_fault(fault);
        self.drop_standby(Cause::Fault(fault));
        if blocked {
            self.join.ice_failures += 1;
        }
        if fault.join_class() == Class::Fatal || self.join.ice_failures >= self.policy.ice_failures.max(1) {
            return Err(kind);
        }
        let wait = (fault == Fault::ServerRestart).then(|| self.jitter.upto(self.policy.restart_spread));
        self.next_attempt(kind, wait)
    }

    /// The far side said no. An error when trying again cannot help, or may not be tried.
    pub(crate) fn attempt_refused(
        &mut self,
        kind: JoinErrorKind,
        retry_after: Option<Duration>,
    ) -> Result<(), JoinErrorKind> {
        self.note_error(Cause::Refusal(kind));
        self.drop_standby(Cause::Refusal(kind));
        match kind.class() {
            Class::Fatal => Err(kind),
            Class::Transient => {
                let dials = u32::from(self.join.attempt.saturating_sub(1));
                let wait = self.told_wait(kind, retry_after, dials);
                self.next_attempt(kind, wait)
            }
            Class::Busy if !self.join.wait_in_queue => Err(kind),
            Class::Busy => {
                let JoinErrorKind::Busy { retry_after, queue_position } = kind else { return Err(kind) };
                // Waiting for a place is no attempt.
                self.join.attempt = self.join.attempt.saturating_sub(1);
                self.enter_queue();
                self.show_progress(queue_position, retry_after);
                let wait = retry_after.unwrap_or(self.policy.backoff_cap).max(self.policy.backoff_base);
                self.timers.set(Timer::Backoff, self.now.plus(wait));
                Ok(())
            }
        }
    }

    /// A server that asks a join to move: the next dial goes there, at once. To be sent on is an
    /// answer and no failed attempt, as often as hops are allowed: else the third attempt, the one
    /// that asks to avoid a sick node, could never reach the healthy one (E4).
    pub(crate) fn attempt_moved(&mut self, hint: Hint) -> Result<(), JoinErrorKind> {
        if self.remember(hint) {
            self.join.attempt = self.join.attempt.saturating_sub(1);
        }
        let kind = JoinErrorKind::Rejected { code: Rejection::Restarting };
        self.drop_standby(Cause::Refusal(kind));
        self.next_attempt(kind, Some(Duration::ZERO))
    }

    fn next_attempt(&mut self, kind: JoinErrorKind, wait: Option<Duration>) -> Result<(), JoinErrorKind> {
        if self.join.attempt >= self.policy.join_attempts {
            return Err(kind);
        }
        if self.join.queued {
            self.leave_queue();
        }
        if !self.network_up {
            return Ok(());
        }
        let ceiling = self.policy.backoff_ceiling(u32::from(self.join.attempt.saturating_sub(1)));
        let wait = wait.unwrap_or_else(|| self.jitter.upto(ceiling));
        if wait.is_zero() {
            self.dial_join();
        } else {
            self.timers.set(Timer::Backoff, self.now.plus(wait));
        }
        Ok(())
    }

    /// Gives the join up. True when the session goes back to `idle`; otherwise it ends.
    pub(crate) fn join_fails(&mut self, kind: JoinErrorKind) -> bool {
        self.drop_standby(Cause::Refusal(kind));
        self.epoch = self.epoch.next();
        self.hint = None;
        self.asking = false;
        match self.join.origin {
            JoinOrigin::Idle => {
                self.failed_joins += 1;
                self.join_error = Some(kind);
                self.note_error(Cause::Refusal(kind));
                self.report(Event::JoinFailed(kind));
                true
            }
            JoinOrigin::Ring => {
                self.end(match kind {
                    JoinErrorKind::Cancelled => EndReason::Cancelled,
                    kind => EndReason::JoinFailed(kind),
                });
                false
            }
        }
    }

    /// What a join that ran out of time says.
    pub(crate) const fn timed_out(&self) -> JoinErrorKind {
        JoinErrorKind::TimedOut { step: self.join.step }
    }

    /// A refusal of what the dial carried.
    pub(crate) fn is_carried_by_dial(&self, epoch: Epoch) -> bool {
        self.standby.as_ref().is_some_and(|s| s.epoch == epoch && !s.acked && s.plan.carries_state())
    }

    fn is_ice_unconnected(&self) -> bool {
        self.standby.as_ref().is_some_and(|s| s.up && s.facts.media && !s.carried.has(Plane::Media))
    }

    fn kind_of(&self, fault: Fault) -> JoinErrorKind {
        match fault {
            Fault::Unreachable | Fault::Closed | Fault::ServerRestart | Fault::Local => {
                JoinErrorKind::ServerUnreachable
            }
            Fault::TimedOut | Fault::Silent | Fault::CredentialTimeout => self.timed_out(),
            Fault::Tls => JoinErrorKind::Tls,
            Fault::BadAddress => JoinErrorKind::NotSupported,
            Fault::Protocol => JoinErrorKind::ProtocolError,
            Fault::IceFailed => JoinErrorKind::MediaFailed(MediaWhy::UdpBlocked),
            Fault::Dtls => JoinErrorKind::MediaFailed(MediaWhy::Insecure),
            Fault::ClosedByPeer | Fault::MediaFault => JoinErrorKind::MediaFailed(MediaWhy::Lost),
        }
    }

    fn enter_queue(&mut self) {
        self.join.queued = true;
        self.stop_join_clock();
        self.timers.clear(Timer::Dial);
        if !self.timers.is_set(Timer::Queue) {
            self.timers.set(Timer::Queue, self.now.plus(self.policy.queue));
        }
    }

    fn leave_queue(&mut self) {
        self.join.queued = false;
        self.timers.clear(Timer::Queue);
        if self.network_up {
            self.start_join_clock();
        }
        if self.standby.is_some() && self.dial_left.is_none() {
            self.timers.set(Timer::Dial, self.now.plus(self.policy.join_response));
        }
    }

    fn stop_join_clock(&mut self) {
        if let Some(at) = self.timers.get(Timer::Join) {
            self.join.left = Some(at.since(self.now));
            self.timers.clear(Timer::Join);
        }
    }

    fn start_join_clock(&mut self) {
        if let Some(left) = self.join.left.take() {
            self.timers.set(Timer::Join, self.now.plus(left));
        }
    }

    fn show_progress(&mut self, queue_position: Option<u32>, eta: Option<Duration>) {
        let progress = self.state.progress(self.join.step).waiting(queue_position, eta);
        if progress != self.progress {
            self.progress = progress;
            self.touch();
            self.report(Event::Progress(progress));
        }
    }
}

/// What a join says when the far side ended the session under it.
pub(crate) const fn ended_before_join(reason: EndReason) -> JoinErrorKind {
    match reason {
        EndReason::Unauthorized => JoinErrorKind::Unauthorized,
        EndReason::Unsupported => JoinErrorKind::NotSupported,
        EndReason::ProtocolError => JoinErrorKind::ProtocolError,
        EndReason::ControlLost => JoinErrorKind::ControlFailed,
        EndReason::Replaced => JoinErrorKind::Rejected { code: Rejection::Replaced },
        EndReason::Busy => JoinErrorKind::Busy { retry_after: None, queue_position: None },
        EndReason::HostGone => JoinErrorKind::HostGone,
        EndReason::JoinFailed(kind) => kind,
        _ => JoinErrorKind::Rejected { code: Rejection::EndedBeforeJoin },
    }
}
