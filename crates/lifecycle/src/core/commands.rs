//! What waits for an answer of the far side: changes of the desired state (in the ledger) and
//! commands that are none. Each ends exactly once (R15).

use super::Core;
use super::timers::Timer;
use crate::{
    Answer, Change, CommandId, Epoch, Event, Output, Revision, SetError, State, StateItem, Time, Unanswered,
};

/// Commands that may wait for a reply at once.
const MAX_COMMANDS: usize = 256;

#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    last: CommandId,
    waiting: Vec<(CommandId, Time)>,
}

impl Commands {
    #[cfg(any(test, feature = "walk"))]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

impl Core {
    /// Enters contents, before the input that names their revision is dispatched.
    pub(crate) fn enter(&mut self, change: Change) -> Result<Revision, SetError> {
        if self.state.is_over() {
            return Err(SetError::Over);
        }
        let deadline = self.now.plus(self.policy.command);
        let outputs = &mut self.outputs;
        let revision = self.intent.enter(change, deadline, |revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        })?;
        self.arm_commands();
        self.touch();
        Ok(revision)
    }

    /// Takes a wish back, and tells the far side what is desired now. Not what a joined session's far side
    /// confirmed: it is in effect, and what was before it is not known any more (R15).
    pub(crate) fn withdraw_and_apply(&mut self, revision: Revision) {
        if self.state.is_joined() && self.intent.is_confirmed(revision) {
            return;
        }
        let outputs = &mut self.outputs;
        let changed = self.intent.withdraw(revision, |revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        });
        self.arm_commands();
        if changed {
            self.touch();
            self.apply_desired(self.intent.revision());
        }
    }

    pub(crate) fn track(&mut self, command: CommandId) -> Result<CommandId, SetError> {
        if self.state.is_over() {
            return Err(SetError::Over);
        }
        if self.commands.waiting.len() >= MAX_COMMANDS {
            return Err(SetError::Full);
        }
        let id = command.max(CommandId(self.commands.last.0.saturating_add(1)));
        self.commands.last = id;
        self.commands.waiting.push((id, self.now.plus(self.policy.command)));
        self.arm_commands();
        Ok(id)
    }

    pub(crate) fn replied(&mut self, command: CommandId) {
        self.commands.waiting.retain(|(id, _)| *id != command);
        self.arm_commands();
    }

    /// The desired state changed: send it where it can be heard. While moving, the old link is
    /// told until the new one carries, and the new one what it was not dialled with (R13).
    pub(crate) fn apply_desired(&mut self, revision: Revision) {
        if revision > self.intent.revision() || self.intent.acked() >= revision {
            return;
        }
        let newest = self.intent.revision();
        let on_current = match (&self.current, self.state) {
            (Some(line), State::Live | State::Migrating | State::Reconnecting)
                if line.lives(crate::Plane::Signaling) =>
            {
                Some(line.epoch)
            }
            _ => None,
        };
        let on_standby = self.standby.as_ref().filter(|standby| standby.up).map(|standby| standby.epoch);
        for epoch in [on_current, on_standby].into_iter().flatten() {
            self.apply_on(epoch, newest);
        }
    }

    /// Takes the far side's answer about the desired state in.
    pub(crate) fn acked(&mut self, epoch: Epoch, revision: Revision, answer: Answer) {
        if answer == Answer::Applied && revision <= self.intent.acked() && self.standby.is_none() {
            // Said before: a far side that acks with every frame costs nothing.
            return;
        }
        self.upload_moved(epoch, answer);
        let deadline = self.now.plus(self.policy.command);
        let before = self.intent.acked();
        let outputs = &mut self.outputs;
        let again = self.intent.answered(revision, answer, deadline, |revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        });
        if answer == Answer::Applied {
            self.upload_at = None;
            self.dial_acked(epoch, revision);
        }
        if again {
            self.apply_desired(self.intent.revision());
        }
        if self.intent.acked() != before || again {
            self.touch();
        }
        self.arm_commands();
    }

    /// A dial was refused for what it carried. False when that is still what is desired: then the
    /// next dial would carry it again. The old link may have brought the same refusal before.
    pub(crate) fn carried_refused(&mut self, item: StateItem) -> bool {
        let Some(revision) = self.standby.as_ref().map(|standby| standby.revision) else { return false };
        let deadline = self.now.plus(self.policy.command);
        let outputs = &mut self.outputs;
        let refused = Answer::Refused(item);
        self.intent.answered(revision, refused, deadline, |revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        });
        self.arm_commands();
        self.touch();
        self.intent.revision() > revision
    }

    /// Due: what waited too long is reported; the wish stands.
    pub(crate) fn expire_commands(&mut self) {
        let (now, outputs) = (self.now, &mut self.outputs);
        self.intent.expire(now, |revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        });
        self.commands.waiting.retain(|&(command, deadline)| {
            let expired = deadline <= now;
            if expired {
                let event = Event::Command { command, outcome: Unanswered::TimedOut };
                outputs.push_back(Output::Report(event));
            }
            !expired
        });
        self.arm_commands();
    }

    /// A rejoin: commands may have arrived, and are never sent again.
    pub(crate) fn lose_commands(&mut self) {
        self.end_waiting(Unanswered::Unknown);
        self.arm_commands();
    }

    /// The session is over.
    pub(crate) fn end_commands(&mut self) {
        let outputs = &mut self.outputs;
        self.intent.end(|revision, outcome| {
            outputs.push_back(Output::Report(Event::Change { revision, outcome }));
        });
        self.end_waiting(Unanswered::Ended);
    }

    fn end_waiting(&mut self, outcome: Unanswered) {
        for (command, _) in self.commands.waiting.drain(..) {
            self.outputs.push_back(Output::Report(Event::Command { command, outcome }));
        }
    }

    fn arm_commands(&mut self) {
        let waiting = self.commands.waiting.iter().map(|(_, deadline)| *deadline).min();
        match self.intent.next_deadline().into_iter().chain(waiting).min() {
            Some(at) => self.timers.set(Timer::Command, at.max(self.now)),
            None => self.timers.clear(Timer::Command),
        }
    }
}
