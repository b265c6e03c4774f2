//! The far side's presence: what it knows of rings, and the client's end of each presence link. All
//! work is done in polls and in the hand's calls; what the hand can do is in `remote/ringing.rs`.

use crate::world::{Inner, World};
use offhook_transport::{
    Fault, FaultKind, InstanceId, Presence, PresenceConnection, PresenceEvent, PresenceRequest, RefusedCode,
    RingAction, RingEndCode, RingFull, RingId, RingInfo,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Reports that wait for a link's polls; one that reads nothing for so long is cut.
const REPORTS: usize = 1024;
/// Actions that the hand has not looked at; beyond it the oldest is lost.
const INBOX: usize = 4096;
/// Rings that are over and may still be asked about.
const OVER: usize = 1024;

/// What the far side knows of presence.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    links: BTreeMap<u64, BellLink>,
    /// Rings that stand.
    pub(crate) standing: BTreeMap<RingId, RingInfo>,
    /// How those ended that are over.
    over: VecDeque<(RingId, PresenceEvent)>,
    pub(crate) unread: VecDeque<RingAction>,
    pub(crate) log: VecDeque<RingAction>,
    pub(crate) dials: VecDeque<PresenceRequest>,
    /// Dials are not answered.
    pub(crate) stalled: bool,
    /// Dials are refused.
    pub(crate) refuses: Option<RefusedCode>,
    /// Links take everything and say nothing.
    pub(crate) silent: bool,
    pub(crate) next_ring: u64,
    next_link: u64,
}

#[derive(Debug)]
struct BellLink {
    device: InstanceId,
    up: bool,
    reports: VecDeque<PresenceEvent>,
    /// Reported its last, and waits to say that it is closed.
    ends: bool,
    waker: Option<Waker>,
}

impl BellLink {
    fn say(&mut self, event: PresenceEvent) {
        if self.ends {
            return;
        }
        if self.reports.len() >= REPORTS {
            self.reports.clear();
            return self.end(PresenceEvent::Lost(Fault::new(FaultKind::Closed)));
        }
        self.reports.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn end(&mut self, event: PresenceEvent) {
        self.say(event);
        self.ends = true;
    }
}

impl Bell {
    /// Says it on every link that is up, and that says anything.
    pub(crate) fn say(&mut self, event: &PresenceEvent) {
        if self.silent {
            return;
        }
        self.links.values_mut().filter(|link| link.up).for_each(|link| link.say(event.clone()));
    }

    /// Every link is lost.
    pub(crate) fn drop_all(&mut self, kind: FaultKind) {
        self.links.values_mut().for_each(|link| link.end(PresenceEvent::Lost(Fault::new(kind))));
    }

    /// Lets in who waited for it.
    pub(crate) fn let_in(&mut self) {
        let rings: Vec<_> = self.standing.values().cloned().collect();
        for link in self.links.values_mut().filter(|link| !link.up && !link.ends) {
            link.up = true;
            link.say(PresenceEvent::Up { liveness: None, rings: rings.clone() });
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.links.values().any(|link| link.up && !link.ends)
    }

    /// The ring is over; who asks is told so.
    pub(crate) fn finish(&mut self, id: &RingId, word: PresenceEvent) {
        self.standing.remove(id);
        if self.over.len() == OVER {
            self.over.pop_front();
        }
        self.over.push_back((id.clone(), word));
    }

    fn answer(&self, id: &RingId) -> PresenceEvent {
        if let Some(ring) = self.standing.get(id) {
            return PresenceEvent::Ring(ring.clone());
        }
        let over = self.over.iter().rev().find(|(of, _)| of == id).map(|(_, word)| word.clone());
        over.unwrap_or_else(|| PresenceEvent::Gone {
            ring: id.clone(),
            why: RingEndCode::Unknown,
            survivor: None,
        })
    }
}

impl Inner {
    fn bell_dialled(&mut self, request: PresenceRequest) -> u64 {
        let id = self.bell.next_link;
        self.bell.next_link += 1;
        let device = request.device;
        let link = BellLink { device, up: false, reports: VecDeque::new(), ends: false, waker: None };
        // Its own ghost goes, as it does on every far side.
        self.bell.links.values_mut().filter(|ghost| ghost.device == device).for_each(|ghost| {
            ghost.end(PresenceEvent::Lost(Fault::new(FaultKind::Closed)));
        });
        self.bell.links.insert(id, link);
        self.bell.dials.push_back(request);
        if self.bell.dials.len() > INBOX {
            self.bell.dials.pop_front();
        }
        let refuses = self.bell.refuses;
        let network = self.network();
        if let Some(link) = self.bell.links.get_mut(&id) {
            match (network, refuses) {
                (false, _) => link.end(PresenceEvent::Lost(Fault::new(FaultKind::Unreachable))),
                (true, Some(code)) => {
                    link.end(PresenceEvent::Refused { code, retry_after: None, text: String::new() });
                }
                (true, None) => {}
            }
        }
        if !self.bell.stalled {
            self.bell.let_in();
        }
        self.notify();
        id
    }

    fn bell_acted(&mut self, id: u64, action: RingAction) {
        let silent = self.bell.silent;
        let answer = match &action {
            RingAction::Ping => Some(PresenceEvent::Alive),
            RingAction::Ask { ring } => Some(self.bell.answer(ring)),
            RingAction::Place(_)
            | RingAction::Accept { .. }
            | RingAction::Decline { .. }
            | RingAction::Cancel { .. }
            | RingAction::Expire { .. } => None,
        };
        if let Some(link) = self.bell.links.get_mut(&id).filter(|link| link.up && !link.ends && !silent)
            && let Some(answer) = answer
        {
            link.say(answer);
        }
        for log in [&mut self.bell.unread, &mut self.bell.log] {
            if log.len() == INBOX {
                log.pop_front();
            }
            log.push_back(action.clone());
        }
        self.notify();
    }
}

enum Phase {
    /// Not polled yet: the far side knows nothing of it.
    Fresh(Box<PresenceRequest>),
    Open(u64),
    /// Gives `Closed` at the next poll.
    Closing,
    Done,
}

struct MockPresence {
    world: Arc<World>,
    phase: Phase,
}

impl Presence for crate::MockTransport {
    fn watch(&self, request: PresenceRequest) -> Box<dyn PresenceConnection> {
        Box::new(MockPresence { world: self.world.clone(), phase: Phase::Fresh(Box::new(request)) })
    }
}

impl PresenceConnection for MockPresence {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<PresenceEvent>> {
        let id = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Fresh(request) => self.world.lock().bell_dialled(*request),
            Phase::Open(id) => id,
            Phase::Closing => return Poll::Ready(Some(PresenceEvent::Closed)),
            Phase::Done => return Poll::Ready(None),
        };
        let mut inner = self.world.lock();
        let Some(link) = inner.bell.links.get_mut(&id) else {
            return Poll::Ready(Some(PresenceEvent::Closed));
        };
        if let Some(event) = link.reports.pop_front() {
            self.phase = Phase::Open(id);
            return Poll::Ready(Some(event));
        }
        if link.ends {
            inner.bell.links.remove(&id);
            inner.notify();
            return Poll::Ready(Some(PresenceEvent::Closed));
        }
        link.waker = Some(cx.waker().clone());
        self.phase = Phase::Open(id);
        Poll::Pending
    }

    fn act(&mut self, action: RingAction) -> Result<(), RingFull> {
        match self.phase {
            Phase::Open(id) => self.world.lock().bell_acted(id, action),
            // Nothing is said before we are in.
            Phase::Fresh(_) => return Err(RingFull(Box::new(action))),
            Phase::Closing | Phase::Done => {}
        }
        Ok(())
    }

    fn close(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Open(id) => {
                let mut inner = self.world.lock();
                inner.bell.links.remove(&id);
                inner.notify();
            }
            Phase::Done => self.phase = Phase::Done,
            Phase::Fresh(_) | Phase::Closing => {}
        }
    }
}

impl Drop for MockPresence {
    fn drop(&mut self) {
        self.close();
    }
}
