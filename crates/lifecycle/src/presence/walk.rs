//! The exhaustive walk over the presence machine, and the page that is made from it. Edges are every
//! input at `now` and every pending deadline, in any order.

use super::{Input, Machine, Output, State, Timer};
use crate::{CredentialRef, CredentialWhy, Epoch, Fault, JoinErrorKind, Policy};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt::Write;
use std::time::Duration;

/// Dials that failed in a row beyond this are one to the walk: the wait is at its ceiling.
const TRIES: u32 = 5;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Distinct places.
    pub places: usize,
    /// From, by what, to; also those that stay and do something.
    pub edges: BTreeSet<(State, &'static str, State)>,
    /// What was refused where.
    pub refused: BTreeSet<(State, &'static str)>,
}

type Key = (State, [bool; 6], u32, [bool; Timer::ALL.len()]);

/// What makes two machines the same to the walk; each field is named, so that a new one is decided on.
fn key(machine: &Machine) -> Key {
    let Machine {
        policy: _,
        jitter: _,
        now: _,
        state,
        wanted,
        network_up,
        asleep,
        rings,
        epoch: _, // relative: current, the one before and the one to come are all tried
        tries,
        refreshed,
        excused,
        credential: _, // handed on, never looked at
        refusal: _,    // told, never looked at
        ping: _,
        silence: _,
        timers,
        outputs: _, // drained
        ignored: _, // counted
    } = machine;
    let bits = [*wanted, *network_up, *asleep, *rings, *refreshed, *excused];
    (*state, bits, (*tries).min(TRIES), timers.0.map(|at| at.is_some()))
}

fn inputs(machine: &Machine) -> Vec<Input> {
    let mut all = vec![
        Input::Want,
        Input::Unwant,
        Input::Rings(true),
        Input::Rings(false),
        Input::CredentialRefreshed(CredentialRef(1)),
        Input::CredentialDenied,
        Input::NetworkDown,
        Input::NetworkUp,
        Input::NetworkChanged,
        Input::Suspend,
        Input::Unsuspend,
        Input::Woke,
    ];
    let now = machine.epoch.0;
    for epoch in [now, now.saturating_sub(1), now + 1].map(Epoch) {
        all.extend([
            Input::Opened { epoch, ping: None, silence: Some(Duration::from_secs(6)) },
            Input::Heard { epoch, ring: false },
            Input::Heard { epoch, ring: true },
            Input::Lost { epoch, fault: Fault::Closed },
            Input::Lost { epoch, fault: Fault::ServerRestart },
            Input::Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None },
            Input::Refused {
                epoch,
                why: JoinErrorKind::Busy { retry_after: None, queue_position: None },
                retry_after: Some(Duration::from_secs(1)),
            },
            Input::NeedCredential { epoch, why: CredentialWhy::Missing },
            Input::NeedCredential { epoch, why: CredentialWhy::Expired },
        ]);
    }
    all
}

/// Walks to the end. `check` sees every step: before, what by name, after, outputs.
///
/// # Panics
/// When there are more than 100,000 places: the key does not keep it finite.
pub fn walk(check: &mut dyn FnMut(&Machine, &'static str, &Machine, &[Output])) -> Walked {
    let first = Machine::new(Policy::default(), 0, None);
    let mut found = Walked::default();
    let mut seen = HashSet::from([key(&first)]);
    let mut queue = VecDeque::from([first]);
    while let Some(before) = queue.pop_front() {
        found.places += 1;
        assert!(found.places <= 100_000, "more than 100,000 places");
        let fed = inputs(&before).into_iter().map(|input| {
            let mut after = before.clone();
            after.take(input);
            (input.name(), after)
        });
        let due = Timer::ALL.into_iter().filter(|timer| before.timers.is_set(*timer));
        let fired = due.flat_map(|timer| {
            [Duration::ZERO, before.policy.stall].map(|late| {
                let mut after = before.clone();
                after.timers.clear(timer);
                after.due(timer, late);
                (timer.name(), after)
            })
        });
        for (name, mut after) in fed.chain(fired) {
            let outputs: Vec<_> = std::iter::from_fn(|| after.poll_output()).collect();
            check(&before, name, &after, &outputs);
            if after.ignored == before.ignored {
                found.edges.insert((before.state, name, after.state));
            } else {
                found.refused.insert((before.state, name));
            }
            if seen.insert(key(&after)) {
                queue.push_back(after);
            }
        }
    }
    found
}

/// The whole of `docs/presence.md`.
pub fn document() -> String {
    let found = walk(&mut |_, _, _, _| {});
    let mut picture = String::from("stateDiagram-v2\n    direction LR\n    [*] --> off\n");
    let mut table = String::from("| from | to | by |\n|---|---|---|\n");
    let mut moves: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (from, name, to) in found.edges.iter().filter(|(from, _, to)| from != to) {
        moves.entry((*from, *to)).or_default().push(*name);
    }
    for ((from, to), names) in moves {
        let _ = writeln!(table, "| {from} | {to} | {} |", names.join(", "));
        // Being wanted no more leads to `off` from everywhere; drawn once, from `up`.
        if to != State::Off || from == State::Up {
            let plain: Vec<_> =
                names.iter().map(|name| name.replace(['(', ')'], " ").trim().to_owned()).collect();
            let shown = match plain.len() {
                0..=3 => plain.join(", "),
                more => format!("{}, +{}", plain[..3].join(", "), more - 3),
            };
            let _ = writeln!(picture, "    {from} --> {to} : {shown}");
        }
    }
    let mut stays = String::from("| in | takes and stays | refuses |\n|---|---|---|\n");
    for state in State::ALL {
        let taken: BTreeSet<_> =
            found.edges.iter().filter(|edge| edge.0 == state).map(|edge| edge.1).collect();
        let here = found.edges.iter().filter(|edge| edge.0 == state && edge.2 == state).map(|edge| edge.1);
        let here: BTreeSet<_> = here.collect();
        let refused = found.refused.iter().filter(|(of, name)| *of == state && !taken.contains(name));
        let refused: Vec<_> = refused.map(|(_, name)| *name).collect();
        let here: Vec<_> = here.into_iter().collect();
        let _ = writeln!(stays, "| {state} | {} | {} |", here.join(", "), refused.join(", "));
    }
    format!(
        "# Presence\n\n\
         <!-- Generated by `cargo xtask codegen` from a walk over the presence machine; change that, not this file. -->\n\n\
         The standing connection of one user over which rings come and go, as found by walking\n\
         `offhook_lifecycle::presence::Machine` through every input it can be given and every deadline in any order. It\n\
         ends no session: a ring's deadline is in the machine of its session ([lifecycle.md](lifecycle.md)).\n\n\
         ```mermaid\n{}\n```\n\n## Transitions\n\n{table}\n{stays}",
        picture.trim_end(),
    )
}
