//! What a peer reports to its owner, and the two bounded queues it goes through.
//!
//! Facts of the link never wait behind data: the engine's handlers run on its driver and
//! must not wait, so facts are pushed or (when the owner sleeps) counted as lost; data waits
//! for room in a task of its own.

use super::PeerError;
use bytes::Bytes;
use offhook_transport::media::{Codec, Kind};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// Facts that may wait for the owner.
const FACTS: usize = 256;
/// Data messages that may wait for the owner; then SCTP holds the far side back.
const DATA: usize = 64;

/// A candidate of our own, for the far side.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalCandidate {
    /// The attribute's value, `candidate:…` (RFC 8839 §5.1).
    pub candidate: String,
    /// The section it belongs to: with bundling, the first.
    pub mid: String,
    /// The generation it belongs to.
    pub ufrag: String,
}

impl std::fmt::Debug for LocalCandidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalCandidate").field("mid", &self.mid).finish_non_exhaustive()
    }
}

/// One report of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// Trickle this to the far side.
    Candidate(LocalCandidate),
    /// No more candidates of this generation.
    CandidatesEnd {
        /// The generation.
        ufrag: String,
    },
    /// A candidate pair works: packets can go both ways.
    IceConnected,
    /// Nothing came in for the time of `IceTimes::disconnected`. It may come back by itself.
    IceDisconnected,
    /// The engine gave the path up; only a restart brings it back.
    IceFailed,
    /// DTLS is up and the fingerprint was right: media and data can flow.
    Connected,
    /// This peer is beyond repair; it has closed itself.
    Broken(PeerError),
    /// The data channel is open.
    DataOpen,
    /// A message came on the data channel.
    Data {
        /// Its bytes.
        payload: Bytes,
        /// Was it sent as text?
        text: bool,
    },
    /// The far side closed the data channel or its whole transport: that is how its hang-up
    /// is seen.
    DataClosed,
    /// Media comes in on this section for the first time.
    TrackAdded {
        /// The section.
        mid: String,
        /// Audio or video.
        kind: Kind,
        /// The codec of its first packet.
        codec: Codec,
    },
    /// A frame of ours left on this section: the first, or the first after a [pause](super::PAUSE).
    FrameOut {
        /// The section.
        mid: String,
    },
    /// Our check was answered: the path lives in both directions. No more often than we ask.
    PathAnswered,
    /// Our checks have had no answer for this long, whatever else comes in.
    PathSilent {
        /// How long.
        silent: Duration,
    },
}

/// The sending ends; taken away when the peer closes.
#[derive(Debug)]
pub(super) struct EventQueue {
    facts: Mutex<Option<mpsc::Sender<PeerEvent>>>,
    data: Mutex<Option<mpsc::Sender<PeerEvent>>>,
    lost: AtomicU64,
}

/// The owner's end.
#[derive(Debug)]
pub struct PeerEvents {
    facts: mpsc::Receiver<PeerEvent>,
    data: mpsc::Receiver<PeerEvent>,
}

pub(super) fn queue() -> (EventQueue, PeerEvents) {
    let (facts_in, facts) = mpsc::channel(FACTS);
    let (data_in, data) = mpsc::channel(DATA);
    let queue = EventQueue {
        facts: Mutex::new(Some(facts_in)),
        data: Mutex::new(Some(data_in)),
        lost: AtomicU64::new(0),
    };
    (queue, PeerEvents { facts, data })
}

impl EventQueue {
    /// Pushes a fact; never waits.
    pub(super) fn fact(&self, event: PeerEvent) {
        let sender = self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sender) = sender
            && let Err(mpsc::error::TrySendError::Full(event)) = sender.try_send(event)
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(?event, "the owner of a peer does not read its events; one is lost");
        }
    }

    /// The sender for data, for the task that waits.
    pub(super) fn data_sender(&self) -> Option<mpsc::Sender<PeerEvent>> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.data.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl PeerEvents {
    /// The next report; `None` when the peer is closed and everything was read.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<PeerEvent> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](PeerEvents::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<PeerEvent>> {
        let facts = self.facts.poll_recv(cx);
        if let Poll::Ready(Some(event)) = facts {
            return Poll::Ready(Some(event));
        }
        match (facts, self.data.poll_recv(cx)) {
            (_, Poll::Ready(Some(event))) => Poll::Ready(Some(event)),
            (Poll::Ready(None), Poll::Ready(None)) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}
