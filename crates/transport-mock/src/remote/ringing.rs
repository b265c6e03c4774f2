//! What the hand can do about rings: ring, take back, answer, refuse; let presence in, stall it, be
//! silent on it, drop it. Pings are answered by themselves, and so is who asks about a ring.

use super::Remote;
use offhook_transport::{
    FaultKind, PresenceEvent, PresenceRequest, RefusedCode, RingAction, RingEndCode, RingId, RingInfo,
    RingOrder, RingRefusedCode, Secret, SessionRef,
};
use std::time::Duration;

impl Remote {
    /// This user rings the client into the session, for half a minute: a start for tests that want
    /// it otherwise with [`ring`](Self::ring).
    pub fn rings(&self, user: &str, session: SessionRef) -> RingId {
        let id = self.ring_id();
        self.ring(RingInfo {
            id: id.clone(),
            version: 1,
            session,
            user: user.to_owned(),
            name: None,
            metadata: None,
            placed_by: None,
            expires_in: Some(Duration::from_secs(30)),
        });
        id
    }

    /// It rings at the client, or the ring changed. It stands until it is [`gone`](Self::gone) or
    /// [`taken`](Self::taken): who dials is shown it.
    pub fn ring(&self, ring: RingInfo) {
        let mut inner = self.world.lock();
        inner.bell.standing.insert(ring.id.clone(), ring.clone());
        inner.bell.say(&PresenceEvent::Ring(ring));
    }

    /// A ring is over, for this reason.
    pub fn gone(&self, ring: &RingId, why: RingEndCode) {
        self.over(ring, PresenceEvent::Gone { ring: ring.clone(), why, survivor: None }, true);
    }

    /// Both sides rang, and the other ring goes on.
    pub fn glare(&self, loser: &RingId, survivor: &RingId) {
        let why = RingEndCode::Glare;
        let word = PresenceEvent::Gone { ring: loser.clone(), why, survivor: Some(survivor.clone()) };
        self.over(loser, word, true);
    }

    /// A ring is over and nobody is told of it, as if the word was lost; who asks is told.
    pub fn gone_unheard(&self, ring: &RingId, why: RingEndCode) {
        self.over(ring, PresenceEvent::Gone { ring: ring.clone(), why, survivor: None }, false);
    }

    /// A ring is taken by this user: the client's accept is confirmed, or its own ring answered. The
    /// client is given the ticket that comes back.
    pub fn taken(&self, ring: &RingId, user: &str) -> Secret {
        let ticket = Secret::new(format!("ticket-{}", ring.0));
        let word =
            PresenceEvent::Accepted { ring: ring.clone(), user: user.to_owned(), ticket: ticket.clone() };
        self.over(ring, word, true);
        ticket
    }

    /// As [`taken`](Self::taken), with the word lost; who asks is told.
    pub fn taken_unheard(&self, ring: &RingId, user: &str) {
        let ticket = Secret::new(format!("ticket-{}", ring.0));
        let word = PresenceEvent::Accepted { ring: ring.clone(), user: user.to_owned(), ticket };
        self.over(ring, word, false);
    }

    fn over(&self, ring: &RingId, word: PresenceEvent, told: bool) {
        let mut inner = self.world.lock();
        if told {
            inner.bell.say(&word);
        }
        inner.bell.finish(ring, word);
    }

    /// Places a ring of the client's; its name.
    pub fn placed(&self, order: &RingOrder) -> RingId {
        let id = self.ring_id();
        self.placed_as(order, &id);
        id
    }

    /// As [`placed`](Self::placed), under this name.
    pub fn placed_as(&self, order: &RingOrder, id: &RingId) {
        let ring = RingInfo {
            id: id.clone(),
            version: 1,
            session: order.session.clone(),
            user: "me".to_owned(),
            name: order.name.clone(),
            metadata: order.metadata.clone(),
            placed_by: Some(order.instance),
            expires_in: order.timeout,
        };
        let mut inner = self.world.lock();
        inner.bell.standing.insert(id.clone(), ring.clone());
        inner.bell.say(&PresenceEvent::Placed { id: order.id, ring });
    }

    /// Does not place a ring of the client's.
    pub fn refuse_ring(&self, order: &RingOrder, why: RingRefusedCode) {
        let text = "not here".to_owned();
        self.world.lock().bell.say(&PresenceEvent::PlaceRefused { id: order.id, why, text });
    }

    /// A ring id that was not used before.
    pub fn ring_id(&self) -> RingId {
        let mut inner = self.world.lock();
        inner.bell.next_ring += 1;
        RingId(format!("ring-{:04}", inner.bell.next_ring))
    }

    /// The next thing that the client says about a ring; pings and questions are passed by.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn ring_action(&self) -> RingAction {
        self.world
            .wait(|inner| {
                loop {
                    match inner.bell.unread.pop_front()? {
                        RingAction::Ping | RingAction::Ask { .. } => {}
                        action => return Some(action),
                    }
                }
            })
            .await
    }

    /// The next ring that the client orders; everything else is passed by.
    ///
    /// # Cancel safety
    /// What was passed by is gone from [`ring_action`](Self::ring_action).
    pub async fn ring_order(&self) -> RingOrder {
        loop {
            if let RingAction::Place(order) = self.ring_action().await {
                return order;
            }
        }
    }

    /// Everything that the client ever said on presence, oldest first; at most the last 4096.
    pub fn ring_log(&self) -> Vec<RingAction> {
        self.world.lock().bell.log.iter().cloned().collect()
    }

    /// The next dial of presence.
    ///
    /// # Cancel safety
    /// No dial is lost.
    pub async fn presence_dial(&self) -> PresenceRequest {
        self.world.wait(|inner| inner.bell.dials.pop_front()).await
    }

    /// Waits until a presence link of the client's is up.
    ///
    /// # Cancel safety
    /// Nothing is taken.
    pub async fn present(&self) {
        self.world.wait(|inner| inner.bell.is_up().then_some(())).await;
    }

    /// Dials of presence are not answered, until told otherwise; those that waited are then.
    pub fn stall_presence(&self, stalled: bool) {
        let mut inner = self.world.lock();
        inner.bell.stalled = stalled;
        if !stalled {
            inner.bell.let_in();
        }
        inner.notify();
    }

    /// Dials of presence are refused, until told otherwise.
    pub fn refuse_presence(&self, code: Option<RefusedCode>) {
        self.world.lock().bell.refuses = code;
    }

    /// Presence takes everything and says nothing, until told otherwise.
    pub fn silence_presence(&self, silent: bool) {
        self.world.lock().bell.silent = silent;
    }

    /// Every presence link is lost.
    pub fn drop_presence(&self, kind: FaultKind) {
        self.world.lock().bell.drop_all(kind);
    }
}
