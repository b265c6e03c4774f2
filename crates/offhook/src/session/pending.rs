//! What was begun and is waited for: changes, messages, the end. Each acted when it was made;
//! polling only waits, and dropping takes nothing back.

use super::Session;
use crate::command::{ChangeAnswer, SendAnswer};
use crate::error::{SendError, SetError};
use crate::event::ChangeOutcome;
use crate::host::PER_SECOND;
use crate::link::HostLink;
use crate::shared::Shared;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CommandId, Left, Revision, Unanswered};
use offhook_transport::Unsent;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// A change of the desired state on its way. It was made when this was got; awaiting it tells
/// what came of it.
///
/// # Drop
/// The wish stands; its result is an event all the same.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "the change is on its way; await it to know what came of it"]
pub struct Setting {
    shared: Arc<Shared>,
    waiting: Result<oneshot::Receiver<ChangeAnswer>, Option<SetError>>,
}

impl Setting {
    pub(super) fn waiting(shared: &Arc<Shared>, answer: oneshot::Receiver<ChangeAnswer>) -> Self {
        Self { shared: shared.clone(), waiting: Ok(answer) }
    }

    pub(super) fn failed(shared: &Arc<Shared>, error: SetError) -> Self {
        Self { shared: shared.clone(), waiting: Err(Some(error)) }
    }
}

impl Future for Setting {
    type Output = Result<Revision, SetError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match &mut this.waiting {
            Ok(waiting) => ready!(Pin::new(waiting).poll(cx)),
            Err(error) => {
                return Poll::Ready(Err(error.take().expect("a change is not polled after it was ready")));
            }
        };
        this.waiting = Err(None);
        let ended = || SetError::Ended { reason: this.shared.reason() };
        Poll::Ready(match answer {
            Ok(ChangeAnswer::Result(revision, outcome)) => match outcome {
                ChangeOutcome::Applied => Ok(revision),
                ChangeOutcome::Superseded => Err(SetError::Superseded),
                ChangeOutcome::Refused { item, text } => Err(SetError::Refused { item, text }),
                ChangeOutcome::Unconfirmed => Err(SetError::Unconfirmed { revision }),
                ChangeOutcome::Withdrawn => Err(SetError::Withdrawn),
                ChangeOutcome::Ended => Err(ended()),
            },
            Ok(ChangeAnswer::Refused(error)) => Err(match error {
                lifecycle::SetError::Over => ended(),
                lifecycle::SetError::Full => SetError::Full,
                lifecycle::SetError::Empty => SetError::Empty,
            }),
            Ok(ChangeAnswer::NotSupported(what)) => Err(SetError::NotSupported(what)),
            // The host dropped the way back: it is over.
            Err(_) => Err(ended()),
        })
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setting")
    }
}

/// A message on its way. It was handed over when this was got.
///
/// # Drop
/// The message goes out all the same.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "the message is on its way; await it to know whether it was taken"]
pub struct Sending {
    shared: Arc<Shared>,
    id: Option<CommandId>,
    waiting: Result<oneshot::Receiver<SendAnswer>, Option<SendError>>,
}

impl Sending {
    pub(super) fn waiting(
        shared: &Arc<Shared>,
        id: CommandId,
        answer: oneshot::Receiver<SendAnswer>,
    ) -> Self {
        Self { shared: shared.clone(), id: Some(id), waiting: Ok(answer) }
    }

    pub(super) fn failed(shared: &Arc<Shared>, error: SendError) -> Self {
        Self { shared: shared.clone(), id: None, waiting: Err(Some(error)) }
    }

    /// Its number in this session, which [`Event::MessageTaken`](crate::Event::MessageTaken) and
    /// [`Event::MessageUnanswered`](crate::Event::MessageUnanswered) name it by: for who does not await
    /// it, but hears events. Greater than that of every message before. `None` of one that was refused
    /// before it was handed over, which no event tells of; it stays the same when this was awaited.
    ///
    /// A message that is handed over and then fails for another reason than a receipt that did not come
    /// (too many at once, a member who is not there) is told by awaiting it alone.
    pub fn id(&self) -> Option<u64> {
        self.id.map(|id| id.0)
    }
}

impl Future for Sending {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match &mut this.waiting {
            Ok(waiting) => ready!(Pin::new(waiting).poll(cx)),
            Err(error) => {
                return Poll::Ready(Err(error.take().expect("a message is not polled after it was ready")));
            }
        };
        this.waiting = Err(None);
        let ended = || SendError::Ended { reason: this.shared.reason() };
        Poll::Ready(match answer {
            Ok(SendAnswer::Taken) => Ok(()),
            Ok(SendAnswer::Unanswered(Unanswered::Unknown)) => Err(SendError::Unknown),
            Ok(SendAnswer::Unanswered(Unanswered::TimedOut)) => Err(SendError::TimedOut),
            Ok(SendAnswer::Unanswered(Unanswered::Ended)) => Err(ended()),
            Ok(SendAnswer::Refused(lifecycle::SetError::Full)) | Ok(SendAnswer::LinkFull) => {
                Err(SendError::Full)
            }
            Ok(SendAnswer::Refused(lifecycle::SetError::Over | lifecycle::SetError::Empty)) => Err(ended()),
            Ok(SendAnswer::RateLimited) => Err(SendError::RateLimited { per_second: PER_SECOND }),
            Ok(SendAnswer::Away) => Err(SendError::Away),
            Ok(SendAnswer::Unsent { why, members, text }) => Err(match why {
                Unsent::UnknownMember => SendError::UnknownMember { members },
                Unsent::Oneself => SendError::Oneself,
                Unsent::Busy => SendError::Full,
                Unsent::RateLimited => SendError::RateLimited { per_second: PER_SECOND },
                Unsent::NotSupported => SendError::NotSupported,
                Unsent::Unsayable | Unsent::Other => SendError::Refused { text },
            }),
            // The second is no answer to a message.
            Ok(SendAnswer::NotSupported | SendAnswer::NotModerated(..)) => Err(SendError::NotSupported),
            Err(_) => Err(ended()),
        })
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sending")
    }
}

/// A joined session that waits to be ended by somebody.
///
/// # Drop
/// Leaves.
#[must_use = "dropping it leaves the session"]
pub struct EndedFuture(lifecycle::session::Ended<HostLink>);

impl EndedFuture {
    pub(super) const fn new(inner: lifecycle::session::Ended<HostLink>) -> Self {
        Self(inner)
    }
}

impl Future for EndedFuture {
    type Output = Session<Left>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Session<Left>> {
        Poll::Ready(Session::wrap(ready!(Pin::new(&mut self.0).poll(cx))))
    }
}

impl fmt::Debug for EndedFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndedFuture")
    }
}
