//! What the presence machine is told, what it says, and the states it shows.

use crate::{CredentialRef, CredentialWhy, Epoch, Fault, JoinErrorKind};
use std::fmt;
use std::time::Duration;

/// Where presence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody listens for rings and nobody rings. No deadline: it waits to be wanted.
    Off,
    /// A dial is under way.
    Dialling,
    /// Rings come and go. No deadline of its own; liveness has.
    Up,
    /// Between two dials.
    Waiting,
    /// A credential is being asked for.
    Asking,
    /// There is no network, or this machine sleeps. No deadline: a ring has its own, and the
    /// network's return dials.
    Offline,
    /// The far side will not have it. No deadline: only somebody's wish, or a fresh credential,
    /// dials again.
    Refused,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Off, Self::Dialling, Self::Up, Self::Waiting, Self::Asking, Self::Offline, Self::Refused];

    /// Its name, in the words of the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Dialling => "dialling",
            Self::Up => "up",
            Self::Waiting => "waiting",
            Self::Asking => "asking",
            Self::Offline => "offline",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One fact or wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// *Source:* somebody listens for rings, or rings. *Meaning:* be there.
    Want,
    /// *Source:* nobody does any more. *Meaning:* be gone.
    Unwant,
    /// *Source:* the host. *Meaning:* rings stand here, or none does.
    Rings(bool),
    /// *Source:* transport. *Meaning:* the far side let us in.
    Opened {
        /// Which dial.
        epoch: Epoch,
        /// The ping interval that it wants, in place of the policy's.
        ping: Option<Duration>,
        /// The silence after which it counts a link as dead, in place of the policy's.
        silence: Option<Duration>,
    },
    /// *Source:* transport. *Meaning:* something came in (R9).
    Heard {
        /// Which link.
        epoch: Epoch,
        /// Was it about a ring, so that nothing need be asked for a while?
        ring: bool,
    },
    /// *Source:* transport. *Meaning:* the dial failed, or the link is gone.
    Lost {
        /// Which dial or link.
        epoch: Epoch,
        /// Why.
        fault: Fault,
    },
    /// *Source:* transport. *Meaning:* the far side said no.
    Refused {
        /// Which dial.
        epoch: Epoch,
        /// Why, classed by its type.
        why: JoinErrorKind,
        /// Not before so long.
        retry_after: Option<Duration>,
    },
    /// *Source:* transport. *Meaning:* the far side wants a credential, or a fresh one.
    NeedCredential {
        /// Which dial.
        epoch: Epoch,
        /// Why.
        why: CredentialWhy,
    },
    /// *Source:* the provider. *Meaning:* this is the credential from now on.
    CredentialRefreshed(CredentialRef),
    /// *Source:* the provider. *Meaning:* it will not give one.
    CredentialDenied,
    /// *Source:* as of the session's machine. *Meaning:* there is no network.
    NetworkDown,
    /// *Source:* as of the session's machine. *Meaning:* there is a network again.
    NetworkUp,
    /// *Source:* as of the session's machine. *Meaning:* it is another network.
    NetworkChanged,
    /// *Source:* as of the session's machine. *Meaning:* this machine is about to sleep.
    Suspend,
    /// *Source:* as of the session's machine. *Meaning:* the announced sleep is over.
    Unsuspend,
    /// *Source:* the host's clocks. *Meaning:* this machine slept, unannounced.
    Woke,
}

impl Input {
    /// Its name, in the words of the table.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Want => "Want",
            Self::Unwant => "Unwant",
            Self::Rings(_) => "Rings",
            Self::Opened { .. } => "Opened",
            Self::Heard { .. } => "Heard",
            Self::Lost { .. } => "Lost",
            Self::Refused { .. } => "Refused",
            Self::NeedCredential { .. } => "NeedCredential",
            Self::CredentialRefreshed(_) => "CredentialRefreshed",
            Self::CredentialDenied => "CredentialDenied",
            Self::NetworkDown => "NetworkDown",
            Self::NetworkUp => "NetworkUp",
            Self::NetworkChanged => "NetworkChanged",
            Self::Suspend => "Suspend",
            Self::Unsuspend => "Unsuspend",
            Self::Woke => "Woke",
        }
    }
}

/// One thing for the host to do, now and in this order. None may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Dial. The answer comes as inputs under its epoch.
    Dial {
        /// Its number; rises.
        epoch: Epoch,
        /// The credential to show.
        credential: Option<CredentialRef>,
    },
    /// Drop this connection. At most one is ever held.
    Close {
        /// Which.
        epoch: Epoch,
    },
    /// Ask for a sign of life.
    Ping {
        /// Which link.
        epoch: Epoch,
    },
    /// Ask what became of every ring that stands here (F25).
    AskRings {
        /// Which link.
        epoch: Epoch,
    },
    /// Ask the provider for a credential; answered by `CredentialRefreshed` or `CredentialDenied`.
    AskCredential {
        /// Why.
        why: CredentialWhy,
    },
    /// It is now in this state.
    Report(State),
}
