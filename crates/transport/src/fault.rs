//! Why something on a link failed, in words that carry a stable code.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code, for logs and the wire.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
pub(crate) use coded;

coded! {
    /// What kind of thing failed.
    FaultKind {
        /// The name did not resolve, the port refused, no route.
        Unreachable = "unreachable",
        /// The peer closed the socket without an ending.
        Closed = "closed",
        /// The server said it restarts (close code 1012, or a shutdown refusal).
        ServerRestart = "server_restart",
        /// Nothing came within the time the step may take.
        TimedOut = "timed_out",
        /// Certificate or handshake of TLS.
        Tls = "tls",
        /// The address is not one this transport dials (scheme, `ws` beyond loopback).
        BadAddress = "bad_address",
        /// The far side broke the protocol.
        Protocol = "protocol",
        /// No candidate pair ever answered.
        IceFailed = "ice_failed",
        /// Our checks are no longer answered.
        IceSilent = "ice_silent",
        /// DTLS or its fingerprint.
        Dtls = "dtls",
        /// The peer closed its transport.
        ClosedByPeer = "closed_by_peer",
        /// The far side says that it gets no media from us.
        MediaFault = "media_fault",
        /// Media was due and did not come.
        MediaSilent = "media_silent",
        /// The local machine: no socket, no permission.
        Local = "local",
    }
}

/// A fault with what lies under it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The error below, where there is one.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault with nothing below it.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, source: None }
    }

    /// A fault with the error that showed it.
    pub fn with(kind: FaultKind, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind, source: Some(Arc::new(source)) }
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

coded! {
    /// Why the far side said no to a dial.
    RefusedCode {
        /// No place now.
        Busy = "busy",
        /// Waited in the far side's queue for as long as one may.
        QueueTimedOut = "queue_timed_out",
        /// The credential is missing, wrong, expired or was taken back.
        Unauthorized = "unauthorized",
        /// The credential is past its time; a fresh one would do.
        Expired = "expired",
        /// No such session.
        NotFound = "not_found",
        /// The grants do not allow it.
        NotPermitted = "not_permitted",
        /// No common version, or a required feature is missing.
        Unsupported = "unsupported",
        /// The session is over.
        SessionEnded = "session_ended",
        /// Another instance took the place.
        Replaced = "replaced",
        /// An older dial of the same instance.
        StaleEpoch = "stale_epoch",
        /// The server is going down; another may take it.
        Restarting = "restarting",
        /// The model named at join is not known.
        UnknownModel = "unknown_model",
        /// The initial prompt, image or model was refused with a text.
        InitialState = "initial_state",
        /// Too many requests.
        RateLimited = "rate_limited",
        /// The far side could not make sense of what we sent.
        BadRequest = "bad_request",
        /// Something broke over there.
        Internal = "internal",
        /// The media could not be set up.
        MediaFailed = "media_failed",
        /// The director required at join is not reachable.
        ControlFailed = "control_failed",
        /// There is nothing to resume.
        NoSessionToResume = "no_session_to_resume",
        /// A track that the join publishes is not taken; which and why is said just before, as
        /// `Content::Untaken`.
        TrackNotTaken = "track_not_taken",
        /// A code this version does not know.
        Other = "other",
    }
}

coded! {
    /// Why a resume is not possible; the answer is a rejoin.
    ResumeRefusal {
        /// The session is gone there.
        Gone = "gone",
        /// More was lost than the replay buffer held.
        ReplayLost = "replay_lost",
        /// The server was restarted in between.
        Restarted = "restarted",
        /// The secret was not the right one.
        BadSecret = "bad_secret",
        /// This far side cannot resume at all.
        Unsupported = "unsupported",
        /// A reason this version does not know.
        Other = "other",
    }
}

coded! {
    /// Why a credential is wanted.
    CredentialWhy {
        /// None was given.
        Missing = "missing",
        /// The one given is past its time.
        Expired = "expired",
        /// The one in use is at 80 % of its time.
        Refresh = "refresh",
    }
}
