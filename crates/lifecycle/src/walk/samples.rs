//! One of everything that can be fed. Adding an input variant breaks `after` and `alike` until
//! somebody decides what the walk does with it.

use super::{Step, epochs};
use crate::core::timers::Timer;
use crate::{
    Advice, Answer, CommandId, CredentialRef, CredentialWhy, Decline, EndReason, Epoch, Fault, Input,
    JoinErrorKind, JoinWish, LinkFacts, Machine, MoveReason, Plane, Rejection, ResumeRefusal, Revision,
    RingEnd, RingRef, StateItem, Step as JoinStep, TargetRef,
};
use std::time::Duration;

/// Every step to try from here.
pub(super) fn samples(machine: &Machine, facts: LinkFacts) -> Vec<Step> {
    let mut steps: Vec<_> = (0..Timer::ALL.len()).map(Step::Due).collect();
    steps.extend([Step::Late, Step::Set, Step::Track]);
    let mut kind = Some(Input::Join(JoinWish::default()));
    while let Some(input) = kind {
        if input.epoch().is_some() {
            let revision = machine.core.intent.revision();
            // One stale report of two kinds shows the stale check; it is the same for all kinds.
            let shows_stale = matches!(input, Input::Ended { .. } | Input::Carried { .. });
            for epoch in epochs(machine, shows_stale) {
                alike(input, epoch, revision, facts, &mut steps);
            }
        } else {
            alike(input, Epoch(0), machine.core.intent.revision(), facts, &mut steps);
        }
        kind = after(&input);
    }
    steps
}

/// The next kind of input: a chain through all of them.
fn after(input: &Input) -> Option<Input> {
    use Input::*;
    let epoch = Epoch(0);
    Some(match input {
        Join(_) => Ring,
        Ring => Accept,
        Accept => Decline(Default::default()),
        Decline(_) => Cancel,
        Cancel => Leave,
        Leave => HandleDropped,
        HandleDropped => Retry,
        Retry => Desired(Revision(0)),
        Desired(_) => Withdrawn(Revision(0)),
        Withdrawn(_) => RingReceived(RingRef(0)),
        RingReceived(_) => Accepted(None),
        Accepted(_) => RingEnded(RingEnd::Declined),
        RingEnded(_) => PresenceLost,
        PresenceLost => NetworkDown,
        NetworkDown => NetworkUp,
        NetworkUp => NetworkChanged,
        NetworkChanged => Suspend,
        Suspend => Unsuspend,
        Unsuspend => Woke { slept: Duration::ZERO },
        Woke { .. } => Released,
        Released => HostGone,
        HostGone => Progress { epoch, step: JoinStep::Searching, queue_position: None, eta: None },
        Progress { .. } => Answered { epoch },
        Answered { .. } => NeedCredential { epoch, why: CredentialWhy::Missing },
        NeedCredential { .. } => CredentialRefreshed { credential: CredentialRef(2) },
        CredentialRefreshed { .. } => CredentialDenied,
        CredentialDenied => Up { epoch, link: LinkFacts::default() },
        Up { .. } => Carried { epoch, plane: Plane::Signaling },
        Carried { .. } => Alive { epoch, plane: Plane::Signaling },
        Alive { .. } => PathAlive { epoch },
        PathAlive { .. } => PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Silent },
        PlaneLost { .. } => Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None },
        Refused { .. } => DialFailed { epoch, fault: Fault::Unreachable },
        DialFailed { .. } => ResumeRefused { epoch, why: ResumeRefusal::Gone },
        ResumeRefused { .. } => GoAway { epoch, target: None, why: MoveReason::Rebalance },
        GoAway { .. } => Advised { epoch, plan: Advice::Resume },
        Advised { .. } => Acked { epoch, revision: Revision(0), answer: Answer::Applied },
        Acked { .. } => Replied { epoch, command: CommandId(1) },
        Replied { .. } => Generation { epoch, running: true },
        Generation { .. } => Ended { epoch, reason: EndReason::Closed },
        Ended { .. } => Closed { epoch },
        Closed { .. } => return None,
    })
}

/// The variants of one kind whose data the handlers tell apart.
fn alike(kind: Input, epoch: Epoch, revision: Revision, link: LinkFacts, into: &mut Vec<Step>) {
    use Input::*;
    let planes = [Plane::Signaling, Plane::Media];
    let mut push = |input| into.push(Step::Input(input));
    match kind {
        Join(_) => {
            push(Join(JoinWish::default()));
            push(Join(JoinWish { wait_in_queue: true, returning: false }));
            push(Join(JoinWish { wait_in_queue: false, returning: true }));
        }
        Ring | Accept | Cancel | Leave | HandleDropped | Retry | PresenceLost | NetworkDown | NetworkUp
        | NetworkChanged | Suspend | Unsuspend | Released | HostGone | CredentialDenied => push(kind),
        Decline(_) => push(Decline(self::Decline::Busy)),
        Desired(_) => push(Desired(revision)),
        Withdrawn(_) => push(Withdrawn(revision)),
        RingReceived(_) => push(RingReceived(RingRef(1))),
        Accepted(_) => push(Accepted(None)),
        RingEnded(_) => push(RingEnded(RingEnd::DeclinedByAll)),
        Woke { .. } => {
            push(Woke { slept: Duration::from_secs(3) });
            push(Woke { slept: Duration::from_secs(3_600) });
        }
        Progress { .. } => {
            push(Progress { epoch, step: JoinStep::Searching, queue_position: Some(2), eta: None });
            push(Progress { epoch, step: JoinStep::Preparing, queue_position: None, eta: None });
        }
        Answered { .. } => push(Answered { epoch }),
        NeedCredential { .. } => {
            push(NeedCredential { epoch, why: CredentialWhy::Missing });
            push(NeedCredential { epoch, why: CredentialWhy::Expired });
            push(NeedCredential { epoch, why: CredentialWhy::Refresh });
        }
        CredentialRefreshed { .. } => push(kind),
        Up { .. } => push(Up { epoch, link }),
        Carried { .. } => planes.map(|plane| push(Carried { epoch, plane })).into_iter().collect(),
        Alive { .. } => planes.map(|plane| push(Alive { epoch, plane })).into_iter().collect(),
        PathAlive { .. } => push(PathAlive { epoch }),
        PlaneLost { .. } => {
            push(PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed });
            push(PlaneLost { epoch, plane: Plane::Media, fault: Fault::Silent });
            push(PlaneLost { epoch, plane: Plane::Media, fault: Fault::ClosedByPeer });
        }
        Refused { .. } => {
            push(Refused {
                epoch,
                why: JoinErrorKind::Busy { retry_after: None, queue_position: None },
                retry_after: None,
            });
            push(Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None });
            push(Refused {
                epoch,
                why: JoinErrorKind::Rejected { code: Rejection::Restarting },
                retry_after: None,
            });
            push(Refused { epoch, why: JoinErrorKind::NoSessionToResume, retry_after: None });
        }
        DialFailed { .. } => {
            push(DialFailed { epoch, fault: Fault::Unreachable });
            push(DialFailed { epoch, fault: Fault::IceFailed });
            push(DialFailed { epoch, fault: Fault::Tls });
        }
        ResumeRefused { .. } => {
            push(ResumeRefused { epoch, why: ResumeRefusal::Gone });
            push(ResumeRefused { epoch, why: ResumeRefusal::Restarted });
        }
        GoAway { .. } => push(GoAway { epoch, target: Some(TargetRef(1)), why: MoveReason::Rebalance }),
        Advised { .. } => {
            push(Advised { epoch, plan: Advice::Resume });
            push(Advised { epoch, plan: Advice::Rejoin });
        }
        Acked { .. } => {
            push(Acked { epoch, revision, answer: Answer::Applied });
            push(Acked { epoch, revision, answer: Answer::Refused(StateItem::Prompt) });
            push(Acked { epoch, revision, answer: Answer::Progress });
        }
        Replied { .. } => push(Replied { epoch, command: CommandId(1) }),
        Generation { .. } => {
            push(Generation { epoch, running: true });
            push(Generation { epoch, running: false });
        }
        Ended { .. } => push(Ended { epoch, reason: EndReason::Kicked }),
        Closed { .. } => push(Closed { epoch }),
    }
}

/// Contents, commands and generation: independent of how links come and go.
fn is_content(step: &Step) -> bool {
    matches!(
        step,
        Step::Set
            | Step::Track
            | Step::Input(
                Input::Acked { .. }
                    | Input::Replied { .. }
                    | Input::Generation { .. }
                    | Input::Desired(_)
                    | Input::Withdrawn(_)
            )
    )
}

fn is_credential(step: &Step) -> bool {
    matches!(
        step,
        Step::Input(
            Input::NeedCredential { .. } | Input::CredentialRefreshed { .. } | Input::CredentialDenied
        )
    )
}

fn is_sleep(step: &Step) -> bool {
    matches!(step, Step::Input(Input::Suspend | Input::Unsuspend | Input::Woke { .. }))
}

fn is_ring_or_queue(step: &Step) -> bool {
    matches!(
        step,
        Step::Input(
            Input::Ring
                | Input::RingReceived(_)
                | Input::Accept
                | Input::Accepted(_)
                | Input::RingEnded(_)
                | Input::PresenceLost
                | Input::Decline(_)
                | Input::Progress { .. }
                | Input::Join(JoinWish { wait_in_queue: true, .. } | JoinWish { returning: true, .. })
        )
    )
}

/// Links that come and go.
pub(super) fn links(step: &Step) -> bool {
    let elsewhere = is_content(step) || is_credential(step) || is_sleep(step) || is_ring_or_queue(step);
    !elsewhere && *step != Step::Late
}

/// Links that come and go under commands that wait.
pub(super) fn commands(step: &Step) -> bool {
    let content = matches!(step, Step::Track | Step::Input(Input::Replied { .. } | Input::Acked { .. }));
    content || links(step)
}

/// A far side that generates, and says so on each link of its own, over links that are lost and found.
pub(super) fn generation(step: &Step) -> bool {
    match step {
        Step::Due(_) => true,
        Step::Late | Step::Set | Step::Track => false,
        Step::Input(input) => matches!(
            input,
            Input::Join(JoinWish { wait_in_queue: false, returning: false })
                | Input::Leave
                | Input::Retry
                | Input::Up { .. }
                | Input::Carried { .. }
                | Input::PlaneLost { plane: Plane::Media, .. }
                | Input::Advised { .. }
                | Input::GoAway { .. }
                | Input::Generation { .. }
        ),
    }
}

/// The desired state, over links that are lost and found.
pub(super) fn desired(step: &Step) -> bool {
    match step {
        Step::Due(_) | Step::Set => true,
        Step::Late | Step::Track => false,
        Step::Input(input) => matches!(
            input,
            Input::Join(JoinWish { wait_in_queue: false, returning: false })
                | Input::Leave
                | Input::Up { .. }
                | Input::Carried { .. }
                | Input::Advised { .. }
                | Input::Acked { .. }
                | Input::Desired(_)
                | Input::Withdrawn(_)
        ),
    }
}

/// Credentials asked for at every point.
pub(super) fn credentials(step: &Step) -> bool {
    match step {
        step if is_credential(step) => true,
        Step::Due(_) => true,
        Step::Input(input) => matches!(
            input,
            Input::Join(JoinWish { wait_in_queue: false, returning: false })
                | Input::Leave
                | Input::Up { .. }
                | Input::Carried { .. }
                | Input::Advised { plan: Advice::Rejoin, .. }
                | Input::GoAway { .. }
        ),
        Step::Late | Step::Set | Step::Track => false,
    }
}

/// Rings, queues and joins, up to where they carry.
pub(super) fn joins(step: &Step) -> bool {
    match step {
        step if is_content(step) => false,
        Step::Input(input) => !matches!(
            input,
            Input::PlaneLost { .. }
                | Input::Alive { .. }
                | Input::Advised { .. }
                | Input::GoAway { .. }
                | Input::Closed { .. }
                | Input::Retry
                | Input::CredentialRefreshed { .. }
                | Input::NeedCredential { .. }
                | Input::PathAlive { .. }
                | Input::Suspend
                | Input::Unsuspend
                | Input::Woke { .. }
        ),
        Step::Due(_) | Step::Late | Step::Set | Step::Track => true,
    }
}

/// Sleep, announced and not, wherever a session may be.
pub(super) fn sleep(step: &Step) -> bool {
    match step {
        step if is_sleep(step) => true,
        Step::Due(_) | Step::Late => true,
        Step::Input(input) => matches!(
            input,
            Input::Join(JoinWish { wait_in_queue: false, returning: false })
                | Input::Ring
                | Input::RingReceived(_)
                | Input::Leave
                | Input::Up { .. }
                | Input::Carried { .. }
                | Input::NetworkUp
                | Input::NetworkChanged
                | Input::GoAway { .. }
                | Input::Advised { plan: Advice::Rejoin, .. }
                | Input::Retry
        ),
        Step::Set | Step::Track => false,
    }
}
