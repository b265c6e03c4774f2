//! Everything that can happen to a session: facts reported to the machine and wishes of its
//! user. Small and `Copy`; strings, images and addresses stay in the host behind numbers.

mod words;

pub use words::{
    Advice, Answer, CredentialWhy, Decline, JoinWish, LinkFacts, MoveReason, ResumeRefusal, RingEnd,
    RingRefusal,
};

use crate::{
    CommandId, CredentialRef, EndReason, Epoch, Fault, JoinErrorKind, Plane, Revision, RingRef, Step,
    TargetRef,
};
use std::time::Duration;

/// One fact or wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    // Wishes.
    /// *Source:* `Session<Idle>::join`. *Meaning:* join now.
    Join(JoinWish),
    /// *Source:* `Session<Idle>::ring`. *Meaning:* ring the far side and join when it answers.
    Ring,
    /// *Source:* `Session<Ringing<Incoming>>::accept`. *Meaning:* ask the far side for the session.
    Accept,
    /// *Source:* `Session<Ringing<Incoming>>::decline`. *Meaning:* say no for all our devices.
    Decline(Decline),
    /// *Source:* `cancel` of a ring, a pending join or a recovery. *Meaning:* stop trying.
    Cancel,
    /// *Source:* `leave`, of any handle. *Meaning:* it is over, now.
    Leave,
    /// *Source:* `Drop` of a handle or of a pending join. *Meaning:* nobody holds it any more.
    HandleDropped,
    /// *Source:* `Controls::retry`. *Meaning:* dial once more, now.
    Retry,
    /// *Source:* [`Machine::set`](crate::Machine::set), which feeds it itself.
    /// *Meaning:* the desired state has a new revision.
    Desired(Revision),
    /// *Source:* [`Machine::withdraw`](crate::Machine::withdraw), which feeds it itself.
    /// *Meaning:* an unconfirmed wish does not stand any more.
    Withdrawn(Revision),

    // Facts about rings.
    /// *Source:* presence. *Meaning:* somebody rings this session's user.
    RingReceived(RingRef),
    /// *Source:* presence. *Meaning:* our ring was answered, or our accept was confirmed; the
    /// credential is the one to join with, if it differs.
    Accepted(Option<CredentialRef>),
    /// *Source:* presence. *Meaning:* the ring is over without a session.
    RingEnded(RingEnd),
    /// *Source:* presence. *Meaning:* the connection that carries rings is gone for now.
    PresenceLost,

    // Facts about the machine around it.
    /// *Source:* platform hint or `Controls::network`. *Meaning:* there is no network.
    NetworkDown,
    /// *Source:* platform hint or `Controls::network`. *Meaning:* there is a network again.
    NetworkUp,
    /// *Source:* platform hint or `Controls::network`. *Meaning:* there is a network, and it is
    /// another one: the address or the default route is not what the links were made over. While
    /// none counts as there, it is taken as `NetworkUp`.
    NetworkChanged,
    /// *Source:* platform hint or `Controls::suspended`. *Meaning:* this machine is about to sleep.
    Suspend,
    /// *Source:* platform hint or `Controls::woken`. *Meaning:* the announced sleep is over.
    Unsuspend,
    /// *Source:* the host's comparison of boot clock and monotonic clock.
    /// *Meaning:* this machine slept for so long, unannounced.
    Woke {
        /// How long the monotonic clock stood still.
        slept: Duration,
    },
    /// *Source:* the host. *Meaning:* tasks, sockets and tracks of this session are gone.
    Released,
    /// *Source:* the host's drop guard. *Meaning:* the task that drives the session dies.
    HostGone,

    // Facts about a dial or link, each with its epoch.
    /// *Source:* transport. *Meaning:* a join got one step further, or its place in the queue changed.
    Progress {
        /// Which dial.
        epoch: Epoch,
        /// How far.
        step: Step,
        /// The place in the queue, while waiting there.
        queue_position: Option<u32>,
        /// How long it may still take.
        eta: Option<Duration>,
    },
    /// *Source:* transport. *Meaning:* the far side answered this dial in any way.
    Answered {
        /// Which dial.
        epoch: Epoch,
    },
    /// *Source:* transport. *Meaning:* the far side wants a credential.
    NeedCredential {
        /// Which dial or link.
        epoch: Epoch,
        /// Why.
        why: CredentialWhy,
    },
    /// *Source:* the credential provider, or the far side in band.
    /// *Meaning:* this is the credential from now on.
    CredentialRefreshed {
        /// Stands for it.
        credential: CredentialRef,
    },
    /// *Source:* the credential provider. *Meaning:* it will not give one.
    CredentialDenied,
    /// *Source:* transport. *Meaning:* we are let in; signaling may be used.
    Up {
        /// Which dial.
        epoch: Epoch,
        /// What the far side said about the link.
        link: LinkFacts,
    },
    /// *Source:* transport. *Meaning:* proof under this epoch that a plane carries (R5). For
    /// media: a STUN success under the new credentials, and RTP if inbound is due (RTCP when
    /// send-only); on a migrating dial, the first decodable key frame of what is due.
    Carried {
        /// Which dial or link.
        epoch: Epoch,
        /// Which plane.
        plane: Plane,
    },
    /// *Source:* transport. *Meaning:* something came *in* (R9). For media: an answer to our
    /// own check, and RTP or RTCP if some is due.
    Alive {
        /// Which link.
        epoch: Epoch,
        /// Which plane.
        plane: Plane,
    },
    /// *Source:* transport. *Meaning:* a plane judged lost showed life: a hint to dial now.
    PathAlive {
        /// Which link.
        epoch: Epoch,
    },
    /// *Source:* transport. *Meaning:* a plane is gone.
    PlaneLost {
        /// Which dial or link.
        epoch: Epoch,
        /// Which plane.
        plane: Plane,
        /// Why.
        fault: Fault,
    },
    /// *Source:* transport. *Meaning:* the far side said no to the dial.
    Refused {
        /// Which dial.
        epoch: Epoch,
        /// Why, classed by its type.
        why: JoinErrorKind,
        /// Not before so long; where everybody is sent away, spread over so long.
        retry_after: Option<Duration>,
    },
    /// *Source:* transport. *Meaning:* the dial failed before the far side let us in.
    DialFailed {
        /// Which dial.
        epoch: Epoch,
        /// Why.
        fault: Fault,
    },
    /// *Source:* transport. *Meaning:* there is nothing to resume there; rejoin.
    ResumeRefused {
        /// Which dial.
        epoch: Epoch,
        /// Why.
        why: ResumeRefusal,
    },
    /// *Source:* transport. *Meaning:* please move, for the reason given.
    GoAway {
        /// Which dial or link.
        epoch: Epoch,
        /// Where to; `None` is the configured address.
        target: Option<TargetRef>,
        /// Why.
        why: MoveReason,
    },
    /// *Source:* transport. *Meaning:* the far side wants the link recovered, and says how (F35).
    Advised {
        /// Which dial or link.
        epoch: Epoch,
        /// The plan it wants.
        plan: Advice,
    },
    /// *Source:* transport. *Meaning:* an answer about the desired state. Whole states are
    /// applied, so an answer about a revision is about everything up to it.
    Acked {
        /// Which dial or link.
        epoch: Epoch,
        /// The revision answered.
        revision: Revision,
        /// The answer.
        answer: Answer,
    },
    /// *Source:* the host, when a message or call that it registered with
    /// [`Machine::track`](crate::Machine::track) is answered. *Meaning:* it needs no deadline any more.
    Replied {
        /// Which link.
        epoch: Epoch,
        /// Which command.
        command: CommandId,
    },
    /// *Source:* transport. *Meaning:* the far side generates, or does not any more. Only the start and
    /// the end enter, and what the far side says of it on letting a dial in.
    Generation {
        /// Which link.
        epoch: Epoch,
        /// Started, or ended?
        running: bool,
    },
    /// *Source:* transport. *Meaning:* the far side ended the session.
    Ended {
        /// Which dial or link.
        epoch: Epoch,
        /// Why.
        reason: EndReason,
    },
    /// *Source:* transport. *Meaning:* nothing more will come from this connection.
    Closed {
        /// Which dial or link.
        epoch: Epoch,
    },
}

impl Input {
    /// The dial or link that it is about.
    pub const fn epoch(&self) -> Option<Epoch> {
        match *self {
            Self::Progress { epoch, .. }
            | Self::Answered { epoch }
            | Self::NeedCredential { epoch, .. }
            | Self::Up { epoch, .. }
            | Self::Carried { epoch, .. }
            | Self::Alive { epoch, .. }
            | Self::PathAlive { epoch }
            | Self::PlaneLost { epoch, .. }
            | Self::Refused { epoch, .. }
            | Self::DialFailed { epoch, .. }
            | Self::ResumeRefused { epoch, .. }
            | Self::GoAway { epoch, .. }
            | Self::Advised { epoch, .. }
            | Self::Acked { epoch, .. }
            | Self::Replied { epoch, .. }
            | Self::Generation { epoch, .. }
            | Self::Ended { epoch, .. }
            | Self::Closed { epoch } => Some(epoch),
            Self::Join(_)
            | Self::Ring
            | Self::Accept
            | Self::Decline(_)
            | Self::Cancel
            | Self::Leave
            | Self::HandleDropped
            | Self::Retry
            | Self::Desired(_)
            | Self::Withdrawn(_)
            | Self::RingReceived(_)
            | Self::Accepted(_)
            | Self::RingEnded(_)
            | Self::PresenceLost
            | Self::NetworkDown
            | Self::NetworkUp
            | Self::NetworkChanged
            | Self::Suspend
            | Self::Unsuspend
            | Self::Woke { .. }
            | Self::Released
            | Self::HostGone
            | Self::CredentialRefreshed { .. }
            | Self::CredentialDenied => None,
        }
    }

    /// Its name, in the words of the transition table.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Join(_) => "Join",
            Self::Ring => "Ring",
            Self::Accept => "Accept",
            Self::Decline(_) => "Decline",
            Self::Cancel => "Cancel",
            Self::Leave => "Leave",
            Self::HandleDropped => "HandleDropped",
            Self::Retry => "Retry",
            Self::Desired(_) => "Desired",
            Self::Withdrawn(_) => "Withdrawn",
            Self::RingReceived(_) => "RingReceived",
            Self::Accepted(_) => "Accepted",
            Self::RingEnded(_) => "RingEnded",
            Self::PresenceLost => "PresenceLost",
            Self::NetworkDown => "NetworkDown",
            Self::NetworkUp => "NetworkUp",
            Self::NetworkChanged => "NetworkChanged",
            Self::Suspend => "Suspend",
            Self::Unsuspend => "Unsuspend",
            Self::Woke { .. } => "Woke",
            Self::Released => "Released",
            Self::HostGone => "HostGone",
            Self::Progress { .. } => "Progress",
            Self::Answered { .. } => "Answered",
            Self::NeedCredential { .. } => "NeedCredential",
            Self::CredentialRefreshed { .. } => "CredentialRefreshed",
            Self::CredentialDenied => "CredentialDenied",
            Self::Up { .. } => "Up",
            Self::Carried { .. } => "Carried",
            Self::Alive { .. } => "Alive",
            Self::PathAlive { .. } => "PathAlive",
            Self::PlaneLost { .. } => "PlaneLost",
            Self::Refused { .. } => "Refused",
            Self::DialFailed { .. } => "DialFailed",
            Self::ResumeRefused { .. } => "ResumeRefused",
            Self::GoAway { .. } => "GoAway",
            Self::Advised { .. } => "Advised",
            Self::Acked { .. } => "Acked",
            Self::Replied { .. } => "Replied",
            Self::Generation { .. } => "Generation",
            Self::Ended { .. } => "Ended",
            Self::Closed { .. } => "Closed",
        }
    }
}
