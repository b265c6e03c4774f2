//! What a moderator can do with the others in a session, and what comes of it (F64). Who is one is
//! said by the credential; the far side judges it anew for each request.

use super::Session;
use crate::command::{Command, SendAnswer};
use crate::error::ModerateError;
use crate::shared::Shared;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{Joined, Unanswered};
use offhook_transport::media::Kind;
use offhook_transport::{Capability, Moderate, ModerationRefusal};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

impl Session<Joined> {
    /// Removes a member, named as the roster names it ([`Member::id`](crate::Member)). Acts when
    /// called. All sessions of that user here end with [`EndReason::Kicked`](crate::EndReason), and
    /// the user stays out for a while, whatever credential it comes back with.
    ///
    /// # Errors
    /// [`ModerateError`]; one's own name is refused, [`leave`](Self::leave) is the way to go.
    ///
    /// # Drop
    /// It is done all the same.
    pub fn kick(&self, member: impl Into<String>) -> Moderating {
        self.moderate(Moderate::Kick { member: member.into() })
    }

    /// Has the far side take nothing of a kind of a member's media any more, and tells the member,
    /// whose session then mutes itself ([`Event::MutedByModerator`](crate::Event)). Acts when called.
    ///
    /// It holds over every recovery of theirs, until the member unmutes, where its credential lets
    /// it, or until [`let_unmute`](Self::let_unmute). Nobody can be unmuted by somebody else: what a
    /// microphone or camera sends is its owner's to say.
    ///
    /// # Errors
    /// As [`kick`](Self::kick); [`mute`](Self::mute) is for oneself.
    ///
    /// # Drop
    /// It is done all the same.
    pub fn mute_member(&self, member: impl Into<String>, kind: Kind) -> Moderating {
        self.moderate(Moderate::Mute { member: member.into(), kind, muted: true })
    }

    /// Takes [`mute_member`](Self::mute_member) back: the member is told, stays muted, and may unmute.
    /// Acts when called.
    ///
    /// # Errors
    /// As [`kick`](Self::kick).
    ///
    /// # Drop
    /// It is done all the same.
    pub fn let_unmute(&self, member: impl Into<String>, kind: Kind) -> Moderating {
        self.moderate(Moderate::Mute { member: member.into(), kind, muted: false })
    }

    /// Ends the session for everybody in it, this one included: each ends with
    /// [`EndReason::EndedForAll`](crate::EndReason). Rings into it stop. Acts when called.
    ///
    /// # Errors
    /// As [`kick`](Self::kick).
    ///
    /// # Drop
    /// It is done all the same.
    pub fn end_for_all(&self) -> Moderating {
        self.moderate(Moderate::EndForAll)
    }

    fn moderate(&self, act: Moderate) -> Moderating {
        let shared = self.shared();
        if let Err(reason) = shared.open() {
            return Moderating::failed(shared, ModerateError::Ended { reason });
        }
        if !shared.capabilities.has(Capability::Moderate) {
            return Moderating::failed(shared, ModerateError::NotSupported);
        }
        let (answer, waiting) = oneshot::channel();
        match self.numbered(|id| Command::Moderate { id, act, answer }) {
            Some(_) => Moderating { shared: shared.clone(), waiting: Ok(waiting) },
            None => Moderating::failed(shared, ModerateError::Full),
        }
    }
}

/// A moderator's request on its way. It was made when this was got; awaiting it tells what came of
/// it, exactly once.
///
/// # Drop
/// It is done all the same.
///
/// # Cancel safety
/// Polling through `&mut` and going away loses nothing.
#[must_use = "the request is on its way; await it to know whether it was done"]
pub struct Moderating {
    shared: Arc<Shared>,
    waiting: Result<oneshot::Receiver<SendAnswer>, Option<ModerateError>>,
}

impl Moderating {
    fn failed(shared: &Arc<Shared>, error: ModerateError) -> Self {
        Self { shared: shared.clone(), waiting: Err(Some(error)) }
    }
}

impl Future for Moderating {
    type Output = Result<(), ModerateError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match &mut this.waiting {
            Ok(waiting) => ready!(Pin::new(waiting).poll(cx)),
            Err(error) => {
                return Poll::Ready(Err(error.take().expect("a request is not polled after it was ready")));
            }
        };
        this.waiting = Err(None);
        let ended = || ModerateError::Ended { reason: this.shared.reason() };
        Poll::Ready(match answer {
            Ok(SendAnswer::Taken) => Ok(()),
            Ok(SendAnswer::NotModerated(why, text)) => Err(refused(why, text)),
            Ok(SendAnswer::Unanswered(Unanswered::Unknown)) => Err(ModerateError::Unknown),
            Ok(SendAnswer::Unanswered(Unanswered::TimedOut)) => Err(ModerateError::TimedOut),
            Ok(SendAnswer::Unanswered(Unanswered::Ended)) => Err(ended()),
            Ok(SendAnswer::Refused(lifecycle::SetError::Full))
            | Ok(SendAnswer::LinkFull | SendAnswer::RateLimited) => Err(ModerateError::Full),
            Ok(SendAnswer::Refused(lifecycle::SetError::Over | lifecycle::SetError::Empty)) => Err(ended()),
            Ok(SendAnswer::NotSupported) => Err(ModerateError::NotPermitted),
            Ok(SendAnswer::Away) => Err(ModerateError::Away),
            // An answer to a message, and to nothing that a moderator asks for.
            Ok(SendAnswer::Unsent { text, .. }) => Err(ModerateError::Refused { text }),
            // The host dropped the way back: it is over.
            Err(_) => Err(ended()),
        })
    }
}

fn refused(why: ModerationRefusal, text: Arc<str>) -> ModerateError {
    match why {
        ModerationRefusal::NotPermitted => ModerateError::NotPermitted,
        ModerationRefusal::UnknownMember => ModerateError::UnknownMember,
        ModerationRefusal::Oneself => ModerateError::Oneself,
        ModerationRefusal::NotSupported => ModerateError::NotSupported,
        ModerationRefusal::Other => ModerateError::Refused { text },
    }
}

impl fmt::Debug for Moderating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moderating")
    }
}
