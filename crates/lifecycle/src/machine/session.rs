//! Around everything: what holds in every state, the beginning, and the end.

use super::Signal::{self, Due, Input as On};
use super::{Leaf, ends, handled};
use crate::Input::*;
use crate::core::Core;
use crate::core::timers::Timer;
use crate::{Cause, EndReason};
use statig::prelude::*;

pub(super) fn session(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(HostGone) => ends(context, EndReason::HostGone, Leaf::left()),
        On(NetworkDown | NetworkUp | NetworkChanged) => Handled,
        On(CredentialRefreshed { credential }) => handled(context.credential_refreshed(credential)),
        On(CredentialDenied) => handled(context.credential_denied()),
        On(Desired(revision)) => handled(context.apply_desired(revision)),
        On(Withdrawn(revision)) => handled(context.withdraw_and_apply(revision)),
        On(Replied { command, .. }) => handled(context.replied(command)),
        Due(Timer::Command) => handled(context.expire_commands()),
        Due(Timer::Credential) => handled(context.credential_late()),
        _ => handled(context.ignored += 1),
    }
}

pub(super) fn idle(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Join(wish)) => {
            context.plan_join(wish);
            Transition(Leaf::joining())
        }
        On(Ring) => Transition(Leaf::ringing_out()),
        On(RingReceived(_)) => Transition(Leaf::ringing_in()),
        On(Leave) => ends(context, EndReason::LeftByUser, Leaf::left()),
        On(HandleDropped) => ends(context, EndReason::Dropped, Leaf::left()),
        _ => Super,
    }
}

pub(super) fn active(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Leave) => leaves(context, EndReason::LeftByUser),
        On(HandleDropped) => leaves(context, EndReason::Dropped),
        On(Ended { epoch, reason }) => {
            if context.is_standby(epoch) {
                context.drop_standby(Cause::End(reason));
            }
            ends(context, reason, Leaf::leaving())
        }
        On(Suspend | Woke { .. }) if context.leaves_on_suspend() => {
            ends(context, EndReason::Suspended, Leaf::leaving())
        }
        _ => Super,
    }
}

pub(super) fn leaving(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Released | HostGone) => Transition(Leaf::left()),
        Due(Timer::Goodbye) => {
            context.close_departing();
            Transition(Leaf::left())
        }
        On(Leave | HandleDropped | Cancel) => Handled,
        _ => Super,
    }
}

/// A user leaves; from `failed` what failed stays the reason (R1).
fn leaves(context: &mut Core, reason: EndReason) -> Outcome<Leaf> {
    context.end_by_user(reason);
    Transition(Leaf::leaving())
}
