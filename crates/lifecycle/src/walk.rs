//! The exhaustive walk over the real machine, and what is made from it: the transition table,
//! the projections, the diagram and the picture. Edges are every input at `now` and every pending
//! deadline at exactly its time, in any order. Compiled for tests and for `cargo xtask codegen` only.

mod picture;
mod samples;
mod tables;

pub use picture::svg;
pub use tables::{document, mermaid, projections_table, transition_table, visible_moves, visible_views};

use crate::core::key_of;
use crate::core::timers::Timer;
use crate::{
    Change, Config, Direction, Epoch, Event, Input, LinkFacts, Machine, Output, Policy, State, SuspendPolicy,
    Time,
};
use samples::samples;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::Duration;

/// One thing that the walk does to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An input at `now`.
    Input(Input),
    /// This deadline (its place in the list of deadlines), at exactly its time; the others that
    /// are pending come later. So every order is walked, also those that no clock would make.
    Due(usize),
    /// Whatever is due after ten seconds without being fed: a stall.
    Late,
    /// A change of the desired state.
    Set,
    /// A command that is none.
    Track,
}

impl Step {
    /// Does it happen at whatever moment it is, rather than make time pass?
    pub const fn is_timeless(self) -> bool {
        !matches!(self, Self::Due(_) | Self::Late)
    }
}

/// A world to walk in: the limits, what the far side says of its links, and which inputs occur.
/// Several small worlds reach more than one large one in the same time: what is independent is
/// not multiplied.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name, for messages.
    pub name: &'static str,
    policy: Policy,
    facts: LinkFacts,
    occurs: fn(&Step) -> bool,
}

impl World {
    /// A fresh machine of this world.
    pub fn machine(&self, seed: u64) -> Machine {
        Machine::new(Config { policy: self.policy.clone(), seed, ..Config::default() })
    }

    /// The steps that this world knows, from here.
    pub fn steps(&self, machine: &Machine) -> Vec<Step> {
        samples(machine, self.facts).into_iter().filter(self.occurs).collect()
    }
}

/// From, by what (the input's name, or the deadline's), to.
pub type Edge = (State, &'static str, State);

/// What a walk found.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// Distinct places, by key.
    pub places: usize,
    /// Steps tried.
    pub steps: usize,
    /// Every pair of leaves that a named step leads between, and those that stay and do something.
    pub edges: BTreeSet<Edge>,
    /// How often a step was refused: stale, or named by no handler.
    pub refused: BTreeMap<(State, &'static str), u64>,
    /// Every leaf that was reached.
    pub states: BTreeSet<State>,
}

impl Walked {
    /// Adds what another walk found.
    pub fn merge(&mut self, other: Self) {
        self.places += other.places;
        self.steps += other.steps;
        self.edges.extend(other.edges);
        self.states.extend(other.states);
        for (pair, count) in other.refused {
            *self.refused.entry(pair).or_default() += count;
        }
    }
}

/// What the walk holds against the machine, at every place and step.
pub type Check<'a> = &'a mut dyn FnMut(&Machine, Step, &Machine, &[Output]);

/// Walks one world to its end. `check` sees every step: before, what, after, outputs.
///
/// # Panics
/// When the world has more than `most` places: the key does not keep it finite.
pub fn walk(world: &World, most: usize, check: Check<'_>) -> Walked {
    let mut found = Walked::default();
    let first = world.machine(0);
    let mut seen = HashSet::from([key_of(&first.core)]);
    let mut queue = VecDeque::from([first]);
    let mut outputs = Vec::new();
    while let Some(before) = queue.pop_front() {
        found.places += 1;
        assert!(found.places <= most, "{}: more than {most} places", world.name);
        found.states.insert(before.state());
        for step in world.steps(&before) {
            let mut after = before.clone();
            let Some(name) = take(&mut after, step) else { continue };
            outputs.clear();
            outputs.extend(std::iter::from_fn(|| after.poll_output()));
            found.steps += 1;
            check(&before, step, &after, &outputs);
            let (from, to) = (before.state(), after.state());
            if after.dropped() != before.dropped() {
                *found.refused.entry((from, name)).or_default() += 1;
            } else {
                found.edges.insert((from, name, to));
            }
            if seen.insert(key_of(&after.core)) {
                queue.push_back(after);
            }
        }
    }
    found
}

/// Does the step; its name, or `None` where there is nothing to do.
fn take(machine: &mut Machine, step: Step) -> Option<&'static str> {
    let now = machine.core.now;
    take_at(machine, step, now)
}

fn take_at(machine: &mut Machine, step: Step, now: Time) -> Option<&'static str> {
    match step {
        Step::Input(input) => {
            machine.handle(input, now);
            Some(input.name())
        }
        Step::Due(index) => {
            let timer = Timer::ALL[index];
            let at = machine.core.timers.put_first(timer)?;
            machine.wake(at.max(now));
            Some(timer.name())
        }
        Step::Late => {
            machine.wake(machine.poll_timeout()?.max(now).plus(Duration::from_secs(10)));
            Some("Late")
        }
        Step::Set => {
            let entered = machine.set(Change::new().prompt("another", false), now);
            entered.is_ok().then_some("Desired")
        }
        Step::Track => machine.track(now).is_ok().then_some("Track"),
    }
}

/// The worlds that are walked for the documents and in the tests.
pub fn worlds() -> Vec<World> {
    let small = Policy {
        join_attempts: 2,
        resume_tries: 1,
        short_resumes: 1,
        rejoins: 1,
        hops: 1,
        stalls: 1,
        ..Policy::default()
    };
    let stern = Policy {
        suspend: SuspendPolicy::Leave,
        failed: Some(Duration::from_secs(60)),
        offline: None,
        ring: Duration::ZERO,
        join_attempts: small.join_attempts,
        resume_tries: small.resume_tries,
        short_resumes: small.short_resumes,
        rejoins: small.rejoins,
        hops: small.hops,
        stalls: small.stalls,
        ..Policy::default()
    };
    let poor = LinkFacts {
        resume_window: Some(Duration::ZERO),
        ice_restart: false,
        make_before_break: false,
        acks: false,
        ..LinkFacts::default()
    };
    vec![
        World { name: "links", policy: small.clone(), facts: LinkFacts::default(), occurs: samples::links },
        World { name: "poor links", policy: stern.clone(), facts: poor, occurs: samples::commands },
        World {
            name: "desired state",
            policy: small.clone(),
            facts: LinkFacts::default(),
            occurs: samples::desired,
        },
        World {
            name: "generation",
            policy: small.clone(),
            facts: LinkFacts::default(),
            occurs: samples::generation,
        },
        World {
            name: "credentials",
            policy: small.clone(),
            facts: LinkFacts::default(),
            occurs: samples::credentials,
        },
        World {
            name: "joins and rings",
            policy: small.clone(),
            facts: LinkFacts::default(),
            occurs: samples::joins,
        },
        World { name: "sleep", policy: small, facts: LinkFacts::default(), occurs: samples::sleep },
        World { name: "sleep that leaves", policy: stern, facts: poor, occurs: samples::sleep },
    ]
}

/// Every world, with nothing checked: what the documents are made from.
pub fn walk_all() -> Walked {
    let mut all = Walked::default();
    for world in worlds() {
        all.merge(walk(&world, usize::MAX, &mut |_, _, _, _| {}));
    }
    all
}

/// The state events among outputs, for checks of order.
pub fn states_told(outputs: &[Output]) -> impl Iterator<Item = State> + '_ {
    outputs.iter().filter_map(|output| match output {
        Output::Report(Event::State(state)) => Some(*state),
        _ => None,
    })
}

/// Both directions of a ring, drawn and tabled as one.
const fn drawn(state: State) -> State {
    match state {
        State::Ringing(_) => State::Ringing(Direction::Outgoing),
        other => other,
    }
}

/// The epochs that the walk speaks under: the valid ones, and for the stale check the one before
/// and the one to come.
fn epochs(machine: &Machine, stale: bool) -> Vec<Epoch> {
    let core = &machine.core;
    let current = core.current.as_ref().map(|line| line.epoch);
    let standby = core.standby.as_ref().map(|standby| standby.epoch);
    let next = stale.then(|| core.epoch.next());
    let oldest = current.or(standby).filter(|_| stale);
    let previous = oldest.map(|epoch| Epoch(epoch.0.saturating_sub(1)));
    [current, standby, previous, next].into_iter().flatten().collect()
}

/// The moment at which the machine was last fed.
pub fn now_of(machine: &Machine) -> Time {
    machine.core.now
}

#[cfg(test)]
mod tests;
