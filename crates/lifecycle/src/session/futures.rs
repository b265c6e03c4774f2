//! The waits of the handles, as plain futures over [`Link::poll_seen`]. They name no runtime,
//! are `'static` when the link is, and lose nothing when polled late: a snapshot keeps the facts.

use super::{Idle, Incoming, Joined, Left, Origin, Ringing, Session, Since, Token, mint};
use crate::{EndReason, Ending, JoinErrorKind, Link, Snapshot, Wish};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A join under way.
///
/// # Drop
/// The join is given up and the session ends in `Left` with the reason `Cancelled`; nothing is
/// sent afterwards (F04). One that had succeeded just before is left, with the reason `Dropped`.
///
/// # Cancel safety
/// Nothing is lost between polls. Use [`cancel`](Self::cancel) to get a handle back.
#[must_use = "dropping a pending join cancels it"]
pub struct Joining<O: Origin, L: Link> {
    token: Option<Token<L>>,
    since: Since,
    origin: PhantomData<fn() -> O>,
}

impl<O: Origin, L: Link> Joining<O, L> {
    pub(super) fn new(link: L) -> Self {
        let seen = link.seen();
        let since =
            Since { joins: 0, failed_joins: seen.failed_joins(), failed_accepts: seen.failed_accepts() };
        Self { token: Some(Token::new(link)), since, origin: PhantomData }
    }

    pub(super) fn want(&self, wish: Wish) {
        self.link().want(wish);
    }

    /// The link below, to look at.
    pub fn link(&self) -> &L {
        self.token.as_ref().expect("a join is not polled after it was ready").link()
    }

    /// The newest snapshot.
    pub fn seen(&self) -> Arc<Snapshot> {
        self.link().seen()
    }

    /// Gives the join up and waits, without the network, for what is left of it.
    pub fn cancel(mut self) -> Cancelling<O, L> {
        let token = self.token.take();
        let link = token.expect("a join is not cancelled after it was ready").disarm();
        link.want(Wish::Cancel);
        Cancelling { link: Some(link), since: self.since, origin: PhantomData }
    }
}

impl<O: Origin, L: Link> Future for Joining<O, L> {
    type Output = Result<Session<Joined, L>, NotJoined<O::Back<L>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut seen = self.seen();
        let since = self.since;
        loop {
            let mut token = self.token.take().expect("a join is not polled after it was ready");
            if seen.joins() > since.joins {
                return Poll::Ready(Ok(mint(token.disarm(), ())));
            }
            if let Some(ending) = seen.ending() {
                let back = mint::<Left, L>(token.disarm(), ending).into();
                return Poll::Ready(Err(NotJoined { back, kind: kind_of(ending) }));
            }
            token = match O::regain(token.disarm(), &seen, since) {
                Ok((back, kind)) => return Poll::Ready(Err(NotJoined { back, kind })),
                Err(link) => Token::new(link),
            };
            let newer = token.link_mut().poll_seen(cx, seen.serial());
            self.token = Some(token);
            match newer {
                Poll::Ready(newer) => seen = newer,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<O: Origin, L: Link> fmt::Debug for Joining<O, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joining<{}>", O::NAME)
    }
}

/// A join that is being given up.
///
/// # Drop
/// The join stays given up, and the session ends.
#[must_use = "await it for the handle that is left"]
pub struct Cancelling<O: Origin, L: Link> {
    link: Option<L>,
    since: Since,
    origin: PhantomData<fn() -> O>,
}

impl<O: Origin, L: Link> Future for Cancelling<O, L> {
    type Output = O::Back<L>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let since = self.since;
        loop {
            let mut link = self.link.take().expect("a cancel is not polled after it was ready");
            let seen = link.seen();
            if let Some(ending) = seen.ending() {
                return Poll::Ready(mint::<Left, L>(link, ending).into());
            }
            link = match O::regain(link, &seen, since) {
                Ok((back, _)) => return Poll::Ready(back),
                Err(link) => link,
            };
            let newer = link.poll_seen(cx, seen.serial());
            self.link = Some(link);
            if newer.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl<O: Origin, L: Link> Drop for Cancelling<O, L> {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            link.want(Wish::Drop);
        }
    }
}

impl<O: Origin, L: Link> fmt::Debug for Cancelling<O, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancelling<{}>", O::NAME)
    }
}

/// A leave that was already done; waits for the handle that knows the reason.
///
/// # Drop
/// A synchronous hang-up: the leave stands.
#[must_use = "the leave is done; drop this for a hang-up, or await it for `Session<Left>`"]
pub struct Leaving<L: Link> {
    link: Option<L>,
}

impl<L: Link> Leaving<L> {
    pub(super) const fn new(link: L) -> Self {
        Self { link: Some(link) }
    }

    /// The link below, to look at.
    pub fn link(&self) -> &L {
        self.link.as_ref().expect("a leave is not looked at after it was ready")
    }
}

impl<L: Link> Future for Leaving<L> {
    type Output = Session<Left, L>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut link = self.link.take().expect("a leave is not polled after it was ready");
            let seen = link.seen();
            if let Some(ending) = seen.ending() {
                return Poll::Ready(mint(link, ending));
            }
            let newer = link.poll_seen(cx, seen.serial());
            self.link = Some(link);
            if newer.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl<L: Link> fmt::Debug for Leaving<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaving")
    }
}

/// A joined session that waits to be ended by somebody.
///
/// # Drop
/// Leaves, as dropping the session does.
#[must_use = "dropping it leaves the session"]
#[derive(Debug)]
pub struct Ended<L: Link> {
    session: Option<Session<Joined, L>>,
}

impl<L: Link> Ended<L> {
    pub(super) const fn new(session: Session<Joined, L>) -> Self {
        Self { session: Some(session) }
    }
}

impl<L: Link> Future for Ended<L> {
    type Output = Session<Left, L>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut session = self.session.take().expect("an ending is not polled after it was ready");
            let seen = session.seen();
            if let Some(ending) = seen.ending() {
                return Poll::Ready(mint(session.token.disarm(), ending));
            }
            let newer = session.poll_seen(cx, seen.serial());
            self.session = Some(session);
            if newer.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// A join that did not succeed, and the handle that it gives back.
pub struct NotJoined<B> {
    /// What is left.
    pub back: B,
    /// Why.
    pub kind: JoinErrorKind,
}

impl<B> fmt::Debug for NotJoined<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotJoined({})", self.kind.code())
    }
}

/// What is left of a join that began in `Idle`.
#[derive(Debug)]
pub enum Back<L: Link> {
    /// The session, as it was before.
    Idle(Session<Idle, L>),
    /// It is over: somebody left, the host is gone, or the join had already carried.
    Left(Session<Left, L>),
}

/// What is left of an accept.
#[derive(Debug)]
pub enum RingBack<L: Link> {
    /// The ring goes on: the far side had not confirmed the accept.
    Ringing(Session<Ringing<Incoming>, L>),
    /// It is over.
    Left(Session<Left, L>),
}

impl<L: Link> From<Session<Left, L>> for Back<L> {
    fn from(left: Session<Left, L>) -> Self {
        Self::Left(left)
    }
}

impl<L: Link> From<Session<Left, L>> for RingBack<L> {
    fn from(left: Session<Left, L>) -> Self {
        Self::Left(left)
    }
}

/// What a pending join says when the session ended under it.
const fn kind_of(ending: Ending) -> JoinErrorKind {
    match ending.reason {
        EndReason::JoinFailed(kind) => kind,
        EndReason::HostGone => JoinErrorKind::HostGone,
        _ => JoinErrorKind::Cancelled,
    }
}
