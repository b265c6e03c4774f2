//! Recovery, row by row: what an outage does with a second loss, a refusal, a grant and a hint.

#[path = "recovery/order.rs"]
mod order;
mod rig;
#[path = "recovery/told.rs"]
mod told;

use offhook_lifecycle::Input::*;
use offhook_lifecycle::State::*;
use offhook_lifecycle::{
    Advice, CredentialWhy, Direction, EndReason, Event, Fault, Gate, JoinErrorKind, JoinWish, LinkFacts,
    MoveReason, Output, Plan, Plane, Policy, Rejection, ResumeRefusal, RingVerb, SuspendPolicy, TargetRef,
};
use rig::{Rig, dials, events};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn restarts(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::RestartIce { .. })).count()
}

/// §3 two planes: what the restart cannot mend is mended by a new socket, then by a new session.
#[test]
fn a_restart_that_does_not_carry_escalates_to_a_resume_and_then_to_a_rejoin() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    assert_eq!(restarts(&rig.lose(Plane::Media)), 1);
    for _ in 0..19 {
        assert!(dials(&rig.pass(500 * MILLI)).is_empty(), "the restart has ten seconds");
        rig.feed(Alive { epoch, plane: Plane::Signaling });
    }
    let mut plans = vec![rig.pass_to_dial().plan];
    assert_eq!(plans, [Plan::Resume { restart_ice: true }]);
    while rig.state() == Reconnecting && plans.last() != Some(&Plan::Rejoin) {
        rig.fail_dial();
        plans.push(rig.pass_to_dial().plan);
    }
    assert_eq!(plans.last(), Some(&Plan::Rejoin));
}

/// §3 two planes: the signaling that a restart rode on is lost: the offer rides in a resume.
#[test]
fn signaling_lost_during_a_restart_puts_the_restart_into_a_resume() {
    let mut rig = Rig::at(Live);
    rig.lose(Plane::Media);
    let plans: Vec<_> = dials(&rig.lose(Plane::Signaling)).iter().map(|dial| dial.plan).collect();
    assert_eq!(plans, [Plan::Resume { restart_ice: true }]);
}

/// The connection under a restart is gone: nobody waits for the restart's deadline.
#[test]
fn a_connection_closed_during_a_restart_is_rejoined_at_once() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    rig.lose(Plane::Media);
    let plans: Vec<_> = dials(&rig.feed(Closed { epoch })).iter().map(|dial| dial.plan).collect();
    assert_eq!(plans, [Plan::Rejoin]);
}

/// A connection that is closed cannot be inherited from.
#[test]
fn a_connection_closed_while_offline_is_not_resumed_from() {
    let mut rig = Rig::at(Offline);
    let epoch = rig.epoch();
    rig.feed(Closed { epoch });
    let dial = dials(&rig.feed(NetworkUp))[0];
    assert_eq!((dial.plan, dial.inherit), (Plan::Rejoin, None));
}

/// §6: media closed by the far side is final for that connection, also in the midst of a resume:
/// wait 250 ms for the reason, then rejoin.
#[test]
fn media_closed_by_the_far_side_during_a_resume_makes_it_a_rejoin() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.epoch();
    let outputs = rig.feed(PlaneLost { epoch, plane: Plane::Media, fault: Fault::ClosedByPeer });
    assert!(dials(&outputs).is_empty() && restarts(&outputs) == 0, "{outputs:?}");
    let before = rig.now;
    assert_eq!(rig.pass_to_dial().plan, Plan::Rejoin);
    assert_eq!(rig.now.since(before), 250 * MILLI);
}

#[test]
fn media_closed_by_the_far_side_during_a_restart_makes_it_a_rejoin() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    rig.lose(Plane::Media);
    rig.feed(PlaneLost { epoch, plane: Plane::Media, fault: Fault::ClosedByPeer });
    assert_eq!(rig.pass_to_dial().plan, Plan::Rejoin);
}

/// The stale check has a second half: the old link says nothing about the new dial.
#[test]
fn the_old_link_cannot_speak_for_the_dial_under_way() {
    for state in [Reconnecting, Migrating] {
        let mut rig = Rig::at(state);
        let (old, new) = (rig.epoch(), rig.dialled());
        rig.feed(Answered { epoch: old });
        rig.feed(Up { epoch: old, link: LinkFacts::default() });
        for plane in [Plane::Signaling, Plane::Media] {
            rig.feed(Carried { epoch: new, plane });
        }
        assert_eq!(rig.state(), state, "nobody let the new one in");
    }
}

/// §3: refused resumes rejoin at once, in the same outage.
#[test]
fn a_refused_resume_rejoins_at_once_in_the_same_outage() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    let outputs = rig.feed(ResumeRefused { epoch, why: ResumeRefusal::ReplayLost });
    assert_eq!(dials(&outputs)[0].plan, Plan::Rejoin);
    assert!(!events(&outputs).iter().any(|event| matches!(event, Event::State(_))), "{outputs:?}");
}

/// E10 (https://github.com/django/channels/issues/568): a restarted server is come back to spread
/// out over eight seconds, and no client waits longer.
#[test]
fn the_clients_of_a_restarted_server_come_back_spread_over_eight_seconds() {
    let waits: Vec<_> = (0..200)
        .map(|seed| {
            let mut rig = Rig::seeded(seed);
            rig.bring(Reconnecting);
            let epoch = rig.dialled();
            rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Restarted });
            let before = rig.now;
            assert_eq!(rig.pass_to_dial().plan, Plan::Rejoin);
            rig.now.since(before)
        })
        .collect();
    assert!(waits.iter().all(|wait| *wait <= 8 * SECOND));
    for quarter in 0..4 {
        let within = waits.iter().filter(|w| **w >= 2 * quarter * SECOND && **w < 2 * (quarter + 1) * SECOND);
        assert!((25..=75).contains(&within.count()), "a herd: {waits:?}");
    }
}

/// A far side that refuses a resume nobody asked for must not make us dial as fast as it refuses.
#[test]
fn a_resume_refused_to_a_rejoin_waits_before_the_next_dial() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
    let epoch = rig.dialled();
    assert!(dials(&rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone })).is_empty());
    assert_eq!(rig.state(), Reconnecting);
}

/// R11: a no is an answer, also where nobody said `Answered` before.
#[test]
fn four_refused_resumes_make_a_rejoin() {
    let mut rig = Rig::at(Reconnecting);
    let mut plans = Vec::new();
    for _ in 0..4 {
        let epoch = rig.dialled();
        rig.feed(Refused {
            epoch,
            why: JoinErrorKind::Rejected { code: Rejection::Internal },
            retry_after: None,
        });
        plans.push(rig.pass_to_dial().plan);
    }
    let resume = Plan::Resume { restart_ice: false };
    assert_eq!(plans, [resume, resume, resume, Plan::Rejoin]);
}

/// R11: a resume that holds for less than five seconds counts as failed; the fourth is the last.
#[test]
fn four_short_resumes_make_a_rejoin() {
    let mut rig = Rig::at(Live);
    let mut plans = Vec::new();
    for _ in 0..5 {
        rig.lose(Plane::Signaling);
        if rig.machine.snapshot().plan().is_none() {
            rig.pass_to_dial();
        }
        plans.extend(rig.machine.snapshot().plan());
        rig.carry();
        rig.pass_alive(SECOND);
    }
    let resume = Plan::Resume { restart_ice: false };
    assert_eq!(plans, [resume, resume, resume, resume, Plan::Rejoin]);
}

/// R11, E1 (https://github.com/pipecat-ai/pipecat-client-web-transports/issues/169): rejoins that
/// succeed and die at once, for ever, are bounded as well.
#[test]
fn rejoins_that_do_not_last_end_in_failed() {
    let mut rig = Rig::at(Live);
    let mut rejoins = 0;
    while rig.state() == Live && rejoins < 50 {
        let epoch = rig.epoch();
        rig.feed(Closed { epoch });
        if rig.state() == Reconnecting && rig.machine.snapshot().plan().is_none() {
            rig.pass_to_dial_or_change();
        }
        if rig.state() == Reconnecting {
            rejoins += 1;
            rig.carry();
        }
    }
    assert_eq!((rig.state(), rejoins), (Failed, 10));
}

/// A window that ends while the resume is already let in does not throw that resume away.
#[test]
fn a_resume_that_was_let_in_outlives_the_resume_window() {
    let mut rig = Rig::at(Live);
    rig.lose(Plane::Signaling);
    rig.lose(Plane::Media);
    while rig.now < offhook_lifecycle::Time::ZERO.plus(20 * SECOND) {
        rig.fail_dial();
        rig.pass_to_dial();
    }
    let epoch = rig.dialled();
    rig.feed(Up { epoch, link: LinkFacts::default() });
    rig.pass(6 * SECOND);
    assert!(rig.machine.admits(epoch), "the resume under way was dropped");
    for plane in [Plane::Signaling, Plane::Media] {
        rig.feed(Carried { epoch, plane });
    }
    assert_eq!(rig.state(), Live);
}

/// E14: a dial that was begun in the hole is replaced once it is older than half a second.
#[test]
fn life_on_the_path_replaces_a_dial_only_when_it_is_old() {
    let mut rig = Rig::at(Reconnecting);
    let (old, dial) = (rig.epoch(), rig.dialled());
    rig.now = rig.now.plus(500 * MILLI);
    assert!(dials(&rig.feed(PathAlive { epoch: old })).is_empty(), "not older than 500 ms");
    rig.now = rig.now.plus(MILLI);
    let outputs = rig.feed(PathAlive { epoch: old });
    assert_eq!(dials(&outputs).len(), 1);
    assert!(outputs.contains(&Output::Close { epoch: dial }));
}

/// "The network's return always revives", also when a user's retry had meanwhile assumed it.
#[test]
fn the_networks_return_revives_although_a_retry_was_tried_before() {
    let mut rig = Rig::at(Failed);
    rig.feed(Retry);
    rig.fail_dial();
    assert_eq!(rig.state(), Failed);
    rig.feed(NetworkUp);
    assert_eq!(rig.state(), Reconnecting);
}

#[test]
fn the_networks_return_dials_at_once_while_a_retry_waits() {
    let mut rig = Rig::at(Offline);
    rig.feed(Retry);
    rig.fail_dial();
    assert_eq!(rig.state(), Reconnecting);
    assert_eq!(dials(&rig.feed(NetworkUp)).len(), 1);
}

/// §3: while joining without a network nothing is dialled and the clock stands still.
#[test]
fn the_network_that_goes_during_a_join_stops_its_clock() {
    let mut rig = Rig::at(Joining);
    rig.feed(NetworkDown);
    rig.fail_dial();
    assert!(dials(&rig.pass(100 * SECOND)).is_empty());
    assert_eq!(rig.state(), Joining);
    assert_eq!(dials(&rig.feed(NetworkUp)).len(), 1);
    rig.feed(NetworkDown);
    rig.pass(121 * SECOND);
    assert_eq!(rig.state(), Idle);
    assert_eq!(rig.machine.snapshot().join_error(), Some(JoinErrorKind::ServerUnreachable));
}

#[test]
fn the_networks_return_replaces_a_join_that_hangs_in_the_hole() {
    let mut rig = Rig::at(Joining);
    let hung = rig.dialled();
    rig.feed(NetworkDown);
    rig.pass(SECOND);
    let outputs = rig.feed(NetworkUp);
    assert_eq!(dials(&outputs).len(), 1);
    assert!(outputs.contains(&Output::Close { epoch: hung }));
}

/// §3 migrating: what is fatal to the new link alone is a rejoin, with the old link kept.
#[test]
fn a_move_whose_credential_is_refused_becomes_a_rejoin() {
    let mut rig = Rig::at(Migrating);
    let (old, epoch) = (rig.epoch(), rig.dialled());
    rig.feed(NeedCredential { epoch, why: CredentialWhy::Missing });
    rig.feed(CredentialDenied);
    assert_eq!((rig.state(), rig.machine.snapshot().plan()), (Reconnecting, Some(Plan::Rejoin)));
    assert!(rig.machine.admits(old));
}

/// §3 migrating: every way in which the new link can fail, each ending in a rejoin.
#[test]
fn a_new_link_that_fails_in_any_way_becomes_a_rejoin_beside_the_old_one() {
    type Failure = fn(offhook_lifecycle::Epoch) -> offhook_lifecycle::Input;
    let failures: [Failure; 7] = [
        |epoch| Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None },
        |epoch| DialFailed { epoch, fault: Fault::Tls },
        |epoch| PlaneLost { epoch, plane: Plane::Media, fault: Fault::Silent },
        |epoch| Ended { epoch, reason: EndReason::Kicked },
        |epoch| Closed { epoch },
        |epoch| ResumeRefused { epoch, why: ResumeRefusal::Gone },
        |epoch| Advised { epoch, plan: Advice::Rejoin },
    ];
    for failure in failures {
        let mut rig = Rig::at(Migrating);
        let (old, new) = (rig.epoch(), rig.dialled());
        let outputs = rig.feed(failure(new));
        assert_eq!(rig.state(), Reconnecting, "{:?}", failure(new));
        assert_eq!(dials(&outputs)[0].plan, Plan::Rejoin);
        assert!(rig.machine.admits(old) && !rig.machine.admits(new));
    }
}

/// §3: a standby that ends a *recovery* ends the session: it is the same far side.
#[test]
fn an_ending_heard_by_a_recovering_dial_ends_the_session() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    rig.feed(Ended { epoch, reason: EndReason::Kicked });
    assert_eq!(rig.state(), Leaving);
}

/// F32: where the far side cannot make before break, a move is a rejoin shown as Migrating.
#[test]
fn a_move_without_make_before_break_is_a_rejoin_shown_as_migrating() {
    let mut rig = Rig::at(Joining);
    let epoch = rig.dialled();
    rig.feed(Up { epoch, link: LinkFacts { make_before_break: false, ..LinkFacts::default() } });
    for plane in [Plane::Signaling, Plane::Media] {
        rig.feed(Carried { epoch, plane });
    }
    let outputs = rig.feed(GoAway { epoch, target: Some(TargetRef(3)), why: MoveReason::ShuttingDown });
    assert_eq!(rig.state(), Migrating);
    let dial = dials(&outputs)[0];
    assert_eq!((dial.plan, dial.target), (Plan::Rejoin, Some(TargetRef(3))));
    assert!(outputs.contains(&Output::Close { epoch }));
}

/// §3: a machine that is put to sleep by policy takes the ring that it placed back.
#[test]
fn a_ring_is_taken_back_when_the_machine_sleeps_by_policy() {
    let mut rig = Rig::with(Policy { suspend: SuspendPolicy::Leave, ..Policy::default() });
    rig.bring(Ringing(Direction::Outgoing));
    let outputs = rig.feed(Suspend);
    assert!(outputs.contains(&Output::Ring(RingVerb::Cancel)), "{outputs:?}");
    assert_eq!(rig.machine.snapshot().ending().map(|ending| ending.reason), Some(EndReason::Suspended));
}

/// §3 Woke in failed: as the network's return, so at most one dial per ten seconds.
#[test]
fn a_machine_that_wakes_again_and_again_dials_once_per_ten_seconds() {
    let mut rig = Rig::at(Failed);
    rig.feed(NetworkUp);
    rig.fail_dial();
    let outputs = rig.feed(Woke { slept: 3 * SECOND });
    assert!(dials(&outputs).is_empty(), "{outputs:?}");
    let before = rig.now;
    rig.pass_to_dial();
    assert_eq!(rig.now.since(before), 10 * SECOND);
}

/// §3 Woke: a short sleep is probed; past the resume window it is a rejoin at once.
#[test]
fn waking_probes_and_past_the_resume_window_rejoins() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    let outputs = rig.feed(Woke { slept: 5 * SECOND });
    assert!(outputs.contains(&Output::Ping { epoch }));
    rig.pass(2 * SECOND);
    assert_eq!(rig.state(), Reconnecting, "nobody answered the probe");
    let mut rig = Rig::at(Live);
    assert_eq!(dials(&rig.feed(Woke { slept: 26 * SECOND }))[0].plan, Plan::Rejoin);
}

/// E19 (https://github.com/firezone/firezone/issues/8999): one budget from end to end, not a sum of them.
#[test]
fn an_outage_that_nobody_answers_fails_within_the_away_budget() {
    let mut rig = Rig::at(Reconnecting);
    let outputs = rig.pass(60 * SECOND);
    assert_eq!(rig.state(), Failed);
    let plans: Vec<_> = dials(&outputs).iter().map(|dial| dial.plan).collect();
    assert!(plans.contains(&Plan::Rejoin), "{plans:?}");
}

/// A5 (https://github.com/GetStream/stream-video-js/pull/2379): a cancelled join stays silent.
#[test]
fn a_join_cancelled_while_it_waits_dials_no_more() {
    let mut rig = Rig::at(Joining);
    rig.fail_dial();
    rig.feed(Cancel);
    assert_eq!(rig.state(), Idle);
    assert_eq!(rig.pass(100 * SECOND), []);
}

/// B14 (https://github.com/GetStream/stream-video-android/issues/1598): what a failed join left
/// behind does not end the next one.
#[test]
fn a_hundred_failed_joins_leave_nothing_behind() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.feed(Join(JoinWish::default()));
        let epoch = rig.dialled();
        rig.feed(Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None });
        assert_eq!((rig.state(), rig.machine.poll_timeout()), (Idle, None));
    }
    rig.feed(Join(JoinWish::default()));
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// C5 (https://github.com/livekit/client-sdk-js/issues/1565): the ending says what was lost, not
/// what the last refused dial was told.
#[test]
fn the_ending_of_a_failed_recovery_is_the_first_loss() {
    let mut rig = Rig::with(Policy { failed: Some(SECOND), ..Policy::default() });
    rig.bring(Live);
    rig.lose(Plane::Signaling);
    let mut rounds = 0;
    while rig.state() == Reconnecting && rounds < 200 {
        rounds += 1;
        let epoch = rig.dialled();
        rig.feed(Refused {
            epoch,
            why: JoinErrorKind::Rejected { code: Rejection::RateLimited },
            retry_after: None,
        });
        rig.pass_to_dial_or_change();
    }
    assert_eq!(rig.state(), Failed);
    rig.pass(SECOND);
    assert_eq!(rig.machine.snapshot().ending().map(|e| e.reason), Some(EndReason::NetworkLost));
}

/// B17 (https://github.com/GetStream/stream-video-android/pull/1634): a ring that timed out is over.
#[test]
fn nothing_happens_to_a_ring_after_its_timeout() {
    let mut rig = Rig::at(Ringing(Direction::Outgoing));
    rig.pass(30 * SECOND);
    assert_eq!(rig.feed(Accepted(None)), []);
    assert!(rig.state() == Leaving || rig.state() == Left);
}

/// §3 two planes: media that lives on also goes on; a dial begins muted unless it is told otherwise.
#[test]
fn media_that_lives_is_not_muted_by_the_resume_beside_it() {
    let mut rig = Rig::at(Live);
    let outputs = rig.lose(Plane::Signaling);
    let epoch = dials(&outputs)[0].epoch;
    let dial = outputs.iter().position(|output| matches!(output, Output::Dial(_)));
    let open = outputs.iter().position(|output| *output == Output::Gate { epoch, gate: Gate::Open });
    assert!(open.is_some() && dial < open, "{outputs:?}");
    let outputs = Rig::at(Live).lose_both();
    let opened = outputs.iter().any(|output| matches!(output, Output::Gate { gate: Gate::Open, .. }));
    assert!(!opened, "what is new carries silence until it is let in: {outputs:?}");
}

/// R11: a retry grants a dial; a spent budget does not turn it into the end of the recovery.
#[test]
fn a_retry_while_reconnecting_is_not_refused_by_spent_rejoins() {
    let mut rig = Rig::with(Policy { rejoins: 1, ..Policy::default() });
    rig.bring(Live);
    let epoch = rig.epoch();
    rig.feed(Closed { epoch });
    let epoch = rig.dialled();
    rig.feed(Answered { epoch });
    assert_eq!(dials(&rig.feed(Retry)).len(), 1);
    assert_eq!(rig.state(), Reconnecting);
    rig.carry();
    assert_eq!(rig.state(), Live);
}
