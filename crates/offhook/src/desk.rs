//! Where the sessions of one client and its presence meet: what each wants said about its ring, and
//! what was heard. Cells under one lock, nothing that waits; the task that speaks and listens is
//! `desk/host.rs`, what is kept of each ring is `desk/call.rs`. No deadline lives here.

mod call;
mod hearing;
mod host;
mod words;

use crate::client::{Config, Registry};
use crate::session::Session;
use crate::shared::{Shared, lock};
use call::{Call, Say};
use offhook_lifecycle::presence::{Input as Fact, State};
use offhook_lifecycle::{Decline, Incoming, Input, JoinErrorKind, RingEnd, RingRef, Ringing};
use offhook_transport::{InstanceId, RingId, RingInfo, RingOrder, Secret};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Facts about the machine around us that wait for the task; each sort once.
const FACTS: usize = 16;
/// Rings that were stopped here and may still be in a snapshot.
const HUSHED: usize = 64;
/// Words about rings that are not known yet: an answer may overtake the word that names it (B15).
const EARLY: usize = 64;

/// The desk of one client.
#[derive(Debug)]
pub(crate) struct Desk {
    book: Mutex<Book>,
    rung: Notify,
    registry: Registry,
}

#[derive(Debug, Default)]
struct Book {
    /// Does the task run?
    running: bool,
    /// The client is shut down: nothing more is begun.
    closed: bool,
    /// Nothing more is said either.
    cut: bool,
    listeners: usize,
    /// Somebody wished for presence anew, which a refusal does not outlast.
    wanted_again: bool,
    facts: Vec<Fact>,
    calls: Vec<Call>,
    /// Rings of ours that were answered, while their join is under way.
    answered: VecDeque<(InstanceId, RingId)>,
    /// Rings that came in while nobody listened, and when.
    waiting: Vec<(RingInfo, Instant)>,
    hushed: VecDeque<RingId>,
    early: VecDeque<(RingId, call::Word)>,
    queue: VecDeque<Session<Ringing<Incoming>>>,
    streams: Vec<Waker>,
    watchers: Vec<Waker>,
    level: Level,
    last_ref: u32,
    last_order: u64,
}

/// Where presence is, for whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) state: State,
    pub(crate) refusal: Option<JoinErrorKind>,
}

impl Default for Level {
    fn default() -> Self {
        Self { state: State::Off, refusal: None }
    }
}

impl Book {
    fn wanted(&self) -> bool {
        if self.cut {
            return false;
        }
        // After a shutdown only the last words of a link that is there are still said.
        (self.listeners > 0 && !self.closed)
            || (!self.calls.is_empty() && (!self.closed || self.level.state == State::Up))
    }

    fn call(&mut self, instance: InstanceId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.instance == instance)
    }

    fn hush(&mut self, ring: RingId) {
        if self.hushed.len() == HUSHED {
            self.hushed.pop_front();
        }
        self.hushed.push_back(ring);
    }

    fn answered(&mut self, instance: InstanceId, ring: RingId) {
        if self.answered.len() == HUSHED {
            self.answered.pop_front();
        }
        self.answered.push_back((instance, ring));
    }

    fn next_ref(&mut self) -> RingRef {
        self.last_ref = self.last_ref.wrapping_add(1);
        RingRef(self.last_ref)
    }
}

impl Desk {
    pub(crate) fn new(registry: Registry) -> Arc<Self> {
        Arc::new(Self { book: Mutex::default(), rung: Notify::new(), registry })
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Starts the task if something is wanted and none runs. Nothing without a runtime: then the
    /// ring's own deadline decides.
    fn start(self: &Arc<Self>, config: &Arc<Config>) {
        self.rung.notify_one();
        let mut book = self.lock();
        if book.running || !book.wanted() || config.transport.presence().is_none() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            book.running = true;
            drop(book);
            runtime.spawn(host::Host::new(self.clone(), config.clone()).run());
        }
    }

    // What sessions want said.

    /// Rings somebody.
    pub(crate) fn place(self: &Arc<Self>, config: &Arc<Config>, shared: &Arc<Shared>, mut order: RingOrder) {
        let mut book = self.lock();
        book.last_order += 1;
        order.id = book.last_order;
        let ring = book.next_ref();
        book.wanted_again = true;
        book.calls.push(Call::outgoing(order, shared, ring));
        drop(book);
        self.start(config);
    }

    /// Takes the ring of this session.
    pub(crate) fn accept(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId) {
        let mut book = self.lock();
        let Some(call) = book.call(instance) else { return };
        // The far side confirmed one that we had given up on: nothing need be asked again.
        let given = call.ticket.take().map(|ticket| (call.shared.clone(), ticket));
        if given.is_some() {
            book.calls.retain(|call| call.instance != instance);
        } else {
            call.want(Say::Accept);
        }
        drop(book);
        if let Some((Some(shared), ticket)) = given.map(|(shared, ticket)| (shared.upgrade(), ticket)) {
            accepted(&shared, ticket);
        }
        self.start(config);
    }

    /// The accept failed and the ring goes on.
    pub(crate) fn accept_failed(&self, instance: InstanceId) {
        if let Some(call) = self.lock().call(instance) {
            call.wish = None;
        }
    }

    /// Says no, for every device of this user.
    pub(crate) fn decline(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId, why: Decline) {
        let mut book = self.lock();
        if let Some(call) = book.call(instance) {
            call.want(Say::Decline(why));
            call.over = true;
        }
        drop(book);
        self.start(config);
    }

    /// Takes our own ring back. One that the far side was never told of costs no word (A7, J7).
    pub(crate) fn cancel(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId) {
        self.give_up(config, instance, Say::Cancel);
    }

    /// The time of a ring of ours is over.
    pub(crate) fn expire(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId) {
        self.give_up(config, instance, Say::Expire);
    }

    fn give_up(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId, say: Say) {
        let mut book = self.lock();
        if let Some(call) = book.call(instance) {
            call.want(say);
            call.over = true;
        }
        book.calls.retain(|call| !(call.instance == instance && call.is_unheard_of()));
        drop(book);
        self.start(config);
    }

    /// The answered ring of this session led to a join that succeeded.
    pub(crate) fn joined(&self, instance: InstanceId) {
        self.lock().answered.retain(|(of, _)| *of != instance);
    }

    /// The session is over. If its ring was answered and nobody joined by it, whoever answered is told
    /// so: they would wait for nobody.
    pub(crate) fn over(self: &Arc<Self>, config: &Arc<Config>, instance: InstanceId) {
        let mut book = self.lock();
        let Some(at) = book.answered.iter().position(|(of, _)| *of == instance) else { return };
        let Some((_, ring)) = book.answered.remove(at) else { return };
        let number = book.next_ref();
        book.calls.push(Call::given_up(ring, number));
        drop(book);
        self.start(config);
    }

    /// Stops ringing here and says nothing.
    pub(crate) fn stop_here(&self, instance: InstanceId) {
        let mut book = self.lock();
        let ring = book.call(instance).and_then(|call| call.ring.clone());
        book.calls.retain(|call| call.instance != instance);
        if let Some(ring) = ring {
            book.hush(ring);
        }
        drop(book);
        self.rung.notify_one();
    }

    // What listeners want.

    pub(crate) fn listen(self: &Arc<Self>, config: &Arc<Config>) {
        let mut book = self.lock();
        book.listeners += 1;
        book.wanted_again = true;
        let waiting = std::mem::take(&mut book.waiting);
        drop(book);
        for (mut ring, since) in waiting {
            ring.expires_in = ring.expires_in.map(|left| left.saturating_sub(since.elapsed()));
            self.ring_here(config, ring);
        }
        self.start(config);
    }

    pub(crate) fn listener_gone(&self) {
        let mut book = self.lock();
        book.listeners = book.listeners.saturating_sub(1);
        let untaken = if book.listeners == 0 { std::mem::take(&mut book.queue) } else { VecDeque::new() };
        drop(book);
        // Outside the lock: a session that is dropped says so here.
        drop(untaken);
        self.rung.notify_one();
    }

    pub(crate) fn poll_incoming(&self, cx: &mut Context<'_>) -> Poll<Option<Session<Ringing<Incoming>>>> {
        let mut book = self.lock();
        while let Some(session) = book.queue.pop_front() {
            if !session.view().state().eq(&offhook_lifecycle::CallingState::Left) {
                return Poll::Ready(Some(session));
            }
            // It was over before anybody looked; what is dropped may come back here.
            drop(book);
            drop(session);
            book = self.lock();
        }
        if book.closed || (book.level.state == State::Refused && !book.wanted_again) {
            return Poll::Ready(None);
        }
        book.streams.retain(|waker| !waker.will_wake(cx.waker()));
        book.streams.push(cx.waker().clone());
        Poll::Pending
    }

    /// Ready once presence is up, or will not be without somebody's doing.
    pub(crate) fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<Level> {
        let mut book = self.lock();
        let settled = match book.level.state {
            State::Up => true,
            State::Refused => !book.wanted_again,
            State::Off => !book.wanted() || !book.running,
            State::Dialling | State::Waiting | State::Asking | State::Offline => false,
        };
        if settled || book.closed {
            return Poll::Ready(book.level);
        }
        book.watchers.retain(|waker| !waker.will_wake(cx.waker()));
        book.watchers.push(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn level(&self) -> Level {
        self.lock().level
    }

    /// A fact about the machine around us, for presence as for every session.
    pub(crate) fn fact(&self, fact: Fact) {
        let mut book = self.lock();
        book.facts.retain(|known| std::mem::discriminant(known) != std::mem::discriminant(&fact));
        if book.facts.len() < FACTS {
            book.facts.push(fact);
        }
        drop(book);
        self.rung.notify_one();
    }

    /// The client shuts down: streams end, and presence once its last words are said.
    pub(crate) fn close(&self) {
        let mut book = self.lock();
        book.closed = true;
        let untaken = std::mem::take(&mut book.queue);
        let wakers = std::mem::take(&mut book.streams);
        drop(book);
        drop(untaken);
        wakers.into_iter().for_each(Waker::wake);
        self.rung.notify_one();
    }

    /// Not even last words any more.
    pub(crate) fn cut(&self) {
        self.lock().cut = true;
        self.rung.notify_one();
    }

    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut book = self.lock();
        if !book.running {
            return Poll::Ready(());
        }
        book.watchers.retain(|waker| !waker.will_wake(cx.waker()));
        book.watchers.push(cx.waker().clone());
        Poll::Pending
    }

    // What becomes of a session.

    /// A ring comes in: a session that rings, for whoever listens.
    fn ring_here(self: &Arc<Self>, config: &Arc<Config>, ring: RingInfo) {
        let number = self.lock().next_ref();
        let id = ring.id.clone();
        let version = ring.version;
        let (shared, instance) = crate::host::Host::plant_ringing(ring, number, config.clone(), self.clone());
        let mut book = self.lock();
        book.calls.push(Call::incoming(instance, &shared, id, version, number));
        drop(book);
        crate::client::enter(&self.registry, &shared);
        shared.begin_ringing(number);
        let Ok(session) = offhook_lifecycle::Session::incoming(crate::link::HostLink::new(shared)) else {
            // It is over already: no runtime, or no time left.
            return;
        };
        let mut book = self.lock();
        book.queue.push_back(Session::wrap(session));
        let wakers = std::mem::take(&mut book.streams);
        drop(book);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The far side confirmed it: the ticket first, so that the dial which follows has it.
fn accepted(shared: &Arc<Shared>, ticket: Secret) {
    shared.notes().ticket = Some(ticket);
    shared.feed(Input::Accepted(None));
}

fn ended(shared: &Arc<Shared>, why: RingEnd) {
    shared.feed(Input::RingEnded(why));
}
