//! The handle of a session: a phase in the type, everything else read from cells. What a phase
//! allows is in `session/<phase>.rs`; what can be looked at in every phase is here.

mod idle;
mod joined;
mod left;
mod moderating;
mod pending;
mod ringing;
mod speaking;

pub use left::Summary;
pub use moderating::Moderating;
pub use pending::{EndedFuture, Sending, Setting};
pub use ringing::{AcceptError, Accepting, Answering, RingBack, RingError};

use crate::controls::Controls;
use crate::events::{Events, ProgressStream, States, Watch};
use crate::link::HostLink;
use crate::shared::Shared;
use crate::view::View;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CallingState, ConnectionState, Left, Phase};
use offhook_transport::Capabilities;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A session in phase `P`.
///
/// | phase | claims only | how you get it |
/// |---|---|---|
/// | `Session<Idle>` | not joined; building it did no I/O | [`Client::session`](crate::Client::session), [`Session::builder`] |
/// | `Session<Ringing<Incoming>>` | a ring was received | [`Client::incoming`](crate::Client::incoming) |
/// | `Session<Ringing<Outgoing>>` | a ring was placed | [`ring`](Session::ring) |
/// | `Session<Joined>` | the join succeeded, and this handle has not left | [`join`](Session::join) |
/// | `Session<Left>` | it is over; the reason is known | [`leave`](Session::leave), [`ended`](Session::ended) |
///
/// Linear: not `Clone`, each phase change takes the handle by value, and what a phase does not
/// allow does not compile. What the network can revoke is no phase: read
/// [`state`](Self::state). For looking on from elsewhere there is
/// [`controls`](Self::controls).
///
/// # Drop
/// `Idle`: nothing on the wire. `Ringing<Outgoing>`: the ring is cancelled. `Ringing<Incoming>`: it
/// stops ringing here and is not declined, other devices ring on. `Joined`: it leaves, with the reason `Dropped`, and what
/// `leave` promises holds when the drop is done; also while unwinding, on another thread, and
/// with the runtime gone. `Left`: nothing.
#[must_use = "dropping a session leaves it"]
pub struct Session<P: Phase> {
    inner: lifecycle::Session<P, HostLink>,
}

impl<P: Phase> Session<P> {
    pub(crate) const fn wrap(inner: lifecycle::Session<P, HostLink>) -> Self {
        Self { inner }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.link().shared
    }

    /// The ten-state view. `Left` from the moment anybody wished to leave.
    pub fn state(&self) -> CallingState {
        self.view().state()
    }

    /// The five-state view.
    pub fn connection_state(&self) -> ConnectionState {
        self.view().connection_state()
    }

    /// Exactly `Connected` or `Generating`.
    pub fn is_connected(&self) -> bool {
        self.view().is_connected()
    }

    /// Everything a reader can know now.
    pub fn view(&self) -> View {
        self.shared().view()
    }

    /// How far the join is, from now on; also before there is one (F06).
    pub fn progress(&self) -> ProgressStream {
        self.shared().progress_stream()
    }

    /// The latest view, as a level: what lies between two looks is skipped.
    pub fn watch(&self) -> Watch {
        self.shared().watch()
    }

    /// Every state, the current one first, each change in order.
    pub fn states(&self) -> States {
        self.shared().states()
    }

    /// Every event from now on; the first listener also gets what came before (R18).
    pub fn events(&self) -> Events {
        self.shared().events()
    }

    /// The far side's id of the session, once it gave one. The same stands in every log line
    /// of both ends, and in `Ended` (F02).
    pub fn id(&self) -> Option<Arc<str>> {
        self.view().facts.session.clone()
    }

    /// The id under which this session is in the roster, once it is; see
    /// [`View::member_id`](crate::View::member_id).
    pub fn member_id(&self) -> Option<Arc<str>> {
        self.view().facts.member.clone()
    }

    /// What can be asked of the far side; see [`View::capabilities`](crate::View::capabilities).
    pub fn capabilities(&self) -> Capabilities {
        self.view().capabilities()
    }

    /// Was an earlier session taken up again?
    pub fn resumed(&self) -> bool {
        self.view().resumed()
    }

    /// A weak handle that can look, leave, and report facts of the machine around it.
    pub fn controls(&self) -> Controls {
        Controls::of(self.shared())
    }
}

impl<P: Phase> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.shared().identity.name;
        write!(f, "Session<{}>({}:{}, {})", P::NAME, name.kind, name.id, self.state())
    }
}

/// A leave, done when this exists: no more of the user's media goes out, and every reader sees
/// `Left`. Await it for the handle that knows the reason.
///
/// # Drop
/// A hang-up: the leave stands, goodbye and cleanup go on by themselves.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "the leave is done; drop this for a hang-up, or await it for `Session<Left>`"]
pub struct Leaving(lifecycle::Leaving<HostLink>);

impl Leaving {
    pub(crate) const fn new(inner: lifecycle::Leaving<HostLink>) -> Self {
        Self(inner)
    }
}

impl Future for Leaving {
    type Output = Session<Left>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Session<Left>> {
        Poll::Ready(Session::wrap(ready!(Pin::new(&mut self.0).poll(cx))))
    }
}

impl fmt::Debug for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaving")
    }
}
