//! R5, R7–R11, R13: proof, plans, alarms, life, the network and moves.

use super::life::{About, Life, Moment, Op, ops, runner};
use super::rig::{dials, events};
use offhook_lifecycle::*;
use proptest::prelude::*;
use std::time::Duration;

const NOTHING: Op = Op::Pass(Duration::ZERO);

fn rank(plan: Plan) -> u8 {
    match plan {
        Plan::Resume { .. } => 0,
        Plan::Join | Plan::Rejoin | Plan::Migrate => 1,
    }
}

fn enters(moment: &Moment, state: State) -> bool {
    events(&moment.outputs).contains(&Event::State(state))
}

proptest! {
    #![proptest_config(runner())]

    /// R5: live only by proof of both planes under the dial's own epoch, after it was let in and
    /// what it carried was acked; whatever other epochs say, and in whatever order it comes.
    #[test]
    fn r05_live_needs_proof_of_both_planes_under_the_new_epoch(
        order in Just(vec![0_u8, 1, 2, 3]).prop_shuffle(), noise in 0..4_u32, seed: u64
    ) {
        let mut life = Life::of(seed, &[Op::Set(1), Op::Wish(Input::Join(JoinWish::default()))]);
        let epoch = dials(&life.moments[1].outputs)[0].epoch;
        let revision = life.machine.desired().revision();
        for (given, step) in order.iter().enumerate() {
            prop_assert_eq!(life.machine.state(), State::Joining, "after {} of 4 proofs", given);
            let other = Epoch(epoch.0 + noise + 1);
            for plane in [Plane::Signaling, Plane::Media] {
                life.feed(NOTHING, Input::Carried { epoch: other, plane });
            }
            life.feed(NOTHING, match step {
                0 => Input::Up { epoch, link: LinkFacts::default() },
                1 => Input::Acked { epoch, revision, answer: Answer::Applied },
                2 => Input::Carried { epoch, plane: Plane::Signaling },
                _ => Input::Carried { epoch, plane: Plane::Media },
            });
        }
        prop_assert_eq!(life.machine.state(), State::Live);
    }

    /// R7: within one outage a plan never becomes milder.
    #[test]
    fn r07_plans_never_downgrade_within_an_outage(ops in ops(), seed: u64) {
        let life = Life::of(seed, &ops);
        let mut worst = 0;
        for moment in &life.moments {
            // One operation may end one outage and begin the next.
            for output in &moment.outputs {
                match output {
                    Output::Report(Event::State(State::Live)) => worst = 0,
                    Output::RestartIce { .. } => prop_assert_eq!(worst, 0, "a restart after a rejoin"),
                    Output::Dial(dial) if moment.after == State::Reconnecting => {
                        prop_assert!(rank(dial.plan) >= worst, "milder again: {:?}", moment);
                        worst = rank(dial.plan);
                    }
                    _ => {}
                }
            }
        }
    }

    /// R7: a go-away that comes while busy is where the next dial goes that leaves the server.
    #[test]
    fn r07_a_hint_while_busy_is_remembered(seed: u64, again in 1..3_usize, gone in any::<bool>()) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let lost = Input::PlaneLost { epoch: Epoch(0), plane: Plane::Signaling, fault: Fault::Closed };
        life.play(Op::Fact(About::Current, lost));
        for _ in 0..again {
            let away = Input::GoAway { epoch: Epoch(0), target: Some(TargetRef(6)), why: MoveReason::Other };
            life.play(Op::Fact(About::Current, away));
        }
        if gone {
            life.play(Op::Wish(Input::NetworkDown));
            life.play(Op::Wish(Input::NetworkUp));
        } else {
            let fault = Fault::Unreachable;
            life.play(Op::Fact(About::Dial, Input::DialFailed { epoch: Epoch(0), fault }));
            life.play(Op::Pass(Duration::from_secs(2)));
        }
        let last = life.outputs().filter_map(|output| match output {
            Output::Dial(dial) => Some(*dial),
            _ => None,
        }).last();
        prop_assert_eq!(last.map(|dial| (dial.plan, dial.target)), Some((Plan::Rejoin, Some(TargetRef(6)))));
    }

    /// R8: whatever alarms ring, at most one dial is under way: a new one closes the one before.
    #[test]
    fn r08_one_recovery_at_a_time_however_many_alarms_ring(ops in ops(), seed: u64) {
        let life = Life::of(seed, &ops);
        let mut open = Vec::new();
        for output in life.outputs() {
            match *output {
                Output::Dial(dial) => {
                    open.push(dial.epoch);
                    prop_assert!(open.len() <= 2, "more than two links: {:?}", open);
                }
                Output::Close { epoch } | Output::Goodbye { epoch, .. } => open.retain(|e| *e != epoch),
                _ => {}
            }
        }
    }

    /// R8: the same two losses in either order, told twice and thrice, are one outage with one dial.
    #[test]
    fn r08_repeated_alarms_make_one_dial(order in any::<bool>(), times in 1..5_usize, seed: u64) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let told = life.moments.len();
        let planes = if order { [Plane::Signaling, Plane::Media] } else { [Plane::Media, Plane::Signaling] };
        for plane in planes {
            for _ in 0..times {
                // Media told lost again during a restart is that restart's failure; once is enough.
                if plane == Plane::Signaling || life.machine.state() == State::Live || order {
                    let lost = Input::PlaneLost { epoch: Epoch(0), plane, fault: Fault::Closed };
                    life.play(Op::Fact(About::Current, lost));
                }
            }
        }
        let since = &life.moments[told..];
        prop_assert_eq!(since.iter().flat_map(|m| dials(&m.outputs)).count(), 1);
        prop_assert_eq!(since.iter().filter(|m| enters(m, State::Reconnecting)).count(), 1);
    }

    /// R9: only what comes *in* keeps a link: sends, pings and stale life do not, and a plane that
    /// nothing is heard of is lost by its own deadline. What counts as life of media (an answer to
    /// our check, RTP when due) is proved with the transports.
    #[test]
    fn r09_life_is_inbound(heard in prop::option::of(any::<bool>()), every in 100..1_900_u64, seed: u64) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let began = life.now;
        while life.machine.state() == State::Live && life.now.since(began) < Duration::from_secs(20) {
            life.play(Op::Pass(Duration::from_millis(every)));
            life.play(Op::Set(1));
            for plane in [Plane::Signaling, Plane::Media] {
                let stale = Input::Alive { epoch: Epoch(0), plane };
                life.play(Op::Fact(About::Stale, stale));
                if heard.is_none_or(|signaling| signaling == (plane == Plane::Signaling)) {
                    life.play(Op::Fact(About::Current, stale));
                }
            }
        }
        let lost = life.events().into_iter().find_map(|event| match event {
            Event::PlaneLost { plane, fault } => Some((plane, fault)),
            _ => None,
        });
        match heard {
            None => prop_assert_eq!((life.machine.state(), lost), (State::Live, None)),
            Some(true) => prop_assert_eq!(lost, Some((Plane::Media, Fault::Silent))),
            Some(false) => prop_assert_eq!(lost, Some((Plane::Signaling, Fault::Silent))),
        }
    }

    /// R10: `offline` ends by itself, and an unmatched word about the network does nothing.
    #[test]
    fn r10_offline_has_its_own_deadline_and_unmatched_facts_do_nothing(ops in ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        prop_assume!(!life.machine.state().is_over());
        life.play(Op::Wish(Input::NetworkDown));
        let state = life.machine.state();
        let told = life.moments.len();
        life.play(Op::Wish(Input::NetworkDown));
        prop_assert!(life.moments[told..].iter().all(|moment| moment.outputs.is_empty()));
        if state == State::Offline {
            life.play(Op::Pass(Duration::from_secs(120)));
            prop_assert_eq!(life.machine.state(), State::Failed);
        }
        life.play(Op::Wish(Input::NetworkUp));
        let (told, state) = (life.moments.len(), life.machine.state());
        life.play(Op::Wish(Input::NetworkUp));
        prop_assert!(life.moments[told..].iter().all(|moment| moment.outputs.is_empty()));
        prop_assert_eq!(life.machine.state(), state);
    }

    /// R11: the time away is one budget over all outages until thirty seconds of health: however a
    /// far side comes and goes, it is not spent twice.
    #[test]
    fn r11_the_away_budget_starts_anew_only_after_thirty_healthy_seconds(
        held in prop::collection::vec(1..29_u64, 1..12), away in prop::collection::vec(1..40_u64, 12), seed: u64
    ) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let (mut spent, mut since) = (Duration::ZERO, None);
        for (held, away) in held.iter().zip(&away) {
            for _ in 0..*held {
                life.play(Op::Pass(Duration::from_secs(1)));
                for plane in [Plane::Signaling, Plane::Media] {
                    life.play(Op::Fact(About::Current, Input::Alive { epoch: Epoch(0), plane }));
                }
            }
            let lost = Input::PlaneLost { epoch: Epoch(0), plane: Plane::Signaling, fault: Fault::Closed };
            life.play(Op::Fact(About::Current, lost));
            life.play(Op::Pass(Duration::from_secs(*away)));
            life.play(Op::Carry);
        }
        for moment in &life.moments {
            if moment.before != State::Reconnecting && moment.after == State::Reconnecting {
                since = Some(moment.at);
            }
            if moment.before == State::Reconnecting && moment.after != State::Reconnecting {
                spent += moment.at.since(since.take().expect("it began before"));
            }
        }
        prop_assert!(spent <= Duration::from_secs(60), "away for {:?}", spent);
        let asked: u64 = held.iter().zip(&away).map(|(_, away)| *away).sum();
        prop_assert!(asked < 100 || life.machine.state() == State::Failed);
    }

    /// R11: a dial that was granted in `failed` is a rejoin, one, and judged by its own deadline.
    #[test]
    fn r11_a_retry_in_failed_grants_one_rejoin(seed: u64, times in 1..5_usize) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        life.play(Op::Wish(Input::NetworkDown));
        life.play(Op::Pass(Duration::from_secs(121)));
        for _ in 0..times {
            prop_assert_eq!(life.machine.state(), State::Failed);
            let told = life.moments.len();
            life.play(Op::Wish(Input::Retry));
            prop_assert_eq!(life.machine.state(), State::Reconnecting);
            life.play(Op::Pass(Duration::from_secs(30)));
            let dials: Vec<_> = life.moments[told..].iter().flat_map(|m| dials(&m.outputs)).collect();
            prop_assert_eq!(dials.len(), 1);
            prop_assert_eq!(dials[0].plan, Plan::Rejoin);
        }
        life.play(Op::Wish(Input::Retry));
        life.play(Op::Carry);
        prop_assert_eq!(life.machine.state(), State::Live, "a spent budget does not forbid it");
    }

    /// R11: full jitter: no wait between two dials of a lone outage exceeds min(5 s, 300 ms·2ⁿ).
    #[test]
    fn r11_backoff_is_jittered_and_capped(seed: u64) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let lost = Input::PlaneLost { epoch: Epoch(0), plane: Plane::Signaling, fault: Fault::Closed };
        life.play(Op::Fact(About::Current, lost));
        for n in 0..8_u32 {
            let failed = Input::DialFailed { epoch: Epoch(0), fault: Fault::Unreachable };
            life.play(Op::Fact(About::Dial, failed));
            let ceiling = Duration::from_millis((300 << n).min(5_000)) + Duration::from_millis(1);
            let told = life.moments.len();
            life.play(Op::Pass(ceiling));
            let dialled = life.moments[told..].iter().any(|m| !dials(&m.outputs).is_empty());
            prop_assert!(dialled, "no dial within {:?}", ceiling);
        }
    }

    /// R13: a move makes before it breaks: the old link is closed only after the switch to the new
    /// one, the switch comes only when the new one is complete, and commands go to the old till then.
    #[test]
    fn r13_a_move_switches_once_and_closes_the_old_link_afterwards(
        order in Just(vec![0_u8, 1, 2, 3]).prop_shuffle(), seed: u64
    ) {
        let mut life = Life::of(seed, &[Op::Set(1), Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let old = life.machine.snapshot().epoch().expect("live");
        let away = Input::GoAway { epoch: old, target: None, why: MoveReason::Rebalance };
        life.feed(NOTHING, away);
        let epoch = dials(&life.moments[life.moments.len() - 1].outputs)[0].epoch;
        life.play(Op::Set(2));
        let set = &life.moments[life.moments.len() - 1].outputs;
        let told = set.iter().any(|o| matches!(o, Output::Apply { epoch, .. } if *epoch == old));
        prop_assert!(told, "the old link was not told");
        let revision = life.machine.desired().revision();
        let told = life.moments.len();
        for step in order {
            prop_assert_eq!(life.machine.state(), State::Migrating);
            prop_assert!(life.machine.admits(old));
            life.feed(NOTHING, match step {
                0 => Input::Up { epoch, link: LinkFacts::default() },
                1 => Input::Acked { epoch, revision, answer: Answer::Applied },
                2 => Input::Carried { epoch, plane: Plane::Signaling },
                _ => Input::Carried { epoch, plane: Plane::Media },
            });
        }
        let said: Vec<_> = life.moments[told..].iter().flat_map(|m| m.outputs.clone()).collect();
        let switch = said.iter().position(|o| *o == Output::Switch { to: epoch });
        let close = said.iter().position(|o| *o == Output::Close { epoch: old });
        prop_assert!(switch.is_some() && switch < close, "{:?}", said);
        let switches = said.iter().filter(|o| matches!(o, Output::Switch { .. })).count();
        prop_assert_eq!(switches, 1);
    }
}
