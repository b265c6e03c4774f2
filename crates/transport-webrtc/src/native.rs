//! The native transport: the WebSocket signaling of `offhook-signaling` and the peer room,
//! joined to one [`Transport`].
//!
//! One task drives each link. A dial does nothing until it is polled; a link that is closed or
//! dropped has let go of its sockets and tasks within a second. Links of one session share
//! what lives on: after a lost socket the peer connection, always the certificate.
//!
//! ```
//! use offhook_transport_webrtc::native::WebRtc;
//!
//! let transport = WebRtc::new("wss://media.example/session");
//! let at_home = WebRtc::new("ws://127.0.0.1:8080/session");
//! ```

mod acting;
mod address;
mod arrivals;
mod budget;
mod config;
mod directory;
mod driver;
mod incoming;
mod lane;
mod media;
mod moderating;
mod network;
mod nodes;
mod opening;
mod outflow;
mod outward;
mod payload;
mod presence;
mod registry;
mod relaying;
mod roster;
mod sinks;
mod socket;
mod speaking;
mod telemetry;
mod tls;
mod translate;
mod untaken;
mod uploads;

pub use directory::{Director, DirectorNews};

use crate::peer::{IceServer, UdpMap};
use config::Config;
use driver::Driver;
use nodes::Nodes;
use offhook_transport::{
    Action, Capabilities, Capability, Connection, DialRequest, Directory, Event, Fault, FaultKind, Full,
    InstanceId, MigrationStyle, NetworkWatch, Transport,
};
use registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{mpsc, oneshot};

/// Reports that may wait for the host before the link stops reading.
const EVENTS: usize = 256;
/// Actions that may wait for the link.
const ACTIONS: usize = 64;

/// Dials servers that speak the native protocol over WebSocket, with media over WebRTC.
/// Cloning is cheap and shares what sessions share.
#[derive(Clone, Debug)]
pub struct WebRtc {
    config: Arc<Config>,
    registry: Arc<Registry>,
    nodes: Arc<Nodes>,
}

impl WebRtc {
    /// Dials this address: `wss://host[:port]/path`, or `ws://` to this machine. It is judged at
    /// the dial: a bad one is `DialFailed` with [`FaultKind::BadAddress`], and the text below it
    /// says what to write instead. Put no secret into it.
    pub fn new(url: impl Into<String>) -> Self {
        Self { config: Arc::new(Config::new(url.into())), registry: Arc::default(), nodes: Arc::default() }
    }

    /// Trusts this certificate authority (PEM) beside those of the system: for a private one,
    /// and for tests. Certificates are always checked; there is no switch for that.
    #[must_use]
    pub fn extra_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        let roots = Arc::new(self.config.roots.with(pem.into()));
        Arc::make_mut(&mut self.config).roots = roots;
        self
    }

    /// Allows `ws://` to any host. Everybody on the way can then read the credential and take
    /// the session over: only for a line that is protected otherwise.
    #[must_use]
    pub fn dangerous_allow_plain_ws(mut self) -> Self {
        Arc::make_mut(&mut self.config).plain_ws = true;
        self
    }

    /// Uses these ICE servers and not those the far side names. An empty list is none at all.
    /// Known beforehand, they also save a step of the join.
    #[must_use]
    pub fn ice_servers(mut self, servers: impl IntoIterator<Item = IceServer>) -> Self {
        Arc::make_mut(&mut self.config).ice_servers = Some(servers.into_iter().collect());
        self
    }

    /// Binds media sockets here. Unless told: to loopback for a server on this machine, else
    /// to every interface, IPv4 and IPv6.
    #[must_use]
    pub fn bind(mut self, places: impl IntoIterator<Item = SocketAddr>) -> Self {
        Arc::make_mut(&mut self.config).bind = Some(places.into_iter().collect());
        self
    }

    /// Sends media elsewhere than the far side's candidates say; for test rigs.
    #[must_use]
    pub fn udp_map(mut self, map: Arc<dyn UdpMap>) -> Self {
        Arc::make_mut(&mut self.config).udp_map = Some(map);
        self
    }

    /// Opens the signaling socket to this address, while host and certificate name stay those
    /// of the URL; for relays and test rigs. A server that it asks us to move to is dialled where
    /// it is.
    #[must_use]
    pub fn via(mut self, place: SocketAddr) -> Self {
        Arc::make_mut(&mut self.config).via = Some(place);
        self
    }

    /// Learns nothing of the network from the system: what is to be known of it, the application
    /// says. Unless told so, the interfaces and routes of this machine are watched while a session
    /// lives, and one whose way to its server is gone, back or another one acts on it at once.
    #[must_use]
    pub fn ignore_network_changes(mut self) -> Self {
        Arc::make_mut(&mut self.config).ignore_network = true;
        self
    }

    /// Sends media over TURN only, so that the far side never sees this machine's addresses.
    #[must_use]
    pub fn relay_only(mut self) -> Self {
        Arc::make_mut(&mut self.config).relay_only = true;
        self
    }
}

impl Transport for WebRtc {
    fn name(&self) -> &'static str {
        "webrtc"
    }

    fn capabilities(&self) -> Capabilities {
        [
            Capability::SignalingPlane,
            Capability::MediaPlane,
            Capability::Resume,
            Capability::Rejoin,
            Capability::IceRestart,
            Capability::Prompt,
            Capability::Image,
            Capability::Moderate,
            Capability::Publish,
            Capability::Messages,
            Capability::AddressedMessages,
            Capability::Reactions,
            Capability::Conversation,
            Capability::Answers,
            Capability::Telemetry,
            Capability::Forwarding,
            Capability::Queue,
            Capability::Directory,
            Capability::Rings,
            Capability::Acks,
        ]
        .into_iter()
        .fold(Capabilities::NONE, Capabilities::with)
        .migrating(MigrationStyle::MakeBeforeBreak)
    }

    fn presence(&self) -> Option<&dyn offhook_transport::Presence> {
        Some(self)
    }

    fn dial(&self, request: DialRequest) -> Box<dyn Connection> {
        let (config, registry, nodes) = (self.config.clone(), self.registry.clone(), self.nodes.clone());
        let start = Start { config, registry, nodes, request, early: Vec::new() };
        Box::new(Link { state: State::Idle(Box::new(start)) })
    }

    fn watch_network(&self, instance: InstanceId) -> Option<Box<dyn NetworkWatch>> {
        if self.config.ignore_network {
            return None;
        }
        Some(Box::new(self.registry.networks.watch(instance)))
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }
}

/// There is no tokio runtime where the link was polled.
#[derive(Debug, thiserror::Error)]
#[error("a link needs a tokio runtime; poll it inside one")]
struct NoRuntime;

struct Start {
    config: Arc<Config>,
    registry: Arc<Registry>,
    nodes: Arc<Nodes>,
    request: DialRequest,
    /// Asked for before the first poll.
    early: Vec<Action>,
}

enum State {
    /// Nobody has polled yet.
    Idle(Box<Start>),
    /// A task drives it.
    Running {
        events: mpsc::Receiver<Event>,
        actions: mpsc::Sender<Action>,
        /// Dropped to close; others see by the second half that it was.
        alive: Option<(oneshot::Sender<()>, Arc<()>)>,
    },
    /// Only `Closed` is left to say.
    Ending,
    Over,
}

/// The host's end of one dial.
struct Link {
    state: State,
}

impl Link {
    fn start(&mut self) -> Option<Event> {
        let State::Idle(_) = &self.state else { return None };
        let State::Idle(start) = std::mem::replace(&mut self.state, State::Ending) else { return None };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Some(Event::DialFailed(Fault::with(FaultKind::Local, NoRuntime)));
        };
        let (events_in, events) = mpsc::channel(EVENTS);
        let (actions, actions_out) = mpsc::channel(ACTIONS);
        let (alive, closed) = oneshot::channel();
        let Start { config, registry, nodes, request, early } = *start;
        for action in early {
            // No more than fit were taken.
            let _ = actions.try_send(action);
        }
        let open = Arc::new(());
        let wanted = Arc::downgrade(&open);
        let driver = Driver::new(config, registry, nodes, request, events_in, actions_out, wanted);
        runtime.spawn(driver::run(driver, closed));
        self.state = State::Running { events, actions, alive: Some((alive, open)) };
        None
    }
}

impl Connection for Link {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(failed) = self.start() {
            return Poll::Ready(Some(failed));
        }
        match &mut self.state {
            State::Running { events, alive, .. } => {
                while let Some(event) = ready!(events.poll_recv(cx)) {
                    // After a close nothing is reported any more but the end.
                    if alive.is_some() {
                        return Poll::Ready(Some(event));
                    }
                }
                self.state = State::Over;
                Poll::Ready(Some(Event::Closed))
            }
            State::Ending => {
                self.state = State::Over;
                Poll::Ready(Some(Event::Closed))
            }
            State::Idle(_) | State::Over => Poll::Ready(None),
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Full> {
        match &mut self.state {
            // The last room of the queue is a goodbye's.
            State::Running { actions, .. }
                if matches!(action, Action::Telemetry(_)) && actions.capacity() < 2 =>
            {
                Err(Full(action))
            }
            State::Running { actions, alive: Some(_), .. } => match actions.try_send(action) {
                Err(mpsc::error::TrySendError::Full(action)) => Err(Full(action)),
                // The link is over already; the end is on its way.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            },
            // Before the first poll there is nothing that a goodbye could be said to.
            State::Idle(_) if action == Action::Goodbye => {
                self.state = State::Ending;
                Ok(())
            }
            State::Idle(start) if start.early.len() < ACTIONS => {
                start.early.push(action);
                Ok(())
            }
            State::Idle(_) => Err(Full(action)),
            State::Running { .. } | State::Ending | State::Over => Ok(()),
        }
    }

    fn close(&mut self) {
        match &mut self.state {
            State::Idle(_) => self.state = State::Ending,
            State::Running { alive, .. } => *alive = None,
            State::Ending | State::Over => {}
        }
    }
}
