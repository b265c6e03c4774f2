//! One peer connection: offer, answer, restart, tracks, raw RTP, key-frame requests, data,
//! statistics, close. It knows no signaling: descriptions and candidates are strings that
//! its owner carries.
//!
//! This room (with `native`) is the only place that names the engine crates, and no type of
//! theirs is in its surface. A client plays the offerer, a server the answerer.
//!
//! The order of an offer when the ICE servers come with the answer: [`Peer::create_offer`],
//! then, on the answer, [`Peer::set_ice_servers`], [`Peer::apply_offer`],
//! [`Peer::accept_answer`]. When they are known before: [`Peer::offer`], then
//! [`Peer::accept_answer`]. The other side calls [`Peer::answer`].
//!
//! A restart drops the selected pair on both sides until the new one is up, so media pauses:
//! restart only what is judged dead, or when the address has changed.

mod asking;
mod candidates;
mod certificate;
mod checks;
mod config;
mod data;
mod depacketize;
mod engine;
mod error;
mod events;
mod forwarding;
mod gates;
mod handler;
mod keyframes;
mod kick;
mod leg;
mod liveness;
mod negotiate;
mod packetize;
mod receiving;
mod reorder;
mod reported;
mod rtp;
mod sdp;
mod sending;
mod stats;

pub use candidates::{CandidateCounts, RemoteCandidate};
pub use certificate::Certificate;
pub use config::{
    Direction, FrameFn, IceServer, IceTimes, Intake, PacketFn, PeerConfig, Role, SectionSpec, UdpMap,
};
pub use error::PeerError;
pub use events::{LocalCandidate, PeerEvent, PeerEvents};
pub use forwarding::{KeyFrameRequests, RtpOut};
pub use gates::Gates;
pub use receiving::KeyFrameAsker;
pub use rtp::RtpPacket;
pub use sdp::Section;
pub(crate) use sdp::sections as described;
pub use sending::{PAUSE, Sending};

use candidates::RemoteCandidates;
use handler::{Handler, Shared, lock};
use kick::{Kick, KickRuntime};
use leg::Leg;
use negotiate::Negotiation;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use webrtc::data_channel::DataChannel;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::PeerConnection;

/// How long the engine may take to say goodbye.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// A handle of one peer connection. Cloning shares it; when the last one is dropped, the
/// peer closes itself.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pc: Arc<dyn PeerConnection>,
    shared: Arc<Shared>,
    config: PeerConfig,
    negotiation: tokio::sync::Mutex<Negotiation>,
    remote: Mutex<RemoteCandidates>,
    legs: Mutex<Vec<Arc<Leg>>>,
    data: Arc<dyn DataChannel>,
    gates: Gates,
    /// `None` once closing.
    tasks: Mutex<Option<JoinSet<()>>>,
    runtime: tokio::runtime::Handle,
    closing: AtomicBool,
    closed: watch::Sender<bool>,
    /// Is a TURN server known?
    relays: AtomicBool,
}

impl Peer {
    /// Binds the sockets and starts the engine; must be called on a tokio runtime. Nothing
    /// is sent yet.
    ///
    /// # Errors
    /// [`PeerError::Local`] when no socket can be bound.
    pub async fn open(config: PeerConfig) -> Result<(Self, PeerEvents), PeerError> {
        let (queue, events) = events::queue();
        let kick = Arc::new(Kick::default());
        let shared = Arc::new(Shared::new(queue, kick.clone(), config.udp_map.clone()));
        let gates = Gates::from(config.gate.clone());
        let runtime = KickRuntime::new(kick, gates.clone());
        let pc = engine::build(&config, Arc::new(Handler::new(shared.clone())), runtime, &shared).await?;
        let data = match data::create(&*pc).await {
            Ok(data) => data,
            Err(error) => {
                let _ = pc.close().await;
                return Err(error);
            }
        };
        let remote = RemoteCandidates::new(config.max_remote_candidates, config.udp_map.clone());
        let sections = config.sections.clone();
        let relays = engine::relays(&engine::usable(&config.ice_servers).0);
        let inner = Arc::new(Inner {
            pc,
            shared: shared.clone(),
            config,
            negotiation: tokio::sync::Mutex::default(),
            remote: Mutex::new(remote),
            legs: Mutex::default(),
            data: data.clone(),
            gates,
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: tokio::runtime::Handle::current(),
            closing: AtomicBool::new(false),
            closed: watch::Sender::new(false),
            relays: AtomicBool::new(relays),
        });
        let weak = Arc::downgrade(&inner);
        // The cell is fresh, so it takes the value.
        let _ = shared.peer.set(weak.clone());
        if let Some(sender) = shared.events.data_sender() {
            inner.spawn(data::read(data, sender));
        }
        inner.spawn(liveness::watch(weak, shared));
        let peer = Self { inner };
        if peer.inner.config.role == Role::Offerer {
            for section in sections {
                peer.add_section(section).await?;
            }
        }
        Ok((peer, events))
    }

    /// The gates that outgoing media passes: that of the settings, and those added since.
    pub fn gates(&self) -> &Gates {
        &self.inner.gates
    }

    /// Facts that were lost because the owner did not read them.
    pub fn lost_events(&self) -> u64 {
        self.inner.shared.events.lost()
    }

    /// What became of the far side's candidates.
    pub fn candidate_counts(&self) -> CandidateCounts {
        lock(&self.inner.remote).counts()
    }

    /// Is DTLS up? Stays true over an ICE restart.
    pub fn is_connected(&self) -> bool {
        self.inner.shared.level.borrow().dtls && !self.is_closed()
    }

    /// Asks the path for a sign of life, now; the answer is a [`PeerEvent::PathAnswered`]. Nothing
    /// happens before there is a path.
    pub fn ask_path(&self) {
        self.inner.shared.kick.checks.repeat(Duration::ZERO);
    }

    /// Has closing begun?
    pub fn is_closed(&self) -> bool {
        self.inner.closing.load(Ordering::Acquire)
    }

    /// Begins to close and returns at once; may be called twice.
    pub fn begin_close(&self) {
        self.inner.begin_close();
    }

    /// Closes: tells the far side, frees the sockets, ends every task. Bounded by about a
    /// second. May be called twice, and at once from several places.
    ///
    /// # Cancel safety
    /// Closing goes on when the future is dropped.
    pub async fn close(&self) {
        self.inner.begin_close();
        let mut closed = self.inner.closed.subscribe();
        // The sender lives in `inner`, which `self` keeps.
        let _ = closed.wait_for(|closed| *closed).await;
    }
}

impl Inner {
    /// Runs a task that ends with the peer. Refused once closing.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let mut tasks = lock(&self.tasks);
        let tasks = tasks.as_mut()?;
        while tasks.try_join_next().is_some() {}
        Some(tasks.spawn_on(task, &self.runtime))
    }

    fn receive(&self, track: Arc<dyn TrackRemote>) {
        let intake = self.config.intake.clone();
        self.spawn(receiving::run(self.shared.clone(), track, intake, self.config.key_frame_every));
    }

    /// With relay only, nothing that names this machine may ever be gathered.
    fn ensure_relay(&self) -> Result<(), PeerError> {
        let barred = self.config.relay_only && !self.relays.load(Ordering::Acquire);
        if barred { Err(PeerError::NoRelay) } else { Ok(()) }
    }

    fn ensure_open(&self) -> Result<(), PeerError> {
        if self.closing.load(Ordering::Acquire) { Err(PeerError::Closed) } else { Ok(()) }
    }

    /// Gives up for a reason that the owner is told.
    fn fail(self: &Arc<Self>, error: PeerError) {
        self.close_with(Some(PeerEvent::Broken(error)));
    }

    fn begin_close(self: &Arc<Self>) {
        self.close_with(None);
    }

    fn close_with(self: &Arc<Self>, last: Option<PeerEvent>) {
        let Some(tasks) = self.give_up(last) else { return };
        let inner = self.clone();
        self.runtime.spawn(async move {
            farewell(inner.pc.clone(), tasks).await;
            inner.closed.send_replace(true);
        });
    }

    /// The part of closing that cannot wait; `None` when somebody was before us.
    fn give_up(&self, last: Option<PeerEvent>) -> Option<JoinSet<()>> {
        if self.closing.swap(true, Ordering::AcqRel) {
            return None;
        }
        self.shared.kick.begin_close();
        if let Some(last) = last {
            self.shared.events.fact(last);
        }
        self.shared.events.close();
        let mut tasks = lock(&self.tasks).take().unwrap_or_default();
        tasks.abort_all();
        Some(tasks)
    }
}

async fn farewell(pc: Arc<dyn PeerConnection>, mut tasks: JoinSet<()>) {
    if tokio::time::timeout(CLOSE_WITHIN, pc.close()).await.is_err() {
        tracing::warn!("a peer connection did not close in time");
    }
    while tasks.join_next().await.is_some() {}
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(tasks) = self.give_up(None) {
            self.runtime.spawn(farewell(self.pc.clone(), tasks));
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("role", &self.inner.config.role).finish_non_exhaustive()
    }
}
