//! Rings: what their types allow. The way of a ring over the network (presence) is not part of
//! this version, so no ring can be received or placed yet; the phases are here because what
//! they forbid is part of the handle's promise.

use super::{Leaving, Session};
use crate::link::HostLink;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{Decline, Incoming, JoinErrorKind, Joined, Left, Outgoing, Ringing};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Session<Ringing<Incoming>> {
    /// Asks the far side for the session and joins it. Acts when called.
    pub fn accept(self) -> Accepting {
        Accepting(self.inner.accept())
    }

    /// Says no, for every device of this user.
    pub fn decline(self, why: Decline) -> Leaving {
        Leaving::new(self.inner.decline(why))
    }

    /// Stops ringing here; other devices ring on.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}

impl Session<Ringing<Outgoing>> {
    /// Gives the ring up.
    pub fn cancel(self) -> Leaving {
        Leaving::new(self.inner.cancel())
    }

    /// Gives the ring up, with the reason `LeftByUser`.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}

/// An accept under way.
///
/// # Drop
/// The ring is given up and the session ends.
#[must_use = "dropping a pending accept cancels it"]
pub struct Accepting(lifecycle::Joining<Ringing<Incoming>, HostLink>);

impl Future for Accepting {
    type Output = Result<Session<Joined>, AcceptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(joined.map(Session::wrap).map_err(|failed| {
            let back = match failed.back {
                lifecycle::RingBack::Ringing(session) => RingBack::Ringing(Session::wrap(session)),
                lifecycle::RingBack::Left(session) => RingBack::Left(Session::wrap(session)),
            };
            AcceptError { kind: failed.kind, back: Box::new(back) }
        }))
    }
}

impl fmt::Debug for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accepting")
    }
}

/// An accept that did not lead into the session.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct AcceptError {
    /// Why.
    pub kind: JoinErrorKind,
    /// The ring, if it goes on.
    pub back: Box<RingBack>,
}

/// What is left of an accept.
#[derive(Debug)]
pub enum RingBack {
    /// It rings on: the far side had not confirmed the accept.
    Ringing(Session<Ringing<Incoming>>),
    /// It is over.
    Left(Session<Left>),
}
