//! One recovery at a time (R8): what is dialled, or made anew over living signaling, and what
//! follows from its failure. Plans and budgets are in `outage`.

use super::Core;
use super::lines::REPLACED;
use super::outage::Recovery;
use super::timers::Timer;
use crate::{Cause, Epoch, Fault, Output, Plan, Plane};
use std::time::Duration;

impl Core {
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

    /// Dials, or makes the media path anew over living signaling; at once.
    pub(crate) fn recover_now(&mut self) {
        self.recover(false);
    }

    pub(super) fn recover(&mut self, by_grant: bool) {
        self.timers.clear(Timer::Backoff);
        self.outage.told = false;
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
        self.outage.told = wait.is_some();
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
        if self.outage.told && self.timers.is_set(Timer::Backoff) {
            return false;
        }
        match wait {
            Some(wait) if !wait.is_zero() => {
                self.outage.told = cause != Cause::Fault(Fault::ClosedByPeer);
                self.timers.set(Timer::Backoff, self.now.plus(wait));
            }
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
            if fault == Fault::ServerRestart {
                self.wait_for_restart();
            }
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

    /// The news that it is the server which restarts came after another alarm: everybody lost
    /// it, and comes back spread out, unless the dial under way was answered already.
    fn wait_for_restart(&mut self) {
        if self.outage.told || self.standby.as_ref().is_some_and(|standby| standby.answered) {
            return;
        }
        self.drop_standby(Cause::Fault(Fault::ServerRestart));
        self.outage.told = true;
        let wait = self.restart_wait(None).max(Duration::from_millis(1));
        self.timers.set(Timer::Backoff, self.now.plus(wait));
    }

    /// What is under way was begun over a network that is gone: once more, over the new one, as
    /// often as the network's return would be granted it.
    pub(crate) fn recover_on_new_network(&mut self) {
        self.outage.media_only = false;
        self.lose_all_planes();
        if self.network_grants() {
            self.recover_by_grant();
        } else if !self.timers.is_set(Timer::Backoff) {
            let ceiling = self.policy.backoff_ceiling(self.outage.dials.saturating_sub(1));
            self.drop_standby(REPLACED);
            let wait = self.jitter.upto(ceiling).max(Duration::from_millis(1));
            self.timers.set(Timer::Backoff, self.now.plus(wait));
        }
    }

    /// The media path over living signaling carries again. True when all planes are well.
    pub(crate) fn restart_carried(&mut self) -> bool {
        let Some(line) = self.current.as_mut().filter(|line| line.restarting) else { return false };
        line.restarting = false;
        line.lost = line.lost.without(Plane::Media);
        line.lost.is_empty()
    }

    /// The path shows life: collapse the backoff, and replace a dial that was begun in the hole.
    /// It is a hint and no grant: what the far side asked to wait for is waited for, and a spent
    /// budget stays spent (R11).
    pub(crate) fn path_alive(&mut self) {
        let waits = self.timers.is_set(Timer::Backoff);
        if waits && self.outage.told || !self.outage.granted && self.are_rejoins_full() {
            return;
        }
        if self.is_dial_stale() || waits {
            self.recover_now();
        }
    }

    /// Is the media path being made anew over living signaling?
    pub(crate) fn is_restarting(&self) -> bool {
        self.current.as_ref().is_some_and(|line| line.restarting)
    }
}
