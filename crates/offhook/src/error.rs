//! Errors of the user's calls: one small type per operation, variants by blame, each with a
//! stable code and the next step in its text. Endings are `EndReason`s, not errors.

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
    back: Back,
    join: Join,
}

impl JoinError {
    pub(crate) fn new(
        kind: JoinErrorKind,
        attempts: Vec<Attempt>,
        text: Option<Arc<str>>,
        back: Back,
        join: Join,
    ) -> Self {
        Self(Box::new(Failed { kind, attempts, text, back, join }))
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

/// Why a message is not known to have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The link was replaced before a receipt came: it may have arrived. It is never sent
    /// again by itself (R15).
    #[error(
        "the link was lost before a receipt came; the message may have arrived, decide whether to send it again"
    )]
    Unknown,
    /// No receipt in time.
    #[error("no receipt came in time; the message may still arrive")]
    TimedOut,
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// The payload or topic is too large.
    #[error("the message is larger than {limit} bytes; send a smaller one")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// There is nothing in it.
    #[error("there is nothing in it; say something, or nothing at all")]
    Empty,
    /// It holds a control character, which could be one too many for whoever shows it.
    #[error("it holds a control character at byte {at}; take it out")]
    Control {
        /// Where, in bytes.
        at: usize,
    },
    /// This far side has no messages between members, no reactions, or holds no conversation.
    #[error("this far side takes no such thing; look at its capabilities before asking")]
    NotSupported,
    /// Too much waits already: to go out here, or to be answered by the far side, which then did not take
    /// it.
    #[error("too many messages wait to go out or to be answered; await some of them first")]
    Full,
    /// Too many went out just before, awaited or not; 200 at once are let through. It did not go out,
    /// and the session is as well as before.
    #[error("more than {per_second} messages a second; wait a moment, and say less")]
    RateLimited {
        /// Messages, reactions and words together.
        per_second: u32,
    },
}

impl SendError {
    /// The stable code, for logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::TimedOut => "timed_out",
            Self::Ended { .. } => "ended",
            Self::TooLarge { .. } => "too_large",
            Self::Empty => "empty",
            Self::Control { .. } => "control",
            Self::NotSupported => "not_supported",
            Self::Full => "full",
            Self::RateLimited { .. } => "rate_limited",
        }
    }
}

/// Why a moderator's request was not done, or is not known to have been (F64).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModerateError {
    /// This member is no moderator here. Seen here where the far side said so when it let us in.
    #[error("you are no moderator here; join with a credential that makes you one")]
    NotPermitted,
    /// Nobody of that name is in the session, or not any more.
    #[error("there is no such member; take the id from the newest roster")]
    UnknownMember,
    /// It names oneself, on this device or another.
    #[error("that is yourself; use leave() or mute()")]
    Oneself,
    /// This far side has no moderation at all.
    #[error("this far side has no moderation; end sessions from your own backend")]
    NotSupported,
    /// The far side said no, for a reason that this version has no word for.
    #[error("the far side refused ({})", text.escape_debug())]
    Refused {
        /// In its own words.
        text: Arc<str>,
    },
    /// The link was replaced before an answer came: it may have been done. It is never asked for
    /// again by itself (R15).
    #[error("the link was lost before an answer came; look at the roster, and ask again if it was not done")]
    Unknown,
    /// No answer in time.
    #[error("no answer came in time; it may still be done, look at the roster")]
    TimedOut,
    /// The session is over.
    #[error("the session is over ({reason}); leave it, and join a fresh one")]
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// Too much waits already.
    #[error("too many requests wait for an answer; await some of them first")]
    Full,
}

impl ModerateError {
    /// The stable code, for logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted",
            Self::UnknownMember => "unknown_member",
            Self::Oneself => "oneself",
            Self::NotSupported => "not_supported",
            Self::Refused { .. } => "refused",
            Self::Unknown => "unknown",
            Self::TimedOut => "timed_out",
            Self::Ended { .. } => "ended",
            Self::Full => "full",
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
    /// The session was joined without one.
    #[error("the session was joined without a voice; join it with Join::voice() first")]
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
