//! Why a message or a moderator's request did not do what it should, or is not known to have.

use offhook_lifecycle::EndReason;
use offhook_transport::Outgoing;
use std::sync::Arc;
use thiserror::Error;

/// Why something cannot be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadName {
    /// There is nothing in it.
    #[error("it is empty; give it a name")]
    Empty,
    /// It is too long.
    #[error("it is longer than {limit} bytes; shorten it")]
    TooLong {
        /// In bytes.
        limit: usize,
    },
    /// It holds a control character, which could be one too many for whoever shows it.
    #[error("it holds a control character at byte {at}; take it out")]
    Control {
        /// Where, in bytes.
        at: usize,
    },
}

impl BadName {
    /// Is this text of at most so many bytes, and without control characters?
    pub(crate) fn check(text: &str, limit: usize) -> Result<(), Self> {
        if text.len() > limit {
            return Err(Self::TooLong { limit });
        }
        text.find(char::is_control).map_or(Ok(()), |at| Err(Self::Control { at }))
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
    /// The payload, or what is said, is too large.
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
    /// The topic is none that a message can have.
    #[error("no message can have this topic: {0}")]
    BadTopic(BadName),
    /// It is for nobody.
    #[error("it is for nobody; name members of the roster, or use send() for all of them")]
    NoMembers,
    /// It is for more members than can be named at once.
    #[error("it is for more than {limit} members; send it in parts, or to all")]
    TooManyMembers {
        /// How many can be.
        limit: usize,
    },
    /// Somebody it is for is not in the session. It went to nobody.
    #[error("not in the session: {}; it went to nobody, take the ids from the newest roster", members.join(", ").escape_debug())]
    UnknownMember {
        /// Who, where that is known.
        members: Vec<String>,
    },
    /// It is for oneself. It went to nobody.
    #[error("it is for yourself; it went to nobody, name the others")]
    Oneself,
    /// The session has no link to the far side, and nothing that would bring it: recovery gave up, or
    /// begins anew. It did not go out. Where a link is being recovered it waits instead.
    #[error(
        "the session is away from the far side; it did not go out, send it again once it is back, or retry()"
    )]
    Away,
    /// It cannot be said to this far side, or the far side refused it for a reason that this version has no
    /// word for. It went to nobody.
    #[error("it was not taken ({}); it went to nobody", text.escape_debug())]
    Refused {
        /// In its own words.
        text: Arc<str>,
    },
    /// This far side has no messages between members, no reactions, or holds no conversation.
    #[error("this far side takes no such thing; look at its capabilities before asking")]
    NotSupported,
    /// Too much waits already: to go out here, or to be answered by the far side, which then did not take
    /// it.
    #[error("too many messages wait to go out or to be answered; await some of them first")]
    Full,
    /// Too many went out just before, awaited or not, 200 at once are let through; or more in all than the
    /// far side passes on: the reference server 128 KiB a second, and 1 MiB at once. It went to nobody, and
    /// the session is as well as before.
    #[error("more than {per_second} messages a second, or too much in them; wait a moment, and say less")]
    RateLimited {
        /// Messages, reactions and words together.
        per_second: u32,
    },
}

impl SendError {
    /// What can be seen of a message before it goes anywhere: its topic, its size, and how many it is
    /// for, where it is not for all.
    pub(crate) fn check(topic: &str, payload: &[u8], members: Option<&[String]>) -> Result<(), Self> {
        BadName::check(topic, Outgoing::TOPIC).map_err(Self::BadTopic)?;
        if payload.len() > Outgoing::PAYLOAD {
            return Err(Self::TooLarge { limit: Outgoing::PAYLOAD });
        }
        match members.map(<[String]>::len) {
            Some(0) => Err(Self::NoMembers),
            Some(many) if many > Outgoing::MEMBERS => Err(Self::TooManyMembers { limit: Outgoing::MEMBERS }),
            Some(_) | None => Ok(()),
        }
    }

    /// The stable code, for logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::TimedOut => "timed_out",
            Self::Ended { .. } => "ended",
            Self::TooLarge { .. } => "too_large",
            Self::Empty => "empty",
            Self::Control { .. } => "control",
            Self::BadTopic(_) => "bad_topic",
            Self::NoMembers => "no_members",
            Self::TooManyMembers { .. } => "too_many_members",
            Self::UnknownMember { .. } => "unknown_member",
            Self::Oneself => "oneself",
            Self::Away => "away",
            Self::Refused { .. } => "refused",
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
    /// The session has no link to the far side. It was not asked for.
    #[error("the session is away from the far side; ask again once it is back, or retry()")]
    Away,
    /// Too much waits already, or more than ten a second were asked for after the first fifty. It was not
    /// asked for.
    #[error("too many requests wait for an answer, or came at once; await some of them first")]
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
            Self::Away => "away",
            Self::Full => "full",
        }
    }
}
