//! The end: why, written once; gates shut, goodbyes said, epochs void and listeners told, in that
//! order; and what is closed when nobody answers.

use super::timers::Timer;
use super::{Core, lines};
use crate::{Cause, EndReason, Ending, Epoch, Event, Gate, Output, Plane, State, Who};

impl Core {
    /// Writes down why it ends. The first cause wins (R1).
    pub(crate) fn end(&mut self, reason: EndReason) {
        self.end_by(reason, reason.who());
    }

    pub(crate) fn end_by(&mut self, reason: EndReason, who: Who) {
        if self.ending.is_none() {
            self.ending = Some(Ending { reason, who });
            self.touch();
        }
    }

    /// Why a user who leaves now leaves: what failed stays the reason.
    pub(crate) fn end_by_user(&mut self, reason: EndReason) {
        match self.state {
            State::Failed => self.end_by(self.outage.end_reason(), Who::User),
            _ => self.end(reason),
        }
    }

    /// Entering `leaving`: gates shut, goodbyes said, epochs void, listeners told; in that order.
    pub(crate) fn say_goodbye(&mut self) {
        self.end_told = true;
        let ending = *self.ending.get_or_insert(Ending::of(EndReason::LeftByUser));
        self.gate_current(Gate::Closed);
        self.gate_standby(Gate::Closed);
        let heard = matches!(ending.who, Who::FarSide) || ending.reason == EndReason::HostGone;
        if let Some(standby) = self.standby.take() {
            let epoch = standby.epoch;
            self.report_attempt(&standby, Some(lines::REPLACED));
            // A far side that never let us in has nothing to say goodbye to (J7).
            self.part_with(epoch, standby.up && !heard, ending.reason);
        }
        if let Some(line) = self.current.take() {
            let epoch = line.epoch;
            self.part_with(epoch, line.lives(Plane::Signaling) && !heard, ending.reason);
        }
        self.epoch = self.epoch.next();
        self.timers.clear_all();
        self.generating = false;
        self.hint = None;
        self.end_commands();
        if ending.reason.is_error() {
            let cause = match ending.reason {
                EndReason::JoinFailed(kind) => Cause::Refusal(kind),
                reason => Cause::End(reason),
            };
            self.report(Event::Error(cause));
        }
        self.report(Event::Ended(ending));
        self.timers.set(Timer::Goodbye, self.now.plus(self.policy.goodbye));
    }

    pub(super) fn part_with(&mut self, epoch: Epoch, politely: bool, reason: EndReason) {
        if politely {
            self.departing[usize::from(self.departing[0].is_some())] = Some(epoch);
            self.outputs.push_back(Output::Goodbye { epoch, reason });
        } else {
            self.outputs.push_back(Output::Close { epoch });
        }
    }

    /// The goodbye took too long: what is still open goes regardless (R4).
    pub(crate) fn close_departing(&mut self) {
        for epoch in std::mem::take(&mut self.departing).into_iter().flatten() {
            self.outputs.push_back(Output::Close { epoch });
        }
    }

    /// Entering `left`. Without a `leaving` before it, the end is told here.
    pub(crate) fn be_gone(&mut self) {
        if !self.end_told {
            self.say_goodbye();
            self.close_departing();
        }
        self.timers.clear_all();
        self.touch();
    }
}
