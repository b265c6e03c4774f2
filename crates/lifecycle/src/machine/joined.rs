//! `joined`, where media flows: `live`, and `migrating` with two valid epochs, both supervised.

use super::Signal::{self, Due, Input as On};
use super::{Leaf, ends, handled, live_if_complete};
use crate::Input::*;
use crate::core::timers::Timer;
use crate::core::{Core, Hint, Recovery};
use crate::{Advice, Cause, EndReason, Fault, JoinErrorKind, Plane};
use statig::prelude::*;

pub(super) fn joined(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Cancel) => ends(context, EndReason::Cancelled, Leaf::leaving()),
        On(Acked { epoch, revision, answer }) => {
            context.acked(epoch, revision, answer);
            live_if_complete(context)
        }
        On(Generation { epoch, running }) => handled(context.generates(epoch, running)),
        On(Alive { epoch, plane } | Carried { epoch, plane }) => handled(context.heard(epoch, plane)),
        Due(Timer::Ping) => handled(context.ping()),
        Due(Timer::SignalingSilence) => handled(context.excuse(Plane::Signaling)),
        Due(Timer::MediaSilence) => handled(context.excuse(Plane::Media)),
        // Its own deadline may be paused for a credential that never comes.
        On(NeedCredential { epoch, why }) => match context.need_credential(epoch, why) {
            Ok(()) => Handled,
            Err(_) => ends(context, EndReason::Unauthorized, Leaf::leaving()),
        },
        On(CredentialDenied) => match context.credential_denied() {
            true => ends(context, EndReason::Unauthorized, Leaf::leaving()),
            false => Handled,
        },
        On(Suspend) if !context.leaves_on_suspend() => {
            context.pause();
            Transition(Leaf::offline())
        }
        _ => Super,
    }
}

pub(super) fn live(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Alive { epoch, plane }) => handled(context.heard(epoch, plane)),
        On(PlaneLost { epoch, plane, fault }) => {
            loses(context.judge_lost(epoch, plane, fault), context, fault)
        }
        On(Closed { epoch }) if context.judge_closed(epoch) => {
            context.begin_outage(Recovery::Rejoin, None);
            Transition(Leaf::reconnecting())
        }
        Due(Timer::SignalingSilence) if !context.excuses(Plane::Signaling) => {
            loses(context.judge_silent(Plane::Signaling), context, Fault::Silent)
        }
        Due(Timer::MediaSilence) if !context.excuses(Plane::Media) => {
            loses(context.judge_silent(Plane::Media), context, Fault::Silent)
        }
        On(Advised { plan: Advice::Rejoin, .. }) => {
            context.begin_outage(Recovery::Rejoin, None);
            Transition(Leaf::reconnecting())
        }
        On(Advised { epoch, plan: Advice::Resume }) => {
            loses(context.judge_lost(epoch, Plane::Signaling, Fault::Closed), context, Fault::Closed)
        }
        On(GoAway { target, why, .. }) => match context.remember(Hint { target, why }) {
            true => Transition(Leaf::migrating()),
            false => Handled,
        },
        Signal::Hinted if context.hint.is_some() => Transition(Leaf::migrating()),
        Signal::Hinted => advised(context),
        On(NetworkDown) => Transition(Leaf::offline()),
        // Neither the socket nor the path outlives the address it was made over.
        On(NetworkChanged) if context.lose_all_planes() => {
            context.begin_outage_by(Fault::Unreachable);
            Transition(Leaf::reconnecting())
        }
        On(Woke { .. }) if !context.leaves_on_suspend() => woken(context),
        Due(Timer::Healthy) => handled(context.forget_outages()),
        _ => Super,
    }
}

pub(super) fn migrating(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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
        On(PlaneLost { epoch, fault, .. } | DialFailed { epoch, fault }) if context.is_standby(epoch) => {
            move_fails(context, Cause::Fault(fault))
        }
        On(Closed { epoch }) if context.is_standby(epoch) => move_fails(context, Cause::Fault(Fault::Closed)),
        On(Refused { epoch, why, .. }) if context.is_standby(epoch) => {
            move_fails(context, Cause::Refusal(why))
        }
        On(Ended { epoch, reason }) if context.is_standby(epoch) => move_fails(context, Cause::End(reason)),
        On(ResumeRefused { epoch, .. }) if context.is_standby(epoch) => {
            move_fails(context, Cause::Refusal(JoinErrorKind::NoSessionToResume))
        }
        On(Advised { epoch, plan: Advice::Rejoin }) if context.is_standby(epoch) => {
            move_fails(context, Cause::Fault(Fault::Closed))
        }
        // What is fatal to the new link alone is no end of the session.
        On(NeedCredential { epoch, why }) => match context.need_credential(epoch, why) {
            Ok(()) => Handled,
            Err(kind) => move_fails(context, Cause::Refusal(kind)),
        },
        On(CredentialDenied) => match context.credential_denied() {
            true => move_fails(context, Cause::Refusal(JoinErrorKind::Unauthorized)),
            false => Handled,
        },
        Due(Timer::Dial | Timer::Migration) => move_fails(context, Cause::Fault(Fault::TimedOut)),
        Due(Timer::Credential) => match context.credential_late() {
            true => move_fails(context, Cause::Fault(Fault::CredentialTimeout)),
            false => Handled,
        },
        // The old link may die meanwhile: the new one is already on its way.
        On(PlaneLost { epoch, plane, fault }) => handled(context.judge_lost(epoch, plane, fault)),
        On(Closed { epoch }) => handled(context.judge_closed(epoch)),
        Due(Timer::SignalingSilence) if !context.excuses(Plane::Signaling) => {
            handled(context.judge_silent(Plane::Signaling))
        }
        Due(Timer::MediaSilence) if !context.excuses(Plane::Media) => {
            handled(context.judge_silent(Plane::Media))
        }
        On(GoAway { target, why, .. }) => handled(context.remember(Hint { target, why })),
        On(NetworkDown) => Transition(Leaf::offline()),
        // Both links were made over the old network.
        On(NetworkChanged) => {
            context.lose_all_planes();
            move_fails(context, Cause::Fault(Fault::Unreachable))
        }
        On(Woke { .. }) if !context.leaves_on_suspend() => handled(context.probe()),
        _ => Super,
    }
}

fn loses(lost: bool, context: &mut Core, fault: Fault) -> Outcome<Leaf> {
    if !lost {
        return Handled;
    }
    context.begin_outage_by(fault);
    Transition(Leaf::reconnecting())
}

/// What the far side asked for while the join was under way.
fn advised(context: &mut Core) -> Outcome<Leaf> {
    match (context.advised.take(), context.current_epoch()) {
        (Some(Advice::Resume), Some(epoch)) => {
            loses(context.judge_lost(epoch, Plane::Signaling, Fault::Closed), context, Fault::Closed)
        }
        (Some(Advice::Rejoin), _) => {
            context.begin_outage(Recovery::Rejoin, None);
            Transition(Leaf::reconnecting())
        }
        (_, None) | (None, _) => Handled,
    }
}

fn woken(context: &mut Core) -> Outcome<Leaf> {
    if context.slept_past_window() {
        context.begin_outage(Recovery::Rejoin, None);
        return Transition(Leaf::reconnecting());
    }
    context.probe();
    Handled
}

fn move_fails(context: &mut Core, cause: Cause) -> Outcome<Leaf> {
    context.move_failed(cause);
    Transition(Leaf::reconnecting())
}
