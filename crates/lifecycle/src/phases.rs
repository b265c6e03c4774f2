//! How long each step of a dial took (F73). Which step it is on the dial says; why a dial failed is
//! its [`Attempt`](crate::Attempt)'s.

use crate::{Step, Time};
use std::time::Duration;

/// How long each step of a dial took. A step that it did not come to took no time; together they
/// are what the dial [took](crate::Attempt::took).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Phases {
    /// Until a server answered that has a place: the name looked up, the socket opened, the queue.
    pub searching: Duration,
    /// While the far side loaded what it needs.
    pub preparing: Duration,
    /// From the signaling that stands to the media that carries, with all that is wished for acked.
    pub connecting: Duration,
}

impl Phases {
    /// Together.
    pub fn total(self) -> Duration {
        self.searching + self.preparing + self.connecting
    }

    fn of(&mut self, step: Step) -> &mut Duration {
        match step {
            Step::Searching => &mut self.searching,
            Step::Preparing => &mut self.preparing,
            Step::Connecting => &mut self.connecting,
        }
    }
}

/// The step that a dial is on, and what the ones before took. A step is not gone back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    step: Step,
    since: Time,
    before: Phases,
}

impl Pace {
    pub(crate) fn begin(now: Time) -> Self {
        Self { step: Step::Searching, since: now, before: Phases::default() }
    }

    pub(crate) const fn step(&self) -> Step {
        self.step
    }

    /// It is on this step now, unless it is further.
    pub(crate) fn reach(&mut self, step: Step, now: Time) {
        if step > self.step {
            self.before = self.until(now);
            self.since = now;
            self.step = step;
        }
    }

    /// What every step took, the present one up to now.
    pub(crate) fn until(&self, now: Time) -> Phases {
        let mut phases = self.before;
        *phases.of(self.step) += now.since(self.since);
        phases
    }
}

#[cfg(test)]
mod tests;
