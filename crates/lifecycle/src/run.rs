//! The machine as a host holds it: feed it, drain it, sleep until it wants to wake. What it does
//! with what it is fed stands in `machine.rs`.

use crate::core::Core;
use crate::machine::{Lifecycle, Signal};
use crate::{
    Change, CommandId, CredentialRef, Epoch, Input, Ledger, Output, Plan, Policy, Revision, SetError,
    Snapshot, State, Step, Time,
};
use statig::blocking::{IntoStateMachineExt, StateMachine};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What one session's machine is made from.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The limits.
    pub policy: Policy,
    /// Where jitter comes from. The same seed and inputs replay exactly.
    pub seed: u64,
    /// The credential that dials show, if one was configured.
    pub credential: Option<CredentialRef>,
    /// The epoch that a resume token had; dials are numbered from the next.
    pub epoch: Epoch,
}

/// The lifecycle of one session.
///
/// # Contract
/// 1. `set`, `withdraw`, `track` and [`handle`](Self::handle) mutate; after each, drain
///    [`poll_output`](Self::poll_output) until `None`, in order.
/// 2. Then sleep until [`poll_timeout`](Self::poll_timeout) and call
///    [`wake`](Self::wake), or until something happens and call `handle`.
/// 3. `now` should not go back; an older one is taken as the newest seen.
///
/// No I/O, no clock, no thread. The same calls give the same outputs, always.
#[derive(Clone)]
pub struct Machine {
    handlers: StateMachine<Lifecycle>,
    pub(crate) core: Core,
}

impl Machine {
    /// A session that does nothing yet.
    pub fn new(config: Config) -> Self {
        Self { handlers: Lifecycle.state_machine(), core: Core::new(config) }
    }

    /// Fires every deadline up to `now`, in order, then handles the input.
    pub fn handle(&mut self, input: Input, now: Time) {
        self.wake(now);
        let input = self.core.understands(input);
        if !self.core.hears(&input) {
            self.core.stale += 1;
        } else if self.core.takes(&input) {
            self.dispatch(Signal::Input(input));
            // What the input made due at once, such as a deadline that passed in a sleep.
            self.fire_due();
        } else {
            self.core.ignored += 1;
        }
    }

    /// Fires every deadline up to `now`, in order.
    pub fn wake(&mut self, now: Time) {
        self.core.now = self.core.now.max(now);
        self.fire_due();
    }

    fn fire_due(&mut self) {
        while let Some((timer, at)) = self.core.timers.due(self.core.now) {
            self.core.late = self.core.now.since(at);
            self.dispatch(Signal::Due(timer));
            self.core.late = Duration::ZERO;
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// When to call [`wake`](Self::wake) at the latest; `None` is never.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.core.timers.poll()
    }

    /// What readers see now. Cheap: a new one is built only when something visible changed.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        self.core.snapshot()
    }

    /// The dial under way: its number, what it is for, and how far it is.
    pub fn dialling(&self) -> Option<(Epoch, Plan, Step)> {
        self.core.dialling()
    }

    /// May a report under this epoch be listened to? The one stale check, for facts and content.
    pub fn admits(&self, epoch: Epoch) -> bool {
        self.core.admits(epoch)
    }

    /// How long the ring that comes next rings, in place of the policy's; zero is for ever. A ring's
    /// time is the far side's or the caller's affair, and known only when there is one.
    pub fn ring_for(&mut self, ring: Duration) {
        Arc::make_mut(&mut self.core.policy).ring = ring;
    }

    /// The leaf it is in.
    pub fn state(&self) -> State {
        self.core.state
    }

    /// Enters a change of the desired state, and dispatches it.
    ///
    /// # Errors
    /// See [`SetError`]; nothing was entered.
    pub fn set(&mut self, change: Change, now: Time) -> Result<Revision, SetError> {
        self.wake(now);
        let revision = self.core.enter(change)?;
        self.handle(Input::Desired(revision), now);
        Ok(revision)
    }

    /// Takes a wish back: desired becomes the newest version that was not refused or withdrawn.
    /// Unknown revisions are ignored, and in a joined session those that the far side confirmed
    /// ([`Ledger::is_confirmed`]).
    pub fn withdraw(&mut self, revision: Revision, now: Time) {
        self.handle(Input::Withdrawn(revision), now);
    }

    /// Gives a command that is not desired state its number and its deadline; ended by
    /// [`Input::Replied`], or by `Event::Command`.
    ///
    /// # Errors
    /// [`SetError::Over`] after the end, [`SetError::Full`] when 256 wait already.
    pub fn track(&mut self, now: Time) -> Result<CommandId, SetError> {
        self.track_as(CommandId(0), now)
    }

    /// As [`track`](Self::track), under a number that was given before the machine knew of it. One that
    /// is not greater than every number until now is taken already, and the next free one is given in
    /// its place.
    ///
    /// # Errors
    /// As [`track`](Self::track).
    pub fn track_as(&mut self, command: CommandId, now: Time) -> Result<CommandId, SetError> {
        self.wake(now);
        self.core.track(command)
    }

    /// The desired state, for [`Output::Dial`] and [`Output::Apply`].
    pub fn desired(&self) -> &Ledger {
        &self.core.intent
    }

    /// Does what goes out now arrive, as far as is known? True on a link that may send and whose media path
    /// is not lost, also while its signaling is; false before the first one, over an outage of media, over a
    /// move that breaks before it makes, and in an announced pause.
    pub fn sends(&self) -> bool {
        self.core.sends()
    }

    /// How many inputs found nobody to handle them, and how many were stale: of an epoch that
    /// is not valid, or of a plane already judged lost. For logs and telemetry.
    pub fn dropped(&self) -> (u64, u64) {
        (self.core.ignored, self.core.stale)
    }

    fn dispatch(&mut self, signal: Signal) {
        self.handlers.handle_with_context(&signal, &mut self.core);
        // A go-away or advice that came while nothing could be done about it, and no dial was due since.
        let hinted = self.core.hint.is_some() || self.core.advised.is_some();
        if self.core.state == State::Live && hinted && signal != Signal::Hinted {
            self.handlers.handle_with_context(&Signal::Hinted, &mut self.core);
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({} at {:?})", self.core.state, self.core.now)
    }
}
