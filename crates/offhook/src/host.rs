//! The host of one session: one task, one `select!` loop around the machine. It feeds facts and
//! wishes in, drains outputs after each, and waits nowhere else. What an output means is in
//! `host/outputs.rs`, what listeners are told in `host/reports.rs`, what readers see in
//! `host/showing.rs`, connections are in `host/links.rs`, how a join begins is in `host/joining.rs`, the
//! spans of a dial in `host/dialling.rs`;
//! what the words mean is in `translate.rs`. No deadline of the session lives here.

mod commands;
mod credentials;
mod dialling;
mod generation;
mod joining;
mod links;
mod outputs;
mod pace;
mod quality;
mod reports;
mod ringing;
mod roster;
mod showing;
mod stalls;
mod telemetry;
mod tracks;
mod unanswered;
mod untaken;
mod wanted;

use crate::client::Config;
use crate::clock::{Clock, SleepWatch};
use crate::command::{ChangeAnswer, Command, SendAnswer};
use crate::contents::Contents;
use crate::credential::ProviderError;
use crate::desk::Desk;
use crate::join::JoinData;
use crate::ring::Caller;
use crate::shared::{Identity, RingData, Shared};
use crate::sources::SourceEnd;
use crate::translate;
use crate::view::Facts;
use futures_util::future::BoxFuture;
use links::Links;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CommandId, CredentialRef, Epoch, Input, Machine, Revision, State};
use offhook_transport::{Content, Generation, InstanceId, NetworkFact, NetworkWatch, Secret};
pub(crate) use pace::PER_SECOND;
use pace::{MODERATION, Pace, WORDS};
use reports::Reporter;
use roster::Roster;
use secrecy::SecretString;
use stalls::Stalls;
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use telemetry::Batches;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use unanswered::Unanswered;

/// How often the clocks are compared when nothing else happens. It decides nothing: a suspend
/// found here is handed to the machine, which does.
const CLOCK_CHECK: Duration = Duration::from_secs(2);

/// Drives one session.
pub(crate) struct Host {
    shared: Arc<Shared>,
    config: Arc<Config>,
    machine: Machine,
    /// False until the first input: a fresh machine may still be made anew.
    begun: bool,
    clock: Clock,
    sleep: SleepWatch,
    /// What the system says of the network, from the first turn to the end.
    network: Option<Box<dyn NetworkWatch>>,
    contents: Contents,
    facts: Arc<Facts>,
    instance: InstanceId,
    join: JoinData,
    desk: Arc<Desk>,
    /// What is to be rung, until the machine says so.
    ring: Option<RingData>,
    /// Lets the first dials after a ring in, in the place of the credential.
    ticket: Option<Secret>,
    initial: Option<Revision>,
    links: Links,
    reporter: Reporter,
    batches: Batches,
    stalls: Stalls,
    judge: quality::Judge,
    pace: Pace,
    moderation: Pace,
    commands: mpsc::Receiver<Command>,
    changes: BTreeMap<Revision, oneshot::Sender<ChangeAnswer>>,
    messages: BTreeMap<CommandId, oneshot::Sender<SendAnswer>>,
    unanswered: Unanswered,
    roster: Roster,
    provider: Option<BoxFuture<'static, Result<SecretString, ProviderError>>>,
    feeders: JoinSet<()>,
    /// What feeders say, and their end of it.
    ends: (mpsc::Sender<SourceEnd>, mpsc::Receiver<SourceEnd>),
    span: tracing::Span,
    span_of: Option<(State, Option<Epoch>, bool)>,
    dialling: Option<dialling::Dialling>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("state", &self.machine.state()).finish_non_exhaustive()
    }
}

impl Host {
    /// A host that does nothing yet, planted in the cells that its handles hold.
    pub(crate) fn plant(kind: String, id: String, config: Arc<Config>, desk: Arc<Desk>) -> Arc<Shared> {
        let name = offhook_transport::SessionRef { kind, id };
        Self::plant_as(name, None, config, desk, None).0
    }

    /// As [`plant`](Self::plant), with another time for its ring than the policy's.
    fn plant_as(
        name: offhook_transport::SessionRef,
        caller: Option<Caller>,
        config: Arc<Config>,
        desk: Arc<Desk>,
        rings_for: Option<Duration>,
    ) -> (Arc<Shared>, InstanceId) {
        let (sender, commands) = mpsc::channel(crate::command::QUEUE);
        let instance = InstanceId(random());
        let mut contents = Contents::default();
        let credential = config.credentials.fixed.clone().map(|secret| contents.credential(secret));
        let mut machine = Machine::new(machine_config(&config, config.policy.clone(), credential));
        if let Some(rings_for) = rings_for {
            machine.ring_for(rings_for);
        }
        let identity = Identity { name, caller, instance, config: config.clone() };
        let capabilities = config.transport.capabilities();
        let sleep = SleepWatch::start(config.clocks.clone());
        let shared = Shared::new(identity, capabilities, machine.snapshot(), sender);
        let host = Self {
            shared: shared.clone(),
            config,
            machine,
            begun: false,
            clock: Clock::start(),
            sleep,
            network: None,
            contents,
            facts: Arc::default(),
            instance,
            join: JoinData::default(),
            desk,
            ring: None,
            ticket: None,
            initial: None,
            links: Links::default(),
            reporter: Reporter::default(),
            batches: Batches::default(),
            stalls: Stalls::default(),
            judge: quality::Judge::default(),
            pace: Pace::new(WORDS),
            moderation: Pace::new(MODERATION),
            commands,
            changes: BTreeMap::new(),
            messages: BTreeMap::new(),
            unanswered: Unanswered::default(),
            roster: Roster::default(),
            provider: None,
            feeders: JoinSet::new(),
            ends: mpsc::channel(1),
            span: tracing::Span::none(),
            span_of: None,
            dialling: None,
        };
        shared.plant(host);
        (shared, instance)
    }

    /// One input without a task, for a session that was never joined: no I/O can follow.
    pub(crate) fn step(&mut self, input: Input) {
        self.accept(input);
        self.conclude();
    }

    /// Is nothing left to be done, for good?
    pub(crate) fn is_over(&self) -> bool {
        let snapshot = self.shared.told.get();
        snapshot.ending().is_some() && snapshot.is_released()
    }

    /// Runs until the session has left and everything is released.
    pub(crate) async fn run(mut self: Box<Self>) {
        self.network = self.config.transport.watch_network(self.instance);
        loop {
            // A busy link or user must not keep this task from yielding to others.
            tokio::task::coop::consume_budget().await;
            for input in self.shared.wishes.take() {
                self.accept(input);
            }
            if let Some(slept) = self.sleep.slept() {
                self.feed(Input::Woke { slept });
            }
            self.conclude();
            if self.is_over() {
                return;
            }
            self.turn().await;
        }
    }

    /// Waits for the next thing to happen, and handles that one thing.
    async fn turn(&mut self) {
        let check = tokio::time::Instant::now() + CLOCK_CHECK;
        let due = self.machine.poll_timeout().map(|at| self.clock.instant(at));
        let late = self.links.due().map(|at| self.clock.instant(at));
        let awaited = self.roster.due().map(|at| self.clock.instant(at));
        let wake = [due, late, awaited, self.batches.due]
            .into_iter()
            .flatten()
            .fold(check, tokio::time::Instant::min);
        let provider = &mut self.provider;
        let answer = async {
            match provider {
                Some(call) => call.await,
                None => pending().await,
            }
        };
        let feeders = &mut self.feeders;
        let fed = async {
            if feeders.join_next().await.is_none() {
                pending::<()>().await;
            }
        };
        let network = &mut self.network;
        let said = poll_fn(|cx| network.as_mut().map_or(Poll::Pending, |watch| watch.poll_next(cx)));
        let shared = self.shared.clone();
        tokio::select! {
            () = shared.wishes.rung.notified() => {}
            () = tokio::time::sleep_until(wake) => self.wake(),
            answer = answer => self.provided(answer),
            (epoch, event) = self.links.next(&self.span) => self.heard(epoch, event),
            said = said => self.hear_of_network(said),
            Some(command) = self.commands.recv() => self.command(command),
            () = fed => {}
            Some(end) = self.ends.1.recv() => self.source_ended(end),
        }
    }

    fn wake(&mut self) {
        let now = self.clock.now();
        self.machine.wake(now);
        self.settle();
        self.links.catch_up(now);
        self.await_no_longer();
        self.send_telemetry();
    }

    /// What the system says of the network; nothing more if there is nothing more to learn.
    fn hear_of_network(&mut self, said: Option<NetworkFact>) {
        let Some(fact) = said else {
            self.network = None;
            return;
        };
        tracing::debug!(parent: &self.span, ?fact, "the system says of the network");
        self.feed(translate::network(fact));
    }

    /// A wish of the user's, or a fact that the user reports.
    fn accept(&mut self, input: Input) {
        match input {
            Input::Join(_) | Input::Accept => self.begin_join(),
            Input::Ring => self.begin_ring(),
            Input::Accepted(_) => self.ticket = self.shared.notes().ticket.take(),
            Input::Cancel => self.provider = None,
            _ => {}
        }
        self.feed(input);
    }

    /// One input, and everything that follows from it at once.
    fn feed(&mut self, input: Input) {
        self.begun = true;
        if self.span_of.is_none() {
            self.show();
        }
        let now = self.clock.now();
        tracing::trace!(parent: &self.span, input = input.name(), "input");
        self.machine.handle(input, now);
        self.settle();
    }

    /// Shows the new state, then does what the machine asks, in order, until it asks no more.
    fn settle(&mut self) {
        self.follow_mutes();
        self.show();
        self.follow_dial();
        self.note_link();
        while let Some(output) = self.machine.poll_output() {
            self.execute(output);
        }
        self.hold_voice();
        self.flush_reports();
        let told = self.machine.snapshot();
        let shared = self.shared.clone();
        shared.told.update(|known| {
            let news = known.serial() != told.serial();
            *known = told;
            news
        });
    }

    /// What follows from being over: nothing may run, and then it is said that nothing does.
    fn conclude(&mut self) {
        let state = self.machine.state();
        if !state.is_over() {
            return;
        }
        self.shared.shut();
        self.provider = None;
        self.network = None;
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            drop(command);
        }
        if state == State::Left {
            self.links.drop_all();
        }
        self.feeders.abort_all();
        while self.feeders.try_join_next().is_some() {}
        let released = self.shared.told.get().is_released();
        if !released && self.links.is_empty() && self.feeders.is_empty() {
            // The user's sources go before it is said that they are gone, whoever still looks on.
            self.join.tracks.clear();
            self.join.voice = None;
            self.shared.notes().tracks.clear();
            self.feed(Input::Released);
        }
        if self.is_over() {
            self.shared.finish();
        }
    }

    /// One report of one connection. Stale ones are dropped here, and only here.
    fn heard(&mut self, epoch: Epoch, event: Option<offhook_transport::Event>) {
        let event = event.unwrap_or(offhook_transport::Event::Closed);
        let closed = event == offhook_transport::Event::Closed;
        if closed {
            self.links.forget(epoch);
            self.shared.forget_gate(epoch);
        }
        if !self.machine.admits(epoch) {
            tracing::trace!(parent: &self.span, of = epoch.0, "a stale report was dropped");
            if closed {
                self.link_is_gone(epoch);
            }
            return;
        }
        let inward = translate::inward(epoch, event, &mut self.contents);
        let ends = matches!(inward.content, Some(Content::Generation(Generation::Ended { .. })));
        // It is told below, in the far side's own words; of one that was told to end already it is no news.
        let stale = ends && self.contents.generation.take_if(|of| *of <= epoch).is_none();
        for input in inward.inputs.into_iter().flatten() {
            self.media_life(&input);
            self.feed(input);
        }
        if let Some(uploaded) = inward.uploaded {
            self.tell_upload(uploaded);
        }
        self.tell_video();
        self.tell_roster();
        if let Some(content) = inward.content.filter(|_| !stale) {
            self.tell_content(epoch, content);
        }
        if closed {
            self.link_is_gone(epoch);
        }
    }
}

impl Drop for Host {
    /// A host that is dropped before its session is over (the runtime went away, or this task
    /// panicked) says so: nobody who waits may hang (F12).
    fn drop(&mut self) {
        if self.is_over() {
            return;
        }
        if !self.machine.state().is_over() {
            self.feed(Input::HostGone);
        }
        self.shared.shut();
        self.network = None;
        self.links.drop_all();
        self.feeders.abort_all();
        self.feed(Input::Released);
        self.shared.finish();
        self.changes.clear();
        self.messages.clear();
    }
}

fn machine_config(
    config: &Config,
    policy: lifecycle::Policy,
    credential: Option<CredentialRef>,
) -> lifecycle::Config {
    let seed = config.seed.unwrap_or_else(|| u64::from_le_bytes(random()));
    lifecycle::Config { policy, seed, credential, epoch: Epoch::default() }
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's source of randomness always answers once it is up");
    bytes
}

#[cfg(all(test, feature = "mock"))]
mod tests;
