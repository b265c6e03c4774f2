//! The handlers, and nothing else: read them as the specification. Names of deeds are `Core`'s;
//! what every state does on entry is said once, in its entry action. The public face is `run`.
#![allow(clippy::unit_arg, reason = "`handled(deed)` keeps one row of the specification on one line")]

use crate::core::timers::Timer;
use crate::core::{Core, Hint, Recovery, ended_before_join, refused_for_good};
use crate::{
    AcceptFailure, Advice, Answer, Cause, Class, Decline, Direction, EndReason, Fault, Input, JoinErrorKind,
    Plane, Rejection, ResumeRefusal, State,
};
use statig::prelude::*;

/// What is dispatched: an input, a deadline, or what entering `live` found remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Input(Input),
    Due(Timer),
    Hinted,
}

use Input::*;
use Signal::{Due, Input as On};

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
        match *event {
            On(HostGone) => ends(context, EndReason::HostGone, Leaf::left()),
            On(NetworkDown | NetworkUp) => Handled,
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

    #[state(superstate = "session", entry_action = "enter_idle")]
    fn idle(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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

    #[superstate(superstate = "session")]
    fn active(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Leave) => leaves(context, EndReason::LeftByUser),
            On(HandleDropped) => leaves(context, EndReason::Dropped),
            On(Ended { reason, .. }) => ends(context, reason, Leaf::leaving()),
            On(Suspend | Woke { .. }) if context.leaves_on_suspend() => {
                ends(context, EndReason::Suspended, Leaf::leaving())
            }
            _ => Super,
        }
    }

    // ── ringing ────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "active")]
    fn ringing(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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

    #[state(superstate = "ringing", entry_action = "enter_ringing_in")]
    fn ringing_in(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Accept) if !context.accepting => handled(context.ask_accept()),
            On(Accepted(credential)) if context.accepting => {
                context.plan_ring_join(credential);
                Transition(Leaf::joining())
            }
            On(PresenceLost) if context.accepting => {
                handled(context.accept_failed(AcceptFailure::PresenceLost))
            }
            Due(Timer::Accept) => handled(context.accept_failed(AcceptFailure::TimedOut)),
            On(Input::Decline(why)) => declines(context, why),
            _ => Super,
        }
    }

    #[state(superstate = "ringing", entry_action = "enter_ringing_out")]
    fn ringing_out(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Accepted(credential)) => {
                context.plan_ring_join(credential);
                Transition(Leaf::joining())
            }
            _ => Super,
        }
    }

    // ── joining ────────────────────────────────────────────────────────────────────────────

    #[state(superstate = "active", entry_action = "enter_joining")]
    fn joining(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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
            On(Refused { why, .. }) => {
                let left = context.attempt_refused(why);
                unless_given_up(context, left)
            }
            On(ResumeRefused { .. }) => gives_up(context, JoinErrorKind::NoSessionToResume),
            On(GoAway { target, why, .. }) => {
                let left = context.attempt_moved(Hint { target, why });
                unless_given_up(context, left)
            }
            On(Ended { reason, .. }) => gives_up(context, ended_before_join(reason)),
            On(NetworkDown) => handled(context.join_without_network()),
            On(NetworkUp) => handled(context.join_with_network()),
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

    // ── joined ─────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "active")]
    fn joined(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Cancel) => ends(context, EndReason::Cancelled, Leaf::leaving()),
            On(Acked { epoch, revision, answer }) => {
                context.acked(epoch, revision, answer);
                live_if_complete(context)
            }
            On(Generation { epoch, running }) if context.is_current(epoch) => {
                handled(context.set_generating(running))
            }
            On(Alive { epoch, plane } | Carried { epoch, plane }) => handled(context.heard(epoch, plane)),
            Due(Timer::Ping) => handled(context.ping()),
            Due(Timer::SignalingSilence | Timer::MediaSilence) if context.was_stalled() => {
                handled(context.probe())
            }
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

    #[state(superstate = "joined", entry_action = "enter_live")]
    fn live(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Alive { epoch, plane }) => handled(context.heard(epoch, plane)),
            On(PlaneLost { epoch, plane, fault }) => {
                loses(context.judge_lost(epoch, plane, fault), context, fault)
            }
            On(Closed { epoch }) if context.judge_closed(epoch) => {
                context.begin_outage(Recovery::Rejoin, None);
                Transition(Leaf::reconnecting())
            }
            Due(Timer::SignalingSilence) if !context.was_stalled() => {
                loses(context.judge_silent(Plane::Signaling), context, Fault::Silent)
            }
            Due(Timer::MediaSilence) if !context.was_stalled() => {
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
            Signal::Hinted => Transition(Leaf::migrating()),
            On(NetworkDown) => Transition(Leaf::offline()),
            On(Woke { .. }) if !context.leaves_on_suspend() => woken(context),
            Due(Timer::Healthy) => handled(context.forget_outages()),
            _ => Super,
        }
    }

    #[state(superstate = "joined", entry_action = "enter_migrating")]
    fn migrating(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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
            On(Closed { epoch }) if context.is_standby(epoch) => {
                move_fails(context, Cause::Fault(Fault::Closed))
            }
            On(Refused { epoch, why }) if context.is_standby(epoch) => {
                move_fails(context, Cause::Refusal(why))
            }
            On(Ended { epoch, reason }) if context.is_standby(epoch) => {
                move_fails(context, Cause::End(reason))
            }
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
            Due(Timer::SignalingSilence) if !context.was_stalled() => {
                handled(context.judge_silent(Plane::Signaling))
            }
            Due(Timer::MediaSilence) if !context.was_stalled() => handled(context.judge_silent(Plane::Media)),
            On(GoAway { target, why, .. }) => handled(context.remember(Hint { target, why })),
            On(NetworkDown) => Transition(Leaf::offline()),
            On(Woke { .. }) if !context.leaves_on_suspend() => handled(context.probe()),
            _ => Super,
        }
    }

    // ── away ───────────────────────────────────────────────────────────────────────────────

    #[superstate(superstate = "joined")]
    fn away(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            Due(Timer::Away) => Transition(Leaf::failed()),
            On(GoAway { target, why, .. }) => handled(context.remember(Hint { target, why })),
            On(Closed { epoch }) => handled(context.judge_closed(epoch)),
            _ => Super,
        }
    }

    #[state(superstate = "away", entry_action = "enter_reconnecting")]
    fn reconnecting(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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
            Due(Timer::SignalingSilence) if !context.was_stalled() => {
                let lost = context.judge_silent(Plane::Signaling);
                merges(lost, context, Plane::Signaling, Fault::Silent)
            }
            Due(Timer::MediaSilence) if !context.was_stalled() => {
                let lost = context.judge_silent(Plane::Media);
                merges(lost, context, Plane::Media, Fault::Silent)
            }
            On(Refused { epoch, why }) if context.is_standby(epoch) => recovery_refused(context, why),
            // Said to a dial that resumes nothing, it is a refusal like any other.
            On(ResumeRefused { epoch, .. }) if context.is_standby(epoch) && !context.is_resuming() => {
                recovery_refused(context, JoinErrorKind::Rejected { code: Rejection::Internal })
            }
            On(ResumeRefused { epoch, why }) if context.is_standby(epoch) => {
                let wait = (why == ResumeRefusal::Restarted).then(|| context.restart_wait());
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
            // The network was said to be gone, and somebody had us try all the same.
            On(NetworkUp) => handled(context.network_back()),
            _ => Super,
        }
    }

    #[state(superstate = "away", entry_action = "enter_offline")]
    fn offline(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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
            On(Woke { .. }) if !context.leaves_on_suspend() => Handled,
            On(Suspend) if !context.leaves_on_suspend() => handled(context.pause()),
            Due(Timer::Offline) => Transition(Leaf::failed()),
            _ => Super,
        }
    }

    #[state(superstate = "joined", entry_action = "enter_failed")]
    fn failed(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
        match *event {
            On(Retry) => {
                context.grant_rejoin(None);
                Transition(Leaf::reconnecting())
            }
            On(NetworkUp) => {
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

    // ── the end ────────────────────────────────────────────────────────────────────────────

    #[state(superstate = "session", entry_action = "enter_leaving")]
    fn leaving(context: &mut Core, event: &Signal) -> Outcome<Leaf> {
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

// What the handlers say in more than one place.

fn handled<T>(_: T) -> Outcome<Leaf> {
    Handled
}

fn ends(context: &mut Core, reason: EndReason, to: Leaf) -> Outcome<Leaf> {
    context.end(reason);
    Transition(to)
}

/// A user leaves; from `failed` what failed stays the reason (R1).
fn leaves(context: &mut Core, reason: EndReason) -> Outcome<Leaf> {
    context.end_by_user(reason);
    Transition(Leaf::leaving())
}

fn stops_ringing(context: &mut Core, reason: EndReason) -> Outcome<Leaf> {
    context.stop_ringing();
    ends(context, reason, Leaf::leaving())
}

fn declines(context: &mut Core, why: Decline) -> Outcome<Leaf> {
    context.decline(why);
    Transition(Leaf::leaving())
}

fn live_if_complete(context: &Core) -> Outcome<Leaf> {
    if context.is_dial_complete() { Transition(Leaf::live()) } else { Handled }
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

fn loses(lost: bool, context: &mut Core, fault: Fault) -> Outcome<Leaf> {
    if !lost {
        return Handled;
    }
    context.begin_outage_by(fault);
    Transition(Leaf::reconnecting())
}

fn merges(lost: bool, context: &mut Core, plane: Plane, fault: Fault) -> Outcome<Leaf> {
    fails_if(lost && context.merge_loss(plane, fault))
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

fn fails_if(spent: bool) -> Outcome<Leaf> {
    if spent { Transition(Leaf::failed()) } else { Handled }
}

fn recovery_fails(context: &mut Core, cause: Cause, wait: Option<std::time::Duration>) -> Outcome<Leaf> {
    fails_if(context.recovery_failed(cause, wait))
}

fn rejoins(context: &mut Core, cause: Cause, wait: Option<std::time::Duration>) -> Outcome<Leaf> {
    fails_if(context.rejoin_instead(cause, wait))
}

fn recovery_refused(context: &mut Core, why: JoinErrorKind) -> Outcome<Leaf> {
    // A no is an answer: the try counts.
    context.dial_answered();
    let cause = Cause::Refusal(why);
    match (why, why.class()) {
        (JoinErrorKind::NoSessionToResume | JoinErrorKind::NotFound, _) if context.is_resuming() => {
            rejoins(context, cause, None)
        }
        (JoinErrorKind::Busy { retry_after, .. }, _) => recovery_fails(context, cause, retry_after),
        (JoinErrorKind::Rejected { code: Rejection::Restarting }, _) => {
            let wait = context.restart_wait();
            recovery_fails(context, cause, Some(wait))
        }
        (_, Class::Busy | Class::Transient) => recovery_fails(context, cause, None),
        (_, Class::Fatal) => ends(context, refused_for_good(why), Leaf::leaving()),
    }
}
