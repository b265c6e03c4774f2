//! The I/O traits a transport implements, and the media handles that run beside them.
//!
//! A [`Transport`] makes [`Connection`]s; a connection reports [`Event`]s and takes
//! [`Action`]s; frames flow through [`media`], never through either. This crate names no
//! runtime and knows nothing of the lifecycle: strings, bytes and error sources go through
//! here, the decisions are made elsewhere. Two transports come with the house, a scripted
//! one (`offhook-transport-mock`) and a real one (`offhook-transport-webrtc`); both pass the
//! suite in `conformance` (a feature), and so should yours.
#![forbid(unsafe_code)]

mod action;
mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
mod desired;
mod dial;
mod directory;
mod event;
mod fault;
mod ids;
pub mod media;
mod messages;
mod moderation;
mod network;
mod presence;
mod secret;
mod stats;
mod talk;
mod telemetry;
mod untaken;

pub use action::{Action, Full};
pub use capabilities::{Capabilities, Capability, MigrationStyle};
pub use desired::{Desired, Image, Muted, Prompt};
pub use dial::{DialRequest, Plan, ResumeKey, SessionRef, Target};
pub use directory::{
    Attendee, Directory, DirectoryError, Invited, InvitedAs, Profile, SessionInfo, SessionNews, Settings,
    Watching,
};
pub use event::{
    Advice, Content, EndCode, Event, Generation, GoAwayHint, GoAwayReason, Liveness, Member, MemberChange,
    MemberTrack, Mood, Progress, RefusalItem, Up, Verdict,
};
pub use fault::{CredentialWhy, Fault, FaultKind, RefusedCode, ResumeRefusal};
pub use ids::{Epoch, InstanceId, Plane, Revision};
pub use messages::{Outgoing, Unsent, Whom, Words};
pub use moderation::{Moderate, Moderation, ModerationRefusal};
pub use network::{NetworkFact, NetworkWatch};
pub use presence::{
    DeclineCode, Presence, PresenceConnection, PresenceEvent, PresenceRequest, RingAction, RingEndCode,
    RingFull, RingId, RingInfo, RingOrder, RingRefusedCode,
};
pub use secret::Secret;
pub use stats::{Stats, StatsTotals, StreamStats};
pub use talk::{Asked, Report, talk};
pub use telemetry::{Happened, Telemetry, TelemetryEntry};
pub use untaken::{Untaken, UntakenTrack};

use std::future::poll_fn;
use std::task::{Context, Poll};

/// Makes connections to one kind of far side.
///
/// A transport is shared by every session of a client and holds no session itself. It must
/// do nothing until a connection is polled: [`dial`](Transport::dial) opens no socket.
pub trait Transport: Send + Sync + 'static {
    /// A short name for logs: `"webrtc"`, `"mock"`.
    fn name(&self) -> &'static str;

    /// What this transport can do at most. What a session can do is in [`Up::capabilities`].
    fn capabilities(&self) -> Capabilities;

    /// Begins one dial and returns at once; the first poll of the connection does the I/O.
    ///
    /// When [`DialRequest::inherit`] names an earlier epoch of the same instance, the planes
    /// of that connection which still live are shared by both until one of them is closed.
    /// A dial that fails takes nothing of the older connection with it.
    fn dial(&self, request: DialRequest) -> Box<dyn Connection>;

    /// Sessions by (kind, id) without joining, where the far side has such a thing.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// Rings, where the far side has them.
    fn presence(&self) -> Option<&dyn Presence> {
        None
    }

    /// Changes of the network that this machine is on, as they concern the session of this
    /// instance; `None` where nothing is learned of them, and the application alone reports
    /// them. Asked for once per session, before its first dial.
    fn watch_network(&self, instance: InstanceId) -> Option<Box<dyn NetworkWatch>> {
        let _ = instance;
        None
    }
}

/// Lets a boxed transport stand wherever a transport is wanted.
impl Transport for Box<dyn Transport> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }
    fn dial(&self, request: DialRequest) -> Box<dyn Connection> {
        (**self).dial(request)
    }
    fn directory(&self) -> Option<&dyn Directory> {
        (**self).directory()
    }
    fn presence(&self) -> Option<&dyn Presence> {
        (**self).presence()
    }
    fn watch_network(&self, instance: InstanceId) -> Option<Box<dyn NetworkWatch>> {
        (**self).watch_network(instance)
    }
}

/// One dial and what became of it.
///
/// # Contract
/// - Nothing happens before the first poll.
/// - [`Event::Carried`] comes only after [`Event::Up`]. On a resumed link it comes for both
///   planes, the inherited one included: proof counts only under its own epoch.
/// - [`Event::Refused`], [`Event::DialFailed`], [`Event::ResumeRefused`] and [`Event::Ended`]
///   each end the connection: what follows is `Closed`. Planes it shares with another
///   connection stay with that one.
/// - [`Event::Closed`] is the last event; after it `poll_next` yields `None` for ever.
/// - [`act`](Connection::act) and [`close`](Connection::close) never wait. After `close`
///   nothing but `Closed` is reported, and an action is taken and ignored: there is no room
///   to wait for.
/// - Dropping is closing. Everything the connection holds alone (sockets, tasks) is gone
///   within one second of either, a goodbye included.
///
/// # Cancel safety
/// `poll_next` may be abandoned at any time; no event is lost.
pub trait Connection: Send + 'static {
    /// The next thing that happened on this link.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>>;

    /// Queues one action. Its result comes back as an event with its id.
    ///
    /// # Errors
    /// [`Full`] gives the action back when the bounded queue has no room.
    fn act(&mut self, action: Action) -> Result<(), Full>;

    /// Gives the link up: synchronous, cannot fail, may be called twice.
    fn close(&mut self);
}

impl dyn Connection {
    /// [`poll_next`](Connection::poll_next) as a future.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}
