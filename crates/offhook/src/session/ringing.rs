//! Rings, in both directions: taking one, and waiting for somebody to take ours. How a word about a
//! ring reaches the far side is the desk's affair; whom to ring is said in `ring.rs`.

use super::{Leaving, Session};
use crate::join::{Join, KeptJoin};
use crate::link::HostLink;
use crate::ring::Caller;
use crate::shared::Shared;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{Decline, EndReason, Incoming, JoinErrorKind, Joined, Left, Outgoing, Ringing};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

impl Session<Ringing<Incoming>> {
    /// Who rings.
    pub fn caller(&self) -> &Caller {
        self.shared().identity.caller.as_ref().expect("a session that came in has its caller from the start")
    }

    /// Asks the far side for the session and joins it. Acts when called; the future only waits.
    ///
    /// A join that waits in a queue, or that takes a session up again, does not fit a ring, and is
    /// given back before anything is said.
    pub fn accept(self, join: Join) -> Accepting {
        let shared = self.shared().clone();
        let impossible = join.fits_a_ring(shared.capabilities).err();
        let (data, kept) = join.begin();
        let way = match impossible {
            Some(kind) => Way::Refused(Some(self), kind),
            None => {
                shared.notes().join = Some(data);
                Way::Running(self.inner.accept())
            }
        };
        Accepting { way, kept: Some(kept) }
    }

    /// Says no, for every device of this user.
    pub fn decline(self, why: Decline) -> Leaving {
        Leaving::new(self.inner.decline(why))
    }

    /// Stops ringing here; other devices ring on, and the caller is told nothing.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}

impl Session<Ringing<Outgoing>> {
    /// Waits for somebody to accept, and for the join that follows by itself. The same as awaiting
    /// the handle.
    pub fn answered(self) -> Answering {
        let shared = self.shared().clone();
        Answering { shared, inner: self.inner.answered() }
    }

    /// Gives the ring up.
    pub fn cancel(self) -> Leaving {
        Leaving::new(self.inner.cancel())
    }

    /// Gives the ring up, with the reason `LeftByUser`.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}

impl IntoFuture for Session<Ringing<Outgoing>> {
    type Output = Result<Session<Joined>, RingError>;
    type IntoFuture = Answering;

    fn into_future(self) -> Answering {
        self.answered()
    }
}

/// A ring of ours that waits to be answered.
///
/// # Errors
/// [`RingError`], with the session at its end and the join given back.
///
/// # Drop
/// The ring is cancelled; a join that had begun is given up.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "dropping it cancels the ring"]
pub struct Answering {
    shared: Arc<Shared>,
    inner: lifecycle::Joining<Ringing<Outgoing>, HostLink>,
}

impl Future for Answering {
    type Output = Result<Session<Joined>, RingError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.inner).poll(cx));
        let kept = self.shared.notes().kept.take();
        Poll::Ready(joined.map(Session::wrap).map_err(|failed| {
            let join = kept.map(KeptJoin::restore).unwrap_or_default();
            RingError(Box::new((Session::wrap(failed.back), join)))
        }))
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

/// A ring of ours that did not lead into a session.
///
/// # Drop
/// Drops the sources that its join was given.
#[derive(Debug)]
pub struct RingError(Box<(Session<Left>, Join)>);

impl RingError {
    /// Why.
    pub fn reason(&self) -> EndReason {
        self.0.0.reason()
    }

    /// The stable code, for logs.
    pub fn code(&self) -> &'static str {
        self.reason().code()
    }

    /// The far side's own words, if it had any.
    pub fn text(&self) -> Option<Arc<str>> {
        self.0.0.text()
    }

    /// The session at its end, and the join with its sources, to be used again.
    pub fn into_parts(self) -> (Session<Left>, Join) {
        *self.0
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason())
    }
}

impl std::error::Error for RingError {}

/// An accept under way.
///
/// # Errors
/// [`AcceptError`], with what is left of the ring and the join given back.
///
/// # Drop
/// The ring is given up and the session ends; the caller is told.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "dropping a pending accept cancels it"]
pub struct Accepting {
    way: Way,
    kept: Option<KeptJoin>,
}

enum Way {
    Running(lifecycle::Joining<Ringing<Incoming>, HostLink>),
    /// Seen to be impossible before anything was said; here is the ring.
    Refused(Option<Session<Ringing<Incoming>>>, JoinErrorKind),
}

impl Future for Accepting {
    type Output = Result<Session<Joined>, AcceptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (kind, back) = match &mut this.way {
            Way::Running(joining) => match ready!(Pin::new(joining).poll(cx)) {
                Ok(session) => {
                    this.kept = None;
                    return Poll::Ready(Ok(Session::wrap(session)));
                }
                Err(failed) => {
                    let back = match failed.back {
                        lifecycle::RingBack::Ringing(session) => RingBack::Ringing(Session::wrap(session)),
                        lifecycle::RingBack::Left(session) => RingBack::Left(Session::wrap(session)),
                    };
                    (failed.kind, back)
                }
            },
            Way::Refused(session, kind) => {
                let session = session.take().expect("an accept is not polled after it was ready");
                (*kind, RingBack::Ringing(session))
            }
        };
        let join = this.kept.take().map(KeptJoin::restore).unwrap_or_default();
        Poll::Ready(Err(AcceptError { kind, back: Box::new(back), join: Box::new(join) }))
    }
}

impl fmt::Debug for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accepting")
    }
}

/// An accept that did not lead into the session.
///
/// # Drop
/// Drops the ring that is left, and the sources that the join was given.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct AcceptError {
    /// Why.
    pub kind: JoinErrorKind,
    /// The ring, if it goes on.
    pub back: Box<RingBack>,
    /// The join with its sources, to be used again.
    pub join: Box<Join>,
}

/// What is left of an accept.
#[derive(Debug)]
pub enum RingBack {
    /// It rings on: the far side had not confirmed the accept.
    Ringing(Session<Ringing<Incoming>>),
    /// It is over; the reason is known.
    Left(Session<Left>),
}
