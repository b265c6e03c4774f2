//! The context that the handlers work on: everything a session knows, owned by `Machine` and
//! never by statig. Rooms: `ringing` · `joining` the join · `lines` epochs and links · `outage` plans and
//! budgets · `recovering` one recovery · `without` a network · `moving` go-aways · `liveness` silence
//! and pings · `credentials` · `commands` what waits for an answer · `ending` · `timers`.

mod commands;
mod credentials;
mod ending;
mod joining;
#[cfg(any(test, feature = "walk"))]
mod key;
mod lines;
mod liveness;
mod moving;
mod outage;
mod planes;
mod recovering;
mod ringing;
pub(crate) mod timers;
mod window;
mod without;

use crate::policy::Jitter;
use crate::{
    AcceptFailure, Advice, Cause, Config, CredentialRef, Ending, Epoch, Event, Fault, Input, JoinErrorKind,
    Ledger, MoveReason, Output, Policy, Progress, Revision, Snapshot, State, TargetRef, Time,
};
use commands::Commands;
use joining::Join;
pub(crate) use joining::ended_before_join;
use lines::{Line, Standby};
use liveness::Excused;
use outage::Outage;
pub(crate) use outage::{Recovery, refused_for_good};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use timers::Timers;
use window::Window;

/// A go-away that waits to be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) target: Option<TargetRef>,
    pub(crate) why: MoveReason,
}

#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) policy: Arc<Policy>,
    pub(crate) now: Time,
    /// How late the deadline being handled is.
    pub(crate) late: Duration,
    /// How long the last sleep was.
    pub(crate) slept: Duration,
    pub(crate) state: State,
    pub(crate) jitter: Jitter,
    pub(crate) timers: Timers,
    pub(crate) epoch: Epoch,
    pub(crate) current: Option<Line>,
    pub(crate) standby: Option<Standby>,
    pub(crate) join: Join,
    pub(crate) outage: Outage,
    pub(crate) hint: Option<Hint>,
    pub(crate) hops: Window,
    /// The address of the server that the current link is on.
    pub(crate) home: Option<TargetRef>,
    pub(crate) credential: Option<CredentialRef>,
    /// Is a call to the provider in flight?
    pub(crate) asking: bool,
    /// Was an expired credential already replaced once since the last healthy stretch?
    pub(crate) refreshed: bool,
    /// How the far side of a join under way wants it recovered once it is live.
    pub(crate) advised: Option<Advice>,
    /// Whose silence was last put down to a stall of ours, and how often in a row.
    pub(crate) excused: Excused,
    pub(crate) dial_left: Option<Duration>,
    pub(crate) upload_at: Option<Time>,
    pub(crate) accepting: bool,
    /// Was a move begun whose end nobody has told yet?
    pub(crate) moving: bool,
    pub(crate) network_up: bool,
    /// Did the last word about the network say that it is gone? A wish to try all the same
    /// raises `network_up` and leaves this, so that the true return still revives.
    pub(crate) said_down: bool,
    pub(crate) network_granted: Option<Time>,
    pub(crate) suspended: bool,
    pub(crate) generating: bool,
    pub(crate) intent: Ledger,
    pub(crate) commands: Commands,
    pub(crate) progress: Progress,
    pub(crate) last_error: Option<Cause>,
    pub(crate) ending: Option<Ending>,
    pub(crate) end_told: bool,
    /// Links that a goodbye was said on and that may still be open.
    pub(crate) departing: [Option<Epoch>; 2],
    pub(crate) released: bool,
    pub(crate) joins: u32,
    pub(crate) failed_joins: u32,
    pub(crate) join_error: Option<JoinErrorKind>,
    pub(crate) failed_accepts: u32,
    pub(crate) accept_error: Option<AcceptFailure>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) ignored: u64,
    pub(crate) stale: u64,
    visible: bool,
    seen: Arc<Snapshot>,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        let Config { policy, seed, credential, epoch } = config;
        let seen = Snapshot {
            serial: 1,
            state: State::Idle,
            generating: false,
            progress: Progress::default(),
            network_up: true,
            accepting: false,
            epoch: None,
            plan: None,
            desired: Revision(0),
            acked: Revision(0),
            joins: 0,
            failed_joins: 0,
            join_error: None,
            failed_accepts: 0,
            accept_error: None,
            last_error: None,
            ending: None,
            released: false,
        };
        Self {
            policy: Arc::new(policy),
            now: Time::ZERO,
            late: Duration::ZERO,
            slept: Duration::ZERO,
            state: State::Idle,
            jitter: Jitter::seeded(seed),
            timers: Timers::new(),
            epoch,
            current: None,
            standby: None,
            join: Join::default(),
            outage: Outage::default(),
            hint: None,
            hops: Window::default(),
            home: None,
            credential,
            asking: false,
            refreshed: false,
            advised: None,
            excused: Excused::No,
            dial_left: None,
            upload_at: None,
            accepting: false,
            moving: false,
            network_up: true,
            said_down: false,
            network_granted: None,
            suspended: false,
            generating: false,
            intent: Ledger::default(),
            commands: Commands::default(),
            progress: Progress::default(),
            last_error: None,
            ending: None,
            end_told: false,
            departing: [None; 2],
            released: false,
            joins: 0,
            failed_joins: 0,
            join_error: None,
            failed_accepts: 0,
            accept_error: None,
            // Room for the longest answer to one input, so that steady work allocates nothing.
            outputs: VecDeque::with_capacity(64),
            ignored: 0,
            stale: 0,
            visible: false,
            seen: Arc::new(seen),
        }
    }

    /// Something that a reader can see has changed.
    pub(crate) fn touch(&mut self) {
        self.visible = true;
    }

    pub(crate) fn report(&mut self, event: Event) {
        self.outputs.push_back(Output::Report(event));
    }

    pub(crate) fn snapshot(&mut self) -> Arc<Snapshot> {
        if self.visible {
            self.visible = false;
            self.seen = Arc::new(Snapshot {
                serial: self.seen.serial + 1,
                state: self.state,
                generating: self.generating,
                progress: self.progress,
                network_up: self.network_up,
                accepting: self.accepting,
                epoch: self.current.as_ref().map(|line| line.epoch),
                plan: self.standby.as_ref().map(|standby| standby.plan),
                desired: self.intent.revision(),
                acked: self.intent.acked(),
                joins: self.joins,
                failed_joins: self.failed_joins,
                join_error: self.join_error,
                failed_accepts: self.failed_accepts,
                accept_error: self.accept_error,
                last_error: self.last_error,
                ending: self.ending,
                released: self.released,
            });
        }
        self.seen.clone()
    }

    /// Every entry action begins here: readers see the state before the
    /// first I/O that it does (B6), and no deadline of the state before outlives it (I7).
    pub(crate) fn moves_to(&mut self, target: State) {
        if self.state == target && target == State::Idle {
            // The very beginning: nobody moved.
            return;
        }
        self.timers.clear_states();
        let told = !(self.state == State::Leaving && target == State::Left);
        self.state = target;
        self.progress = target.progress(self.join.step);
        self.touch();
        if told {
            self.report(Event::State(target));
        }
    }

    /// Another network is a network: where none counts as there, it is the network's return,
    /// whoever said which (F33).
    pub(crate) const fn understands(&self, input: Input) -> Input {
        match input {
            Input::NetworkChanged if !self.network_up => Input::NetworkUp,
            other => other,
        }
    }

    /// Levels that are kept in every state, and facts that change nothing. False when the
    /// input is none for the states: an unmatched network fact, or time asleep with no policy.
    pub(crate) fn takes(&mut self, input: &Input) -> bool {
        match *input {
            Input::NetworkDown => {
                let matched = self.network_up;
                self.network_up = false;
                self.said_down = true;
                self.visible |= matched;
                matched
            }
            Input::NetworkUp => {
                let said_down = std::mem::take(&mut self.said_down);
                let matched = (!self.network_up || said_down) && !self.suspended;
                self.network_up |= matched;
                self.visible |= matched;
                matched
            }
            Input::Woke { slept } => {
                self.slept = slept;
                self.timers.slept(slept, self.now);
                self.outage.resume_until = self.outage.resume_until.earlier(slept);
                true
            }
            Input::Released => {
                if self.state.is_over() && !self.released {
                    self.released = true;
                    self.touch();
                }
                true
            }
            _ => true,
        }
    }

    pub(crate) fn note_error(&mut self, cause: Cause) {
        self.last_error = Some(cause);
        self.touch();
    }

    pub(crate) fn note_fault(&mut self, fault: Fault) {
        self.note_error(Cause::Fault(fault));
    }

    pub(crate) fn set_generating(&mut self, running: bool) {
        if self.generating != running {
            self.generating = running;
            self.touch();
            self.report(Event::Generating(running));
        }
    }
}

#[cfg(any(test, feature = "walk"))]
pub(crate) fn key_of(core: &Core) -> key::Key {
    core.key()
}
