//! What the far side asks for: go-aways and advice at every step, waits that are waited for, and
//! what it will not have. Also what counts against which budget, and stalls of our own.

use crate::rig::{Rig, dials, events};
use offhook_lifecycle::Input::*;
use offhook_lifecycle::State::*;
use offhook_lifecycle::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn away(epoch: Epoch, target: u32) -> Input {
    GoAway { epoch, target: Some(TargetRef(target)), why: MoveReason::ShuttingDown }
}

/// E5 (https://github.com/GetStream/stream-video-flutter/pull/1263), F35, R7: at every step of a
/// recovery a go-away is where the next dial goes.
#[test]
fn a_go_away_at_each_step_of_a_recovery_is_where_the_next_dial_goes() {
    type Step = fn(&mut Rig);
    let steps: [(&str, Step); 5] = [
        ("dialling", |_| {}),
        ("answered", |rig| {
            let epoch = rig.dialled();
            rig.feed(Answered { epoch });
        }),
        ("let in", |rig| {
            let epoch = rig.dialled();
            rig.feed(Up { epoch, link: LinkFacts::default() });
        }),
        ("waiting", |rig| drop(rig.fail_dial())),
        ("rejoining", |rig| {
            let epoch = rig.dialled();
            rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
        }),
    ];
    for (name, step) in steps {
        for of_dial in [false, true] {
            let mut rig = Rig::at(Reconnecting);
            step(&mut rig);
            let epoch = if of_dial { rig.dialled() } else { rig.epoch() };
            rig.feed(away(epoch, 6));
            if rig.machine.snapshot().plan().is_some() {
                rig.fail_dial();
            }
            let next = rig.pass_to_dial();
            assert_eq!((next.plan, next.target), (Plan::Rejoin, Some(TargetRef(6))), "{name}, {of_dial}");
        }
    }
}

/// The same, where the recovery under way carries first: no dial was due, so it moves.
#[test]
fn a_go_away_during_a_recovery_that_carries_is_moved_to_from_live() {
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    rig.feed(Up { epoch, link: LinkFacts::default() });
    rig.feed(away(epoch, 6));
    let mut outputs = rig.feed(Carried { epoch, plane: Plane::Signaling });
    outputs.extend(rig.feed(Carried { epoch, plane: Plane::Media }));
    assert_eq!(rig.state(), Migrating);
    let dial = dials(&outputs)[0];
    assert_eq!((dial.plan, dial.target), (Plan::Migrate, Some(TargetRef(6))));
}

fn refused(rig: &mut Rig, why: JoinErrorKind) -> Vec<Output> {
    let epoch = rig.dialled();
    rig.feed(Refused { epoch, why, retry_after: None })
}

/// Has moved to this target once: its ticket is used.
fn moved(target: u32) -> Rig {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    rig.feed(away(epoch, target));
    rig.carry();
    assert_eq!(rig.state(), Live);
    rig
}

/// Dials go on failing until one goes where the session lives.
fn rejoins_at(rig: &mut Rig, outputs: &[Output], target: u32) {
    let mut next = dials(outputs).first().map(|dial| dial.target);
    for _ in 0..4 {
        let at = next.take().unwrap_or_else(|| rig.pass_to_dial().target);
        if at == Some(TargetRef(target)) {
            return;
        }
        rig.fail_dial();
    }
    panic!("no dial went to {target}");
}

/// F32, R12: the ticket that a session moved with opens no door twice. That it does not is no word
/// about the user: the session goes on at the configured address, and asks there no more.
#[test]
fn a_used_ticket_that_is_refused_is_no_end_of_a_session_that_has_moved() {
    let mut rig = moved(6);
    let epoch = rig.epoch();
    // A second move, to where nobody is.
    rig.feed(away(epoch, 7));
    let outputs = refused(&mut rig, JoinErrorKind::ServerUnreachable);
    rejoins_at(&mut rig, &outputs, 6);
    refused(&mut rig, JoinErrorKind::Unauthorized);
    assert_eq!(rig.state(), Reconnecting);
    for _ in 0..3 {
        let next = rig.pass_to_dial();
        assert_eq!((next.plan, next.target), (Plan::Rejoin, None));
        rig.fail_dial();
    }
}

/// R12: what ends the session where it lives ends it, ticket or not.
#[test]
fn what_is_no_matter_of_a_ticket_ends_a_session_that_has_moved() {
    let mut rig = moved(6);
    rig.lose(Plane::Signaling);
    refused(&mut rig, JoinErrorKind::NotPermitted);
    assert_eq!(rig.state(), Leaving);
    let mut rig = moved(6);
    let epoch = rig.epoch();
    let outputs = rig.feed(Closed { epoch });
    rejoins_at(&mut rig, &outputs, 6);
    refused(&mut rig, JoinErrorKind::NotPermitted);
    assert_eq!(rig.state(), Leaving);
}

/// F32: a target that a recovery was sent to and that will not have the session has no say in
/// whether it goes on, as in a move.
#[test]
fn a_stranger_that_refuses_for_good_is_no_end_of_a_recovery() {
    for why in [JoinErrorKind::Unauthorized, JoinErrorKind::NotFound, JoinErrorKind::NotSupported] {
        let mut rig = Rig::at(Reconnecting);
        let epoch = rig.epoch();
        rig.feed(away(epoch, 6));
        rig.fail_dial();
        let next = rig.pass_to_dial();
        assert_eq!(next.target, Some(TargetRef(6)));
        refused(&mut rig, why);
        assert_eq!(rig.state(), Reconnecting, "{why:?}");
        assert_eq!(rig.pass_to_dial().target, None, "{why:?}");
    }
    // The same, from the configured address, is the end.
    let mut rig = Rig::at(Reconnecting);
    let epoch = rig.dialled();
    rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
    refused(&mut rig, JoinErrorKind::Unauthorized);
    assert_eq!(rig.state(), Leaving);
}

/// R13, R14: a wish made beside a dial under way is told to the old link, which has it in effect at
/// once; the new one was dialled without it, and is told as soon as it is up.
#[test]
fn a_wish_that_the_old_link_acked_is_told_to_a_link_that_was_dialled_before_it() {
    let mut rig = Rig::at(Migrating);
    let (old, new) = (rig.epoch(), rig.dialled());
    let revision = rig.machine.set(Change::new().prompt("sepia", false), rig.now).expect("there is room");
    rig.feed(Acked { epoch: old, revision, answer: Answer::Applied });
    let outputs = rig.feed(Up { epoch: new, link: LinkFacts::default() });
    let told = |output: &Output| *output == Output::Apply { epoch: new, revision };
    assert!(outputs.iter().any(told), "{outputs:?}");
}

/// E23 (https://github.com/pipecat-ai/pipecat/issues/3170, livekit/agents#2358): a provider's cap
/// on the length of a session is a planned move.
#[test]
fn a_session_cap_is_a_move_and_no_error() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    let outputs = rig.feed(GoAway { epoch, target: None, why: MoveReason::SessionCap });
    assert_eq!(rig.state(), Migrating);
    let told = events(&outputs);
    assert!(told.contains(&Event::MigrationStarted(MoveReason::SessionCap)), "{told:?}");
    assert!(!told.iter().any(|event| matches!(event, Event::Error(_) | Event::PlaneLost { .. })));
    rig.carry();
    assert_eq!((rig.state(), rig.machine.snapshot().last_error()), (Live, None));
}

/// R7, F35: advice that comes while joining is acted on as soon as there is something to recover.
#[test]
fn advice_while_joining_is_remembered() {
    for (plan, recovery) in
        [(Advice::Rejoin, Plan::Rejoin), (Advice::Resume, Plan::Resume { restart_ice: false })]
    {
        let mut rig = Rig::at(Joining);
        let epoch = rig.dialled();
        assert_eq!(rig.feed(Advised { epoch, plan }), []);
        let outputs = rig.carry();
        assert_eq!(
            (rig.state(), dials(&outputs).last().map(|dial| dial.plan)),
            (Reconnecting, Some(recovery))
        );
    }
}

/// It was about that dial: the next one is not bound by it.
#[test]
fn advice_about_a_dial_that_failed_is_forgotten() {
    let mut rig = Rig::at(Joining);
    let epoch = rig.dialled();
    rig.feed(Advised { epoch, plan: Advice::Rejoin });
    rig.fail_dial();
    rig.pass_to_dial();
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// R7, F35: a plan named while there is no network is the plan of the way back.
#[test]
fn advice_while_offline_is_remembered() {
    let mut rig = Rig::at(Offline);
    let epoch = rig.epoch();
    rig.feed(Advised { epoch, plan: Advice::Rejoin });
    assert_eq!(dials(&rig.feed(NetworkUp))[0].plan, Plan::Rejoin);
}

/// R13, R11: moves beside a living link are bounded by hops; they spend no budget of recovery.
#[test]
fn moves_that_work_spend_no_rejoins() {
    let mut rig = Rig::with(Policy { rejoins: 1, ..Policy::default() });
    rig.bring(Live);
    for target in 0..3 {
        let epoch = rig.epoch();
        rig.feed(away(epoch, target));
        assert_eq!(rig.state(), Migrating);
        rig.carry();
    }
    let epoch = rig.epoch();
    rig.feed(Closed { epoch });
    while rig.machine.snapshot().plan().is_none() {
        rig.pass_to_dial_or_change();
        assert_eq!(rig.state(), Reconnecting, "the one rejoin there is was spent on moves");
    }
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// E13 (https://github.com/processone/fluux-messenger/pull/296): timers that are a minute late, and a
/// far side that answers each probe: no reconnect, however often.
#[test]
fn gaps_of_a_minute_with_a_living_socket_are_no_loss() {
    let mut rig = Rig::at(Live);
    let epoch = rig.epoch();
    for gap in [60, 90, 120].repeat(20) {
        rig.now = rig.now.plus(gap * SECOND);
        rig.machine.wake(rig.now);
        while rig.machine.poll_output().is_some() {}
        for plane in [Plane::Signaling, Plane::Media] {
            rig.feed(Alive { epoch, plane });
        }
        assert_eq!(rig.state(), Live);
    }
}

/// The other side of E13: stalls excuse a silence twice, not for ever.
#[test]
fn a_dead_link_is_judged_although_every_timer_is_late() {
    let mut rig = Rig::at(Live);
    let mut stalls = 0;
    while rig.state() == Live && stalls < 10 {
        rig.now = rig.now.plus(30 * SECOND);
        rig.machine.wake(rig.now);
        while rig.machine.poll_output().is_some() {}
        stalls += 1;
    }
    // Twice for each plane at most, then it is judged.
    assert_eq!(rig.state(), Reconnecting);
    assert!((3..=5).contains(&stalls), "{stalls}");
}

/// E11 (https://github.com/BasedHardware/omi/issues/5520), R12: what the far side asks to wait for is
/// waited for, and a sign of life does not cut it short; not all come back at the same instant.
#[test]
fn retry_after_is_waited_for_and_no_sign_of_life_cuts_it_short() {
    let codes = [Rejection::RateLimited, Rejection::Internal];
    let mut waits = Vec::new();
    for (seed, code) in (0..40).flat_map(|seed| codes.map(|code| (seed, code))) {
        let mut rig = Rig::seeded(seed);
        rig.bring(Reconnecting);
        let (old, epoch) = (rig.epoch(), rig.dialled());
        let why = JoinErrorKind::Rejected { code };
        rig.feed(Refused { epoch, why, retry_after: Some(4 * SECOND) });
        let before = rig.now;
        rig.now = rig.now.plus(SECOND);
        assert!(dials(&rig.feed(PathAlive { epoch: old })).is_empty(), "it was asked to wait");
        rig.pass_to_dial();
        waits.push(rig.now.since(before));
    }
    assert!(waits.iter().all(|wait| (4 * SECOND..=8 * SECOND).contains(wait)), "{waits:?}");
    let first = waits.iter().filter(|wait| **wait < 5 * SECOND).count();
    assert!((8..40).contains(&first), "a herd: {waits:?}");
}

/// The same for a join, whose tries are counted and whose time is.
#[test]
fn retry_after_is_waited_for_in_a_join() {
    let mut rig = Rig::at(Joining);
    let epoch = rig.dialled();
    let why = JoinErrorKind::Rejected { code: Rejection::RateLimited };
    rig.feed(Refused { epoch, why, retry_after: Some(4 * SECOND) });
    let before = rig.now;
    rig.pass_to_dial();
    assert!(rig.now.since(before) >= 4 * SECOND);
}

/// The server's own value spreads its clients, where it gives one.
#[test]
fn a_restarting_server_says_over_how_long_its_clients_come_back() {
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut rig = Rig::seeded(seed);
        rig.bring(Reconnecting);
        let epoch = rig.dialled();
        let why = JoinErrorKind::Rejected { code: Rejection::Restarting };
        rig.feed(Refused { epoch, why, retry_after: Some(20 * SECOND) });
        let before = rig.now;
        rig.pass_to_dial();
        waits.push(rig.now.since(before));
    }
    assert!(waits.iter().all(|wait| *wait <= 20 * SECOND));
    assert!(waits.iter().filter(|wait| **wait > 8 * SECOND).count() > 40, "{waits:?}");
}

/// E10: whichever of its two alarms a restarting server rings first, nobody comes back at once.
#[test]
fn media_closed_before_the_news_of_a_restart_makes_no_herd() {
    let mut early = 0;
    for seed in 0..100 {
        let mut rig = Rig::seeded(seed);
        rig.bring(Live);
        let epoch = rig.epoch();
        rig.feed(PlaneLost { epoch, plane: Plane::Media, fault: Fault::ClosedByPeer });
        rig.feed(PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::ServerRestart });
        let before = rig.now;
        assert_eq!(rig.pass_to_dial().plan, Plan::Rejoin);
        early += u32::from(rig.now.since(before) < SECOND);
    }
    assert!(early < 30, "{early} of 100 within the first second");
}

/// R11: a sign of life is a hint and no grant; what spent its rejoins is not dialled for it.
#[test]
fn signs_of_life_grant_no_dial_beyond_the_budget() {
    let mut rig = Rig::with(Policy { rejoins: 2, ..Policy::default() });
    rig.bring(Reconnecting);
    let old = rig.epoch();
    let epoch = rig.dialled();
    rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
    let mut dialled = 1;
    for _ in 0..30 {
        if rig.state() != Reconnecting {
            break;
        }
        if rig.machine.snapshot().plan().is_some() {
            let epoch = rig.dialled();
            rig.feed(Answered { epoch });
            rig.fail_dial();
        }
        dialled += dials(&rig.feed(PathAlive { epoch: old })).len();
        rig.now = rig.now.plus(MILLI);
    }
    assert_eq!((rig.state(), dialled), (Failed, 2));
}

/// R14: what the far side will not have at a rejoin is withdrawn, and the session goes on without it.
#[test]
fn a_wish_refused_at_a_rejoin_is_withdrawn_and_the_session_goes_on() {
    let mut rig = Rig::new();
    let (good, _) = rig.set("good");
    rig.bring(Live);
    assert_eq!(rig.machine.desired().acked(), good);
    rig.lose_both();
    let epoch = rig.dialled();
    rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
    rig.fail_dial();
    let (bad, _) = rig.set("bad");
    rig.pass_to_dial();
    let epoch = rig.dialled();
    let item = StateItem::Prompt;
    let why = JoinErrorKind::InitialStateRefused { item };
    let told = events(&rig.feed(Refused { epoch, why, retry_after: None }));
    assert!(told.contains(&Event::Change { revision: bad, outcome: Outcome::Refused(item) }), "{told:?}");
    rig.pass_to_dial();
    assert_eq!(rig.machine.desired().prompt().map(|prompt| &*prompt.text), Some("good"));
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// F33, E20 (https://github.com/opentok/opentok-react-native/issues/133): another address or default
/// route is an alarm of both planes: a new socket and a restart, at once.
#[test]
fn another_network_is_resumed_over_at_once() {
    let mut rig = Rig::at(Live);
    let outputs = rig.feed(NetworkChanged);
    let plans: Vec<_> = dials(&outputs).iter().map(|dial| dial.plan).collect();
    assert_eq!((rig.state(), plans), (Reconnecting, vec![Plan::Resume { restart_ice: true }]));
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// What was begun over the old network is replaced; a network that changes all the time makes no
/// storm of dials (R11).
#[test]
fn a_dial_begun_over_the_old_network_is_replaced_once_in_ten_seconds() {
    let mut rig = Rig::at(Reconnecting);
    let old = rig.dialled();
    let outputs = rig.feed(NetworkChanged);
    assert_eq!(dials(&outputs).len(), 1);
    assert!(outputs.contains(&Output::Close { epoch: old }));
    let mut dialled = 0;
    for _ in 0..100 {
        dialled += dials(&rig.feed(NetworkChanged)).len();
        rig.now = rig.now.plus(10 * MILLI);
    }
    // Only what the backoff itself lets through, which grows.
    assert_eq!(rig.state(), Reconnecting);
    assert!(dialled <= 3, "{dialled} dials in a second");
    rig.pass_to_dial();
}

/// Both links of a move were made over the old network.
#[test]
fn another_network_during_a_move_makes_it_a_rejoin() {
    let mut rig = Rig::at(Migrating);
    let outputs = rig.feed(NetworkChanged);
    assert_eq!((rig.state(), dials(&outputs)[0].plan), (Reconnecting, Plan::Rejoin));
}

/// A join is dialled anew, and that is no try of the far side.
#[test]
fn another_network_during_a_join_dials_anew_and_is_no_attempt() {
    let mut rig = Rig::at(Joining);
    for _ in 0..5 {
        rig.now = rig.now.plus(501 * MILLI);
        assert_eq!(dials(&rig.feed(NetworkChanged)).len(), 1);
        assert!(dials(&rig.feed(NetworkChanged)).len() <= 1);
    }
    assert!(
        dials(&rig.feed(NetworkChanged)).is_empty(),
        "a network that changes all the time makes no storm"
    );
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// F33, R10: who was told that there is no network hears of another one that there is one: the
/// application and the system may each say a part of it.
#[test]
fn another_network_ends_being_offline() {
    let mut rig = Rig::at(Offline);
    let outputs = rig.feed(NetworkChanged);
    let plans: Vec<_> = dials(&outputs).iter().map(|dial| dial.plan).collect();
    assert_eq!((rig.state(), plans), (Reconnecting, vec![Plan::Resume { restart_ice: true }]));
    assert_eq!(rig.feed(NetworkUp), [], "it is known already");
    rig.carry();
    assert_eq!(rig.state(), Live);

    let mut rig = Rig::at(Joining);
    rig.fail_dial();
    rig.feed(NetworkDown);
    assert_eq!(dials(&rig.feed(NetworkChanged)).len(), 1, "a join without a network goes on over this one");

    let mut rig = Rig::at(Live);
    rig.feed(Suspend);
    assert_eq!((rig.feed(NetworkChanged), rig.state()), (vec![], Offline), "asleep it waits for the wake");
}

/// R11: a move that a sleep or a stall outlasts becomes a rejoin; with the rejoins spent it has failed.
#[test]
fn a_sleep_past_a_move_with_its_rejoins_spent_fails() {
    for stalled in [false, true] {
        let mut rig = Rig::with(Policy { rejoins: 1, ..Policy::default() });
        rig.bring(Reconnecting);
        let epoch = rig.dialled();
        rig.feed(ResumeRefused { epoch, why: ResumeRefusal::Gone });
        rig.carry();
        let epoch = rig.epoch();
        rig.feed(away(epoch, 4));
        assert_eq!(rig.state(), Migrating);
        let dial = rig.dialled();
        rig.feed(Up { epoch: dial, link: LinkFacts::default() });
        if stalled {
            rig.now = rig.now.plus(30 * SECOND);
            rig.machine.wake(rig.now);
        } else {
            rig.feed(Woke { slept: 10 * SECOND });
        }
        // The rejoin that follows is one too many: at once, or after its backoff.
        for _ in 0..20 {
            if rig.state() != Failed {
                rig.pass(500 * MILLI);
            }
        }
        assert_eq!(rig.state(), Failed, "stalled: {stalled}");
    }
}

/// R14: the same, where the old link brought the refusal before the dial did.
#[test]
fn a_wish_refused_on_both_links_is_withdrawn_once_and_the_session_goes_on() {
    let mut rig = Rig::new();
    rig.set("good");
    rig.bring(Live);
    let (bad, _) = rig.set("bad");
    let epoch = rig.epoch();
    rig.feed(Advised { epoch, plan: Advice::Rejoin });
    let dial = rig.dialled();
    let item = StateItem::Prompt;
    rig.feed(Acked { epoch, revision: bad, answer: Answer::Refused(item) });
    let why = JoinErrorKind::InitialStateRefused { item };
    rig.feed(Refused { epoch: dial, why, retry_after: None });
    assert_eq!(rig.state(), Reconnecting);
    rig.pass_to_dial();
    rig.carry();
    assert_eq!(rig.state(), Live);
}

/// E4 (https://github.com/GetStream/stream-video-js/pull/2287): to be sent on is an answer and no
/// failed attempt, so that the last attempt, which asks to avoid a sick node, can end on another.
#[test]
fn a_join_that_is_sent_on_in_its_last_attempt_goes_there() {
    let mut rig = Rig::at(Joining);
    for _ in 0..2 {
        let epoch = rig.dialled();
        rig.feed(Up { epoch, link: LinkFacts::default() });
        rig.feed(PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed });
        rig.pass_to_dial();
    }
    let epoch = rig.dialled();
    let outputs = rig.feed(away(epoch, 6));
    assert_eq!(dials(&outputs).first().and_then(|dial| dial.target), Some(TargetRef(6)));
    assert_eq!(rig.machine.state(), Joining);
    // That was the third: if it fails as well, the join has failed.
    let epoch = rig.dialled();
    let outputs = rig.feed(PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed });
    assert!(events(&outputs).iter().any(|event| matches!(event, Event::JoinFailed(_))), "{outputs:?}");
}

/// R13, E4: servers that send a join round are listened to three times, and then each is a failed
/// attempt.
#[test]
fn a_join_that_is_sent_round_ends_after_three_hops() {
    let mut rig = Rig::at(Joining);
    let mut dialled = 1;
    while rig.state() == Joining && dialled < 50 {
        let epoch = rig.dialled();
        dialled += dials(&rig.feed(away(epoch, 6))).len();
    }
    // The first dial, three hops, and the two attempts that are left.
    assert_eq!((rig.state(), dialled), (Idle, 6));
}

/// R8, R11: a far side that calls every media path broken, however well it carries, is believed
/// within the budgets: four short-lived paths are a rejoin, ten rejoins are the end.
#[test]
fn a_far_side_that_reports_a_media_fault_for_ever_ends_in_failed() {
    let mut rig = Rig::at(Live);
    let (mut restarts, mut rejoins) = (0, 0);
    for _ in 0..10_000 {
        let outputs = match rig.state() {
            Live => {
                let epoch = rig.epoch();
                rig.feed(PlaneLost { epoch, plane: Plane::Media, fault: Fault::MediaFault })
            }
            Reconnecting => {
                let at = rig.machine.poll_timeout().expect("reconnecting has a deadline");
                rig.pass(at.since(rig.now))
            }
            state => {
                assert_eq!(state, Failed, "{restarts} restarts, {rejoins} rejoins");
                assert!(restarts <= 60 && rejoins <= 10, "{restarts} restarts, {rejoins} rejoins");
                return;
            }
        };
        for output in outputs {
            match output {
                Output::RestartIce { epoch } => {
                    restarts += 1;
                    rig.feed(Carried { epoch, plane: Plane::Media });
                }
                Output::Dial(_) => {
                    rejoins += 1;
                    rig.carry();
                }
                _ => {}
            }
        }
    }
    panic!("it goes on for ever: {restarts} restarts, {rejoins} rejoins");
}
