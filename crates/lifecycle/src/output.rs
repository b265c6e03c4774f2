//! What the machine asks of its host (verbs), and what it tells its listeners (events).
//! Numbers only: contents, addresses and secrets are looked up by the host.

use crate::{
    CommandId, CredentialRef, CredentialWhy, Decline, EndReason, Ending, Epoch, Fault, JoinErrorKind,
    MoveReason, Phases, Plane, Progress, Revision, State, StateItem, Step, TargetRef,
};
use std::time::Duration;

/// One thing for the host to do, now and in this order. None may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Output {
    /// Dial. The answer comes as inputs under its epoch.
    Dial(Dial),
    /// Ask the far side for a sign of life on both planes.
    Ping {
        /// Which link.
        epoch: Epoch,
    },
    /// Make the media path of this link anew over its living signaling.
    RestartIce {
        /// Which link.
        epoch: Epoch,
    },
    /// Ask the provider for a credential; answered by `CredentialRefreshed` or `CredentialDenied`.
    /// Never asked again before that answer or its deadline.
    AskCredential {
        /// The dial or link that wants it.
        epoch: Epoch,
        /// Why.
        why: CredentialWhy,
    },
    /// Hand this credential to the dial or link.
    Credential {
        /// Which dial or link.
        epoch: Epoch,
        /// Stands for it.
        credential: CredentialRef,
    },
    /// Say this on presence.
    Ring(RingVerb),
    /// Send the whole desired state ([`Machine::desired`](crate::Machine::desired)) under this
    /// revision; answered by `Acked`.
    Apply {
        /// Which link.
        epoch: Epoch,
        /// The revision of it.
        revision: Revision,
    },
    /// What may leave this machine on this link. A dial begins `Muted`.
    Gate {
        /// Which dial or link.
        epoch: Epoch,
        /// How far it is open.
        gate: Gate,
    },
    /// From here on frames and commands of the session are those of `to`; frames of any other
    /// link are dropped.
    Switch {
        /// The link that carries now.
        to: Epoch,
    },
    /// Say goodbye on this link and close it when that was sent.
    Goodbye {
        /// Which link.
        epoch: Epoch,
        /// Why, for the far side.
        reason: EndReason,
    },
    /// Drop this connection. An unknown epoch is no mistake: it is closed already.
    Close {
        /// Which dial or link.
        epoch: Epoch,
    },
    /// Tell the listeners.
    Report(Event),
}

/// How far media may go out on one link (R4, R13, R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Gate {
    /// No source is read, nothing goes out.
    Closed,
    /// Tracks exist and carry silence: the far side has not acked the desired state yet.
    Muted,
    /// As the desired mute levels say.
    Open,
}

/// One dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Dial {
    /// Its number; every report about it carries it.
    pub epoch: Epoch,
    /// What to do.
    pub plan: Plan,
    /// The epoch whose living planes the new link takes over.
    pub inherit: Option<Epoch>,
    /// Where; `None` is the configured address.
    pub target: Option<TargetRef>,
    /// The credential to show; `None` where none was configured.
    pub credential: Option<CredentialRef>,
    /// The revision of the desired state to carry. 0: there is none.
    pub revision: Revision,
    /// Wait in the far side's queue rather than be refused.
    pub wait_in_queue: bool,
}

/// What a dial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Plan {
    /// A first join.
    Join,
    /// Same session, new signaling; with `restart_ice` the restart offer rides along.
    Resume {
        /// Is media lost too?
        restart_ice: bool,
    },
    /// A new connection of the same instance. State comes from the ledger.
    Rejoin,
    /// A new connection beside the living one.
    Migrate,
}

impl Plan {
    /// Does the dial carry the desired state for the far side to ack before anything flows?
    pub const fn carries_state(self) -> bool {
        match self {
            Self::Join | Self::Rejoin | Self::Migrate => true,
            Self::Resume { .. } => false,
        }
    }

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Resume { .. } => "resume",
            Self::Rejoin => "rejoin",
            Self::Migrate => "migrate",
        }
    }
}

/// What to say on presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum RingVerb {
    /// Ring them.
    Place,
    /// We take it; answered by `Accepted` or `RingEnded`.
    Accept,
    /// We do not take it.
    Decline(Decline),
    /// We give our own ring up.
    Cancel,
    /// Our own ring's time is over: nobody answered.
    Expire,
    /// Stop ringing here and say nothing: other devices ring on.
    StopHere,
}

/// What a listener is told. The order is the contract: an error that ends a session comes
/// before `Ended`, and nothing comes after it (R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// The session is now in this state. Reported before the first I/O that the state does.
    State(State),
    /// A join got further.
    Progress(Progress),
    /// A dial is over.
    Attempt(Attempt),
    /// A join that began in idle failed and gave the session back. No `Ended` follows.
    JoinFailed(JoinErrorKind),
    /// An accept failed before the far side had confirmed it; the ring goes on.
    AcceptFailed(AcceptFailure),
    /// A plane of the current link was lost.
    PlaneLost {
        /// Which plane.
        plane: Plane,
        /// Why.
        fault: Fault,
    },
    /// The link carries again.
    Recovered {
        /// The plan that did it.
        plan: Plan,
        /// How long it was away.
        after: Duration,
    },
    /// A move to another server began.
    MigrationStarted(MoveReason),
    /// The move is over: it succeeded, or a rejoin follows.
    MigrationFinished {
        /// Did the new link carry in time?
        moved: bool,
    },
    /// A change of the desired state has its result (R15). Exactly one per revision, save that
    /// `Unconfirmed` is followed by the true one if it still arrives.
    Change {
        /// Which change.
        revision: Revision,
        /// What came of it.
        outcome: Outcome,
    },
    /// A command that is not desired state ended without a reply.
    Command {
        /// Which command.
        command: CommandId,
        /// What is known of it.
        outcome: Unanswered,
    },
    /// The far side began or ended generating.
    Generating(bool),
    /// Something that ends the session, or that ended its recovery.
    Error(Cause),
    /// It is over. The last event.
    Ended(Ending),
}

/// What came of a change of the desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// In effect at the far side.
    Applied,
    /// A later change covers all of it.
    Superseded,
    /// The far side said no; its text is in the host.
    Refused(StateItem),
    /// The session ended first.
    Ended,
    /// No answer and no progress in time; the wish stands and its result will be an event.
    Unconfirmed,
    /// It was taken back while unconfirmed.
    Withdrawn,
}

/// What is known of a command that got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Unanswered {
    /// The link was replaced by a rejoin: it may have arrived, and is never sent again (R15).
    Unknown,
    /// No reply within the command's deadline.
    TimedOut,
    /// The session ended first.
    Ended,
}

/// Why an accept failed while the ring goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum AcceptFailure {
    /// The far side did not confirm in time.
    TimedOut,
    /// Presence was lost meanwhile.
    PresenceLost,
}

/// One dial, when it is over (F09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Attempt {
    /// Its number.
    pub epoch: Epoch,
    /// What it was for.
    pub plan: Plan,
    /// How far it came.
    pub step: Step,
    /// When it began, since the session was made.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// What each of its steps took (F73).
    pub phases: Phases,
    /// Why it failed; `None` when it carried.
    pub error: Option<Cause>,
}

/// What went wrong, with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Cause {
    /// The way or the transport.
    Fault(Fault),
    /// The far side said no to a dial, or a join gave up.
    Refusal(JoinErrorKind),
    /// The session was ended.
    End(EndReason),
}

impl Cause {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.code(),
            Self::Refusal(kind) => kind.code(),
            Self::End(reason) => reason.code(),
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Refusal(kind) => kind.fmt(f),
            Self::End(reason) => reason.fmt(f),
        }
    }
}
