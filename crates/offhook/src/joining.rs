//! A join under way, as a future; and what is left of one that is given up.

use crate::error::{JoinError, Told};
use crate::events::ProgressStream;
use crate::join::{Join, KeptJoin};
use crate::link::HostLink;
use crate::session::Session;
use crate::shared::Shared;
use crate::view::View;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CallingState, ConnectionState, Idle, JoinErrorKind, Joined, Left, Progress};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A join under way. It began when `join` was called; awaiting it yields the joined session.
///
/// `'static`: it can be moved into a task, with its [`progress`](Self::progress) watched from
/// another.
///
/// # Errors
/// [`JoinError`], with every attempt, the session and the join given back.
///
/// # Drop
/// The join is given up: the session ends `Left` with the reason `Cancelled`, nothing is sent
/// afterwards, and sources that were published are dropped (F04). Use
/// [`cancel`](Self::cancel) to get them back. One that had succeeded just before ends as a joined
/// session does that is dropped, `Dropped`: it is left.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "dropping a pending join cancels it"]
pub struct Joining {
    shared: Arc<Shared>,
    way: Way,
    kept: Option<KeptJoin>,
}

enum Way {
    Running(lifecycle::Joining<Idle, HostLink>),
    /// Seen to be impossible before any I/O; here is the session.
    Refused(Option<Session<Idle>>, JoinErrorKind),
    Taken,
}

impl Joining {
    pub(crate) fn running(
        shared: Arc<Shared>,
        joining: lifecycle::Joining<Idle, HostLink>,
        kept: KeptJoin,
    ) -> Self {
        Self { shared, way: Way::Running(joining), kept: Some(kept) }
    }

    pub(crate) fn refused(session: Session<Idle>, kind: JoinErrorKind, kept: KeptJoin) -> Self {
        Self { shared: session.shared().clone(), way: Way::Refused(Some(session), kind), kept: Some(kept) }
    }

    /// How it gets on, as a stream of its own that can be polled beside this future (F06).
    pub fn progress(&self) -> ProgressStream {
        self.shared.progress_stream()
    }

    /// The ten-state view.
    pub fn state(&self) -> CallingState {
        self.shared.view().state()
    }

    /// The five-state view.
    pub fn connection_state(&self) -> ConnectionState {
        self.shared.view().connection_state()
    }

    /// Everything a reader can know now.
    pub fn view(&self) -> View {
        self.shared.view()
    }

    /// How far it is now.
    pub fn progress_now(&self) -> Progress {
        self.shared.view().progress()
    }

    /// Gives the join up, without waiting for the network, and gets back what was put in.
    ///
    /// It may have succeeded, or the session may have been left, just before: then the session
    /// is over, and what comes back with the join is `Back::Left`.
    ///
    /// # Drop
    /// The join is given up when this is called; dropping the future also drops the session.
    ///
    /// # Cancel safety
    /// As for drop: the session is not given back.
    ///
    /// # Panics
    /// When this join was polled to its end before.
    pub async fn cancel(mut self) -> (Back, Join) {
        let kept = self.kept.take();
        let back = match std::mem::replace(&mut self.way, Way::Taken) {
            Way::Running(joining) => Back::from_lifecycle(joining.cancel().await),
            Way::Refused(Some(session), _) => Back::Idle(session),
            Way::Refused(None, _) | Way::Taken => panic!("a join is not cancelled after it was ready"),
        };
        (back, kept.map(KeptJoin::restore).unwrap_or_default())
    }
}

impl Future for Joining {
    type Output = Result<Session<Joined>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut asked = true;
        let (kind, back) = match &mut this.way {
            Way::Running(joining) => match ready!(Pin::new(joining).poll(cx)) {
                Ok(session) => {
                    this.way = Way::Taken;
                    this.kept = None;
                    return Poll::Ready(Ok(Session::wrap(session)));
                }
                Err(failed) => (failed.kind, Back::from_lifecycle(failed.back)),
            },
            Way::Refused(session, kind) => {
                let session = session.take().expect("a join is not polled after it was ready");
                asked = false;
                (*kind, Back::Idle(session))
            }
            Way::Taken => panic!("a join is not polled after it was ready"),
        };
        this.way = Way::Taken;
        let join = this.kept.take().map(KeptJoin::restore).unwrap_or_default();
        let notes = this.shared.notes();
        let mut told = Told { attempts: notes.attempts.clone(), ..Told::default() };
        if asked {
            told.text = notes.text.clone();
            told.known = notes.known.clone();
            told.fault = notes.fault.clone();
            told.untaken = notes.untaken.clone();
        }
        drop(notes);
        Poll::Ready(Err(JoinError::new(kind, told, back, join)))
    }
}

impl fmt::Debug for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joining({})", self.progress_now())
    }
}

/// What is left of a join that did not succeed.
#[derive(Debug)]
#[must_use = "dropping it drops the session in it"]
pub enum Back {
    /// The session, as it was before the join; it can join again.
    Idle(Session<Idle>),
    /// It is over: somebody left, the host is gone, or the join had already carried.
    Left(Session<Left>),
}

impl Back {
    fn from_lifecycle(back: lifecycle::Back<HostLink>) -> Self {
        match back {
            lifecycle::Back::Idle(session) => Self::Idle(Session::wrap(session)),
            lifecycle::Back::Left(session) => Self::Left(Session::wrap(session)),
        }
    }

    /// The session, if it can join again.
    pub fn idle(self) -> Option<Session<Idle>> {
        match self {
            Self::Idle(session) => Some(session),
            Self::Left(_) => None,
        }
    }
}
