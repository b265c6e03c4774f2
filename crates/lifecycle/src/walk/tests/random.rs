//! Random lives: whatever happens, in whatever order and at whatever time, is a row of the table
//! that the walk made or a counted refusal; and a long run reaches all of it again.

use super::walked;
use crate::walk::{Edge, Step, World, worlds};
use crate::{Answer, Input, JoinErrorKind, Machine, State, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use std::time::Duration;

/// Failing seeds land here, for every property of this crate.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/lifecycle.txt");

fn config(cases: u32, regressions: &'static str) -> Config {
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        max_shrink_iters: 2_000,
        ..Config::default()
    }
}

/// A life: a world, what it favours, a seed of chance, and choices of what happens next and when.
fn lives() -> impl Strategy<Value = (usize, Favour, u64, Vec<(u16, u16)>)> {
    let named = |name| worlds().iter().position(|world| world.name == name).expect("a world of that name");
    let (rich, poor, asked) = (named("links"), named("poor links"), named("credentials"));
    let (wished, any_world) = (named("desired state"), 0..worlds().len());
    let begun = prop_oneof![
        6 => any_world.prop_map(|world| (world, Favour::Going)),
        2 => Just((rich, Favour::Moving)),
        2 => Just((poor, Favour::Moving)),
        2 => Just((asked, Favour::Asking)),
        2 => Just((poor, Favour::Waiting)),
        2 => Just((wished, Favour::Waiting)),
    ];
    let choices = prop::collection::vec((any::<u16>(), 0..2_000_u16), 1..120);
    (begun, any::<u64>(), choices).prop_map(|((world, favour), seed, choices)| (world, favour, seed, choices))
}

/// What happens more often than chance has it, so that rare edges are reached in a fair time.
#[derive(Clone, Copy, Debug)]
enum Favour {
    /// What lets a life go on.
    Going,
    /// Moves, and whatever a probe finds just after them.
    Moving,
    /// Credentials wanted and refused, also during a move.
    Asking,
    /// Commands that wait, also during a move.
    Waiting,
}

impl Favour {
    fn likes(self, step: &Step) -> bool {
        let Step::Input(input) = step else {
            return matches!((self, step), (Self::Waiting, Step::Track | Step::Set));
        };
        let builds =
            matches!(input, Input::Join(_) | Input::Up { .. } | Input::Carried { .. } | Input::GoAway { .. });
        let acked = matches!(input, Input::Acked { answer: Answer::Applied, .. });
        match self {
            Self::Going => {
                let helps = matches!(
                    input,
                    Input::NetworkUp | Input::Accepted(_) | Input::CredentialRefreshed { .. }
                );
                builds || acked || helps
            }
            Self::Moving => builds,
            Self::Asking => {
                let asks = matches!(input, Input::NeedCredential { .. } | Input::CredentialDenied);
                builds || asks || matches!(input, Input::Advised { .. })
            }
            Self::Waiting => builds || acked || matches!(input, Input::Advised { .. }),
        }
    }
}

/// Edges that only the walk reaches, each with its reason.
const ONLY_THE_WALK: [Edge; 3] = [
    // The restart of media began within the resume window, signaling falls silent after it: the
    // window's own deadline, which is due between them, comes first in any order that a clock makes.
    (State::Reconnecting, "Due(SignalingSilence)", State::Failed),
    // A rejoin, a move within two minutes of it, and a sleep or stall past the move's deadline: too
    // rare for chance. `a_sleep_past_a_move_with_its_rejoins_spent_fails` lives them.
    (State::Migrating, "Late", State::Failed),
    (State::Migrating, "Woke", State::Failed),
];

#[derive(Default)]
struct Reached {
    states: BTreeSet<State>,
    edges: BTreeSet<Edge>,
    refused: BTreeSet<(State, &'static str)>,
}

impl Reached {
    fn note(&mut self, before: (State, (u64, u64)), name: &'static str, machine: &Machine) {
        self.states.insert(machine.state());
        if machine.dropped() == before.1 {
            self.edges.insert((before.0, name, machine.state()));
        } else {
            self.refused.insert((before.0, name));
        }
    }
}

/// Lives it; what was reached, or what was in no table.
fn live(
    world: &World,
    favour: Favour,
    seed: u64,
    choices: &[(u16, u16)],
    probes: bool,
    reached: &mut Reached,
) {
    let mut machine = world.machine(seed);
    let mut now = Time::ZERO;
    for (at, (choice, millis)) in choices.iter().enumerate() {
        // A life ends with whatever may end it.
        let last = at + 1 == choices.len();
        // Most things come quickly one after another; now and then nothing comes for a while.
        let pause = if millis % 8 == 0 { u64::from(*millis) * 40 } else { u64::from(*millis) / 20 };
        let until = now.plus(Duration::from_millis(pause));
        while let Some(at) = machine.poll_timeout().filter(|at| *at <= until) {
            let before = (machine.state(), machine.dropped());
            let name = machine.core.timers.next_name();
            // Two at the same instant are two rows at once, and none of them by name.
            let tied = machine.core.timers.is_tied();
            machine.wake(at);
            let outputs = std::iter::from_fn(|| machine.poll_output()).count();
            assert!(outputs <= 64, "{outputs} outputs for {name}");
            if tied {
                reached.states.insert(machine.state());
            } else {
                reached.note(before, name, &machine);
            }
        }
        now = until;
        machine.wake(now);
        let mut steps = world.steps(&machine);
        if probes && choice % 6 == 0 {
            probe(world, &machine, &steps, now, reached);
        }
        steps.retain(|step| step.is_timeless());
        let step = pick(&steps, favour, *choice, last);
        let before = (machine.state(), machine.dropped());
        if let Some(name) = crate::walk::take_at(&mut machine, step, now) {
            reached.note(before, name, &machine);
        }
        while machine.poll_output().is_some() {}
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.state(), machine.state());
        assert_eq!(snapshot.ending().is_some(), machine.state().is_over());
    }
}

/// Every input at a place that a random life came to, and every deadline pending there as the next.
fn probe(world: &World, machine: &Machine, steps: &[Step], now: Time, reached: &mut Reached) {
    for step in steps {
        let mut probed = machine.clone();
        // One stall excuses each plane; the third of a row excuses none.
        let times = if matches!(step, Step::Late) { 3 } else { 1 };
        for _ in 0..times {
            let before = (probed.state(), probed.dropped());
            let Some(name) = crate::walk::take_at(&mut probed, *step, now) else { break };
            reached.note(before, name, &probed);
            assert!(probed.core.outputs.len() <= 64, "{}: too much said of {name}", world.name);
            while probed.poll_output().is_some() {}
        }
    }
}

/// Mostly what lets a life go on; the rest of the time anything. Else most lives would be short.
fn pick(steps: &[Step], favour: Favour, choice: u16, last: bool) -> Step {
    let index = usize::from(choice / 8);
    let ends = |step: &&Step| {
        matches!(
            step,
            Step::Input(
                Input::Leave
                    | Input::HandleDropped
                    | Input::HostGone
                    | Input::Ended { .. }
                    | Input::Cancel
                    | Input::CredentialDenied
                    | Input::Refused { why: JoinErrorKind::Unauthorized, .. }
            )
        )
    };
    let among: Vec<_> = match choice % 8 {
        _ if last => steps.iter().filter(ends).collect(),
        0 => steps.iter().collect(),
        1..=4 => steps.iter().filter(|step| favour.likes(step)).collect(),
        5 | 6 if !matches!(favour, Favour::Going) => steps.iter().filter(|step| favour.likes(step)).collect(),
        _ => steps.iter().filter(|step| !ends(step)).collect(),
    };
    **among.get(index % among.len().max(1)).unwrap_or(&&steps[index % steps.len()])
}

/// What is in no table, by leaf: where the walk never saw this input lead there.
fn strangers(reached: &Reached) -> Vec<Edge> {
    reached.edges.iter().filter(|edge| !walked().edges.contains(*edge)).copied().collect()
}

#[test]
fn whatever_happens_is_a_row_of_the_table_or_a_counted_refusal() {
    let mut runner = TestRunner::new(config(600, REGRESSIONS));
    let ran = runner.run(&lives(), |(world, favour, seed, choices)| {
        let mut reached = Reached::default();
        live(&worlds()[world], favour, seed, &choices, false, &mut reached);
        let strangers = strangers(&reached);
        prop_assert!(strangers.is_empty(), "in no table: {strangers:?}");
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
}

/// The same, long and with fixed chance: every leaf, every edge of the table by its name, and every
/// kind of refusal must be reached, or the random run proves less than it says.
#[test]
fn a_long_random_run_reaches_every_state_edge_and_refusal() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 40_000, failure_persistence: None, ..Config::default() },
        rng,
    );
    let reached = std::cell::RefCell::new(Reached::default());
    let ran = runner.run(&lives(), |(world, favour, seed, choices)| {
        live(&worlds()[world], favour, seed, &choices, true, &mut reached.borrow_mut());
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    let reached = reached.into_inner();
    assert_eq!(strangers(&reached), [], "in no table");
    assert_eq!(reached.states, walked().states, "states never reached");
    for edge in &ONLY_THE_WALK {
        assert!(walked().edges.contains(edge), "no edge any more, take it off the list: {edge:?}");
        assert!(!reached.edges.contains(edge), "reached after all, take it off the list: {edge:?}");
    }
    let unreached = walked().edges.difference(&reached.edges);
    let missed: Vec<_> = unreached.filter(|edge| !ONLY_THE_WALK.contains(edge)).collect();
    assert!(missed.is_empty(), "edges never reached: {missed:?}");
    let refusals: BTreeSet<_> = walked()
        .refused
        .keys()
        .filter(|(_, name)| !name.starts_with("Due") && *name != "Late")
        .copied()
        .collect();
    let missed: Vec<_> = refusals.difference(&reached.refused).copied().collect();
    assert!(missed.is_empty(), "refusals never reached: {missed:?}");
}

/// A property broken on purpose: its seed really lands in a file.
#[test]
fn a_failing_seed_lands_in_the_regressions_file() {
    let path = std::env::temp_dir().join(format!("offhook-regressions-{}.txt", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let leaked: &'static str = Box::leak(path.to_string_lossy().into_owned().into_boxed_str());
    let mut runner = TestRunner::new(config(64, leaked));
    let ran = runner.run(&(0..1_000_u32), |n| {
        prop_assert!(n > 1_000, "broken on purpose");
        Ok(())
    });
    assert!(ran.is_err(), "the broken property must fail");
    let saved = std::fs::read_to_string(&path).expect("the failing seed was saved");
    assert!(saved.lines().any(|line| line.starts_with("cc ")), "no seed in {saved:?}");
    std::fs::remove_file(&path).expect("the file is ours");
}
