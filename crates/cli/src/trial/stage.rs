//! The stage: a server, and a bad network between it and whoever joins. The network is real
//! sockets; its trouble is the rig's.

use offhook::webrtc::{UdpMap, WebRtc};
use offhook_netrig::{Rig, RigError, Tally, TcpRelay, UdpRelay};
use offhook_server::{Census, Mint, MintError, Server, StartError};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// The session that is joined.
pub(crate) const SESSION: (&str, &str) = ("studio", "demo");
/// Relays made for candidates at most; a server has one or two.
const MOST_RELAYS: usize = 64;

/// A stage that could not be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Server(#[from] StartError),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Rig(#[from] RigError),
}

/// Server and network.
pub(crate) struct Stage {
    server: Server,
    rig: Arc<Rig>,
    signaling: TcpRelay,
    media: Arc<MediaPath>,
    credential: offhook::transport::Secret,
}

impl Stage {
    /// Starts both; the network's chance follows from the seed.
    pub(crate) async fn set(seed: u64) -> Result<Self, StageError> {
        let server = Server::builder().bind("127.0.0.1:0").start().await?;
        let rig = Arc::new(Rig::new(seed));
        let signaling = rig.tcp(server.address()).await?;
        let media =
            Arc::new(MediaPath { rig: rig.clone(), relays: Mutex::default(), runtime: Handle::current() });
        let credential = server.mint(&Mint::user("demo").session(SESSION.0, SESSION.1))?;
        Ok(Self { server, rig, signaling, media, credential })
    }

    /// A transport that reaches the server through the rig only.
    pub(crate) fn transport(&self) -> WebRtc {
        WebRtc::new(self.server.url()).via(self.signaling.addr()).udp_map(self.media.clone())
    }

    /// What lets one in.
    pub(crate) fn credential(&self) -> &str {
        self.credential.expose()
    }

    /// TCP is reset, dials are refused, datagrams are dropped.
    pub(crate) fn cut(&self) {
        self.rig.cut();
    }

    /// And back.
    pub(crate) fn restore(&self) -> Result<(), RigError> {
        self.rig.restore()
    }

    /// The network, for trouble of every kind.
    pub(crate) fn rig(&self) -> &Rig {
        &self.rig
    }

    /// What is in the server now.
    pub(crate) fn census(&self) -> Census {
        self.server.census()
    }

    /// Datagrams that came from the client so far, whatever became of them.
    pub(crate) fn datagrams_up(&self) -> u64 {
        let relays = self.media.relays.lock().unwrap_or_else(PoisonError::into_inner);
        let all = |up: &Tally| up.held + up.passed + up.lost + up.cut + up.overflowed;
        relays.iter().map(|(_, relay)| all(&relay.stats().up)).sum()
    }

    /// Takes everything down, and waits for it.
    pub(crate) async fn strike(self) {
        self.server.shutdown().await;
        self.signaling.shutdown().await;
        let relays = std::mem::take(&mut *self.media.relays.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, relay) in relays {
            relay.shutdown().await;
        }
    }
}

/// Leads media through the rig: a relay for each candidate of the server, and none of ours told.
struct MediaPath {
    rig: Arc<Rig>,
    relays: Mutex<Vec<(SocketAddr, UdpRelay)>>,
    runtime: Handle,
}

impl UdpMap for MediaPath {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        let mut relays = self.relays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, relay)) = relays.iter().find(|(known, _)| *known == candidate) {
            return Some(relay.addr());
        }
        if relays.len() >= MOST_RELAYS {
            return None;
        }
        // Binding two loopback sockets does not wait, but is an async call of the rig's.
        let relay = tokio::task::block_in_place(|| self.runtime.block_on(self.rig.udp(candidate))).ok()?;
        let address = relay.addr();
        relays.push((candidate, relay));
        Some(address)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
