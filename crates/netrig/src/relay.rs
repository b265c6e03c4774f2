//! What TCP and UDP relays have in common: the owner, the control handle, and the state they share with the task.
//! What only one of them can do is in `tcp` and `udp`.

use std::{
    fmt,
    net::SocketAddr,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{Conditions, Direction, FlowKey, RigError, Stats, Way, Ways};

/// A relay: listens on its own address and passes traffic on to its upstream. Made by [`Rig::tcp`](crate::Rig::tcp)
/// and [`Rig::udp`](crate::Rig::udp).
///
/// It gives all methods of its [`Control`] by dereferencing to it; [`Relay::control`] gives a handle for other tasks.
///
/// # Drop
/// Dropping it closes its port and every connection, and ends its tasks as soon as the runtime gets to them.
/// [`Relay::shutdown`] does the same and waits.
#[must_use = "a dropped relay closes its port and every connection through it"]
pub struct Relay<P: Protocol> {
    control: Control<P>,
    task: Option<JoinHandle<()>>,
}

impl<P: Protocol> Relay<P> {
    pub(crate) fn new(shared: Arc<Shared<P>>, task: JoinHandle<()>) -> Self {
        Self { control: Control { shared }, task: Some(task) }
    }

    /// A handle to this relay that other tasks and threads can keep.
    pub fn control(&self) -> Control<P> {
        self.control.clone()
    }

    /// Closes the relay and waits until its tasks and sockets are gone.
    ///
    /// # Cancel safety
    /// Dropping the future drops the relay, which closes it just as well, without the wait.
    pub async fn shutdown(mut self) {
        self.control.shared.close();
        if let Some(task) = self.task.as_mut() {
            // An error says that the task was cancelled or panicked; it is gone either way.
            let _ = task.await;
        }
        self.task = None;
    }
}

impl<P: Protocol> Deref for Relay<P> {
    type Target = Control<P>;

    fn deref(&self) -> &Control<P> {
        &self.control
    }
}

impl<P: Protocol> Drop for Relay<P> {
    fn drop(&mut self) {
        self.control.shared.close();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl<P: Protocol> fmt::Debug for Relay<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Relay").field(&self.control).finish()
    }
}

/// A handle to a relay: conditions, faults and counters. Cheap to clone, usable from any thread, and does not keep
/// the relay alive; on a relay that is gone, settings have no effect.
pub struct Control<P: Protocol> {
    pub(crate) shared: Arc<Shared<P>>,
}

impl<P: Protocol> Clone for Control<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P: Protocol> fmt::Debug for Control<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &self.shared;
        f.debug_struct("Control")
            .field("protocol", &P::NAME)
            .field("addr", &shared.addr)
            .field("upstream", &shared.upstream)
            .field("seed", &shared.seed)
            .field("relay", &shared.number)
            .finish_non_exhaustive()
    }
}

impl<P: Protocol> Control<P> {
    /// The address that clients are given in the place of the upstream's.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// Where the traffic goes.
    pub fn upstream(&self) -> SocketAddr {
        self.shared.upstream
    }

    /// Changes the conditions of one way or both, from the next packet on.
    pub fn set(&self, direction: Direction, conditions: Conditions) {
        self.shared.line.send_modify(|line| line.conditions.put(direction, &conditions));
    }

    /// The conditions now.
    pub fn conditions(&self) -> Ways<Conditions> {
        self.shared.line.borrow().conditions
    }

    /// Swallows everything in one way or both, silently: no error, no close, no refusal. Adds to what is already
    /// swallowed; [`Control::restore`] ends it.
    ///
    /// Datagrams are gone, those in the air included. A TCP connection stalls instead, because that is what a cut
    /// does to TCP: its bytes (up to the queue limit, then what the two systems' buffers hold) wait and arrive after
    /// the restore; so does a close or reset by either end. New connections are accepted, since the client's system
    /// shakes hands with this machine, but the upstream is not dialled before both ways are open again, and never for
    /// one that its client closed meanwhile, which on a real network would not have come about.
    pub fn black_hole(&self, direction: Direction) {
        self.shared.line.send_modify(|line| {
            line.silent.put(direction, &true);
            for way in [Way::Up, Way::Down].into_iter().filter(|way| direction.covers(*way)) {
                *line.cuts.of_mut(way) += 1;
            }
        });
    }

    /// Ends every fault: black holes, and for TCP also refusal. Conditions stay as they are.
    ///
    /// # Errors
    /// [`RigError::Listen`] if a refusing TCP relay cannot take its port back; the black holes have ended then.
    /// [`RigError::Closed`] if the relay is gone.
    pub fn restore(&self) -> Result<(), RigError> {
        self.shared.line.send_modify(|line| (line.silent, line.medialess) = Default::default());
        self.shared.protocol.restore()
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        *self.shared.stats.borrow()
    }

    /// Waits until the counters satisfy `met`, and gives them as they were then: the way to wait for an event in a
    /// test without sleeping. Returns at once if they do already.
    ///
    /// # Errors
    /// [`RigError::Closed`] if the relay goes away first.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_for(&self, met: impl FnMut(&Stats) -> bool) -> Result<Stats, RigError> {
        let mut stats = self.shared.stats.subscribe();
        tokio::select! {
            biased;
            found = stats.wait_for(met) => found.map(|stats| *stats).map_err(|_| self.shared.gone()),
            () = self.shared.closed() => Err(self.shared.gone()),
        }
    }

    /// The flows open now, in the order in which they began, with both of their ends: the test's map from the
    /// address a client has to the address under which the upstream sees it.
    pub fn flows(&self) -> Vec<Flow> {
        self.shared.flows().clone()
    }

    /// Names a flow of this relay, to ask for the fates of its packets. `flow` is a [`Flow::number`].
    pub fn key(&self, flow: u64, way: Way) -> FlowKey {
        self.shared.key(flow, way)
    }
}

/// One flow through a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Flow {
    /// Counts the flows of a relay from 0.
    pub number: u64,
    /// The client's own address.
    pub client: SocketAddr,
    /// The address of the relay's socket towards the upstream, which is what the upstream takes for the client. On a
    /// UDP relay it changes with each rebind. None while a TCP connection has not reached the upstream.
    pub seen_as: Option<SocketAddr>,
}

/// TCP or UDP. Sealed: nobody else implements it.
pub trait Protocol: sealed::Sealed + Send + Sync + 'static {
    #[doc(hidden)]
    const NAME: &'static str;

    #[doc(hidden)]
    fn restore(&self) -> Result<(), RigError>;

    #[doc(hidden)]
    fn close(&self);
}

pub(crate) mod sealed {
    #[allow(unreachable_pub, reason = "a sealed trait must be public and must not be nameable")]
    pub trait Sealed {}
}

/// What the user may change while traffic flows. A level: the task looks at it whenever it changes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line {
    pub(crate) conditions: Ways<Conditions>,
    pub(crate) silent: Ways<bool>,
    /// Silent for media alone; only datagrams have any.
    pub(crate) medialess: Ways<bool>,
    /// Counts the orders to be silent: what was in the air is lost even if silence was over before the task looked.
    pub(crate) cuts: Ways<u64>,
    /// Counts the orders to reset, to close and to rebind; a flow compares with the count at its birth.
    pub(crate) resets: u64,
    pub(crate) closes: u64,
    pub(crate) rebinds: u64,
    pub(crate) closed: bool,
}

/// What a relay's task and its controls share.
pub(crate) struct Shared<P: Protocol> {
    pub(crate) addr: SocketAddr,
    pub(crate) upstream: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) max_flows: usize,
    pub(crate) line: watch::Sender<Line>,
    pub(crate) stats: watch::Sender<Stats>,
    pub(crate) protocol: P,
    flows: Mutex<Vec<Flow>>,
    began: Instant,
}

/// What a new relay is made of.
pub(crate) struct Plan {
    pub(crate) upstream: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) max_flows: usize,
    pub(crate) line: Line,
}

impl<P: Protocol> Shared<P> {
    pub(crate) fn new(plan: Plan, addr: SocketAddr, protocol: P) -> Arc<Self> {
        Arc::new(Self {
            addr,
            upstream: plan.upstream,
            seed: plan.seed,
            number: plan.number,
            max_flows: plan.max_flows,
            line: watch::Sender::new(plan.line),
            stats: watch::Sender::new(Stats::default()),
            protocol,
            flows: Mutex::default(),
            began: Instant::now(),
        })
    }

    pub(crate) fn close(&self) {
        self.line.send_modify(|line| line.closed = true);
        self.protocol.close();
    }

    /// Waits until the relay is to end.
    pub(crate) async fn closed(&self) {
        // The sender is in `self`, so the wait cannot fail.
        let _ = self.line.subscribe().wait_for(|line| line.closed).await;
    }

    pub(crate) fn gone(&self) -> RigError {
        RigError::Closed { addr: self.addr }
    }

    pub(crate) fn key(&self, flow: u64, way: Way) -> FlowKey {
        FlowKey { seed: self.seed, relay: self.number, flow, way }
    }

    /// The relay's own time, in which its lanes count.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Sleeps until `due` in the relay's own time, or for ever. Rounds up to the timer's millisecond.
    pub(crate) async fn sleep_until(&self, due: Option<Duration>) {
        match due.and_then(|due| self.began.checked_add(due)) {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        self.stats.send_modify(change);
    }

    /// Counts a flow as open, until the guard is dropped.
    pub(crate) fn open(self: &Arc<Self>, flow: Flow) -> OpenFlow<P> {
        self.flows().push(flow);
        self.count(|stats| {
            stats.open += 1;
            stats.opened += 1;
        });
        OpenFlow { shared: Arc::clone(self), number: flow.number }
    }

    pub(crate) fn flows(&self) -> MutexGuard<'_, Vec<Flow>> {
        // Nothing panics while holding it; were it to, the list would still be whole.
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A flow that is open; dropping it takes the flow off the list.
pub(crate) struct OpenFlow<P: Protocol> {
    shared: Arc<Shared<P>>,
    number: u64,
}

impl<P: Protocol> OpenFlow<P> {
    /// Writes down a changed upstream-side address.
    pub(crate) fn seen_as(&self, addr: SocketAddr) {
        if let Some(flow) = self.shared.flows().iter_mut().find(|flow| flow.number == self.number) {
            flow.seen_as = Some(addr);
        }
    }
}

impl<P: Protocol> Drop for OpenFlow<P> {
    fn drop(&mut self) {
        self.shared.flows().retain(|flow| flow.number != self.number);
        self.shared.count(|stats| stats.open = stats.open.saturating_sub(1));
    }
}
