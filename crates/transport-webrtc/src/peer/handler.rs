//! What the engine tells, and the state both it and the peer's owner look at.
//!
//! The engine calls its handler on its own driver and keeps it for ever, so nothing here
//! waits and nothing here owns the peer: the way back is weak.

use super::Inner;
use super::asking::RoundTrip;
use super::events::{EventQueue, LocalCandidate, PeerEvent};
use super::kick::Kick;
use super::reported::Reports;
use super::{UdpMap, candidates::Parsed};
use async_trait::async_trait;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use tokio::sync::{Notify, watch};
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Level {
    pub(super) ice: bool,
    pub(super) dtls: bool,
    /// Rises each time a path came up: what was sent shortly before is lost.
    pub(super) paths: u32,
}

/// How far gathering has come, for whoever waits to put candidates into a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Gathered {
    pub(super) candidates: u32,
    pub(super) complete: bool,
}

/// Counted for one section and one way.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) frames: AtomicU64,
    pub(super) key_requests: AtomicU64,
}

/// The generation our candidates belong to, and those held back because they may go into
/// the description itself.
#[derive(Default)]
pub(super) struct LocalSide {
    ufrag: String,
    mid: String,
    hold: bool,
    held: Vec<PeerEvent>,
}

/// Everything that both the handler and the peer touch.
pub(super) struct Shared {
    pub(super) events: EventQueue,
    pub(super) kick: Arc<Kick>,
    pub(super) level: watch::Sender<Level>,
    /// Does the far side still consent to be sent to?
    consented: AtomicBool,
    pub(super) gathered: watch::Sender<Gathered>,
    /// Rises with each negotiation: payload types may have changed.
    pub(super) negotiated: AtomicU64,
    pub(super) peer: OnceLock<Weak<Inner>>,
    local: Mutex<LocalSide>,
    map: Option<Arc<dyn UdpMap>>,
    counters: Mutex<HashMap<(String, bool), Arc<Counters>>>,
    key_wishes: Mutex<HashMap<String, Arc<Notify>>>,
    pub(super) reports: Reports,
    pub(super) round_trip: RoundTrip,
}

impl Shared {
    pub(super) fn new(events: EventQueue, kick: Arc<Kick>, map: Option<Arc<dyn UdpMap>>) -> Self {
        Self {
            events,
            kick,
            level: watch::Sender::new(Level::default()),
            consented: AtomicBool::new(true),
            gathered: watch::Sender::new(Gathered::default()),
            negotiated: AtomicU64::new(0),
            peer: OnceLock::new(),
            local: Mutex::default(),
            map,
            counters: Mutex::default(),
            key_wishes: Mutex::default(),
            reports: Reports::default(),
            round_trip: RoundTrip::default(),
        }
    }

    /// Is there a path that media may be sent on?
    pub(super) fn may_send(&self) -> bool {
        self.level.borrow().dtls && self.consented.load(Ordering::Acquire)
    }

    pub(super) fn consents(&self, consents: bool) {
        if self.consented.swap(consents, Ordering::AcqRel) != consents {
            tracing::debug!(consents, "the far side's consent to be sent to");
        }
    }

    pub(super) fn inner(&self) -> Option<Arc<Inner>> {
        self.peer.get().and_then(Weak::upgrade)
    }

    pub(super) fn counters(&self, mid: &str, inbound: bool) -> Arc<Counters> {
        lock(&self.counters).entry((mid.to_owned(), inbound)).or_default().clone()
    }

    pub(super) fn key_wish(&self, mid: &str) -> Arc<Notify> {
        lock(&self.key_wishes).entry(mid.to_owned()).or_default().clone()
    }

    /// A description of our own is about to come into force. Is its generation a new one?
    pub(super) fn enter_local(&self, ufrag: &str, mid: &str, hold: bool) -> bool {
        let mut local = lock(&self.local);
        let new = local.ufrag != ufrag;
        local.ufrag = ufrag.to_owned();
        local.mid = mid.to_owned();
        local.hold = hold;
        local.held.clear();
        drop(local);
        if new {
            self.kick.checks.begin();
        }
        self.gathered.send_replace(Gathered::default());
        new
    }

    /// Reports what was held back, less what the description already says.
    pub(super) fn release_local(&self, said: &str) {
        let mut local = lock(&self.local);
        local.hold = false;
        let held = std::mem::take(&mut local.held);
        drop(local);
        for event in held {
            match &event {
                PeerEvent::Candidate(one) if said.contains(one.candidate.as_str()) => {}
                _ => self.events.fact(event),
            }
        }
    }

    /// A candidate of ours as the far side is to see it.
    pub(super) fn shown(&self, candidate: &str) -> Option<String> {
        let Some(map) = &self.map else { return Some(candidate.to_owned()) };
        let parsed = Parsed::read(candidate).ok().flatten()?;
        let shown: SocketAddr = map.local(parsed.address)?;
        Some(parsed.with_address(shown))
    }

    fn local_event(&self, make: impl FnOnce(&LocalSide) -> Option<PeerEvent>) {
        let mut local = lock(&self.local);
        let Some(event) = make(&local) else { return };
        if local.hold {
            local.held.push(event);
        } else {
            drop(local);
            self.events.fact(event);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engine's end.
pub(super) struct Handler {
    shared: Arc<Shared>,
}

impl Handler {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(init) = event.candidate.to_json() else { return };
        if init.candidate.is_empty() || init.candidate == "candidate:" {
            return;
        }
        self.shared.local_event(|local| {
            let candidate = self.shared.shown(&init.candidate)?;
            let (mid, ufrag) = (local.mid.clone(), local.ufrag.clone());
            Some(PeerEvent::Candidate(LocalCandidate { candidate, mid, ufrag }))
        });
        self.shared.gathered.send_modify(|gathered| gathered.candidates += 1);
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.shared.local_event(|local| Some(PeerEvent::CandidatesEnd { ufrag: local.ufrag.clone() }));
            self.shared.gathered.send_modify(|gathered| gathered.complete = true);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        let event = match state {
            RTCIceConnectionState::Connected | RTCIceConnectionState::Completed => {
                self.shared.level.send_modify(|level| {
                    level.ice = true;
                    level.paths += 1;
                });
                PeerEvent::IceConnected
            }
            RTCIceConnectionState::Disconnected => PeerEvent::IceDisconnected,
            RTCIceConnectionState::Failed => PeerEvent::IceFailed,
            _ => return,
        };
        tracing::debug!(?state, "ice");
        self.shared.events.fact(event);
        // What the engine queued on this change would otherwise wait for its next tick.
        self.shared.kick.kick();
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(?state, "peer");
        if state == RTCPeerConnectionState::Connected {
            let mut first = false;
            self.shared.level.send_modify(|level| {
                first = !level.dtls;
                level.dtls = true;
            });
            if first {
                self.shared.events.fact(PeerEvent::Connected);
            }
        }
        self.shared.kick.kick();
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        if let Some(inner) = self.shared.inner() {
            inner.receive(track);
        }
    }
}
