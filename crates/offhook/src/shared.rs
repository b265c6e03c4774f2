//! What the handles of a session and its host share: cells, bounded queues and valves, nothing
//! that waits. The handles write wishes and read levels; the host (`host.rs`) does the rest.

use crate::broadcast::Broadcast;
use crate::client::Config;
use crate::command::Command;
use crate::event::Event;
use crate::events::{Events, ProgressStream, States, Watch};
use crate::host::Host;
use crate::join::{JoinData, KeptJoin, VOICE};
use crate::level::Level;
use crate::muting::Muting;
use crate::ring::Caller;
use crate::sources::Track;
use crate::telemetry::Recorder;
use crate::token::ResumeToken;
use crate::track::TrackInfo;
use crate::view::{Facts, View};
use offhook_lifecycle::{
    Attempt, CallingState, CommandId, EndReason, Epoch, Input, RingRef, RingRefusal, Snapshot, State, Time,
};
use offhook_media::Player;
use offhook_transport::media::{Gate, Remote, TrackId};
use offhook_transport::{Capabilities, InstanceId, Secret, SessionRef, UntakenTrack};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// Attempts that are remembered for errors and the summary.
const ATTEMPTS: usize = 64;

/// Who a session is.
pub(crate) struct Identity {
    pub(crate) name: SessionRef,
    /// Who rings, of a session that came in.
    pub(crate) caller: Option<Caller>,
    /// As it was made; a session that is taken up again has the instance of its token.
    pub(crate) instance: InstanceId,
    /// How the far side is reached, also without joining.
    pub(crate) config: Arc<Config>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The meeting point.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    /// What the transport can do at most.
    pub(crate) capabilities: Capabilities,
    /// For readers: as fresh as can be.
    pub(crate) level: Level<View>,
    /// For the handles' futures: the newest snapshot whose events were all delivered, so that
    /// who awaits an ending finds the event streams ended (C2).
    pub(crate) told: Level<Arc<Snapshot>>,
    pub(crate) events: Broadcast<Event>,
    states: Broadcast<CallingState>,
    pub(crate) remote: Remote,
    /// What reads the user's own sources. Opened by the first link that may send.
    pub(crate) sources: Gate,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) wishes: Wishes,
    pub(crate) notes: Mutex<Notes>,
    gates: Mutex<Gates>,
    /// What the far side is told of the session; sealed by leaving.
    pub(crate) telemetry: Mutex<Recorder>,
    /// The host, until something needs a task. `None` once it runs or is over.
    seed: Mutex<Option<Box<Host>>>,
}

/// Wishes and facts for the machine that wait for the host. Each sort at most once: a level.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    waiting: Mutex<Vec<Input>>,
    pub(crate) rung: Notify,
}

impl Wishes {
    fn put(&self, input: Input) {
        let mut waiting = lock(&self.waiting);
        let sort = std::mem::discriminant(&input);
        // A leave or drop is never displaced by a later one: the first cause wins (R1).
        let first_counts = matches!(input, Input::Leave | Input::HandleDropped | Input::Cancel);
        if let Some(at) = waiting.iter().position(|known| std::mem::discriminant(known) == sort) {
            if first_counts {
                return;
            }
            waiting.remove(at);
        }
        waiting.push(input);
        drop(waiting);
        self.rung.notify_one();
    }

    pub(crate) fn take(&self) -> Vec<Input> {
        std::mem::take(&mut lock(&self.waiting))
    }
}

/// What the host writes down for errors and the summary.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// What the next `Wish::Join` is about.
    pub(crate) join: Option<JoinData>,
    /// What the next `Wish::Ring` is about.
    pub(crate) ring: Option<RingData>,
    /// What was put into that ring's join, to be given back.
    pub(crate) kept: Option<KeptJoin>,
    /// The far side's words on a ring that it did not place.
    pub(crate) ring_text: Option<Arc<str>>,
    /// What lets us in after a ring.
    pub(crate) ticket: Option<Secret>,
    /// What a later process needs to take the session up again. A level.
    pub(crate) token: Option<ResumeToken>,
    /// What is published.
    pub(crate) tracks: Vec<Track>,
    /// Mutes that are in effect here and not desired yet.
    pub(crate) muting: Muting,
    /// What of it the far side does not take, as listeners were told.
    pub(crate) untaken: Vec<UntakenTrack>,
    /// Does the session only receive?
    pub(crate) viewer: bool,
    /// What the other members publish, as listeners were told.
    pub(crate) remote_tracks: BTreeMap<TrackId, TrackInfo>,
    /// What plays into the published voice, if there is one.
    pub(crate) voice: Option<Player>,
    /// Dials that are over, oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// The far side's words of the last refusal or ending.
    pub(crate) text: Option<Arc<str>>,
    /// The names that it would have accepted in the place of one that it refused.
    pub(crate) known: Vec<String>,
    /// Of the last dial, if it failed without an answer, what this side saw of it.
    pub(crate) fault: Option<Arc<str>>,
    /// The number of the last command that went to the host: they are numbered in this order.
    pub(crate) commands: CommandId,
    pub(crate) tally: Tally,
}

/// What the host needs of a ring of ours.
#[derive(Debug)]
pub(crate) struct RingData {
    pub(crate) users: Vec<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) name: Option<String>,
    pub(crate) metadata: Option<String>,
    /// Seen to be impossible before any I/O.
    pub(crate) impossible: Option<RingRefusal>,
}

/// What is counted over a session's life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) joined_at: Option<Time>,
    pub(crate) ended_at: Option<Time>,
    pub(crate) recoveries: u32,
    pub(crate) migrations: u32,
    pub(crate) away: Duration,
}

impl Notes {
    /// The track of this label is fed by something else from here on, or is gone.
    pub(crate) fn is_not_voice(&mut self, label: &str) {
        if label == VOICE
            && let Some(voice) = self.voice.take()
        {
            voice.cut();
        }
    }

    pub(crate) fn attempt(&mut self, attempt: Attempt) {
        if self.attempts.len() == ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }
}

/// The valve of each link, and whether they are all shut for good.
#[derive(Debug, Default)]
struct Gates {
    closed: bool,
    open: Vec<(Epoch, Gate)>,
}

impl Shared {
    pub(crate) fn new(
        identity: Identity,
        capabilities: Capabilities,
        snapshot: Arc<Snapshot>,
        commands: mpsc::Sender<Command>,
    ) -> Arc<Self> {
        let view = View { snapshot: snapshot.clone(), facts: Arc::new(Facts::default()), leaving: false };
        Arc::new(Self {
            identity,
            capabilities,
            level: Level::new(view),
            told: Level::new(snapshot),
            events: Broadcast::with_replay(),
            states: Broadcast::live(),
            remote: Remote::new(),
            sources: Gate::new(),
            commands,
            wishes: Wishes::default(),
            notes: Mutex::default(),
            gates: Mutex::default(),
            telemetry: Mutex::default(),
            seed: Mutex::new(None),
        })
    }

    /// Keeps the host until it is needed.
    pub(crate) fn plant(&self, host: Host) {
        *lock(&self.seed) = Some(Box::new(host));
    }

    /// Passes a wish or fact on: to the host's task, or, before there is one, to the machine
    /// at once. A join, or a ring, is what makes it a task.
    pub(crate) fn feed(&self, input: Input) {
        if matches!(input, Input::Leave | Input::HandleDropped) {
            self.hush();
        }
        let mut seed = lock(&self.seed);
        let Some(mut host) = seed.take() else {
            drop(seed);
            self.wishes.put(input);
            return;
        };
        let needs_a_task = match input {
            Input::Join(_) | Input::Ring => tokio::runtime::Handle::try_current().ok(),
            _ => None,
        };
        match needs_a_task {
            Some(runtime) => {
                if input == Input::Ring {
                    // Readers see that it rings from the moment that it was asked for.
                    host.step(input);
                } else {
                    self.wishes.put(input);
                }
                runtime.spawn(host.run());
            }
            // A ring has a deadline, and nobody is there to keep it: the host's end says so.
            None if input == Input::Ring => {
                host.step(input);
                drop(host);
            }
            None => {
                host.step(input);
                if !host.is_over() {
                    *seed = Some(host);
                }
            }
        }
    }

    /// It rings here: from this moment on, and with a task that keeps its deadline.
    pub(crate) fn begin_ringing(&self, ring: RingRef) {
        let Some(mut host) = lock(&self.seed).take() else { return };
        host.step(Input::RingReceived(ring));
        // Without a runtime the host's end says that it is over.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(host.run());
        }
    }

    /// A fact of the host's own, to be handled in its next turn.
    pub(crate) fn wishes_put(&self, input: Input) {
        self.wishes.put(input);
    }

    /// What `leave` promises to have done when it returns (R4): nothing of the user's is read
    /// or sent, nothing more is received, and every reader sees `Left`.
    fn hush(&self) {
        if self.level.read(|view| view.snapshot.state().is_over()) {
            return;
        }
        self.shut();
        lock(&self.telemetry).seal();
        self.events.cut();
        self.level.update(|view| !std::mem::replace(&mut view.leaving, true));
        self.states.cut();
        self.states.finish([CallingState::Left]);
    }

    /// The valve of a new link: muted, or shut if the session was left.
    pub(crate) fn gate(&self, epoch: Epoch) -> Gate {
        let gate = Gate::new();
        let mut gates = lock(&self.gates);
        if gates.closed {
            gate.close();
        } else {
            gates.open.push((epoch, gate.clone()));
        }
        gate
    }

    pub(crate) fn forget_gate(&self, epoch: Epoch) {
        lock(&self.gates).open.retain(|(of, gate)| {
            let goes = *of == epoch;
            if goes {
                gate.close();
            }
            !goes
        });
    }

    /// Shuts everything that could still send or receive: the session is over.
    pub(crate) fn shut(&self) {
        self.sources.close();
        if let Some(voice) = self.notes().voice.take() {
            voice.cut();
        }
        let mut gates = lock(&self.gates);
        gates.closed = true;
        gates.open.drain(..).for_each(|(_, gate)| gate.close());
        drop(gates);
        self.remote.close();
    }

    /// Over and released: those who watch levels come to their end.
    pub(crate) fn finish(&self) {
        self.level.close();
        self.told.close();
    }

    /// Shows readers the newest snapshot and facts.
    pub(crate) fn show(&self, snapshot: Arc<Snapshot>, facts: &Arc<Facts>) {
        self.level.update(|view| {
            let news = view.snapshot.serial() != snapshot.serial() || view.facts != *facts;
            view.snapshot = snapshot;
            view.facts = facts.clone();
            news
        });
    }

    /// Tells those who follow every state. `Leaving` and `Left` are one to them.
    pub(crate) fn tell_state(&self, state: State) {
        let calling = state.calling();
        if state.is_over() {
            self.states.finish([calling]);
        } else {
            self.states.send(&calling);
        }
    }

    /// Why no command is accepted any more, if none is.
    pub(crate) fn open(&self) -> Result<(), EndReason> {
        if self.level.read(|view| view.leaving || view.snapshot.state().is_over()) {
            Err(self.reason())
        } else {
            Ok(())
        }
    }

    /// Why it is over. A leave that is wanted and not final yet is the user's.
    pub(crate) fn reason(&self) -> EndReason {
        self.level.read(|view| view.snapshot.ending().map_or(EndReason::LeftByUser, |ending| ending.reason))
    }

    /// The published track of this label.
    pub(crate) fn track(&self, label: &str) -> Option<Track> {
        self.notes().tracks.iter().find(|track| track.label() == label).cloned()
    }

    pub(crate) fn view(&self) -> View {
        self.level.get()
    }

    pub(crate) fn events(self: &Arc<Self>) -> Events {
        Events { reader: self.events.subscribe(None), shared: self.clone() }
    }

    pub(crate) fn states(&self) -> States {
        // Subscribed first: a change in between is then seen twice rather than never.
        let reader = self.states.subscribe(None);
        let now = self.view().state();
        States::new(reader, now)
    }

    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        Watch { watcher: self.level.watcher(), shared: self.clone() }
    }

    pub(crate) fn progress_stream(self: &Arc<Self>) -> ProgressStream {
        let failed = self.view().snapshot.failed_joins();
        ProgressStream { watch: self.watch(), failed, last: None, done: false }
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.notes)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
