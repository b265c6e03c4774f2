//! Why things fail: faults, refusals, blame, class, and the next step in words. What a join makes of
//! them is in `reason/join.rs`, why sessions end in `reason/end.rs`. Classing is by these types and
//! never by matching text (R12).

mod end;
mod join;
#[cfg(test)]
mod tests;

pub use end::{EndReason, Ending};
pub use join::JoinErrorKind;

use thiserror::Error;

/// One half of a link. A transport may lack one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Plane {
    /// The ordered control channel.
    Signaling,
    /// The peer connection: ICE, DTLS, SRTP.
    Media,
}

/// Who ended a session, or is to blame for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Who {
    /// The user of this library: a call, or dropping the handle.
    User,
    /// The far side: a server, a callee, a moderator.
    FarSide,
    /// The way between.
    Network,
    /// This machine or this process.
    Local,
}

/// What an error asks of whoever handles it (R12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Trying again cannot help: stop at once.
    Fatal,
    /// No place now: honour queue and `retry_after`.
    Busy,
    /// May pass by itself: try again with backoff.
    Transient,
}

/// Why a dial or a plane failed, as the transport saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
    /// The name did not resolve, the port refused, there is no route.
    #[error("the server could not be reached; check the address and the network")]
    Unreachable,
    /// The far end closed the socket without saying that the session ended.
    #[error("the connection was closed without an ending; it will be dialled again")]
    Closed,
    /// The far side restarts (shutdown, close code 1012).
    #[error("the server is restarting; it will be dialled again after a pause")]
    ServerRestart,
    /// Nothing came within the time that this step may take.
    #[error("the far side did not answer in time; check the network or raise the limit")]
    TimedOut,
    /// Nothing came in for so long that the plane counts as dead (R9).
    #[error("nothing was heard from the far side; the link counts as dead")]
    Silent,
    /// Certificate or handshake of TLS.
    #[error("the server's certificate was not accepted; check the name, the date and the trust roots")]
    Tls,
    /// The address is not one that this transport dials.
    #[error("this transport does not dial such an address; check scheme and host")]
    BadAddress,
    /// The far side broke the protocol.
    #[error("the far side broke the protocol; check that both ends speak the same version")]
    Protocol,
    /// No candidate pair ever answered.
    #[error("no network path for media was found; UDP may be blocked, try another network or a TURN server")]
    IceFailed,
    /// DTLS or its fingerprint.
    #[error("the media connection could not be secured; check that nothing rewrites the SDP")]
    Dtls,
    /// The peer closed its transport; the reason, if any, follows on signaling within 250 ms.
    #[error("the far side closed its media connection; it will be made anew")]
    ClosedByPeer,
    /// The far side says that it gets no media from us.
    #[error("the far side receives no media; the path will be made anew")]
    MediaFault,
    /// The credential provider did not answer in time.
    #[error("the credential provider did not answer in time; make it faster or raise the limit")]
    CredentialTimeout,
    /// This machine: no socket, no permission.
    #[error("this machine refused a socket; check limits and permissions")]
    Local,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 14] = [
        Self::Unreachable,
        Self::Closed,
        Self::ServerRestart,
        Self::TimedOut,
        Self::Silent,
        Self::Tls,
        Self::BadAddress,
        Self::Protocol,
        Self::IceFailed,
        Self::Dtls,
        Self::ClosedByPeer,
        Self::MediaFault,
        Self::CredentialTimeout,
        Self::Local,
    ];

    /// The stable code, for logs and the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::ServerRestart => "server_restart",
            Self::TimedOut => "timed_out",
            Self::Silent => "silent",
            Self::Tls => "tls",
            Self::BadAddress => "bad_address",
            Self::Protocol => "protocol",
            Self::IceFailed => "ice_failed",
            Self::Dtls => "dtls",
            Self::ClosedByPeer => "closed_by_peer",
            Self::MediaFault => "media_fault",
            Self::CredentialTimeout => "credential_timeout",
            Self::Local => "local",
        }
    }

    /// What a *join* makes of it. In recovery every fault is transient and only the budgets judge:
    /// a link that once stood has shown that its address, certificate and protocol are right.
    pub const fn join_class(self) -> Class {
        match self {
            Self::Tls | Self::BadAddress | Self::Protocol => Class::Fatal,
            Self::Unreachable
            | Self::Closed
            | Self::ServerRestart
            | Self::TimedOut
            | Self::Silent
            | Self::IceFailed
            | Self::Dtls
            | Self::ClosedByPeer
            | Self::MediaFault
            | Self::CredentialTimeout
            | Self::Local => Class::Transient,
        }
    }
}

/// How far a join had come; also the last step named by a timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Step {
    /// Looking for a server, or waiting in its queue. 25 %.
    #[default]
    Searching,
    /// The far side loads models or assets. 50 %.
    Preparing,
    /// Signaling stands, the media path is being made. 75 %.
    Connecting,
}

/// Why a device or source that the join requires cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum MediaLack {
    /// There is none.
    #[error("it is not there; plug the device in, or choose another source")]
    Absent,
    /// There is one, and it cannot be opened.
    #[error("it cannot be opened; close the program that has it, or unplug it and plug it in again")]
    Unusable,
    /// The user or the system said no.
    #[error("its use was declined; allow this program to use it in the system's settings")]
    Declined,
}

/// Why a track cannot be published. Which one, and what exactly is wrong with it, the host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum BadTrack {
    /// Its label.
    #[error("its label is empty, too long, or holds a control character; give it another one")]
    Label,
    /// There are too many.
    #[error("there are more than can be published at once; publish fewer of them")]
    TooMany,
}

/// Why the media of a join failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum MediaWhy {
    /// ICE never connected, twice: most likely UDP is blocked on this network.
    #[error("no path was found through this network, UDP may be blocked")]
    UdpBlocked,
    /// The connection could not be secured.
    #[error("what came over this network could not be secured")]
    Insecure,
    /// The far side could not set media up.
    #[error("the far side could not set it up")]
    FarSide,
    /// The path was lost before it had carried.
    #[error("its path through this network was lost before it had carried")]
    Lost,
}

/// A refusal whose code says all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Rejection {
    /// The model or persona named at join is not known there.
    UnknownModel,
    /// The session is over there.
    SessionEnded,
    /// Another instance holds the place.
    Replaced,
    /// An older dial of this instance: a newer one is already served.
    StaleEpoch,
    /// Too many requests.
    RateLimited,
    /// The far side could not make sense of the request.
    BadRequest,
    /// The far side is going down.
    Restarting,
    /// Something broke over there.
    Internal,
    /// The far side ended the session before it had been joined.
    EndedBeforeJoin,
    /// A code that this version does not know (R19).
    Other,
}

impl Rejection {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownModel => "unknown_model",
            Self::SessionEnded => "session_ended",
            Self::Replaced => "replaced",
            Self::StaleEpoch => "stale_epoch",
            Self::RateLimited => "rate_limited",
            Self::BadRequest => "bad_request",
            Self::Restarting => "restarting",
            Self::Internal => "internal",
            Self::EndedBeforeJoin => "ended_before_join",
            Self::Other => "other",
        }
    }

    /// What to do about it.
    pub(crate) const fn next_step(self) -> &'static str {
        match self {
            Self::UnknownModel => "name a model that it has",
            Self::SessionEnded => "begin another session",
            Self::Replaced => "close the other instance of this identity first",
            Self::StaleEpoch => "a newer dial of this session is let in already, go on with that",
            Self::RateLimited => "ask less often, and join again in a minute",
            Self::BadRequest => "look whether the names are such as it takes, or update the older end",
            Self::Restarting => "join again in a moment",
            Self::Internal => "join again later, and look into its log",
            Self::EndedBeforeJoin => "join again if it is still wanted",
            Self::Other => "see its documentation for this code, or update this end",
        }
    }
}

/// Which part of the initial state was refused. The far side's text stays in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum StateItem {
    /// The prompt.
    Prompt,
    /// The reference image.
    Image,
    /// The model or persona.
    Model,
    /// A mute level.
    Muted,
    /// A part that this version does not know.
    Other,
}

impl std::fmt::Display for StateItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt",
            Self::Image => "image",
            Self::Model => "model",
            Self::Muted => "mute",
            Self::Other => "state",
        })
    }
}
