//! `joining`: retries stay inside, never flickering to `idle` or `ringing` between them.

use super::Signal::{self, Due, Input as On};
use super::{Leaf, ends, handled, live_if_complete};
use crate::Input::*;
use crate::core::timers::Timer;
use crate::core::{Core, Hint, ended_before_join};
use crate::{Answer, EndReason, Fault, JoinErrorKind};
use statig::prelude::*;

pub(super) fn joining(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Progress { step, queue_position, eta, .. }) => {
            let taken = context.join_progress(step, queue_position, eta);
            unless_given_up(context, taken)
        }
        On(Answered { .. }) => handled(context.dial_answered()),
        On(Up { link, .. }) => {
            context.join_up();
            context.dial_up(link);
            live_if_complete(context)
        }
        On(Carried { plane, .. }) => match context.dial_carried(plane) {
            true => Transition(Leaf::live()),
            false => Handled,
        },
        On(Alive { .. } | PathAlive { .. }) => Handled,
        On(Acked { epoch, answer: Answer::Refused(item), .. }) if context.is_carried_by_dial(epoch) => {
            gives_up(context, JoinErrorKind::InitialStateRefused { item })
        }
        On(Acked { epoch, revision, answer }) => {
            context.acked(epoch, revision, answer);
            live_if_complete(context)
        }
        On(Generation { epoch, running }) => handled(context.generates(epoch, running)),
        On(NeedCredential { epoch, why }) => {
            let asked = context.need_credential(epoch, why);
            unless_given_up(context, asked)
        }
        On(CredentialDenied) => match context.credential_denied() {
            true => gives_up(context, JoinErrorKind::Unauthorized),
            false => Handled,
        },
        Due(Timer::Credential) => match context.credential_late() {
            true => attempt_fails(context, Fault::CredentialTimeout),
            false => Handled,
        },
        On(PlaneLost { fault, .. } | DialFailed { fault, .. }) => attempt_fails(context, fault),
        On(Closed { .. }) => attempt_fails(context, Fault::Closed),
        Due(Timer::Dial) => attempt_fails(context, Fault::TimedOut),
        On(Refused { why, retry_after, .. }) => {
            let left = context.attempt_refused(why, retry_after);
            unless_given_up(context, left)
        }
        On(ResumeRefused { .. }) => gives_up(context, JoinErrorKind::NoSessionToResume),
        On(GoAway { target, why, .. }) => {
            let left = context.attempt_moved(Hint { target, why });
            unless_given_up(context, left)
        }
        On(Advised { plan, .. }) => handled(context.advised = Some(plan)),
        On(Ended { reason, .. }) => gives_up(context, ended_before_join(reason)),
        On(NetworkDown) => handled(context.join_without_network()),
        On(NetworkUp) => handled(context.join_with_network()),
        On(NetworkChanged) => handled(context.redial_on_new_network()),
        On(Suspend) if !context.leaves_on_suspend() => {
            context.pause();
            handled(context.join_suspended())
        }
        On(Unsuspend) if context.suspended => {
            context.unpause();
            handled(context.join_unsuspended())
        }
        On(Woke { .. }) if !context.leaves_on_suspend() => handled(context.redial_after_wake()),
        Due(Timer::Backoff) => handled(context.redial_join()),
        Due(Timer::Join) => {
            let kind = context.timed_out();
            gives_up(context, kind)
        }
        Due(Timer::Queue) => gives_up(context, JoinErrorKind::QueueTimedOut),
        Due(Timer::Offline) => gives_up(context, JoinErrorKind::ServerUnreachable),
        On(Cancel) => gives_up(context, JoinErrorKind::Cancelled),
        On(HandleDropped) => ends(context, EndReason::Cancelled, Leaf::leaving()),
        _ => Super,
    }
}

fn gives_up(context: &mut Core, kind: JoinErrorKind) -> Outcome<Leaf> {
    if context.join_fails(kind) { Transition(Leaf::idle()) } else { Transition(Leaf::leaving()) }
}

fn unless_given_up(context: &mut Core, taken: Result<(), JoinErrorKind>) -> Outcome<Leaf> {
    match taken {
        Ok(()) => Handled,
        Err(kind) => gives_up(context, kind),
    }
}

fn attempt_fails(context: &mut Core, fault: Fault) -> Outcome<Leaf> {
    let left = context.attempt_failed(fault);
    unless_given_up(context, left)
}
