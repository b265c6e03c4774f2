//! The drawing: every state, what it stands in, and what entering it does. The rows of each are
//! in the rooms; read them as the specification. Names of deeds are `Core`'s. The public face is `run`.
#![allow(clippy::unit_arg, reason = "`handled(deed)` keeps one row of the specification on one line")]

mod away;
mod joined;
mod joining;
mod ringing;
mod session;

use crate::core::Core;
use crate::core::timers::Timer;
use crate::{Direction, EndReason, Input, State};
use statig::prelude::*;

/// What is dispatched: an input, a deadline, or what entering `live` found remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Input(Input),
    Due(Timer),
    Hinted,
}

/// statig's own storage; empty, for it can be reached again only through `unsafe`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifecycle;

#[state_machine(
    initial = "Leaf::idle()",
    state(name = "Leaf", derive(Clone, Debug)),
    superstate(name = "Branch", derive(Clone, Debug))
)]
impl Lifecycle {
    // ── session ────────────────────────────────────────────────────────────────────────────

    #[superstate]
    fn session(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        session::session(context, event)
    }

    #[state(superstate = "session", entry_action = "enter_idle")]
    fn idle(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        session::idle(context, event)
    }

    #[superstate(superstate = "session")]
    fn active(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        session::active(context, event)
    }

    // ── ringing ────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "active")]
    fn ringing(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        ringing::ringing(context, event)
    }

    #[state(superstate = "ringing", entry_action = "enter_ringing_in")]
    fn ringing_in(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        ringing::ringing_in(context, event)
    }

    #[state(superstate = "ringing", entry_action = "enter_ringing_out")]
    fn ringing_out(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        ringing::ringing_out(context, event)
    }

    // ── joining ────────────────────────────────────────────────────────────────────────────

    #[state(superstate = "active", entry_action = "enter_joining")]
    fn joining(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        joining::joining(context, event)
    }

    // ── joined ─────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "active")]
    fn joined(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        joined::joined(context, event)
    }

    #[state(superstate = "joined", entry_action = "enter_live")]
    fn live(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        joined::live(context, event)
    }

    #[state(superstate = "joined", entry_action = "enter_migrating")]
    fn migrating(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        joined::migrating(context, event)
    }

    // ── away ───────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "joined")]
    fn away(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        away::away(context, event)
    }

    #[state(superstate = "away", entry_action = "enter_reconnecting")]
    fn reconnecting(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        away::reconnecting(context, event)
    }

    #[state(superstate = "away", entry_action = "enter_offline")]
    fn offline(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        away::offline(context, event)
    }

    #[state(superstate = "joined", entry_action = "enter_failed")]
    fn failed(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        away::failed(context, event)
    }

    // ── the end ────────────────────────────────────────────────────────────────────────────

    #[state(superstate = "session", entry_action = "enter_leaving")]
    fn leaving(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        session::leaving(context, event)
    }

    #[state(entry_action = "enter_left")]
    fn left(event: &Signal) -> Outcome<Leaf> {
        let _absorbed = event;
        Handled
    }

    // ── entering ───────────────────────────────────────────────────────────────────────────

    // Each tells the new state first: readers see it before its first I/O. (The crate's hook for
    // that hands source and target over the wrong way round in 0.4.1, so it is said here.)

    #[action]
    fn enter_idle(context: &mut Core) {
        context.moves_to(State::Idle);
        context.back_to_idle();
    }

    #[action]
    fn enter_ringing_in(context: &mut Core) {
        context.moves_to(State::Ringing(Direction::Incoming));
        context.start_ringing(Direction::Incoming);
    }

    #[action]
    fn enter_ringing_out(context: &mut Core) {
        context.moves_to(State::Ringing(Direction::Outgoing));
        context.start_ringing(Direction::Outgoing);
    }

    #[action]
    fn enter_joining(context: &mut Core) {
        context.moves_to(State::Joining);
        context.start_join();
    }

    #[action]
    fn enter_live(context: &mut Core) {
        context.moves_to(State::Live);
        context.go_live();
    }

    #[action]
    fn enter_migrating(context: &mut Core) {
        context.moves_to(State::Migrating);
        context.start_move();
    }

    #[action]
    fn enter_reconnecting(context: &mut Core) {
        context.moves_to(State::Reconnecting);
        context.start_recovery();
    }

    #[action]
    fn enter_offline(context: &mut Core) {
        context.moves_to(State::Offline);
        context.go_offline();
    }

    #[action]
    fn enter_failed(context: &mut Core) {
        context.moves_to(State::Failed);
        context.give_up_recovery();
    }

    #[action]
    fn enter_leaving(context: &mut Core) {
        context.moves_to(State::Leaving);
        context.say_goodbye();
    }

    #[action]
    fn enter_left(context: &mut Core) {
        context.moves_to(State::Left);
        context.be_gone();
    }
}

// What rows of several rooms say.

fn handled<T>(_: T) -> Outcome<Leaf> {
    Handled
}

fn ends(context: &mut Core, reason: EndReason, to: Leaf) -> Outcome<Leaf> {
    context.end(reason);
    Transition(to)
}

fn live_if_complete(context: &Core) -> Outcome<Leaf> {
    if context.is_dial_complete() { Transition(Leaf::live()) } else { Handled }
}
