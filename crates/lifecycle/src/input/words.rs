//! What inputs say: small words of facts and wishes.

use crate::{EndReason, RingRef, StateItem};
use std::time::Duration;

/// How to join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct JoinWish {
    /// Wait in the far side's queue rather than fail as busy.
    pub wait_in_queue: bool,
    /// Take a session up again from a resume token: a rejoin under the same session id.
    pub returning: bool,
}

/// Why an incoming ring is declined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Decline {
    /// The user does not want to.
    #[default]
    Unwanted,
    /// The user is in another session.
    Busy,
}

/// How a ring ended without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum RingEnd {
    /// The session was over before anybody picked up.
    Gone,
    /// The callee declined.
    Declined,
    /// Every callee declined.
    DeclinedByAll,
    /// The caller gave up.
    Cancelled,
    /// The callee is in another session.
    Busy,
    /// The far side's deadline passed.
    Expired,
    /// Another device of the same user answered.
    AnsweredElsewhere,
    /// Both sides rang at once.
    Glare {
        /// The ring that goes on.
        survivor: RingRef,
    },
    /// The far side did not place it.
    Refused(RingRefusal),
}

impl RingEnd {
    /// The reason that the session ends with.
    pub const fn reason(self) -> EndReason {
        match self {
            Self::Gone => EndReason::EndedBeforePickup,
            Self::Declined => EndReason::Declined,
            Self::DeclinedByAll => EndReason::DeclinedByAll,
            Self::Cancelled => EndReason::Cancelled,
            Self::Busy => EndReason::Busy,
            Self::Expired => EndReason::NotAnswered,
            Self::AnsweredElsewhere => EndReason::AnsweredElsewhere,
            Self::Glare { survivor } => EndReason::Glare { survivor },
            Self::Refused(why) => EndReason::RingRefused(why),
        }
    }
}

/// Why a ring was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum RingRefusal {
    /// It names the one who rings.
    Oneself,
    /// It names nobody.
    Nobody,
    /// The far side knows none of those it names.
    UnknownUser,
    /// Too many are named, or too many rings stand.
    TooMany,
    /// Too many rings in too short a time.
    RateLimited,
    /// The credential does not allow it, or the user was removed from the session.
    NotPermitted,
    /// The credential is missing, wrong, or was taken back.
    Unauthorized,
    /// The far side or the transport has no rings.
    NotSupported,
    /// A reason that this version does not know.
    Other,
}

impl RingRefusal {
    /// Every refusal.
    pub const ALL: [Self; 9] = [
        Self::Oneself,
        Self::Nobody,
        Self::UnknownUser,
        Self::TooMany,
        Self::RateLimited,
        Self::NotPermitted,
        Self::Unauthorized,
        Self::NotSupported,
        Self::Other,
    ];

    /// What happened and what to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Oneself => "you cannot ring yourself; name somebody else",
            Self::Nobody => "you named nobody; name at least one user",
            Self::UnknownUser => "the far side knows none of those named; check the names",
            Self::TooMany => "too many are named or ring already for the far side; end a ring or name fewer",
            Self::RateLimited => "the far side takes no more rings in so short a time; wait a minute",
            Self::NotPermitted => {
                "by the far side's rules the credential does not allow it; ask for one that names no session"
            }
            Self::Unauthorized => "the far side refused the credential; get a fresh one",
            Self::NotSupported => "the far side has no rings; join the session instead",
            Self::Other => "the far side gave a reason that this version does not know; update it",
        }
    }

    /// May the same ring be placed later without anybody changing anything?
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::TooMany | Self::RateLimited => true,
            Self::Oneself
            | Self::Nobody
            | Self::UnknownUser
            | Self::NotPermitted
            | Self::Unauthorized
            | Self::NotSupported
            | Self::Other => false,
        }
    }
}

/// Why a credential is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum CredentialWhy {
    /// None was given.
    Missing,
    /// The one given is past its time. A second such answer in one outage is fatal.
    Expired,
    /// The one in use nears its end.
    Refresh,
}

/// What the far side said when it let us in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkFacts {
    /// Is there a signaling plane that lives on beside the media?
    pub signaling: bool,
    /// Is there a media plane?
    pub media: bool,
    /// How long a lost link's place is kept; `None` takes the policy's, zero is "no resume".
    pub resume_window: Option<Duration>,
    /// Can the media path be made anew over living signaling?
    pub ice_restart: bool,
    /// Can a new link be made while the old one carries? Otherwise a move is a rejoin.
    pub make_before_break: bool,
    /// The ping interval that the far side wants, in place of the policy's.
    pub ping: Option<Duration>,
    /// The silence after which the far side counts a link as dead, in place of the policy's.
    pub silence: Option<Duration>,
    /// Does the far side answer for desired state? Without it nothing waits for acks.
    pub acks: bool,
}

impl Default for LinkFacts {
    fn default() -> Self {
        Self {
            signaling: true,
            media: true,
            resume_window: None,
            ice_restart: true,
            make_before_break: true,
            ping: None,
            silence: None,
            acks: true,
        }
    }
}

/// Why a resume is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum ResumeRefusal {
    /// The session's place is gone there.
    Gone,
    /// More was lost than the far side had kept.
    ReplayLost,
    /// The server was restarted in between: come back spread out.
    Restarted,
    /// The secret was not the right one.
    BadSecret,
    /// This far side cannot resume.
    Unsupported,
    /// A reason that this version does not know.
    Other,
}

/// Why a server asks a session to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum MoveReason {
    /// It shuts down.
    ShuttingDown,
    /// It spreads its load.
    Rebalance,
    /// Its own cap on a session's length.
    SessionCap,
    /// A reason that this version does not know.
    Other,
}

/// A recovery plan named by the far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Advice {
    /// Resume: its signaling is to be made anew.
    Resume,
    /// Rejoin: a resume is not to be tried.
    Rejoin,
}

/// The far side's answer about a revision of the desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Answer {
    /// Everything up to it is in effect.
    Applied,
    /// Not this; the text is in the host.
    Refused(StateItem),
    /// Another chunk of an image arrived: deadlines start anew.
    Progress,
}
