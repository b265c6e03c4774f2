//! Errors of the user's calls: one small type per operation, variants by blame, each with a
//! stable code and the next step in its text. Endings are `EndReason`s, not errors.

mod sending;

pub use sending::{BadName, ModerateError, SendError};

use crate::change::Unfit;
use crate::join::Join;
use crate::joining::Back;
use offhook_lifecycle::{Attempt, EndReason, JoinErrorKind, Rejection, Revision, StateItem, Who};
use offhook_transport::UntakenTrack;
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
    /// Of the last dial, what this side saw of it.
    fault: Option<Arc<str>>,
    untaken: Vec<UntakenTrack>,
    back: Back,
    join: Join,
}

/// What was told of a join before it failed.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) text: Option<Arc<str>>,
    pub(crate) known: Vec<String>,
    pub(crate) fault: Option<Arc<str>>,
    pub(crate) untaken: Vec<UntakenTrack>,
}

impl JoinError {
    pub(crate) fn new(kind: JoinErrorKind, told: Told, back: Back, join: Join) -> Self {
        let Told { attempts, text, known, fault, untaken } = told;
        Self(Box::new(Failed { kind, attempts, text, known, fault, untaken, back, join }))
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

    /// What exactly is wrong, with the next step, where more is known here than [`kind`](Self::kind)
    /// says: of an address that cannot be dialled, a path where no session is served, a prompt or image
    /// that is too large to be sent, a model that the far side does not have, and why the far side does not
    /// permit it, in its words. `Display` says it in the place of the kind's words.
    pub fn detail(&self) -> Option<String> {
        match self.0.kind {
            // Only what was seen before anything was sent is unfit: what the far side refused is not.
            JoinErrorKind::InitialStateRefused { .. } => {
                self.0.join.initial.check().err().map(|unfit| unfit.to_string())
            }
            JoinErrorKind::Rejected { code: Rejection::UnknownModel } if !self.0.known.is_empty() => {
                let asked = self.0.join.model.as_deref().unwrap_or_default();
                let known: Vec<_> = self.0.known.iter().take(SHOWN).map(|name| shown(name)).collect();
                let more = if self.0.known.len() > SHOWN { " and others" } else { "" };
                Some(format!(
                    "the far side has no model `{}`; name one that it has: {}{more}",
                    shown(asked),
                    known.join(", ")
                ))
            }
            // Each is what a dial came to, and the last one had its own words for it.
            JoinErrorKind::NotSupported
            | JoinErrorKind::ProtocolError
            | JoinErrorKind::ServerUnreachable
            | JoinErrorKind::Tls => self.0.fault.as_deref().map(tame),
            // What is not permitted, and whom to ask, only the far side knows: not every no is one of grants.
            JoinErrorKind::NotPermitted => {
                let text = self.0.text.as_deref()?;
                Some(format!("the far side does not permit this: {}", tame(text)))
            }
            JoinErrorKind::Rejected { .. }
            | JoinErrorKind::NoUserMedia(_)
            | JoinErrorKind::BadTrack(_)
            | JoinErrorKind::TrackNotTaken
            | JoinErrorKind::Busy { .. }
            | JoinErrorKind::QueueTimedOut
            | JoinErrorKind::MediaFailed(_)
            | JoinErrorKind::TimedOut { .. }
            | JoinErrorKind::ControlFailed
            | JoinErrorKind::NoSessionToResume
            | JoinErrorKind::NotFound
            | JoinErrorKind::Unauthorized
            | JoinErrorKind::HostGone
            | JoinErrorKind::NoRuntime
            | JoinErrorKind::Cancelled => None,
        }
    }

    /// The tracks that the far side does not take, each with its codec and why, of a
    /// [`JoinErrorKind::TrackNotTaken`]; otherwise empty.
    pub fn untaken(&self) -> &[UntakenTrack] {
        match self.0.kind {
            JoinErrorKind::TrackNotTaken => &self.0.untaken,
            _ => &[],
        }
    }

    /// The label of the track that it failed for, of a [`JoinErrorKind::BadTrack`] or
    /// [`TrackNotTaken`](JoinErrorKind::TrackNotTaken).
    pub fn track(&self) -> Option<&str> {
        match self.0.kind {
            JoinErrorKind::BadTrack(_) => self.0.join.bad_track().map(|(label, _)| label),
            JoinErrorKind::TrackNotTaken => self.0.untaken.first().map(|track| track.label.as_str()),
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

/// Names of a far side that an error shows, and the length of each; there may be more.
const SHOWN: usize = 12;
/// Characters of a name that are shown: what is too long is shown by its beginning.
const LENGTH: usize = 32;

/// A name as it can be shown anywhere.
fn shown(name: &str) -> String {
    tame(&name.chars().take(LENGTH).collect::<String>())
}

/// Words from elsewhere: nothing in them is obeyed by a terminal, and quotes stand as they are.
fn tame(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '\'' | '"' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(detail) = self.detail() {
            return f.write_str(&detail);
        }
        write!(f, "{}", self.0.kind)?;
        if let Some(label) = self.track() {
            let shown: String = label.chars().take(LENGTH).collect();
            match self.untaken().first() {
                Some(track) => write!(f, " ({shown:?}, in {:?})", track.codec)?,
                None => write!(f, " ({shown:?})")?,
            }
        }
        match &self.0.text {
            Some(text) => write!(f, " (the far side says: {})", tame(text)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinError")
            .field("kind", &self.0.kind)
            .field("attempts", &self.0.attempts.len())
            // A program whose `main` ends with an error shows it like this.
            .field("says", &format_args!("{self}"))
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
    #[error("the far side refused the {item} ({}); change it and set it again", text.escape_debug())]
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
    /// It cannot be withdrawn any more: the far side confirmed it, or a later change.
    #[error("the far side confirmed it, or a later change, already; set what it is to be instead")]
    Confirmed {
        /// What was to be withdrawn.
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
            Self::Confirmed { .. } => "confirmed",
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
            | Self::Confirmed { .. }
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
    /// Nothing is published under this label.
    #[error("nothing is published as {0:?}; publish it, under that label")]
    NoSuchTrack(String),
    /// What is published under this label is a track that was borrowed: there is no source to replace.
    #[error("what is published as {0:?} is a borrowed track; unpublish it, and publish the source")]
    IsBorrowed(String),
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
    /// The session was joined without one, or it was unpublished or replaced.
    #[error("the session has no voice; join it with Join::voice(), and leave that track as it is")]
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

#[cfg(test)]
mod tests;
