//! R14–R16, R18, R19: what the user asked for, what came of it, and what is bounded.
//! R17 (a user's own source is never stopped by us) has no share in the machine, which knows no
//! source; it is proved in the facade. So is R18's replay to listeners, and R16's media queues.

use super::life::{About, Life, Op, any_ops, ops, runner};
use super::rig::{dials, events};
use offhook_lifecycle::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

proptest! {
    #![proptest_config(runner())]

    /// R14: every dial that begins a connection carries the newest revision there is, and nothing
    /// but silence goes out on it before that was acked.
    #[test]
    fn r14_a_dial_carries_the_newest_state_and_is_silent_until_the_ack(ops in ops(), seed: u64) {
        let mut life = Life::of(seed, &[]);
        let mut gates: BTreeMap<Epoch, (Gate, bool)> = BTreeMap::new();
        for op in ops {
            let told = life.moments.len();
            life.play(op);
            for moment in &life.moments[told..] {
                if let Some((epoch, true)) = moment.epoch {
                    // Any answer of a far side about this link may be its ack.
                    let answered = matches!(moment.op, Op::Carry | Op::Fact(_, Input::Acked { .. } | Input::Up { .. }));
                    gates.entry(epoch).and_modify(|(_, acked)| *acked |= answered);
                }
                for output in &moment.outputs {
                    match *output {
                        Output::Dial(dial) => {
                            prop_assert_eq!(dial.revision, life.machine.desired().revision());
                            let resumes = matches!(dial.plan, Plan::Resume { .. });
                            let empty = dial.revision == Revision(0);
                            gates.insert(dial.epoch, (Gate::Muted, resumes || empty));
                        }
                        Output::Gate { epoch, gate: Gate::Open } => {
                            let known = gates.get(&epoch);
                            prop_assert!(known.is_some_and(|(_, acked)| *acked), "open before the ack: {:?}", moment);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// R14, F1 (https://github.com/DecartAI/decart-python/pull/56), F2, F4, F5: the last wish that
    /// was not refused is what a recovered session has, whatever was lost meanwhile.
    #[test]
    fn r14_a_recovered_session_has_the_latest_wish(ops in ops(), seed: u64, last in 0..9_u8) {
        let mut life = Life::of(seed, &ops);
        prop_assume!(life.machine.state().is_joined() && life.machine.state() != State::Failed);
        life.play(Op::Wish(Input::NetworkDown));
        let change = Change::new().prompt(format!("wish {last}"), false);
        prop_assume!(life.machine.set(change, life.now).is_ok());
        let revision = life.machine.desired().revision();
        let told = life.moments.len();
        life.play(Op::Wish(Input::Unsuspend));
        life.play(Op::Wish(Input::NetworkUp));
        life.play(Op::Pass(Duration::from_secs(6)));
        life.play(Op::Carry);
        let carried = life.moments[told..].iter().flat_map(|m| m.outputs.clone()).any(|output| match output {
            Output::Dial(dial) => !matches!(dial.plan, Plan::Resume { .. }) && dial.revision == revision,
            Output::Apply { revision: told, .. } => told == revision,
            _ => false,
        });
        prop_assert!(carried || life.machine.state() != State::Live, "the wish was not told");
        let prompt = life.machine.desired().prompt().map(|prompt| prompt.text.to_string());
        prop_assert_eq!(prompt, Some(format!("wish {last}")));
    }

    /// R15: every change ends exactly once, save that `Unconfirmed` may be followed by the truth.
    #[test]
    fn r15_every_change_ends_exactly_once(ops in ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        let entered = life.moments.iter().filter(|m| matches!(m.op, Op::Set(_)) && !m.before.is_over()).count();
        life.feed(Op::Pass(Duration::ZERO), Input::Leave);
        let mut ends: BTreeMap<Revision, Vec<Outcome>> = BTreeMap::new();
        for event in life.events() {
            if let Event::Change { revision, outcome } = event {
                ends.entry(revision).or_default().push(outcome);
            }
        }
        prop_assert!(ends.len() <= entered);
        for (revision, outcomes) in &ends {
            let unconfirmed = outcomes.iter().filter(|o| **o == Outcome::Unconfirmed).count();
            let last = outcomes.len() - unconfirmed;
            prop_assert!(unconfirmed <= 1 && last <= 1, "{} ended as {:?}", revision, outcomes);
            prop_assert!(unconfirmed == 0 || outcomes[0] == Outcome::Unconfirmed);
        }
    }

    /// R15: a wish that nobody answers is unconfirmed after fifteen seconds, and stands.
    #[test]
    fn r15_an_unanswered_wish_is_unconfirmed_after_fifteen_seconds_and_stands(seed: u64, chunks in 0..5_u32) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry, Op::Set(9)]);
        let revision = life.machine.desired().revision();
        let alive = |life: &mut Life, millis: u64| {
            for _ in 0..millis / 500 {
                life.play(Op::Pass(Duration::from_millis(500)));
                for plane in [Plane::Signaling, Plane::Media] {
                    life.play(Op::Fact(About::Current, Input::Alive { epoch: Epoch(0), plane }));
                }
            }
        };
        for _ in 0..chunks {
            alive(&mut life, 10_000);
            let progress = Input::Acked { epoch: Epoch(0), revision, answer: Answer::Progress };
            life.play(Op::Fact(About::Current, progress));
        }
        alive(&mut life, 14_500);
        let unconfirmed = Event::Change { revision, outcome: Outcome::Unconfirmed };
        prop_assert!(!life.events().contains(&unconfirmed));
        alive(&mut life, 500);
        prop_assert!(life.events().contains(&unconfirmed));
        prop_assert_eq!(life.machine.desired().prompt().map(|p| p.text.to_string()), Some("9".into()));
    }

    /// R15: `withdraw` takes back what waits and nothing else: a change that was confirmed is desired until a
    /// newer one is, and is never gone.
    #[test]
    fn r15_what_was_confirmed_is_never_taken_back(
        seed: u64,
        turns in prop::collection::vec((0..3_u8, 0..6_u64), 1..40),
    ) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let text = |life: &Life| life.machine.desired().prompt().map(|prompt| prompt.text.to_string());
        // What was set and not taken back, and the newest of it that is in effect.
        let (mut set, mut confirmed) = (BTreeSet::new(), None);
        for (what, back) in turns {
            let newest = life.machine.desired().revision();
            let revision = Revision(newest.0.saturating_sub(back));
            match what {
                0 => {
                    life.play(Op::Set(1));
                    set.insert(life.machine.desired().revision());
                }
                1 => {
                    let epoch = life.machine.snapshot().epoch().expect("it is live");
                    life.play(Op::Fact(About::Current, Input::Acked { epoch, revision, answer: Answer::Applied }));
                    confirmed = confirmed.max(set.range(..=revision).next_back().copied());
                }
                _ => {
                    let before = (text(&life), life.machine.desired().revision());
                    let is_confirmed = life.machine.desired().is_confirmed(revision);
                    life.machine.withdraw(revision, life.now);
                    if is_confirmed {
                        prop_assert_eq!((text(&life), life.machine.desired().revision()), before);
                    } else {
                        set.remove(&revision);
                    }
                }
            }
            let desired = life.machine.desired().revision_of(Item::Prompt);
            prop_assert!(desired >= confirmed, "{:?} is desired, {:?} is confirmed", desired, confirmed);
        }
    }

    /// R15: what was sent before a rejoin ends `Unknown`, and nothing is sent again.
    #[test]
    fn r15_commands_end_unknown_after_a_rejoin(seed: u64, count in 1..20_usize) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        (0..count).for_each(|_| life.play(Op::Track));
        life.play(Op::Fact(About::Current, Input::Closed { epoch: Epoch(0) }));
        life.play(Op::Carry);
        prop_assert_eq!(life.machine.state(), State::Live);
        let unknown = life.events().into_iter().filter(|event| {
            matches!(event, Event::Command { outcome: Unanswered::Unknown, .. })
        });
        prop_assert_eq!(unknown.count(), count);
    }

    /// R16, the machine's share: what waits is bounded, and a change beyond the bound is refused.
    #[test]
    fn r16_what_waits_is_bounded(seed: u64, many in 0..600_u16) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default())), Op::Carry]);
        let mut refused = 0;
        for n in 0..many {
            let change = Change::new().muted(TrackRef(u32::from(n)), true);
            refused += usize::from(life.machine.set(change, life.now) == Err(SetError::Full));
            let outputs = std::iter::from_fn(|| life.machine.poll_output()).count();
            prop_assert!(outputs <= 64);
        }
        prop_assert_eq!(refused, usize::from(many).saturating_sub(MAX_PENDING));
        prop_assert!(life.machine.desired().entries().count() <= MAX_ITEMS);
    }

    /// R18, the machine's share: one order for every listener, an epoch and a state never told
    /// twice in a row, and after the ending nothing.
    #[test]
    fn r18_events_have_one_order_and_nothing_comes_after_the_ending(ops in any_ops(), seed: u64) {
        let life = Life::of(seed, &ops);
        let events = life.events();
        let states: Vec<_> = events.iter().filter_map(|event| match event {
            Event::State(state) => Some(*state),
            _ => None,
        }).collect();
        prop_assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "told twice: {:?}", states);
        let ended = events.iter().position(|event| matches!(event, Event::Ended(_)));
        prop_assert!(ended.is_none_or(|at| at + 1 == events.len()));
        for moment in &life.moments {
            let told = events_state(&moment.outputs);
            let hidden = moment.after == State::Left && moment.before == State::Leaving;
            prop_assert!(moment.before == moment.after || hidden || told == Some(moment.after));
        }
    }

    /// R19, the machine's share: nothing that is fed panics it, makes it spin or makes it say
    /// more than it has room for; the stale is dropped, and counted.
    #[test]
    fn r19_nothing_fed_panics_or_spins(ops in any_ops(), seed: u64) {
        let life = Life::of(seed, &ops);
        for moment in &life.moments {
            prop_assert!(moment.outputs.len() <= 64);
            prop_assert!(dials(&moment.outputs).len() <= 2);
            if let (Some((_, false)), Op::Fact(About::Stale, _)) = (moment.epoch, moment.op) {
                prop_assert!(moment.outputs.is_empty(), "the stale was heard: {:?}", moment);
            }
        }
        prop_assert!(life.machine.poll_timeout().is_none_or(|at| at >= life.now));
        let busiest = life.moments.iter().fold((Time::ZERO, 0, 0), |(at, run, most), moment| {
            let run = if moment.at == at && matches!(moment.op, Op::Pass(_)) { run + 1 } else { 0 };
            (moment.at, run, most.max(run))
        });
        prop_assert!(busiest.2 < 20, "it spins at one instant");
    }

    /// Design §3: the same calls give the same outputs, always.
    #[test]
    fn the_same_calls_replay_exactly(ops in any_ops(), seed: u64) {
        let (one, two) = (Life::of(seed, &ops), Life::of(seed, &ops));
        prop_assert!(one.outputs().eq(two.outputs()));
    }
}

fn events_state(outputs: &[Output]) -> Option<State> {
    events(outputs).into_iter().rev().find_map(|event| match event {
        Event::State(state) => Some(state),
        _ => None,
    })
}
