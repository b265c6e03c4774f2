//! Rings: an optional trait, for far sides that can call. One standing connection of a user, over
//! which rings come and go; what becomes of a session is decided elsewhere.

use crate::fault::coded;
use crate::{CredentialWhy, Epoch, Fault, InstanceId, Liveness, RefusedCode, Secret, SessionRef};
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

/// The far side's name of one ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RingId(pub String);

/// Makes presence connections to one kind of far side.
pub trait Presence: Send + Sync {
    /// Begins one dial and returns at once; the first poll of the connection does the I/O.
    fn watch(&self, request: PresenceRequest) -> Box<dyn PresenceConnection>;
}

/// One dial of presence.
#[derive(Clone, Debug)]
pub struct PresenceRequest {
    /// The number of this dial.
    pub epoch: Epoch,
    /// Which device; the same for all dials of one client.
    pub device: InstanceId,
    /// What lets us in: of a user, and of no session. `None` where none was configured.
    pub credential: Option<Secret>,
    /// How long the socket may take to open; the lifecycle holds the deadlines that count.
    pub open_timeout: Duration,
}

/// One dial of presence and what became of it.
///
/// # Contract
/// - Nothing happens before the first poll.
/// - [`PresenceEvent::Up`] comes first, once, or else one of `Refused`, `NeedCredential` and `Lost`,
///   each of which ends the connection.
/// - [`PresenceEvent::Closed`] is the last event; after it `poll_next` yields `None` for ever.
/// - [`act`](PresenceConnection::act) and [`close`](PresenceConnection::close) never wait. After
///   `close` nothing but `Closed` is reported.
/// - Dropping is closing. Everything it holds is gone within one second of either.
///
/// # Cancel safety
/// `poll_next` may be abandoned at any time; no event is lost.
pub trait PresenceConnection: Send + 'static {
    /// The next thing that happened.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<PresenceEvent>>;

    /// Queues one action. Its result comes back as an event.
    ///
    /// # Errors
    /// [`RingFull`] gives the action back when the bounded queue has no room.
    fn act(&mut self, action: RingAction) -> Result<(), RingFull>;

    /// Gives it up: synchronous, cannot fail, may be called twice.
    fn close(&mut self);
}

impl dyn PresenceConnection {
    /// [`poll_next`](PresenceConnection::poll_next) as a future.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn next(&mut self) -> Option<PresenceEvent> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// A ring as its parties see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingInfo {
    /// Its name.
    pub id: RingId,
    /// Rises with every change; an older one is old news.
    pub version: u64,
    /// The session it calls into.
    pub session: SessionRef,
    /// Who rings.
    pub user: String,
    /// The name they want to be shown by. Untrusted text.
    pub name: Option<String>,
    /// The application's own words about it. Untrusted text.
    pub metadata: Option<String>,
    /// Which of our own instances placed it; `None` where it rings here.
    pub placed_by: Option<InstanceId>,
    /// What is left of its time; `None` is for ever.
    pub expires_in: Option<Duration>,
}

/// Something about presence or a ring.
#[derive(Clone, Debug, PartialEq)]
pub enum PresenceEvent {
    /// We are in; these are all the rings that stand: those that come in, and those we placed.
    Up {
        /// The far side's ping and silence times, where it has an opinion.
        liveness: Option<Liveness>,
        /// The rings.
        rings: Vec<RingInfo>,
    },
    /// Something came in.
    Alive,
    /// It wants a credential; the connection is over, and another one may show it.
    NeedCredential(CredentialWhy),
    /// It said no; the connection is over.
    Refused {
        /// Why.
        code: RefusedCode,
        /// When to try again, if it said.
        retry_after: Option<Duration>,
        /// Its own words.
        text: String,
    },
    /// The dial failed, or the link is gone.
    Lost(Fault),
    /// Our ring is placed.
    Placed {
        /// The action's number.
        id: u64,
        /// The ring.
        ring: RingInfo,
    },
    /// Our ring is not placed.
    PlaceRefused {
        /// The action's number.
        id: u64,
        /// Why.
        why: RingRefusedCode,
        /// Its own words.
        text: String,
    },
    /// It rings here, or a ring changed.
    Ring(RingInfo),
    /// A ring is taken: by us, or by somebody we rang.
    Accepted {
        /// The ring.
        ring: RingId,
        /// Who took it.
        user: String,
        /// Lets our instance into the session, once.
        ticket: Secret,
    },
    /// A ring is over.
    Gone {
        /// The ring.
        ring: RingId,
        /// Why.
        why: RingEndCode,
        /// The ring that goes on, with glare.
        survivor: Option<RingId>,
    },
    /// This connection holds nothing any more. Always the last.
    Closed,
}

coded! {
    /// Why a ring is over.
    RingEndCode {
        /// Another device of the same user, or another user who was rung, answered.
        AnsweredElsewhere = "answered_elsewhere",
        /// The one who was rung said no.
        Declined = "declined",
        /// Everybody who was rung said no.
        DeclinedByAll = "declined_by_all",
        /// The one who rang took it back.
        Cancelled = "cancelled",
        /// Nobody answered in time.
        Expired = "expired",
        /// The one who was rung is in another session.
        Busy = "busy",
        /// The session was over before anybody picked up.
        EndedBeforePickup = "ended_before_pickup",
        /// Both sides rang each other, and the other ring goes on.
        Glare = "glare",
        /// The far side knows no such ring of this user's.
        Unknown = "unknown",
        /// A reason this version does not know.
        Other = "other",
    }
}

coded! {
    /// Why a ring was not placed.
    RingRefusedCode {
        /// It names the one who rings.
        Oneself = "oneself",
        /// It names nobody.
        Nobody = "nobody",
        /// None of those it names is known.
        UnknownUser = "unknown_user",
        /// Too many rings stand.
        TooMany = "too_many",
        /// Too many rings in a short time.
        RateLimited = "rate_limited",
        /// This user may not ring into this session.
        NotPermitted = "not_permitted",
        /// A reason this version does not know.
        Other = "other",
    }
}

/// Why a ring is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclineCode {
    /// The user does not want to.
    Declined,
    /// The user is in another session.
    Busy,
}

/// A ring to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingOrder {
    /// Names it in the event that answers.
    pub id: u64,
    /// The session to ring into.
    pub session: SessionRef,
    /// The instance that joins when somebody accepts. The same instance names the same ring.
    pub instance: InstanceId,
    /// Whom to ring.
    pub users: Vec<String>,
    /// How long it rings; `None` is for ever.
    pub timeout: Option<Duration>,
    /// The name to show to them.
    pub name: Option<String>,
    /// The application's own words about it.
    pub metadata: Option<String>,
}

/// One thing to be said about rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingAction {
    /// Ring somebody; answered by `Placed` or `PlaceRefused`.
    Place(RingOrder),
    /// Take a ring; answered by `Accepted` or `Gone`.
    Accept {
        /// The ring.
        ring: RingId,
        /// The instance that is going to join.
        instance: InstanceId,
    },
    /// Refuse a ring, for all devices of this user.
    Decline {
        /// The ring.
        ring: RingId,
        /// Why.
        why: DeclineCode,
    },
    /// Take our own ring back.
    Cancel {
        /// The ring.
        ring: RingId,
    },
    /// Our own ring's time is over, by our clock, which may be ahead of the far side's: whoever was
    /// rung is told that it was not answered.
    Expire {
        /// The ring.
        ring: RingId,
    },
    /// What became of it? Answered by `Ring`, `Accepted` or `Gone`.
    Ask {
        /// The ring.
        ring: RingId,
    },
    /// Ask for a sign of life; whatever comes is reported as `Alive`.
    Ping,
}

/// The queue of actions has no room; here is the action.
#[derive(Debug, thiserror::Error)]
#[error("the presence connection's action queue is full; wait for an event and try again")]
pub struct RingFull(pub Box<RingAction>);
