//! One ring as this client is a party to it: what was said of it, what is still to be said.

use crate::shared::Shared;
use offhook_lifecycle::{Decline, RingEnd, RingRef};
use offhook_transport::{InstanceId, RingId, RingOrder, Secret};
use std::sync::{Arc, Weak};

/// Links on which a last word is said before it is given up: the ring's own time is over by then.
const LINKS: u8 = 3;

/// Which way it goes.
#[derive(Debug)]
pub(super) enum Side {
    Incoming,
    Outgoing(Box<RingOrder>),
}

/// What is to be said about a ring that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    Accept,
    Decline(Decline),
    Cancel,
    Expire,
}

/// What a far side said of a ring.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Accepted(Secret),
    Ended(RingEnd),
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) instance: InstanceId,
    pub(super) shared: Weak<Shared>,
    pub(super) side: Side,
    /// The far side's name of it, once there is one.
    pub(super) ring: Option<RingId>,
    pub(super) number: RingRef,
    pub(super) version: u64,
    pub(super) wish: Option<Say>,
    /// Was the wish, or the order, said on this link?
    pub(super) said: bool,
    /// Was it ever said to anybody that there is such a ring?
    pub(super) ordered: bool,
    /// Somebody took it: it stands nowhere any more, and still is to be given up.
    pub(super) answered: bool,
    /// Its session is over; it is kept until its last word is confirmed.
    pub(super) over: bool,
    /// The far side let us in after we had given up asking.
    pub(super) ticket: Option<Secret>,
    links: u8,
}

impl Call {
    pub(super) fn outgoing(order: RingOrder, shared: &Arc<Shared>, number: RingRef) -> Self {
        let instance = order.instance;
        Self { side: Side::Outgoing(Box::new(order)), ..Self::new(instance, Arc::downgrade(shared), number) }
    }

    pub(super) fn incoming(
        instance: InstanceId,
        shared: &Arc<Shared>,
        ring: RingId,
        version: u64,
        number: RingRef,
    ) -> Self {
        Self { ring: Some(ring), version, ..Self::new(instance, Arc::downgrade(shared), number) }
    }

    /// A ring that is answered without anybody being asked.
    pub(super) fn turned_away(ring: RingId, number: RingRef) -> Self {
        let mut call = Self::new(InstanceId([0; 16]), Weak::new(), number);
        call.ring = Some(ring);
        call.over = true;
        call.want(Say::Decline(Decline::Busy));
        call
    }

    /// A ring of ours that nobody holds any more: of a life before this one.
    pub(super) fn orphan(ring: RingId, number: RingRef) -> Self {
        let mut call = Self::turned_away(ring, number);
        call.want(Say::Cancel);
        call
    }

    /// A ring of ours that somebody took, and that led into no session.
    pub(super) fn given_up(ring: RingId, number: RingRef) -> Self {
        Self { answered: true, ..Self::orphan(ring, number) }
    }

    fn new(instance: InstanceId, shared: Weak<Shared>, number: RingRef) -> Self {
        Self {
            instance,
            shared,
            side: Side::Incoming,
            ring: None,
            number,
            version: 0,
            wish: None,
            said: false,
            ordered: false,
            answered: false,
            over: false,
            ticket: None,
            links: 0,
        }
    }

    pub(super) fn want(&mut self, say: Say) {
        self.wish = Some(say);
        self.said = false;
    }

    /// A ring of ours of which nothing was ever said.
    pub(super) fn is_unheard_of(&self) -> bool {
        matches!(self.side, Side::Outgoing(_)) && !self.ordered && self.ring.is_none()
    }

    /// The order, if it is still to be placed.
    pub(super) fn to_place(&self) -> Option<&RingOrder> {
        if self.over || self.said || self.ring.is_some() {
            return None;
        }
        match &self.side {
            Side::Outgoing(order) => Some(order),
            Side::Incoming => None,
        }
    }

    /// The link is gone: what was said on it may be lost. False if it was tried often enough.
    pub(super) fn lost_link(&mut self) -> bool {
        self.said = false;
        self.links += u8::from(self.over);
        self.links < LINKS
    }
}
