//! Errors of the user's calls: one small type per operation, variants by blame, each with a
//! stable code and the next step in its text. Endings are `EndReason`s, not errors.

mod sending;

pub use sending::{BadName, ModerateError, SendError};

use crate::change::Unfit;
use crate::join::Join;
use crate::joining::Back;
use offhook_lifecycle::{Attempt, EndReason, JoinErrorKind, Revision, StateItem, Who};
use offhook_transport::media::TrackId;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A join that did not succeed: why, every attempt, and everything that was put into it.
///
/// One pointer wide; the way back is [`into_parts`](Self::into_parts).
///
/// # Drop
/// Drops the session that the join began from, and the sources that it was given.
pub struct JoinError(Box<Failed>);

struct Failed {
    kind: JoinErrorKind,
    attempts: Vec<Attempt>,
    text: Option<Arc<str>>,
    known: Vec<String>,
    back: Back,
    join: Join,
}

impl JoinError {
    pub(crate) fn new(
        kind: JoinErrorKind,
        attempts: Vec<Attempt>,
        text: Option<Arc<str>>,
        known: Vec<String>,
        back: Back,
        join: Join,
    ) -> Self {
        Self(Box::new(Failed { kind, attempts, text, known, back, join }))
    }

    /// Why (F08). Says who is to blame and whether the same join may succeed later.
    pub fn kind(&self) -> JoinErrorKind {
        self.0.kind
    }

    /// The stable code, for logs.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// Every dial of this session so far, with step, duration and error, oldest first (F09).
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The far side's own words, if it had any.
    pub fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// The names that the far side would have accepted in the place of one that it does not know: its
    /// models, for [`Rejection::UnknownModel`](crate::Rejection) (F58). Empty where it did not say.
    pub fn known(&self) -> &[String] {
        &self.0.known
    }

    /// The label of the track that it failed for, of a [`JoinErrorKind::BadTrack`].
    pub fn track(&self) -> Option<&str> {
        match self.0.kind {
            JoinErrorKind::BadTrack(_) => self.0.join.bad_track().map(|(label, _)| label),
            _ => None,
        }
    }

    /// May the same join succeed later without anybody changing anything?
    pub fn is_retryable(&self) -> bool {
        self.0.kind.is_retryable()
    }

    /// The session, as it was before or at its end, and the join with its sources, to be used
    /// again.
    pub fn into_parts(self) -> (Back, Join) {
        (self.0.back, self.0.join)
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if let Some(label) = self.track() {
            // What is too long is shown by its beginning.
            let shown: String = label.chars().take(32).collect();
            write!(f, " ({shown:?})")?;
        }
        match &self.0.text {
            Some(text) => write!(f, " (the far side says: {})", text.escape_debug()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinError")
            .field("kind", &self.0.kind)
            .field("attempts", &self.0.attempts.len())
            .field("text", &self.0.text)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for JoinError {}

/// Why a change of the desired state did not take effect, or is not known to have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetError {
    /// A later change covers all of it; that one's result is what counts.
    #[error("a later change took its place; await that one")]
    Superseded,
    /// The far side said no. The wish is withdrawn; what was in effect still is.
    #[error("the far side refused the {item:?} ({}); change it and set it again", text.escape_debug())]
    Refused {
        /// What it refused.
        item: StateItem,
        /// In its own words.
        text: Arc<str>,
    },
    /// No answer in time. The wish stands and its result will come as an event.
    #[error("no answer yet; the wish stands and its result will be an event, or withdraw it")]
    Unconfirmed {
        /// Names it in that event, and to `withdraw`.
        revision: Revision,
    },
    /// It was taken back by `withdraw`.
    #[error("it was withdrawn")]
    Withdrawn,
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// It can be seen to be wrong before it is sent.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It names nothing.
    #[error("the change is empty; name what to set")]
    Empty,
    /// This far side cannot do it at all.
    #[error("this far side does not take {0}; look at its capabilities before asking")]
    NotSupported(&'static str),
    /// Too much waits already.
    #[error("too many changes wait for an answer; await some of them first")]
    Full,
}

impl SetError {
    /// The stable code, for logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Refused { .. } => "refused",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Withdrawn => "withdrawn",
            Self::Ended { .. } => "ended",
            Self::Unfit(_) => "unfit",
            Self::Empty => "empty",
            Self::NotSupported(_) => "not_supported",
            Self::Full => "full",
        }
    }

    /// Who is to blame.
    pub const fn who(&self) -> Who {
        match self {
            Self::Superseded
            | Self::Withdrawn
            | Self::Unfit(_)
            | Self::Empty
            | Self::NotSupported(_)
            | Self::Full => Who::User,
            Self::Refused { .. } => Who::FarSide,
            Self::Unconfirmed { .. } => Who::Network,
            Self::Ended { reason } => reason.who(),
        }
    }
}

/// Why there is no remote track to take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrackError {
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// This session has no media.
    #[error("this session carries no media; look at its capabilities before asking")]
    NotSupported,
    /// No member publishes such a track, or not any more.
    #[error("nobody publishes {0:?} now; take the id from `Event::TrackAdded` or `remote_tracks`")]
    NoSuchTrack(TrackId),
}

/// Why a published track was not changed.
#[derive(Debug, Error)]
pub enum PublishError {
    /// No track of this label is published from a source that was taken over.
    #[error("no source is published as {0:?}; publish it with the join, under that label")]
    NoSuchTrack(String),
    /// The track carries another codec.
    #[error("the track carries another codec; replace it by a source of the same codec")]
    OtherCodec,
    /// Something is published under this label already.
    #[error("something is published as {0:?} already; take another label, or unpublish that one")]
    LabelTaken(String),
    /// No track can have this label.
    #[error("no track can be called {:?}: {why}", label.chars().take(32).collect::<String>())]
    BadLabel {
        /// The label.
        label: String,
        /// What is wrong with it.
        why: BadName,
    },
    /// So many are published already.
    #[error("{limit} tracks are published already, and no more can be; unpublish one first")]
    TooMany {
        /// How many can be.
        limit: usize,
    },
    /// This session only receives, or its transport publishes nothing.
    #[error("this session publishes nothing; join without `viewer`, and look at its capabilities")]
    NotPermitted,
    /// A track that is only borrowed has no source to replace.
    #[error("a borrowed track cannot be put in the place of a source; send other frames on it instead")]
    Borrowed,
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// Too much waits already.
    #[error("too many commands wait; try again after one of them")]
    Full,
}

/// Why a sound is not played.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlayError {
    /// The session was joined without one, or it was unpublished or replaced since.
    #[error("the session has no voice; join with Join::voice(), and leave its track as it is")]
    NoVoice,
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Why there is no presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PresenceError {
    /// The far side refuses it for good.
    #[error("presence was refused: {0}")]
    Refused(JoinErrorKind),
    /// Nobody wants it, the client was shut down, or the transport has no rings.
    #[error("presence is off; listen with incoming() on a transport that has rings")]
    Off,
}

/// Why a session was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// There is no async runtime to run it on.
    #[error("no tokio runtime is running here; build the session from inside one")]
    NoRuntime,
}
