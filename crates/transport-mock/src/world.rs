//! What both ends share: the links, the planes, the log. Who does what to it is in `far`.

use crate::bell::Bell;
use crate::directory::Names;
use crate::link::{Happening, Life, Link, LinkId, MediaPlane};
use crate::log::{Log, Published, Seen, What};
use crate::machine::Machine;
use crate::{Census, DialSeen, Faults, MockDial, Studio};
use offhook_transport::{Action, DialRequest, Event, InstanceId, Plan, Revision};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Closed links that a hand may still ask about.
const CLOSED_KEPT: usize = 256;

#[derive(Debug)]
pub(crate) struct World {
    inner: Mutex<Inner>,
    script: Mutex<Script>,
}

/// What answers each dial in the place of the hand.
#[derive(Default)]
struct Script(Option<Box<dyn FnMut(MockDial) + Send>>);

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a script" } else { "no script" })
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) born: Instant,
    pub(crate) links: BTreeMap<LinkId, Link>,
    pub(crate) planes: BTreeMap<u64, MediaPlane>,
    pub(crate) unseen: VecDeque<LinkId>,
    pub(crate) log: Log<Seen>,
    pub(crate) published: Log<Published>,
    pub(crate) acked: HashMap<InstanceId, Revision>,
    pub(crate) studio: Option<Studio>,
    pub(crate) bell: Bell,
    pub(crate) names: Names,
    pub(crate) faults: Faults,
    pub(crate) network: bool,
    pub(crate) machine: Machine,
    next_id: LinkId,
    hands: Vec<Waker>,
}

/// What a connection's poll comes to.
pub(crate) enum Next {
    Report(Event),
    Closed,
    At(Instant),
    Nothing,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                born: Instant::now(),
                links: BTreeMap::new(),
                planes: BTreeMap::new(),
                unseen: VecDeque::new(),
                log: Log::default(),
                published: Log::default(),
                acked: HashMap::new(),
                studio: None,
                bell: Bell::default(),
                names: Names::default(),
                faults: Faults::default(),
                network: true,
                machine: Machine::default(),
                next_id: 0,
                hands: Vec::new(),
            }),
            script: Mutex::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first poll of a connection: the dial arrives.
    pub(crate) fn arrive(self: &Arc<Self>, request: DialRequest) -> LinkId {
        let (id, seen) = self.lock().arrive(request);
        // Out of its cell while it runs: a script may set another one.
        let script = self.script().0.take();
        if let Some(mut script) = script {
            if self.lock().take_unseen_one(id) {
                script(MockDial::new(self.clone(), id, seen));
            }
            self.script().0.get_or_insert(script);
        }
        id
    }

    pub(crate) fn set_script(&self, script: Option<Box<dyn FnMut(MockDial) + Send>>) {
        self.script().0 = script;
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client let go of a connection.
    pub(crate) fn leave(&self, id: LinkId) {
        self.lock().let_go(id);
    }

    /// Something happens on a link now, or when its delay is over.
    pub(crate) fn happen(&self, id: LinkId, happening: Happening) {
        self.lock().happen(id, Duration::ZERO, happening);
    }

    pub(crate) fn with_link<T>(&self, id: LinkId, f: impl FnOnce(&mut Link) -> T) -> Option<T> {
        self.lock().links.get_mut(&id).map(f)
    }

    /// One poll of a connection.
    pub(crate) fn poll(&self, id: LinkId, actions: &mut VecDeque<Action>, cx: &mut Context<'_>) -> Next {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.read_actions(id, actions, now);
        inner.pump(id, cx, now);
        loop {
            let Some(link) = inner.links.get_mut(&id).filter(|link| !link.closed) else {
                return Next::Closed;
            };
            match link.next_due(now) {
                Ok(happening) => {
                    if let Some(event) = inner.befall(id, happening, now) {
                        return Next::Report(event);
                    }
                }
                Err(due) => {
                    link.waker = Some(cx.waker().clone());
                    return due.map_or(Next::Nothing, Next::At);
                }
            }
        }
    }

    /// Waits until the closure finds what it looks for.
    pub(crate) async fn wait<T>(&self, mut found: impl FnMut(&mut Inner) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut inner = self.lock();
            if let Some(what) = found(&mut inner) {
                return Poll::Ready(what);
            }
            inner.remember(cx);
            Poll::Pending
        })
        .await
    }
}

impl Inner {
    pub(crate) fn link_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    pub(crate) const fn network(&self) -> bool {
        self.network
    }

    pub(crate) fn take_unseen(&mut self) -> Option<(LinkId, Arc<DialSeen>)> {
        let id = self.unseen.pop_front()?;
        self.links.get(&id).map(|link| (id, link.seen.clone()))
    }

    /// Takes this dial out of the hand's queue; false if it was not there.
    fn take_unseen_one(&mut self, id: LinkId) -> bool {
        let place = self.unseen.iter().position(|unseen| *unseen == id);
        place.and_then(|place| self.unseen.remove(place)).is_some()
    }

    pub(crate) fn census(&self) -> Census {
        Census {
            connections: self.links.values().filter(|link| !link.closed).count(),
            media_planes: self.planes.len(),
            taps: self.planes.values().map(MediaPlane::taps).sum(),
            presences: self.bell.open(),
            watches: self.machine.watches(),
        }
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }

    pub(crate) fn note(&mut self, id: LinkId, what: What, now: Instant) {
        let Some(link) = self.links.get(&id) else { return };
        let (instance, epoch) = (link.seen.instance, link.seen.epoch);
        self.log.push(Seen { at: self.age(now), instance, epoch, what });
        self.notify();
    }

    /// Wakes this one with the next news.
    pub(crate) fn remember(&mut self, cx: &Context<'_>) {
        if !self.hands.iter().any(|hand| hand.will_wake(cx.waker())) {
            self.hands.push(cx.waker().clone());
        }
    }

    pub(crate) fn notify(&mut self) {
        self.hands.drain(..).for_each(Waker::wake);
    }

    fn arrive(&mut self, request: DialRequest) -> (LinkId, Arc<DialSeen>) {
        let now = Instant::now();
        let id = self.next_id;
        self.next_id += 1;
        self.forget_closed();
        let seen = Arc::new(DialSeen::of(&request));
        let media = match self.inherited(&seen) {
            Some(plane) => {
                if let Some(plane) = self.planes.get_mut(&plane) {
                    plane.holders.push(id);
                }
                plane
            }
            None => {
                // Planes and links count in one row, so a link's own plane can bear its number.
                self.planes.insert(id, MediaPlane::new(id, request.media.gate.clone()));
                id
            }
        };
        self.links.insert(id, Link::new(seen.clone(), media, request.media, Duration::ZERO));
        self.greet(id, &seen, now);
        (id, seen)
    }

    /// The media plane that a resume goes on with: untouched if it lives, the same peer
    /// connection with a new path if an ICE restart was asked for.
    fn inherited(&self, seen: &DialSeen) -> Option<u64> {
        let Plan::Resume { restart_ice, .. } = seen.plan else { return None };
        let from = seen.inherit?;
        let old =
            self.links.values().rev().find(|link| {
                !link.closed && link.seen.instance == seen.instance && link.seen.epoch == from
            })?;
        let plane = self.planes.get(&old.media)?;
        (restart_ice || plane.life != Life::Lost).then_some(old.media)
    }

    /// The client's end is gone, or will be at its next poll.
    pub(crate) fn let_go(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.closed) else { return };
        link.release();
        let (media, goodbye, instance) = (link.media, link.goodbye, link.seen.instance);
        let now = Instant::now();
        if let Some(plane) = self.planes.get_mut(&media) {
            plane.holders.retain(|holder| *holder != id);
            if plane.holders.is_empty() {
                self.planes.remove(&media);
            } else {
                // The taps woke the link that is gone; the one that stays must take them over.
                for holder in plane.holders.clone() {
                    if let Some(waker) = self.links.get_mut(&holder).and_then(|link| link.waker.take()) {
                        waker.wake();
                    }
                }
            }
        }
        self.unseen.retain(|unseen| *unseen != id);
        let alone = !self.links.values().any(|link| !link.closed && link.seen.instance == instance);
        let age = self.age(now);
        if let Some(studio) = &mut self.studio
            && alone
        {
            studio.gone(instance, goodbye, age);
        }
        self.note(id, What::Closed, now);
    }

    fn forget_closed(&mut self) {
        let closed: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.closed).map(|(id, _)| *id).collect();
        for id in closed.iter().take(closed.len().saturating_sub(CLOSED_KEPT)) {
            self.links.remove(id);
        }
    }
}
