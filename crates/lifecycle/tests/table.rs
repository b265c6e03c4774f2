//! The specification as a table: given a state, an input, the state that follows.

mod rig;

use offhook_lifecycle::Input::*;
use offhook_lifecycle::State::*;
use offhook_lifecycle::{
    Cause, Direction, EndReason, Ending, Event, Fault, Gate, JoinErrorKind, JoinWish, MoveReason, Output,
    Plan, Plane, Policy, RingEnd, RingVerb, SuspendPolicy, TargetRef, Who,
};
use rig::{Rig, check, dials, events};
use std::time::Duration;

const IN: offhook_lifecycle::State = Ringing(Direction::Incoming);
const OUT: offhook_lifecycle::State = Ringing(Direction::Outgoing);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_leads_where() {
    check(Idle, |_| Join(JoinWish::default()), Joining);
    check(Idle, |_| Ring, OUT);
    check(Idle, |_| RingReceived(offhook_lifecycle::RingRef(1)), IN);
    check(Idle, |_| Leave, Left);
    check(Idle, |_| HandleDropped, Left);
    check(OUT, |_| Accepted(None), Joining);
    check(OUT, |_| Cancel, Leaving);
    check(OUT, |_| RingEnded(RingEnd::Busy), Leaving);
    check(IN, |_| Accept, IN);
    check(IN, |_| Decline(Default::default()), Leaving);
    check(IN, |_| NetworkDown, IN);
    check(Joining, |_| Cancel, Idle);
    check(Joining, |epoch| Ended { epoch, reason: EndReason::Kicked }, Idle);
    check(Joining, |_| HandleDropped, Leaving);
    check(Joining, |_| Leave, Leaving);
    check(Live, |epoch| PlaneLost { epoch, plane: Plane::Media, fault: Fault::Silent }, Reconnecting);
    check(Live, |epoch| GoAway { epoch, target: None, why: MoveReason::ShuttingDown }, Migrating);
    check(Live, |_| NetworkDown, Offline);
    check(Live, |epoch| Ended { epoch, reason: EndReason::Kicked }, Leaving);
    check(Live, |_| Cancel, Leaving);
    check(Live, |_| Retry, Live);
    check(Live, |_| NetworkUp, Live);
    check(Migrating, |epoch| PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed }, Migrating);
    check(Migrating, |_| NetworkDown, Offline);
    check(Reconnecting, |_| NetworkDown, Offline);
    check(Reconnecting, |_| NetworkUp, Reconnecting);
    check(Offline, |_| NetworkUp, Reconnecting);
    check(Offline, |_| Retry, Reconnecting);
    check(Offline, |epoch| PathAlive { epoch }, Reconnecting);
    check(Failed, |_| Retry, Reconnecting);
    check(Failed, |_| NetworkUp, Reconnecting);
    check(Leaving, |_| Released, Left);
    check(Left, |_| Retry, Left);
}

/// A6 and rule 2 of the field: leaving works from everywhere, also before any transport exists.
#[test]
fn leave_wins_from_every_state_and_tells_one_ending_last() {
    for given in [Idle, IN, OUT, Joining, Live, Migrating, Reconnecting, Offline, Failed] {
        let outputs = check(given, |_| Leave, if given == Idle { Left } else { Leaving });
        let events = events(&outputs);
        assert!(matches!(events.last(), Some(Event::Ended(_))), "{given}: {events:?}");
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Ended(_))).count(), 1);
    }
}

/// R1, R3, F14: a user who leaves what failed keeps the reason; its error comes first.
#[test]
fn leaving_from_failed_keeps_what_failed() {
    let events = events(&check(Failed, |_| Leave, Leaving));
    let ending = Ending { reason: EndReason::NetworkLost, who: Who::User };
    assert!(
        matches!(events[..], [.., Event::Error(Cause::End(EndReason::NetworkLost)), Event::Ended(e)] if e == ending)
    );
}

/// R4: gates are shut before anything else is said.
#[test]
fn leave_shuts_the_gate_first_and_closes_everything_within_a_second() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    let outputs = rig.feed(Leave);
    let shut = outputs.iter().position(|o| *o == Output::Gate { epoch, gate: Gate::Closed });
    let bye = outputs.iter().position(|o| matches!(o, Output::Goodbye { .. }));
    assert!(shut.is_some() && shut < bye, "{outputs:?}");
    assert!(!rig.machine.admits(epoch), "nothing is heard after leave");
    let outputs = rig.pass(SECOND);
    assert_eq!(outputs, [Output::Close { epoch }]);
    assert_eq!(rig.state(), Left);
    assert_eq!(rig.machine.poll_timeout(), None, "D16: no timer outlives the end");
}

/// J7 (https://github.com/matrix-org/matrix-js-sdk/pull/1647): no goodbye to a server that never saw us.
#[test]
fn leave_before_the_far_side_let_us_in_says_no_goodbye() {
    let outputs = check(Joining, |_| Leave, Leaving);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Goodbye { .. })), "{outputs:?}");
}

/// A8 (https://github.com/team-telnyx/webrtc/pull/643): a late answer does not revive what was left.
#[test]
fn a_late_answer_after_leave_does_nothing() {
    let mut rig = Rig::at(Joining);
    let epoch = rig.dialled();
    rig.feed(Leave);
    assert_eq!(rig.feed(Up { epoch, link: Default::default() }), []);
    assert_eq!(rig.feed(Carried { epoch, plane: Plane::Media }), []);
    assert_eq!(rig.state(), Leaving);
}

/// A13 (https://github.com/livekit/client-sdk-js/pull/253), E2: two alarms in one tick, one attempt.
#[test]
fn two_loss_alarms_make_one_attempt() {
    let mut rig = Rig::at(Live);
    let first = rig.lose(Plane::Signaling);
    let second = rig.lose(Plane::Media);
    assert_eq!(dials(&first).len(), 1);
    assert_eq!(dials(&second).len(), 0, "the second plane joins the recovery under way (R8)");
    assert!(second.iter().any(|output| matches!(output, Output::RestartIce { .. })));
}

/// Two planes: signaling dead, media alive: a new socket and no ICE restart.
#[test]
fn lost_signaling_alone_leaves_media_alone() {
    let mut rig = Rig::at(Live);
    let old = rig.epoch();
    let dial = dials(&rig.lose(Plane::Signaling))[0];
    assert_eq!((dial.plan, dial.inherit), (Plan::Resume { restart_ice: false }, Some(old)));
    let outputs = rig.carry();
    assert_eq!(rig.state(), Live);
    assert!(outputs.contains(&Output::Close { epoch: old }));
}

/// Two planes: media dead, signaling alive: an ICE restart over the living socket, no dial.
#[test]
fn lost_media_alone_is_restarted_over_living_signaling() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    let outputs = rig.lose(Plane::Media);
    assert!(outputs.contains(&Output::RestartIce { epoch }) && dials(&outputs).is_empty());
    rig.feed(Carried { epoch, plane: Plane::Media });
    assert_eq!(rig.state(), Live);
}

/// A11 (https://github.com/GetStream/stream-video-js/pull/2300): a blip does not close the new socket.
#[test]
fn an_unmatched_network_fact_does_not_disturb_a_recovery() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    assert_eq!(rig.feed(NetworkUp), []);
    assert!(rig.machine.admits(epoch));
}

/// B12 (https://github.com/DecartAI/sdk/pull/138): a failed first attempt leaves nothing behind.
#[test]
fn a_join_retries_without_flickering_and_the_second_attempt_settles() {
    let mut rig = Rig::at(Joining);
    let told = events(&rig.fail_dial());
    assert!(!told.iter().any(|event| matches!(event, Event::State(_))), "{told:?}");
    rig.pass_to_dial();
    rig.carry();
    assert_eq!(rig.state(), Live);
}

#[test]
fn a_join_gives_up_after_its_attempts_and_gives_the_session_back() {
    let mut rig = Rig::at(Joining);
    rig.fail_dial();
    rig.pass_to_dial();
    rig.fail_dial();
    rig.pass_to_dial();
    let told = events(&rig.fail_dial());
    assert!(told.contains(&Event::JoinFailed(JoinErrorKind::ServerUnreachable)), "{told:?}");
    assert_eq!(rig.state(), Idle);
    assert!(!told.iter().any(|event| matches!(event, Event::Ended(_))));
}

/// E1 (https://github.com/pipecat-ai/pipecat-client-web-transports/issues/169): it ends in failed,
/// with nothing open.
#[test]
fn a_server_that_stays_down_ends_in_failed_with_nothing_open() {
    let mut rig = Rig::at(Reconnecting);
    let mut outputs = Vec::new();
    for _ in 0..200 {
        if rig.state() != Reconnecting {
            break;
        }
        outputs.extend(rig.fail_dial());
        if rig.state() == Reconnecting {
            rig.pass_to_dial_or_change();
        }
    }
    assert_eq!(rig.state(), Failed);
    assert_eq!(rig.machine.snapshot().epoch(), None);
}

/// E5 (https://github.com/GetStream/stream-video-flutter/pull/1263): a hint while busy is not lost.
#[test]
fn a_go_away_during_a_recovery_is_where_the_next_dial_goes() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    rig.feed(GoAway { epoch, target: Some(TargetRef(4)), why: MoveReason::Rebalance });
    rig.fail_dial();
    let dial = rig.pass_to_dial();
    assert_eq!((dial.plan, dial.target), (Plan::Rejoin, Some(TargetRef(4))));
}

/// E14 (https://github.com/livekit/livekit/issues/4477): life on the path collapses the backoff.
#[test]
fn life_on_the_path_collapses_the_backoff() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.epoch();
    rig.fail_dial();
    assert_eq!(dials(&rig.feed(PathAlive { epoch })).len(), 1);
}

/// E13 (https://github.com/processone/fluux-messenger/pull/296): a late timer is no dead link.
#[test]
fn a_stall_probes_before_it_judges() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    rig.now = rig.now.plus(90 * SECOND);
    rig.machine.wake(rig.now);
    let outputs: Vec<_> = std::iter::from_fn(|| rig.machine.poll_output()).collect();
    assert_eq!(rig.state(), Live);
    assert!(outputs.contains(&Output::Ping { epoch }), "{outputs:?}");
    for plane in [Plane::Signaling, Plane::Media] {
        rig.feed(Alive { epoch, plane });
    }
    rig.pass(3 * SECOND);
    assert_eq!(rig.state(), Live);
}

/// B24 (https://github.com/openai/openai-agents-js/pull/620): silence is noticed in seconds.
#[test]
fn silence_is_noticed_within_six_seconds() {
    let mut rig = Rig::at(Live);
    rig.pass(6 * SECOND);
    assert_eq!(rig.state(), Reconnecting);
}

/// I1 (https://github.com/algesten/str0m/pull/832), I6: an older `now` is clamped.
#[test]
fn time_never_goes_back_and_no_deadline_begins_in_the_past() {
    let mut rig = Rig::at(Live);
    rig.pass_alive(10 * SECOND);
    let before = rig.machine.poll_timeout();
    rig.machine.wake(offhook_lifecycle::Time::ZERO);
    assert_eq!(rig.machine.poll_timeout(), before);
    assert!(before > Some(rig.now));
}

/// I7 (https://github.com/livekit/client-sdk-js/issues/356): a deadline dies with its attempt.
#[test]
fn no_deadline_of_a_failed_attempt_fires_after_a_later_success() {
    let mut rig = Rig::at(Joining);
    rig.fail_dial();
    rig.pass_to_dial();
    rig.carry();
    let told = events(&rig.pass_alive(60 * SECOND));
    assert_eq!(told, [], "{told:?}");
    assert_eq!(rig.state(), Live);
}

/// F15: suspended by policy leave ends it; by policy pause it comes back through reconnecting.
#[test]
fn suspend_leaves_or_pauses_as_the_policy_says() {
    let mut rig = Rig::with(Policy { suspend: SuspendPolicy::Leave, ..Policy::default() });
    rig.bring(Live);
    let told = events(&rig.feed(Suspend));
    assert!(matches!(told.last(), Some(Event::Ended(Ending { reason: EndReason::Suspended, .. }))));
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    assert!(rig.feed(Suspend).contains(&Output::Gate { epoch, gate: Gate::Closed }));
    rig.feed(Unsuspend);
    assert_eq!(rig.state(), Reconnecting);
    let outputs = rig.carry();
    assert_eq!(rig.state(), Live);
    assert!(outputs.iter().any(|o| matches!(o, Output::Gate { gate: Gate::Open, .. })), "{outputs:?}");
}

/// F22: the ring's deadline, and each ending its own reason.
#[test]
fn a_ring_nobody_answers_ends_not_answered() {
    let mut rig = Rig::at(OUT);
    let outputs = rig.pass(30 * SECOND);
    assert!(outputs.contains(&Output::Ring(RingVerb::Expire)));
    assert_eq!(rig.machine.snapshot().ending().map(|e| e.reason), Some(EndReason::NotAnswered));
}

/// F25: an accept that nobody confirms gives the ring back.
#[test]
fn an_unconfirmed_accept_gives_the_ring_back() {
    let mut rig = Rig::at(IN);
    rig.feed(Accept);
    rig.pass(5 * SECOND);
    assert_eq!(rig.state(), IN);
    assert_eq!(rig.machine.snapshot().failed_accepts(), 1);
}

/// F32, E23 (https://github.com/pipecat-ai/pipecat/issues/3170): a session cap is a move, not an error.
#[test]
fn a_move_keeps_the_old_link_until_the_new_one_carries() {
    let mut rig = Rig::at(Migrating);
    let (old, new) = (rig.epoch(), rig.dialled());
    assert!(rig.machine.admits(old) && rig.machine.admits(new));
    let outputs = rig.carry();
    assert_eq!(rig.state(), Live);
    let switch = outputs.iter().position(|o| *o == Output::Switch { to: new });
    let close = outputs.iter().position(|o| *o == Output::Close { epoch: old });
    assert!(switch.is_some() && switch < close, "{outputs:?}");
    assert!(events(&outputs).contains(&Event::MigrationFinished { moved: true }));
}

#[test]
fn a_move_that_takes_too_long_becomes_a_rejoin() {
    let mut rig = Rig::at(Migrating);
    rig.pass(7 * SECOND);
    assert_eq!(rig.state(), Reconnecting);
    assert_eq!(rig.machine.snapshot().plan(), Some(Plan::Rejoin));
}

/// I3 (https://github.com/quinn-rs/quinn/pull/2436), I4 (https://github.com/mozilla/neqo/pull/1213): at
/// the very beginning and at the end of time, nothing is subtracted below zero and nothing overflows.
/// That nobody subtracts from an `Instant` is the lint `unchecked_time_subtraction`, which is denied.
#[test]
fn no_time_is_subtracted_below_zero() {
    use offhook_lifecycle::Time;
    let (early, late) = (Time::from_millis(1), Time::after(Duration::MAX));
    assert_eq!(early.earlier(SECOND), Time::ZERO);
    assert_eq!(early.since(late), Duration::ZERO);
    assert_eq!(late.plus(Duration::MAX), late);
    // A session of a machine that booted a moment ago: every state at time zero, and a wake whose
    // sleep is longer than the session is old.
    for state in [Joining, Live, Migrating, Reconnecting, Offline] {
        let mut rig = Rig::at(state);
        rig.feed(Woke { slept: Duration::MAX });
        rig.machine.wake(Time::ZERO);
        assert!(rig.machine.poll_timeout().is_none_or(|due| due >= Time::ZERO), "{state}");
        rig.machine.wake(late);
        rig.pass(SECOND);
    }
}
