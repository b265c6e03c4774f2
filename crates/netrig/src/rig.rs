//! The rig: one seed, any number of relays, and orders to all of them at once.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::runtime::Handle;

use crate::{
    Conditions, Control, Direction, RigError, TcpRelay, UdpRelay, Ways,
    relay::{Line, Plan, Protocol, Shared},
    tcp::{self, Tcp},
    udp::{self, Udp},
};

/// A bad network: makes relays, and gives orders to all of them. Clones are handles to the same rig.
///
/// Orders to the rig reach the relays that exist and set how later ones begin: a relay made while the rig is cut is
/// cut. A relay is kept by whoever made it, not by the rig.
#[derive(Clone)]
pub struct Rig {
    inner: Arc<Inner>,
}

/// What a rig is made of; see [`Rig::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RigBuilder {
    seed: u64,
    bind: Option<IpAddr>,
    max_flows: usize,
    conditions: Ways<Conditions>,
}

struct Inner {
    seed: u64,
    bind: Option<IpAddr>,
    max_flows: usize,
    state: Mutex<State>,
}

struct State {
    relays: u64,
    tcp: Vec<Weak<Shared<Tcp>>>,
    udp: Vec<Weak<Shared<Udp>>>,
    /// How new relays begin.
    conditions: Ways<Conditions>,
    silent: Ways<bool>,
    tcp_refused: bool,
    udp_silent: bool,
}

impl RigBuilder {
    /// The seed of all chance in this rig, 0 if not set. Print it when a test fails.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The address to make relays on. If not set, the loopback address of the upstream's family.
    pub fn bind(mut self, ip: IpAddr) -> Self {
        self.bind = Some(ip);
        self
    }

    /// The conditions with which relays begin, clear if not set.
    pub fn conditions(mut self, direction: Direction, conditions: Conditions) -> Self {
        self.conditions.put(direction, &conditions);
        self
    }

    /// How many flows a relay carries at a time, 256 if not set. A TCP connection beyond it is reset; a UDP client
    /// beyond it displaces the one longest silent.
    pub fn max_flows(mut self, flows: usize) -> Self {
        self.max_flows = flows;
        self
    }

    /// Makes the rig.
    #[must_use]
    pub fn build(self) -> Rig {
        let state = State {
            relays: 0,
            tcp: Vec::new(),
            udp: Vec::new(),
            conditions: self.conditions,
            silent: Ways::default(),
            tcp_refused: false,
            udp_silent: false,
        };
        Rig {
            inner: Arc::new(Inner {
                seed: self.seed,
                bind: self.bind,
                max_flows: self.max_flows,
                state: Mutex::new(state),
            }),
        }
    }
}

impl Rig {
    /// A rig on loopback with this seed and clear conditions.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::builder().seed(seed).build()
    }

    /// A rig with more to say about it.
    pub fn builder() -> RigBuilder {
        RigBuilder { seed: 0, bind: None, max_flows: 256, conditions: Ways::default() }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// Makes a relay for TCP connections to `upstream`, which need not be there yet. Listens when this returns.
    ///
    /// # Errors
    /// [`RigError::Bind`] if the address cannot be bound, [`RigError::NoRuntime`] outside a tokio runtime.
    ///
    /// # Panics
    /// As any socket of tokio does, in a runtime without its I/O driver.
    pub async fn tcp(&self, upstream: SocketAddr) -> Result<TcpRelay, RigError> {
        let runtime = Handle::try_current().map_err(|_| RigError::NoRuntime)?;
        let mut state = self.state();
        let silent = state.silent;
        let plan = self.plan(&mut state, upstream, silent);
        let (relay, shared) = tcp::start(plan, self.ip(upstream), state.tcp_refused, &runtime)?;
        enlist(&mut state.tcp, &shared);
        Ok(relay)
    }

    /// Makes a relay for UDP datagrams to `upstream`, which need not be there yet. Made per address: for media, make
    /// one for each candidate as it is seen, and give out the relay's address instead.
    ///
    /// # Errors
    /// [`RigError::Bind`] if the address cannot be bound, [`RigError::NoRuntime`] outside a tokio runtime.
    ///
    /// # Panics
    /// As any socket of tokio does, in a runtime without its I/O driver.
    pub async fn udp(&self, upstream: SocketAddr) -> Result<UdpRelay, RigError> {
        let runtime = Handle::try_current().map_err(|_| RigError::NoRuntime)?;
        let mut state = self.state();
        let mut silent = state.silent;
        if state.udp_silent {
            silent.put(Direction::Both, &true);
        }
        let plan = self.plan(&mut state, upstream, silent);
        let (relay, shared) = udp::start(plan, self.ip(upstream), &runtime)?;
        enlist(&mut state.udp, &shared);
        Ok(relay)
    }

    /// Changes the conditions of all relays, in one way or both.
    pub fn set(&self, direction: Direction, conditions: Conditions) {
        let mut state = self.state();
        state.conditions.put(direction, &conditions);
        each(&state.tcp, |relay| relay.set(direction, conditions));
        each(&state.udp, |relay| relay.set(direction, conditions));
    }

    /// The conditions with which relays begin now: those last set at the rig. A relay may have been given its own.
    pub fn conditions(&self) -> Ways<Conditions> {
        self.state().conditions
    }

    /// Cuts everything, as when a server dies or a line is unplugged: resets TCP connections, refuses new ones, drops
    /// datagrams. [`Rig::restore`] ends it.
    pub fn cut(&self) {
        let mut state = self.state();
        state.tcp_refused = true;
        state.udp_silent = true;
        each(&state.tcp, Control::<Tcp>::cut);
        each(&state.udp, Control::<Udp>::cut);
    }

    /// Resets all open TCP connections.
    pub fn reset_tcp(&self) {
        each(&self.state().tcp, Control::<Tcp>::reset);
    }

    /// Refuses new TCP connections until [`Rig::restore`].
    pub fn refuse_tcp(&self) {
        let mut state = self.state();
        state.tcp_refused = true;
        each(&state.tcp, |relay| relay.shared.protocol.refuse());
    }

    /// Drops all datagrams until [`Rig::restore`]. TCP goes on: media dead, signaling alive.
    pub fn drop_udp(&self) {
        let mut state = self.state();
        state.udp_silent = true;
        each(&state.udp, Control::<Udp>::cut);
    }

    /// Moves every UDP relay's upstream-side sockets to other ports, as a NAT does that has forgotten its mappings.
    /// Returns at once; [`UdpControl::rebind`](crate::UdpControl) waits until it is done.
    pub fn rebind_udp(&self) {
        each(&self.state().udp, |relay| {
            relay.order_rebind();
        });
    }

    /// Swallows everything of all relays in one way or both, silently; see [`Control::black_hole`].
    pub fn black_hole(&self, direction: Direction) {
        let mut state = self.state();
        state.silent.put(direction, &true);
        each(&state.tcp, |relay| relay.black_hole(direction));
        each(&state.udp, |relay| relay.black_hole(direction));
    }

    /// Ends every fault of every relay, also those ordered at the relay itself. Conditions stay as they are.
    ///
    /// # Errors
    /// The first error of any relay ([`RigError::Listen`]: its port could not be taken back). The others are
    /// restored all the same.
    pub fn restore(&self) -> Result<(), RigError> {
        let mut state = self.state();
        state.silent = Ways::default();
        state.tcp_refused = false;
        state.udp_silent = false;
        let mut result = Ok(());
        let mut note = |restored: Result<(), RigError>| match restored {
            // A relay that went away meanwhile has nothing to restore.
            Err(RigError::Closed { .. }) | Ok(()) => {}
            Err(error) if result.is_ok() => result = Err(error),
            Err(_) => {}
        };
        each(&state.tcp, |relay| note(relay.restore()));
        each(&state.udp, |relay| note(relay.restore()));
        result
    }

    fn plan(&self, state: &mut State, upstream: SocketAddr, silent: Ways<bool>) -> Plan {
        let number = state.relays;
        state.relays += 1;
        let line = Line { conditions: state.conditions, silent, ..Line::default() };
        Plan { upstream, seed: self.inner.seed, number, max_flows: self.inner.max_flows, line }
    }

    fn ip(&self, upstream: SocketAddr) -> IpAddr {
        self.inner.bind.unwrap_or(match upstream {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("seed", &self.inner.seed).finish_non_exhaustive()
    }
}

/// Writes a new relay down, and forgets those that are gone.
fn enlist<P: Protocol>(relays: &mut Vec<Weak<Shared<P>>>, new: &Arc<Shared<P>>) {
    relays.retain(|relay| relay.strong_count() > 0);
    relays.push(Arc::downgrade(new));
}

fn each<P: Protocol>(relays: &[Weak<Shared<P>>], mut order: impl FnMut(&Control<P>)) {
    for shared in relays.iter().filter_map(Weak::upgrade) {
        order(&Control { shared });
    }
}
