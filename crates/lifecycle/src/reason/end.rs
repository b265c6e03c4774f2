//! Why a session is over, and by whom. Why a dial or a join fails is in the room above.

use super::{JoinErrorKind, Who};
use crate::{RingRef, RingRefusal};
use thiserror::Error;

/// Why a session is over. Written once: the first cause wins (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum EndReason {
    /// `leave` was called.
    #[error("you left; join a fresh session to come back")]
    LeftByUser,
    /// The handle was dropped.
    #[error("you dropped the handle, which leaves; keep it for as long as the session is wanted")]
    Dropped,
    /// Orderly, by the far side.
    #[error("closed by the far side; join again for a new session")]
    Closed,
    /// Somebody ended it for everybody.
    #[error("the far side ended it for everybody; join again when it is opened anew")]
    EndedForAll,
    /// The callee declined.
    #[error("whoever was rung declined; ring again later")]
    Declined,
    /// Every callee declined.
    #[error("everybody who was rung declined; ring again later")]
    DeclinedByAll,
    /// Cancelled before it was joined, or by `cancel`.
    #[error("cancelled, by you or by whoever rang; ring or join again if that was not meant")]
    Cancelled,
    /// The session was over before anybody picked up.
    #[error("the far side ended the session before anybody picked up; ring again if it is still wanted")]
    EndedBeforePickup,
    /// The callee is in another session.
    #[error("whoever was rung is busy; ring again later")]
    Busy,
    /// Nobody answered within the ring's deadline.
    #[error("whoever was rung did not answer in time; ring again later")]
    NotAnswered,
    /// Another device of the same user answered.
    #[error("the far side says that another device answered; go on there")]
    AnsweredElsewhere,
    /// The join of a ring failed.
    #[error("the join failed: {0}")]
    JoinFailed(JoinErrorKind),
    /// A moderator removed this member.
    #[error("a moderator on the far side removed you; joining again needs their consent")]
    Kicked,
    /// Another instance of the same identity took the place.
    #[error("the far side gave the place to another instance of the same identity; close that one first")]
    Replaced,
    /// Nothing happened for too long.
    #[error("the far side saw nothing happen for too long; join again")]
    IdleTimeout,
    /// No media flowed for too long.
    #[error("the far side saw no media flow for too long; check the sources and join again")]
    MediaIdle,
    /// The session's maximum duration.
    #[error("the far side's maximum duration was reached; join again for a new one")]
    MaxDuration,
    /// The conversation came to its end.
    #[error("the far side says that the conversation has ended; begin a new one when it is wanted")]
    ConversationEnded,
    /// The director's control connection was lost.
    #[error("the far side lost its director; check the backend that directs this session")]
    ControlLost,
    /// The server hands its sessions to another one.
    #[error("the server was rotated out; join again")]
    ServerRotation,
    /// The server shuts down.
    #[error("the server shut down; join again later")]
    ServerShutdown,
    /// The account has no credit left.
    #[error("the far side says that the account is out of credit; top up and join again")]
    OutOfCredit,
    /// Moderation of content.
    #[error("the far side's moderation of content ended it; change what is sent before joining again")]
    Moderated,
    /// The credential is not (or no longer) good.
    #[error("the far side no longer accepts the credential; get a fresh one and join again")]
    Unauthorized,
    /// The far side cannot do what this session needs.
    #[error("the far side does not support what this session needs; update one end")]
    Unsupported,
    /// The network did not come back in time.
    #[error("the network was lost and did not come back in time; check it and join again")]
    NetworkLost,
    /// Signaling stood, media did not come back.
    #[error("media was lost and did not come back; try another network and join again")]
    MediaLost,
    /// The machine was suspended, and the policy says leave.
    #[error("this machine was suspended, and the policy says leave; join again")]
    Suspended,
    /// Both sides rang at once, and the other ring survived.
    #[error("both sides rang at once, and the far side lets the other ring go on; take that one")]
    Glare {
        /// The ring that survived.
        survivor: RingRef,
    },
    /// The ring was not placed.
    #[error("the ring was refused: {}", .0.advice())]
    RingRefused(RingRefusal),
    /// The far side broke the protocol.
    #[error("the far side broke the protocol; check that both ends speak the same version")]
    ProtocolError,
    /// The task that drives the session is gone.
    #[error("the session's task in this process is gone; keep the runtime alive while sessions exist")]
    HostGone,
}

impl EndReason {
    /// One of each, with stand-ins for the data inside.
    pub const ALL: [Self; 32] = [
        Self::LeftByUser,
        Self::Dropped,
        Self::Closed,
        Self::EndedForAll,
        Self::Declined,
        Self::DeclinedByAll,
        Self::Cancelled,
        Self::EndedBeforePickup,
        Self::Busy,
        Self::NotAnswered,
        Self::AnsweredElsewhere,
        Self::JoinFailed(JoinErrorKind::ServerUnreachable),
        Self::Kicked,
        Self::Replaced,
        Self::IdleTimeout,
        Self::MediaIdle,
        Self::MaxDuration,
        Self::ConversationEnded,
        Self::ControlLost,
        Self::ServerRotation,
        Self::ServerShutdown,
        Self::OutOfCredit,
        Self::Moderated,
        Self::Unauthorized,
        Self::Unsupported,
        Self::NetworkLost,
        Self::MediaLost,
        Self::Suspended,
        Self::Glare { survivor: RingRef(0) },
        Self::RingRefused(RingRefusal::Oneself),
        Self::ProtocolError,
        Self::HostGone,
    ];

    /// The stable code, for logs and the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LeftByUser => "left_by_user",
            Self::Dropped => "dropped",
            Self::Closed => "closed",
            Self::EndedForAll => "ended_for_all",
            Self::Declined => "declined",
            Self::DeclinedByAll => "declined_by_all",
            Self::Cancelled => "cancelled",
            Self::EndedBeforePickup => "ended_before_pickup",
            Self::Busy => "busy",
            Self::NotAnswered => "not_answered",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::JoinFailed(_) => "join_failed",
            Self::Kicked => "kicked",
            Self::Replaced => "replaced",
            Self::IdleTimeout => "idle_timeout",
            Self::MediaIdle => "media_idle",
            Self::MaxDuration => "max_duration",
            Self::ConversationEnded => "conversation_ended",
            Self::ControlLost => "control_lost",
            Self::ServerRotation => "server_rotation",
            Self::ServerShutdown => "server_shutdown",
            Self::OutOfCredit => "out_of_credit",
            Self::Moderated => "moderated",
            Self::Unauthorized => "unauthorized",
            Self::Unsupported => "unsupported",
            Self::NetworkLost => "network_lost",
            Self::MediaLost => "media_lost",
            Self::Suspended => "suspended",
            Self::Glare { .. } => "glare",
            Self::RingRefused(_) => "ring_refused",
            Self::ProtocolError => "protocol_error",
            Self::HostGone => "host_gone",
        }
    }

    /// Who ended it, unless the ending itself says otherwise.
    pub const fn who(self) -> Who {
        match self {
            Self::LeftByUser | Self::Dropped | Self::Cancelled => Who::User,
            Self::JoinFailed(kind) => kind.who(),
            Self::RingRefused(RingRefusal::Oneself | RingRefusal::Nobody) => Who::User,
            Self::NetworkLost | Self::MediaLost => Who::Network,
            Self::Suspended | Self::HostGone => Who::Local,
            Self::Closed
            | Self::EndedForAll
            | Self::Declined
            | Self::DeclinedByAll
            | Self::EndedBeforePickup
            | Self::Busy
            | Self::NotAnswered
            | Self::AnsweredElsewhere
            | Self::Kicked
            | Self::Replaced
            | Self::IdleTimeout
            | Self::MediaIdle
            | Self::MaxDuration
            | Self::ConversationEnded
            | Self::ControlLost
            | Self::ServerRotation
            | Self::ServerShutdown
            | Self::OutOfCredit
            | Self::Moderated
            | Self::Unauthorized
            | Self::Unsupported
            | Self::Glare { .. }
            | Self::RingRefused(
                RingRefusal::UnknownUser
                | RingRefusal::TooMany
                | RingRefusal::RateLimited
                | RingRefusal::NotPermitted
                | RingRefusal::Unauthorized
                | RingRefusal::NotSupported
                | RingRefusal::Other,
            )
            | Self::ProtocolError => Who::FarSide,
        }
    }

    /// Is it an error, so that an `Error` event comes just before `Ended` (R3)?
    /// An ending that somebody wanted is none.
    pub const fn is_error(self) -> bool {
        match self {
            Self::JoinFailed(kind) => !matches!(kind, JoinErrorKind::Cancelled),
            Self::ControlLost
            | Self::OutOfCredit
            | Self::Moderated
            | Self::Unauthorized
            | Self::Unsupported
            | Self::NetworkLost
            | Self::MediaLost
            | Self::RingRefused(_)
            | Self::ProtocolError
            | Self::HostGone => true,
            Self::LeftByUser
            | Self::Dropped
            | Self::Closed
            | Self::EndedForAll
            | Self::Declined
            | Self::DeclinedByAll
            | Self::Cancelled
            | Self::EndedBeforePickup
            | Self::Busy
            | Self::NotAnswered
            | Self::AnsweredElsewhere
            | Self::Kicked
            | Self::Replaced
            | Self::IdleTimeout
            | Self::MediaIdle
            | Self::MaxDuration
            | Self::ConversationEnded
            | Self::ServerRotation
            | Self::ServerShutdown
            | Self::Suspended
            | Self::Glare { .. } => false,
        }
    }

    /// Does joining (or ringing) again make sense without anybody changing anything?
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::JoinFailed(kind) => kind.is_retryable(),
            Self::RingRefused(why) => why.is_retryable(),
            Self::Busy
            | Self::NotAnswered
            | Self::Closed
            | Self::IdleTimeout
            | Self::MediaIdle
            | Self::MaxDuration
            | Self::ControlLost
            | Self::ServerRotation
            | Self::ServerShutdown
            | Self::NetworkLost
            | Self::MediaLost
            | Self::Suspended => true,
            Self::LeftByUser
            | Self::Dropped
            | Self::EndedForAll
            | Self::Declined
            | Self::DeclinedByAll
            | Self::Cancelled
            | Self::EndedBeforePickup
            | Self::AnsweredElsewhere
            | Self::Kicked
            | Self::Replaced
            | Self::ConversationEnded
            | Self::OutOfCredit
            | Self::Moderated
            | Self::Unauthorized
            | Self::Unsupported
            | Self::Glare { .. }
            | Self::ProtocolError
            | Self::HostGone => false,
        }
    }
}

/// How a session ended: the one that every reader gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Ending {
    /// Why.
    pub reason: EndReason,
    /// Who ended it. Differs from `reason.who()` when the user leaves what had already failed.
    pub who: Who,
}

impl Ending {
    /// An ending by whom its reason names.
    pub const fn of(reason: EndReason) -> Self {
        Self { reason, who: reason.who() }
    }

    /// Does trying again make sense?
    pub const fn may_retry(self) -> bool {
        self.reason.is_retryable()
    }
}
