//! What outlives one link: the peer connection with its tracks, the numbered frames, and what
//! the far side said about the session. A resume shares it with the link it follows; a rejoin
//! and a migration begin another.

use super::sinks::Sinks;
use crate::peer::{Certificate, Peer, PeerError, PeerEvent, PeerEvents, Sending};
use offhook_signaling::{FromClient, Instance, Reliability};
use offhook_transport::media::{Kind, MediaPorts};
use offhook_transport::{Capabilities, Epoch, Image, Liveness, Member, ResumeKey};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// Reports of the peer that a link may be behind.
const REPORTS: usize = 256;
/// Messages whose ack is awaited; beyond it the oldest goes unanswered.
const MESSAGES: usize = 256;
/// Media counts as flowing if it came this shortly before the path was last seen alive.
const FLOWING: Duration = Duration::from_secs(3);

pub(super) struct Lane {
    pub(super) peer: Peer,
    pub(super) sinks: Arc<Sinks>,
    first: Mutex<Option<broadcast::Receiver<PeerEvent>>>,
    /// Weak: the forwarder alone holds it, so that its end is the end of the reports.
    reports: broadcast::WeakSender<PeerEvent>,
    state: Mutex<State>,
    /// Kept so that the session's next dial finds it.
    _certificate: Arc<Certificate>,
}

/// What the far side granted at the last `joined`.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) key: ResumeKey,
    pub(super) capabilities: Capabilities,
    pub(super) liveness: Liveness,
    pub(super) resume_window: Duration,
}

pub(super) struct State {
    pub(super) frames: Reliability<FromClient>,
    pub(super) granted: Option<Granted>,
    /// The link that speaks for this lane.
    pub(super) owner: Epoch,
    /// Number of the newest offer, and the one that waits for its answer.
    pub(super) negotiation: u64,
    pub(super) open_offer: Option<u64>,
    /// Messages by their number on the wire.
    sent: VecDeque<(u64, u64)>,
    pub(super) commands: u64,
    pub(super) kinds: HashMap<String, Kind>,
    /// Sections in which media is due from the far side.
    pub(super) due: HashSet<String>,
    pub(super) roster: HashMap<Instance, Member>,
    pub(super) image: Option<Image>,
    sendings: Vec<(String, Sending)>,
    inbound: u64,
    flowed: Option<Instant>,
    lived: Option<Instant>,
}

impl Lane {
    pub(super) fn new(
        peer: Peer,
        events: PeerEvents,
        sinks: Arc<Sinks>,
        certificate: Arc<Certificate>,
        owner: Epoch,
    ) -> Arc<Self> {
        let (reports, first) = broadcast::channel(REPORTS);
        let weak = reports.downgrade();
        tokio::spawn(forward(events, reports));
        Arc::new(Self {
            peer,
            sinks,
            first: Mutex::new(Some(first)),
            reports: weak,
            _certificate: certificate,
            state: Mutex::new(State {
                frames: Reliability::new(),
                granted: None,
                owner,
                negotiation: 0,
                open_offer: None,
                sent: VecDeque::new(),
                commands: 0,
                kinds: HashMap::new(),
                due: HashSet::new(),
                roster: HashMap::new(),
                image: None,
                sendings: Vec::new(),
                inbound: 0,
                flowed: None,
                lived: None,
            }),
        })
    }

    /// What the peer reports from here on; for the first link everything from the beginning.
    pub(super) fn reports(&self) -> broadcast::Receiver<PeerEvent> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.or_else(|| Some(self.reports.upgrade()?.subscribe())).unwrap_or_else(|| broadcast::channel(1).1)
    }

    /// Never held over an `await`.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends each published track on a section of its kind, in the order of publication.
    pub(super) async fn publish(&self, ports: &MediaPorts) -> Result<(), PeerError> {
        let mut sections: Vec<_> =
            self.peer.sections().await.into_iter().filter(|section| section.sends).collect();
        for track in &ports.publish {
            let label = track.spec().label.clone();
            let kind = track.spec().kind();
            let Some(at) = sections.iter().position(|section| section.kind == kind) else {
                return Err(PeerError::NoSuchSection(label));
            };
            let section = sections.remove(at);
            if self.state().sendings.iter().any(|(of, _)| *of == label) {
                continue;
            }
            let sending = self.peer.send_track(&section.mid, track.tap(), self.peer.gates().clone()).await?;
            self.state().sendings.push((label, sending));
        }
        Ok(())
    }

    /// The section a published track is sent on.
    pub(super) fn mid_of(&self, label: &str) -> Option<String> {
        let state = self.state();
        let sending = state.sendings.iter().find(|(of, _)| of == label)?;
        Some(sending.1.mid().to_owned())
    }

    /// Takes nothing more from the application, at once.
    pub(super) fn stop_sending(&self) {
        self.state().sendings.clear();
    }

    /// Asks for a key frame on every section that brings video.
    pub(super) fn want_key_frames(&self) {
        let mids: Vec<String> = {
            let state = self.state();
            let video = state.kinds.iter().filter(|(_, kind)| **kind == Kind::Video);
            video.map(|(mid, _)| mid.clone()).collect()
        };
        mids.iter().for_each(|mid| self.peer.request_key_frame(mid));
    }
}

impl State {
    /// A number for an offer.
    pub(super) fn next_negotiation(&mut self) -> u64 {
        self.negotiation += 1;
        self.open_offer = Some(self.negotiation);
        self.negotiation
    }

    pub(super) fn next_command(&mut self) -> u64 {
        self.commands += 1;
        self.commands
    }

    /// A message got this number on the wire.
    pub(super) fn await_ack(&mut self, id: u64) {
        if self.sent.len() == MESSAGES {
            self.sent.pop_front();
        }
        self.sent.push_back((self.frames.last_sent(), id));
    }

    /// Messages that the far side is now known to have.
    pub(super) fn acked_messages(&mut self) -> Vec<u64> {
        let acked = self.frames.last_acked();
        let mut ids = Vec::new();
        while let Some((_, id)) = self.sent.pop_front_if(|sent| sent.0 <= acked) {
            ids.push(id);
        }
        ids
    }

    /// Packets that came in until now.
    pub(super) fn saw_inbound(&mut self, packets: u64) {
        if packets > self.inbound {
            let now = Instant::now();
            self.flowed = Some(now);
            self.lived = Some(now);
        }
        self.inbound = packets;
    }

    /// Our check was answered.
    pub(super) fn saw_answer(&mut self) {
        self.lived = Some(Instant::now());
    }

    /// Was media coming in when the path was last known to live, and is it due still (R5)?
    pub(super) fn media_is_due(&self) -> bool {
        let flowing = match (self.flowed, self.lived) {
            (Some(flowed), Some(lived)) => flowed + FLOWING >= lived,
            _ => false,
        };
        flowing && !self.due.is_empty()
    }

    pub(super) fn inbound(&self) -> u64 {
        self.inbound
    }
}

/// Hands the peer's reports to every link that shares it. Ends with the peer.
async fn forward(mut events: PeerEvents, reports: broadcast::Sender<PeerEvent>) {
    while let Some(event) = events.next().await {
        // Data is not used yet, and must not push facts out of the queue.
        if !matches!(event, PeerEvent::Data { .. }) {
            // Nobody listening is no error: a link may come yet.
            let _ = reports.send(event);
        }
    }
}
