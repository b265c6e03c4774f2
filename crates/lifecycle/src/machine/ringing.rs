//! `ringing`, in both directions.

use super::Signal::{self, Due, Input as On};
use super::{Leaf, ends, handled};
use crate::Input::*;
use crate::core::Core;
use crate::core::timers::Timer;
use crate::{AcceptFailure, Decline, EndReason, Input};
use statig::prelude::*;

pub(super) fn ringing(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(RingEnded(why)) => ends(context, why.reason(), Leaf::leaving()),
        On(Leave) => stops_ringing(context, EndReason::LeftByUser),
        On(HandleDropped) => stops_ringing(context, EndReason::Dropped),
        On(Cancel) => stops_ringing(context, EndReason::Cancelled),
        Due(Timer::Ring) => stops_ringing(context, EndReason::NotAnswered),
        On(Suspend | Woke { .. }) if context.leaves_on_suspend() => {
            stops_ringing(context, EndReason::Suspended)
        }
        // A pause of this machine changes nothing: presence recovers by itself, and the
        // ring's deadline decides.
        On(Suspend | Unsuspend | Woke { .. }) if !context.leaves_on_suspend() => Handled,
        _ => Super,
    }
}

pub(super) fn ringing_in(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Accept) if !context.accepting => handled(context.ask_accept()),
        On(Accepted(credential)) if context.accepting => {
            context.plan_ring_join(credential);
            Transition(Leaf::joining())
        }
        On(PresenceLost) if context.accepting => handled(context.accept_failed(AcceptFailure::PresenceLost)),
        Due(Timer::Accept) => handled(context.accept_failed(AcceptFailure::TimedOut)),
        On(Input::Decline(why)) => declines(context, why),
        _ => Super,
    }
}

pub(super) fn ringing_out(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
    match *event {
        On(Accepted(credential)) => {
            context.plan_ring_join(credential);
            Transition(Leaf::joining())
        }
        _ => Super,
    }
}

fn stops_ringing(context: &mut Core, reason: EndReason) -> Outcome<Leaf> {
    context.stop_ringing(reason);
    ends(context, reason, Leaf::leaving())
}

fn declines(context: &mut Core, why: Decline) -> Outcome<Leaf> {
    context.decline(why);
    Transition(Leaf::leaving())
}
