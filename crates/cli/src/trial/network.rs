//! The network between whoever joins and the servers: real sockets through a rig, whose trouble
//! is the rig's. A relay for each candidate of a server, and none of ours told.

use super::wire::Wire;
use offhook::webrtc::UdpMap;
use offhook_netrig::{Rig, RigError, Tally, TcpRelay, UdpRelay, Way};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Relays made for candidates at most: a server has one or two for each dial.
const MOST_RELAYS: usize = 512;

/// A rig, and the relays that media goes through.
pub(crate) struct Network {
    rig: Arc<Rig>,
    media: Arc<MediaPath>,
}

impl Network {
    /// Its chance follows from the seed.
    pub(crate) fn new(seed: u64) -> Self {
        let rig = Arc::new(Rig::new(seed));
        let media = Arc::new(MediaPath {
            rig: rig.clone(),
            relays: Mutex::default(),
            wire: Arc::default(),
            runtime: Handle::current(),
        });
        Self { rig, media }
    }

    /// For trouble of every kind.
    pub(crate) fn rig(&self) -> &Rig {
        &self.rig
    }

    /// A way for signaling to this server.
    pub(crate) async fn leads_to(&self, server: SocketAddr) -> Result<TcpRelay, RigError> {
        self.rig.tcp(server).await
    }

    /// The way for media to any server.
    pub(crate) fn media(&self) -> Arc<dyn UdpMap> {
        self.media.clone()
    }

    /// Datagrams that came from the client so far, whatever became of them.
    pub(crate) fn datagrams_up(&self) -> u64 {
        let relays = self.media.relays.lock().unwrap_or_else(PoisonError::into_inner);
        let all = |up: &Tally| up.held + up.passed + up.lost + up.cut + up.overflowed;
        relays.iter().map(|(_, relay)| all(&relay.stats().up)).sum()
    }

    /// Packets of media that the client sent so far for the first time, whatever became of them.
    pub(crate) fn packets_up(&self) -> u64 {
        self.media.wire.lock().unwrap_or_else(PoisonError::into_inner).packets()
    }

    /// Takes the ways of media down, and waits for it.
    pub(crate) async fn strike(self) {
        let relays = std::mem::take(&mut *self.media.relays.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, relay) in relays {
            relay.shutdown().await;
        }
    }
}

/// Leads media through the rig.
struct MediaPath {
    rig: Arc<Rig>,
    relays: Mutex<Vec<(SocketAddr, UdpRelay)>>,
    wire: Arc<Mutex<Wire>>,
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
        let (address, wire) = (relay.addr(), self.wire.clone());
        relay.tap(move |way, datagram| {
            if way == Way::Up {
                wire.lock().unwrap_or_else(PoisonError::into_inner).sent(datagram);
            }
        });
        relays.push((candidate, relay));
        Some(address)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
