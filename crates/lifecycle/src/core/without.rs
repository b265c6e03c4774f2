//! Without a network, asleep, or given up: `offline` and `failed`, what their way back is granted
//! (R10, R11), and an announced pause. What is dialled then is said in `recovering`.

use super::Core;
use super::lines::REPLACED;
use super::outage::Recovery;
use super::planes::Planes;
use super::timers::Timer;
use crate::{Cause, Fault, Gate, SuspendPolicy};
use std::time::Duration;

impl Core {
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
            line.lost = Planes::BOTH;
            line.restarting = false;
        }
        self.outage.media_only = false;
        self.note_fault(Fault::Unreachable);
        if let Some(offline) = self.policy.offline {
            self.timers.set(Timer::Offline, self.now.plus(offline));
        }
    }

    /// Out of `offline`: one dial at once, if it is granted; spent budgets do not forbid it. What is
    /// neither granted nor in the budget waits for the next grant.
    pub(crate) fn come_back(&mut self, at_once: bool) {
        self.network_up = true;
        self.outage.granted = self.outage.away_used >= self.policy.away || self.are_rejoins_full();
        self.outage.wait = match (at_once, self.outage.granted) {
            (true, _) => None,
            (false, true) => {
                self.network_granted.map(|at| at.plus(self.policy.network_grant).since(self.now))
            }
            (false, false) => Some(self.jitter.upto(self.policy.backoff_ceiling(self.outage.dials))),
        };
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

    /// The network is back while we try without it: one dial at once, if it is granted.
    pub(crate) fn network_back(&mut self) {
        if self.network_grants() {
            self.recover_by_grant();
        }
    }

    pub(crate) fn leaves_on_suspend(&self) -> bool {
        self.policy.suspend == SuspendPolicy::Leave
    }

    /// Media and pings stop; the network counts as down until the wake.
    pub(crate) fn pause(&mut self) {
        self.suspended = true;
        self.network_up = false;
        self.gate_current(Gate::Closed);
        self.gate_standby(Gate::Closed);
        self.touch();
    }

    pub(crate) fn unpause(&mut self) {
        self.suspended = false;
        self.network_up = true;
        self.touch();
    }
}
