//! What a join that did not succeed says: its kind, with code, class, blame and the next step.

use super::{BadTrack, Class, MediaLack, MediaWhy, Rejection, StateItem, Step, Who};
use std::time::Duration;
use thiserror::Error;

/// Why a join, an accept or a ring's join did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum JoinErrorKind {
    /// A required device or source is missing.
    #[error("this machine lacks media that is required: {0}")]
    NoUserMedia(MediaLack),
    /// A track cannot be published as it is asked for.
    #[error("you publish a track that no session can have: {0}")]
    BadTrack(BadTrack),
    /// The far side let us in and does not take a track that the join publishes. Which one, and its codec,
    /// the host's error says.
    #[error(
        "the far side does not take a track that you publish; publish it in a codec that it takes, or join without it"
    )]
    TrackNotTaken,
    /// No place now.
    #[error("the far side has no place now; try again {}, or wait in its queue", later(*retry_after))]
    Busy {
        /// When to try again, if the far side said.
        retry_after: Option<Duration>,
        /// The place in the queue, if there is one.
        queue_position: Option<u32>,
    },
    /// Waiting in the queue took longer than allowed.
    #[error("the far side's queue did not move in time; try again later or allow a longer wait")]
    QueueTimedOut,
    /// Nothing answers at the address, or the network stayed down.
    #[error(
        "the server could not be reached over this network; check the address and the network, then join again"
    )]
    ServerUnreachable,
    /// Certificate or handshake of TLS.
    #[error(
        "the server's certificate was not accepted over this network; check the name, the date and the trust roots"
    )]
    Tls,
    /// The far side or the transport cannot do what the join needs.
    #[error("you ask for what the far side or the transport cannot do; ask for less or update one end")]
    NotSupported,
    /// Signaling stood, media did not.
    #[error("media could not be connected: {0}; try another network or a TURN server")]
    MediaFailed(MediaWhy),
    /// A step, or the whole join, took too long.
    #[error(
        "the join did not finish in time over this network (last step: {step:?}); check it and try again"
    )]
    TimedOut {
        /// How far it had come.
        step: Step,
    },
    /// A director that the join requires is not reachable.
    #[error("the far side has no director in reach; check the backend that directs this session")]
    ControlFailed,
    /// The far side no longer has the session that was to be taken up again.
    #[error("the far side no longer has this session; join without the resume token")]
    NoSessionToResume,
    /// There is no such session.
    #[error("the far side has no such session; check its kind and id, or create it")]
    NotFound,
    /// The grants of the credential do not allow this.
    #[error("your credential does not allow this; ask for one with the needed grants")]
    NotPermitted,
    /// The credential is missing, wrong, or was taken back.
    #[error("your credential was refused; get a fresh one")]
    Unauthorized,
    /// The initial prompt, image or model was refused.
    #[error("the initial {item} that you asked for was refused; change it and join again")]
    InitialStateRefused {
        /// What was refused. The far side's text is in the host's error.
        item: StateItem,
    },
    /// Refused with a code.
    #[error("the far side refused the join ({}); {}", code.code(), code.next_step())]
    Rejected {
        /// The code.
        code: Rejection,
    },
    /// The far side broke the protocol.
    #[error("the far side broke the protocol; check that both ends speak the same version")]
    ProtocolError,
    /// The task that drives the session is gone.
    #[error("the session's task in this process is gone; keep the runtime alive while sessions exist")]
    HostGone,
    /// There is no async runtime to run on.
    #[error("no async runtime is running in this process; join from inside one")]
    NoRuntime,
    /// The user cancelled, left, or replaced it.
    #[error("you cancelled the join; join again if that was not meant")]
    Cancelled,
}

/// When to come again, in words.
fn later(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(|| "later".to_owned(), |after| format!("in {after:?}"))
}

impl JoinErrorKind {
    /// One of each, with stand-ins for the data inside.
    pub const ALL: [Self; 21] = [
        Self::NoUserMedia(MediaLack::Absent),
        Self::BadTrack(BadTrack::Label),
        Self::TrackNotTaken,
        Self::Busy { retry_after: None, queue_position: None },
        Self::QueueTimedOut,
        Self::ServerUnreachable,
        Self::Tls,
        Self::NotSupported,
        Self::MediaFailed(MediaWhy::UdpBlocked),
        Self::TimedOut { step: Step::Searching },
        Self::ControlFailed,
        Self::NoSessionToResume,
        Self::NotFound,
        Self::NotPermitted,
        Self::Unauthorized,
        Self::InitialStateRefused { item: StateItem::Prompt },
        Self::Rejected { code: Rejection::Other },
        Self::ProtocolError,
        Self::HostGone,
        Self::NoRuntime,
        Self::Cancelled,
    ];

    /// The stable code, for logs and the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoUserMedia(_) => "no_user_media",
            Self::BadTrack(_) => "bad_track",
            Self::TrackNotTaken => "track_not_taken",
            Self::Busy { .. } => "busy",
            Self::QueueTimedOut => "queue_timed_out",
            Self::ServerUnreachable => "server_unreachable",
            Self::Tls => "tls",
            Self::NotSupported => "not_supported",
            Self::MediaFailed(_) => "media_failed",
            Self::TimedOut { .. } => "timed_out",
            Self::ControlFailed => "control_failed",
            Self::NoSessionToResume => "no_session_to_resume",
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::Unauthorized => "unauthorized",
            Self::InitialStateRefused { .. } => "initial_state_refused",
            Self::Rejected { .. } => "rejected",
            Self::ProtocolError => "protocol_error",
            Self::HostGone => "host_gone",
            Self::NoRuntime => "no_runtime",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a machine that gets this answer does next (R12).
    pub const fn class(self) -> Class {
        match self {
            Self::Busy { .. } => Class::Busy,
            Self::ServerUnreachable | Self::TimedOut { .. } | Self::MediaFailed(_) => Class::Transient,
            Self::Rejected { code } => match code {
                Rejection::RateLimited | Rejection::Restarting | Rejection::Internal => Class::Transient,
                Rejection::UnknownModel
                | Rejection::SessionEnded
                | Rejection::Replaced
                | Rejection::StaleEpoch
                | Rejection::BadRequest
                | Rejection::EndedBeforeJoin
                | Rejection::Other => Class::Fatal,
            },
            Self::NoUserMedia(_)
            | Self::BadTrack(_)
            | Self::TrackNotTaken
            | Self::QueueTimedOut
            | Self::Tls
            | Self::NotSupported
            | Self::ControlFailed
            | Self::NoSessionToResume
            | Self::NotFound
            | Self::NotPermitted
            | Self::Unauthorized
            | Self::InitialStateRefused { .. }
            | Self::ProtocolError
            | Self::HostGone
            | Self::NoRuntime
            | Self::Cancelled => Class::Fatal,
        }
    }

    /// May the same join succeed later without anybody changing anything?
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::QueueTimedOut => true,
            other => !matches!(other.class(), Class::Fatal),
        }
    }

    /// Who is to blame.
    pub const fn who(self) -> Who {
        match self {
            Self::Busy { .. }
            | Self::QueueTimedOut
            | Self::ControlFailed
            | Self::NoSessionToResume
            | Self::NotFound
            | Self::Rejected { .. }
            | Self::ProtocolError
            | Self::MediaFailed(MediaWhy::FarSide) => Who::FarSide,
            Self::ServerUnreachable
            | Self::Tls
            | Self::MediaFailed(MediaWhy::UdpBlocked | MediaWhy::Insecure | MediaWhy::Lost)
            | Self::TimedOut { .. } => Who::Network,
            Self::BadTrack(_)
            | Self::TrackNotTaken
            | Self::NotSupported
            | Self::NotPermitted
            | Self::Unauthorized
            | Self::InitialStateRefused { .. }
            | Self::Cancelled => Who::User,
            Self::NoUserMedia(_) | Self::HostGone | Self::NoRuntime => Who::Local,
        }
    }
}
