//! A ring: its deadline, the accept that waits for the far side's word, and how it is stopped at
//! this end. What may happen while it rings stands in `machine/ringing.rs`.

use super::Core;
use super::timers::Timer;
use crate::{AcceptFailure, Decline, Direction, EndReason, Event, Output, RingVerb, State, Who};

impl Core {
    pub(crate) fn start_ringing(&mut self, direction: Direction) {
        self.accepting = false;
        if !self.policy.ring.is_zero() {
            self.timers.set(Timer::Ring, self.now.plus(self.policy.ring));
        }
        if direction == Direction::Outgoing {
            self.outputs.push_back(Output::Ring(RingVerb::Place));
        }
    }

    pub(crate) fn ask_accept(&mut self) {
        self.accepting = true;
        self.touch();
        self.timers.set(Timer::Accept, self.now.plus(self.policy.accept));
        self.outputs.push_back(Output::Ring(RingVerb::Accept));
    }

    pub(crate) fn accept_failed(&mut self, why: AcceptFailure) {
        self.accepting = false;
        self.timers.clear(Timer::Accept);
        self.failed_accepts += 1;
        self.accept_error = Some(why);
        self.touch();
        self.report(Event::AcceptFailed(why));
    }

    /// Stops a ring at this end, in the way its direction asks for.
    pub(crate) fn stop_ringing(&mut self, reason: EndReason) {
        let verb = match self.state {
            State::Ringing(Direction::Outgoing) if reason == EndReason::NotAnswered => RingVerb::Expire,
            State::Ringing(Direction::Outgoing) => RingVerb::Cancel,
            // An accept is on its way: only a word can take it back.
            _ if self.accepting => RingVerb::Decline(Decline::Unwanted),
            _ => RingVerb::StopHere,
        };
        self.outputs.push_back(Output::Ring(verb));
    }

    pub(crate) fn decline(&mut self, why: Decline) {
        self.outputs.push_back(Output::Ring(RingVerb::Decline(why)));
        self.end_by(EndReason::Declined, Who::User);
    }
}
