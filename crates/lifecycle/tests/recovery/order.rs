//! In which order things are done and told, in whatever order the facts come; and that each time
//! limit is one.

use crate::rig::{Rig, dials, events};
use offhook_lifecycle::Input::*;
use offhook_lifecycle::State::*;
use offhook_lifecycle::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn told(outputs: &[Output], state: State) -> Option<usize> {
    let calling = Output::Report(Event::State(state));
    outputs.iter().position(|output| *output == calling)
}

fn is_work(output: &Output) -> bool {
    matches!(output, Output::Dial(_) | Output::RestartIce { .. } | Output::Ring(_))
}

/// B6 (https://github.com/livekit/client-sdk-swift/issues/368): whoever looks when the work of an
/// attempt begins sees the state that does it.
#[test]
fn the_state_changes_before_the_first_work_of_an_attempt() {
    type Fact = fn(Epoch) -> Input;
    let cases: [(State, Fact, State); 7] = [
        (Idle, |_| Join(JoinWish::default()), Joining),
        (Idle, |_| Ring, Ringing(Direction::Outgoing)),
        (Live, |epoch| PlaneLost { epoch, plane: Plane::Media, fault: Fault::Silent }, Reconnecting),
        (Live, |epoch| PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed }, Reconnecting),
        (Live, |epoch| GoAway { epoch, target: None, why: MoveReason::Rebalance }, Migrating),
        (Offline, |_| NetworkUp, Reconnecting),
        (Failed, |_| Retry, Reconnecting),
    ];
    for (given, fact, then) in cases {
        let mut rig = Rig::at(given);
        let epoch = rig.machine.snapshot().epoch().unwrap_or(Epoch(0));
        let mut outputs = rig.feed(fact(epoch));
        if !outputs.iter().any(is_work) {
            outputs.extend(rig.pass(10 * SECOND));
        }
        let work = outputs.iter().position(is_work);
        let seen = told(&outputs, then);
        assert!(seen.is_some() && work.is_some() && seen < work, "{given} to {then}: {outputs:?}");
    }
}

/// B9 (https://github.com/livekit/client-sdk-js/pull/1671): no state is deaf to a loss of what it
/// holds: it recovers, goes on with what is left, or counts the attempt.
#[test]
fn a_loss_is_heard_in_every_state_that_has_a_link() {
    for plane in [Plane::Signaling, Plane::Media] {
        let lost = |epoch| PlaneLost { epoch, plane, fault: Fault::Closed };
        let mut rig = Rig::at(Joining);
        let epoch = rig.dialled();
        rig.feed(Up { epoch, link: LinkFacts::default() });
        rig.feed(lost(epoch));
        assert!(!rig.machine.admits(epoch), "joining: the attempt is over");

        let mut rig = Rig::at(Live);
        let epoch = rig.epoch();
        rig.feed(lost(epoch));
        assert_eq!(rig.state(), Reconnecting);

        // The old link of a move: what is left of it goes on, and so does the move.
        let mut rig = Rig::at(Migrating);
        let epoch = rig.epoch();
        rig.feed(lost(epoch));
        assert_eq!(rig.state(), Migrating);
        let other = if plane == Plane::Media { Plane::Signaling } else { Plane::Media };
        rig.feed(PlaneLost { epoch, plane: other, fault: Fault::Closed });
        // The new one is all there is now, for as long as a move may take.
        rig.pass(8 * SECOND);
        assert_eq!(rig.state(), Reconnecting);
        // The new one: the move has failed.
        let mut rig = Rig::at(Migrating);
        let epoch = rig.dialled();
        rig.feed(Up { epoch, link: LinkFacts::default() });
        rig.feed(lost(epoch));
        assert_eq!(rig.state(), Reconnecting);

        // While reconnecting: the other half joins the recovery, the dial's own counts against it.
        let mut rig = Rig::at(Live);
        let epoch = rig.epoch();
        rig.lose(other);
        let before = rig.machine.snapshot();
        rig.feed(lost(epoch));
        let after = rig.machine.snapshot();
        assert_eq!(rig.state(), Reconnecting);
        assert_ne!(before.plan(), after.plan(), "{plane:?} after {other:?}: {:?}", before.plan());
        let dial = rig.dialled();
        rig.feed(Up { epoch: dial, link: LinkFacts::default() });
        rig.feed(lost(dial));
        assert!(!rig.machine.admits(dial), "the recovery under way lost what it had won");

        // Offline nothing is dialled, and nothing is forgotten: the return is a dial for both halves.
        let mut rig = Rig::at(Offline);
        let epoch = rig.epoch();
        rig.feed(lost(epoch));
        assert_eq!(dials(&rig.feed(NetworkUp)).len(), 1);
    }
}

/// B15 (https://github.com/GetStream/stream-video-android/pull/1788): around the start of a ring the
/// answer, its end and the network may come in any order; the first that decides does, and none of
/// them leaves it ringing for ever.
#[test]
fn what_comes_around_the_start_of_a_ring_may_come_in_any_order() {
    let facts = [Accepted(None), RingEnded(RingEnd::Declined), NetworkDown, NetworkUp, PresenceLost];
    let mut orders = vec![Vec::new()];
    for _ in 0..facts.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let rest = (0..facts.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>();
                rest.into_iter().map(move |at| order.iter().copied().chain([at]).collect())
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        // Before the ring too: what comes before it has no say.
        for early in 0..facts.len() {
            let mut rig = Rig::new();
            let (before, after) = order.split_at(early);
            before.iter().for_each(|at| drop(rig.feed(facts[*at])));
            assert_eq!(rig.state(), Idle, "{order:?}");
            rig.feed(Ring);
            after.iter().for_each(|at| drop(rig.feed(facts[*at])));
            let decided = after.iter().find(|at| **at < 2);
            match decided {
                Some(0) => assert_eq!(rig.state(), Joining, "{order:?} from {early}"),
                Some(_) => assert_eq!(rig.state(), Leaving, "{order:?} from {early}"),
                None => {
                    assert_eq!(rig.state(), Ringing(Direction::Outgoing), "{order:?} from {early}");
                    rig.pass(31 * SECOND);
                    assert!(matches!(rig.state(), Leaving | Left), "nobody rings for ever: {order:?}");
                }
            }
        }
    }
}

/// E17 (https://github.com/algesten/str0m/pull/832): silence is counted from when the link carried,
/// not from a time before it.
#[test]
fn the_first_seconds_of_a_link_are_not_silence() {
    for late in [Duration::ZERO, 3_600 * SECOND] {
        let mut rig = Rig::new();
        rig.pass(late);
        rig.bring(Live);
        let outputs = rig.pass(4 * SECOND);
        assert_eq!(rig.state(), Live, "after {late:?}: {outputs:?}");
        assert!(outputs.iter().any(|output| matches!(output, Output::Ping { .. })), "it asks first");
        rig.pass(3 * SECOND);
        assert_eq!(rig.state(), Reconnecting, "but silence it becomes");
    }
}

/// C6 (https://github.com/jitsi/jitsi-meet/issues/17352): what gave up has let go of everything it had
/// under way before it says so, and says so once.
#[test]
fn a_recovery_that_gives_up_has_cleaned_up_before_it_says_so() {
    let mut rig = Rig::at(Live);
    let mut outputs = rig.lose_both();
    while rig.state() == Reconnecting {
        let at = rig.machine.poll_timeout().expect("reconnecting has a deadline");
        outputs.extend(rig.pass(at.since(rig.now)));
    }
    assert_eq!(rig.state(), Failed);
    let failed = told(&outputs, Failed).expect("it is told");
    let before = &outputs[..failed];
    let closed = |of: Epoch| before.contains(&Output::Close { epoch: of });
    let dialled = dials(&outputs);
    let open: Vec<_> = dialled.iter().map(|dial| dial.epoch).filter(|epoch| !closed(*epoch)).collect();
    assert!(dialled.len() > 3 && open.is_empty(), "{open:?} of {} were open still", dialled.len());
    // The link that was lost had been kept as a probe; it goes with the news, in the same breath.
    assert!(outputs[failed..].contains(&Output::Close { epoch: dialled[0].inherit.expect("a resume") }));
    let failures = events(&outputs).iter().filter(|e| **e == Event::State(Failed)).count();
    assert_eq!(failures, 1);
}

/// B23 (https://github.com/openai/openai-agents-js/pull/1363): of a path that failed nobody waits to see
/// whether it comes back. That one which only flapped is no loss is shown where paths are.
#[test]
fn a_failed_path_is_acted_on_at_once() {
    for fault in [Fault::IceFailed, Fault::Dtls, Fault::MediaFault] {
        let mut rig = Rig::at(Live);
        let epoch = rig.epoch();
        let outputs = rig.feed(PlaneLost { epoch, plane: Plane::Media, fault });
        assert_eq!(rig.state(), Reconnecting);
        assert!(outputs.iter().any(is_work), "{fault:?}: {outputs:?}");
    }
}

fn bring_to_failed(rig: &mut Rig) {
    rig.bring(Offline);
    while rig.state() != Failed {
        let at = rig.machine.poll_timeout().expect("offline has a deadline");
        rig.pass(at.since(rig.now));
    }
}

/// I10 (https://github.com/livekit/livekit/issues/1776): each limit of the policy is the one deadline of
/// the one thing it is named for: changed, it moves that, and nothing else does.
#[test]
fn each_time_limit_has_one_owner_and_one_meaning() {
    type Set = fn(&mut Policy, Duration);
    type Bring = fn(&mut Rig);
    let limits: [(&str, Set, Bring, State, State); 8] = [
        (
            "ring",
            |p, t| p.ring = t,
            |r| r.bring(Ringing(Direction::Outgoing)),
            Ringing(Direction::Outgoing),
            Leaving,
        ),
        ("migration", |p, t| p.migration = t, |r| r.bring(Migrating), Migrating, Reconnecting),
        ("offline", |p, t| p.offline = Some(t), |r| r.bring(Offline), Offline, Failed),
        ("goodbye", |p, t| p.goodbye = t, |r| r.bring(Leaving), Leaving, Left),
        ("failed", |p, t| p.failed = Some(t), bring_to_failed, Failed, Leaving),
        ("silence", |p, t| p.silence = t, |r| r.bring(Live), Live, Reconnecting),
        (
            "queue",
            |p, t| p.queue = t,
            |r| {
                r.feed(Join(JoinWish { wait_in_queue: true, ..JoinWish::default() }));
                let epoch = r.dialled();
                r.feed(Input::Progress { epoch, step: Step::Searching, queue_position: Some(3), eta: None });
            },
            Joining,
            Idle,
        ),
        (
            "accept",
            |p, t| p.accept = t,
            |r| {
                r.bring(Ringing(Direction::Incoming));
                r.feed(Accept);
            },
            Ringing(Direction::Incoming),
            Ringing(Direction::Incoming),
        ),
    ];
    // Shorter than any other that could fire in the same state.
    let (short, grain) = (Duration::from_millis(777), Duration::from_millis(1));
    for (name, set, bring, state, then) in limits {
        let mut policy = Policy::default();
        set(&mut policy, short);
        // Its own silence is judged by life on either plane; keep the other limit out of the way.
        if name == "silence" {
            policy.ping = 100 * SECOND;
        }
        let mut rig = Rig::with(policy);
        bring(&mut rig);
        let begun = rig.now;
        assert_eq!(rig.state(), state, "{name}");
        rig.pass(short.saturating_sub(grain));
        assert_eq!(rig.state(), state, "{name} fired too early");
        let outputs = rig.pass(2 * grain);
        assert_eq!(rig.state(), then, "{name} did not fire: {outputs:?}");
        // With its usual value the same wait does nothing: no other limit did this.
        let mut usual = Policy::default();
        if name == "failed" {
            usual.failed = None;
        }
        let mut rig = Rig::with(usual);
        bring(&mut rig);
        let outputs = rig.pass(short.saturating_add(grain));
        assert_eq!(rig.state(), state, "{name} has another owner: {outputs:?}");
        assert!(rig.now >= begun, "{name}");
    }
}
