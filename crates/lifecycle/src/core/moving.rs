//! Moving to another server: hints that are remembered, and a move's beginning and failure. How
//! it succeeds is in `outage`, where every way into `live` ends.

use super::outage::Recovery;
use super::timers::Timer;
use super::{Core, Hint};
use crate::{Cause, Event, Gate, Plan};

impl Core {
    /// A go-away is remembered, unless servers play ball with us.
    pub(crate) fn remember(&mut self, hint: Hint) -> bool {
        let room = !self.hops.is_full(self.now, self.policy.hop_span, self.policy.hops);
        if room {
            self.hint = Some(hint);
        }
        room
    }

    /// Entering `migrating`.
    pub(crate) fn start_move(&mut self) {
        let Some(hint) = self.hint else { return };
        self.moving = true;
        self.report(Event::MigrationStarted(hint.why));
        self.timers.clear(Timer::Healthy);
        self.timers.set(Timer::Migration, self.now.plus(self.policy.migration));
        let before_break = self.current.as_ref().is_some_and(|line| line.facts.make_before_break);
        if before_break {
            self.dial(Plan::Migrate);
        } else {
            self.gate_current(Gate::Closed);
            self.drop_current();
            self.stop_watching();
            self.dial(Plan::Rejoin);
        }
    }

    /// The move did not work out: a rejoin, with the old link kept until it carries.
    pub(crate) fn move_failed(&mut self, cause: Cause) {
        self.note_error(cause);
        self.drop_standby(cause);
        self.stop_moving();
        self.begin_outage(Recovery::Rejoin, None);
    }

    pub(super) fn stop_moving(&mut self) {
        if std::mem::take(&mut self.moving) {
            self.report(Event::MigrationFinished { moved: false });
        }
    }
}
