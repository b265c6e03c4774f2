//! `away`, and what it becomes: `reconnecting`, `offline`, and `failed`, where recovery gave up.

use super::Signal::{self, Due, Input as On};
use super::{Leaf, ends, handled, live_if_complete};
use crate::Input::*;
use crate::core::timers::Timer;
use crate::core::{Core, Hint, Recovery, refused_for_good};
use crate::{Advice, Cause, Class, Fault, JoinErrorKind, Plane, Rejection, ResumeRefusal};
use statig::prelude::*;
use std::time::Duration;

pub(super) fn away(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        Due(Timer::Away) => {
            // Whoever is told has no dial of ours beside what he begins then (C6).
            context.drop_standby(Cause::Fault(Fault::TimedOut));
            Transition(Leaf::failed())
        }
        On(GoAway { target, why, .. }) => handled(context.remember(Hint { target, why })),
        On(Closed { epoch }) => handled(context.judge_closed(epoch)),
        _ => Super,
    }
}

pub(super) fn reconnecting(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Progress { .. }) => Handled,
        On(Answered { epoch }) if context.is_standby(epoch) => handled(context.dial_answered()),
        On(Up { epoch, link }) if context.is_standby(epoch) => {
            context.dial_up(link);
            live_if_complete(context)
        }
        On(Carried { epoch, plane }) if context.is_standby(epoch) => match context.dial_carried(plane) {
            true => Transition(Leaf::live()),
            false => Handled,
        },
        On(Carried { plane: Plane::Media, .. }) if context.is_restarting() => {
            match context.restart_carried() {
                true => Transition(Leaf::live()),
                false => Handled,
            }
        }
        On(PlaneLost { epoch, fault, .. } | DialFailed { epoch, fault }) if context.is_standby(epoch) => {
            recovery_fails(context, Cause::Fault(fault), None)
        }
        On(Closed { epoch }) if context.is_standby(epoch) => {
            recovery_fails(context, Cause::Fault(Fault::Closed), None)
        }
        Due(Timer::Dial) => recovery_fails(context, Cause::Fault(Fault::TimedOut), None),
        Due(Timer::Credential) => match context.credential_late() {
            true => recovery_fails(context, Cause::Fault(Fault::CredentialTimeout), None),
            false => Handled,
        },
        // A restart over living signaling that failed, or the second plane of one outage.
        On(PlaneLost { plane: Plane::Media, fault, .. }) if context.is_restarting() => {
            fails_if(context.restart_failed(fault))
        }
        On(PlaneLost { epoch, plane, fault }) => {
            merges(context.judge_lost(epoch, plane, fault), context, plane, fault)
        }
        On(Closed { epoch }) if context.is_current(epoch) => fails_if(context.link_closed(epoch)),
        Due(Timer::SignalingSilence) if !context.excuses(Plane::Signaling) => {
            let lost = context.judge_silent(Plane::Signaling);
            merges(lost, context, Plane::Signaling, Fault::Silent)
        }
        Due(Timer::MediaSilence) if !context.excuses(Plane::Media) => {
            let lost = context.judge_silent(Plane::Media);
            merges(lost, context, Plane::Media, Fault::Silent)
        }
        On(Refused { epoch, why, retry_after }) if context.is_standby(epoch) => {
            recovery_refused(context, why, retry_after)
        }
        // Said to a dial that resumes nothing, it is a refusal like any other.
        On(ResumeRefused { epoch, .. }) if context.is_standby(epoch) && !context.is_resuming() => {
            recovery_refused(context, JoinErrorKind::Rejected { code: Rejection::Internal }, None)
        }
        On(ResumeRefused { epoch, why }) if context.is_standby(epoch) => {
            let wait = (why == ResumeRefusal::Restarted).then(|| context.restart_wait(None));
            rejoins(context, Cause::Refusal(JoinErrorKind::NoSessionToResume), wait)
        }
        On(Advised { plan: Advice::Rejoin, .. }) if context.is_resuming() => {
            rejoins(context, Cause::Fault(Fault::Closed), None)
        }
        // A resume that was let in has its place, whatever the window says now.
        Due(Timer::ResumeWindow) if context.is_resuming() && !context.is_dial_up() => {
            rejoins(context, Cause::Fault(Fault::TimedOut), None)
        }
        Due(Timer::Backoff) => fails_if(context.backoff_over()),
        On(PathAlive { .. }) => handled(context.path_alive()),
        On(Retry) => handled(context.recover_by_grant()),
        On(Woke { .. }) if !context.leaves_on_suspend() => {
            context.probe();
            handled(context.recover_by_grant())
        }
        On(NetworkDown) => Transition(Leaf::offline()),
        On(NetworkChanged) => handled(context.recover_on_new_network()),
        // The network was said to be gone, and somebody had us try all the same.
        On(NetworkUp) => handled(context.network_back()),
        _ => Super,
    }
}

pub(super) fn offline(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(NetworkUp) => {
            let at_once = context.network_grants();
            context.come_back(at_once);
            Transition(Leaf::reconnecting())
        }
        On(Unsuspend) if context.suspended => {
            context.unpause();
            context.come_back(true);
            Transition(Leaf::reconnecting())
        }
        On(Retry | PathAlive { .. }) if !context.suspended => {
            context.come_back(true);
            Transition(Leaf::reconnecting())
        }
        // Remembered: the next dial is no resume.
        On(Advised { plan: Advice::Rejoin, .. }) => handled(context.escalate(Recovery::Rejoin)),
        On(Woke { .. }) if !context.leaves_on_suspend() => Handled,
        On(Suspend) if !context.leaves_on_suspend() => handled(context.pause()),
        Due(Timer::Offline) => Transition(Leaf::failed()),
        _ => Super,
    }
}

pub(super) fn failed(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Retry) => {
            context.grant_rejoin(None);
            Transition(Leaf::reconnecting())
        }
        On(NetworkUp | NetworkChanged) => {
            let wait = context.wait_for_grant();
            context.grant_rejoin(wait);
            Transition(Leaf::reconnecting())
        }
        On(Woke { .. }) if !context.leaves_on_suspend() && context.network_up => {
            let wait = context.wait_for_grant();
            context.grant_rejoin(wait);
            Transition(Leaf::reconnecting())
        }
        On(Suspend) if !context.leaves_on_suspend() => handled(context.pause()),
        On(Unsuspend) if context.suspended => {
            context.unpause();
            context.grant_rejoin(None);
            Transition(Leaf::reconnecting())
        }
        Due(Timer::EndAt) => {
            let reason = context.outage.end_reason();
            ends(context, reason, Leaf::leaving())
        }
        _ => Super,
    }
}

fn merges(lost: bool, context: &mut Core, plane: Plane, fault: Fault) -> Outcome<Leaf> {
    fails_if(lost && context.merge_loss(plane, fault))
}

fn fails_if(spent: bool) -> Outcome<Leaf> {
    if spent { Transition(Leaf::failed()) } else { Handled }
}

fn recovery_fails(context: &mut Core, cause: Cause, wait: Option<Duration>) -> Outcome<Leaf> {
    fails_if(context.recovery_failed(cause, wait))
}

fn rejoins(context: &mut Core, cause: Cause, wait: Option<Duration>) -> Outcome<Leaf> {
    fails_if(context.rejoin_instead(cause, wait))
}

fn recovery_refused(context: &mut Core, why: JoinErrorKind, retry_after: Option<Duration>) -> Outcome<Leaf> {
    // A no is an answer: the try counts.
    context.dial_answered();
    let cause = Cause::Refusal(why);
    match (why, why.class()) {
        (JoinErrorKind::NoSessionToResume | JoinErrorKind::NotFound, _) if context.is_resuming() => {
            rejoins(context, cause, None)
        }
        // What it will not have is withdrawn (R14); without it the next dial may do.
        (JoinErrorKind::InitialStateRefused { item }, _) if context.carried_refused(item) => {
            recovery_fails(context, cause, None)
        }
        (_, Class::Busy | Class::Transient) => {
            let wait = context.told_wait(why, retry_after, context.outage.dials.saturating_sub(1));
            recovery_fails(context, cause, wait)
        }
        (_, Class::Fatal) if context.is_no_of_a_target(why) => rejoins(context, cause, None),
        (_, Class::Fatal) => {
            context.drop_standby(cause);
            ends(context, refused_for_good(why), Leaf::leaving())
        }
    }
}
