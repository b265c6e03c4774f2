//! The walk's own proof: what must hold at every place, whatever the order of deadlines.

mod random;

use super::*;
use crate::{Cause, EndReason, Gate};

/// Walks every world, each on a thread of its own, and adds up what was found.
fn walk_checked(check: fn(&World, &Machine, Step, &Machine, &[Output])) -> Walked {
    let mut all = Walked::default();
    std::thread::scope(|scope| {
        let walks: Vec<_> = worlds()
            .into_iter()
            .map(|world| {
                scope.spawn(move || {
                    let found = walk(&world, 60_000, &mut |before, step, after, outputs| {
                        check(&world, before, step, after, outputs);
                    });
                    eprintln!("{}: {} places, {} steps", world.name, found.places, found.steps);
                    found
                })
            })
            .collect();
        for walk in walks {
            all.merge(walk.join().expect("a check failed; its message is above"));
        }
    });
    all
}

fn events(outputs: &[Output]) -> Vec<Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Report(event) => Some(*event),
            _ => None,
        })
        .collect()
}

// A20 (https://github.com/matrix-org/matrix-js-sdk/pull/2826): entering and ending are inputs of one
// machine, walked in every order.
#[test]
fn every_place_of_the_machine_keeps_the_invariants() {
    let found = walked();
    assert_eq!(found.states.len(), State::ALL.len(), "every leaf is reached: {:?}", found.states);
    eprintln!("{} places, {} steps", found.places, found.steps);
}

/// The walk, once for all tests.
pub(super) fn walked() -> &'static Walked {
    static WALKED: std::sync::OnceLock<Walked> = std::sync::OnceLock::new();
    WALKED.get_or_init(|| walk_checked(keeps_the_invariants))
}

fn keeps_the_invariants(world: &World, before: &Machine, step: Step, after: &Machine, outputs: &[Output]) {
    let at = || {
        format!("{}: {before:?} --{step:?}--> {after:?}: {outputs:?}\nbefore: {:?}", world.name, before.core)
    };
    has_a_way_out(world, after, &at);
    absorbs_when_over(before, after, outputs, &at);
    tells_the_end_once_and_last(before, after, outputs, &at);
    ignores_the_stale(before, step, after, outputs, &at);
    keeps_the_grammar(before, after, outputs, &at);
    guards_the_gate(after, outputs, &at);
    never_spins(step, after, outputs, &at);
    leaves_at_once(before, step, after, &at);
}

/// Rule 5 of the field: every state but the named ones has a deadline that leads out of it.
fn has_a_way_out(world: &World, after: &Machine, at: &dyn Fn() -> String) {
    let patient = match after.state() {
        State::Idle | State::Left => true,
        State::Failed => world.policy.failed.is_none(),
        State::Offline => world.policy.offline.is_none(),
        State::Ringing(_) => world.policy.ring.is_zero(),
        State::Live | State::Joining | State::Migrating | State::Reconnecting | State::Leaving => false,
    };
    assert!(patient || after.poll_timeout().is_some(), "no way out: {}", at());
}

/// R1, R3, C14: nothing comes after the end.
fn absorbs_when_over(before: &Machine, after: &Machine, outputs: &[Output], at: &dyn Fn() -> String) {
    if before.state() == State::Left {
        assert!(after.state() == State::Left && outputs.is_empty(), "left does not absorb: {}", at());
    }
    if before.state().is_over() {
        assert!(after.state().is_over(), "back from the end: {}", at());
        assert_eq!(before.core.ending, after.core.ending, "the reason is written once: {}", at());
        let silent = outputs.iter().all(|output| matches!(output, Output::Close { .. }));
        assert!(silent, "something after the end: {}", at());
    }
}

/// R3: exactly one `Ended`, last; `Error` just before it exactly when an error caused it.
fn tells_the_end_once_and_last(
    before: &Machine,
    after: &Machine,
    outputs: &[Output],
    at: &dyn Fn() -> String,
) {
    let events = events(outputs);
    let ended = events.iter().filter(|event| matches!(event, Event::Ended(_))).count();
    let ends_here = !before.state().is_over() && after.state().is_over();
    assert_eq!(ended, usize::from(ends_here), "one ending: {}", at());
    let errors = events.iter().filter(|event| matches!(event, Event::Error(_))).count();
    if ends_here {
        let [.., last] = events[..] else { panic!("no ending: {}", at()) };
        let Event::Ended(ending) = last else { panic!("not last: {}", at()) };
        let told = matches!(events[..], [.., Event::Error(Cause::End(_) | Cause::Refusal(_)), _]);
        assert_eq!(told, ending.reason.is_error(), "error before the ending: {}", at());
        assert_eq!(errors, usize::from(told), "one error: {}", at());
        assert!(after.core.current.is_none() && after.core.standby.is_none(), "epochs are void: {}", at());
    } else {
        assert_eq!(errors, 0, "an error that ends nothing: {}", at());
    }
}

/// The largest family of the field's bugs: a report of another epoch does nothing.
fn ignores_the_stale(
    before: &Machine,
    step: Step,
    after: &Machine,
    outputs: &[Output],
    at: &dyn Fn() -> String,
) {
    let Step::Input(input) = step else { return };
    if input.epoch().is_some_and(|epoch| !before.admits(epoch)) {
        assert!(outputs.is_empty() && key_of(&before.core) == key_of(&after.core), "stale: {}", at());
    }
}

/// B3, B5: every way from state to state is one that a reader expects, and each is told.
fn keeps_the_grammar(before: &Machine, after: &Machine, outputs: &[Output], at: &dyn Fn() -> String) {
    let told: Vec<_> = states_told(outputs).collect();
    if told.is_empty() {
        let cleanup = before.state() == State::Leaving && after.state() == State::Left;
        assert!(cleanup || before.state() == after.state(), "a silent change: {}", at());
        return;
    }
    assert_eq!(told.last(), Some(&after.state()), "told another state: {}", at());
    let mut from = before.state();
    for to in told {
        assert!(may_follow(from, to), "{from} -> {to}: {}", at());
        from = to;
    }
    // B6: readers see the state before its first I/O.
    let first = outputs.iter().position(|output| matches!(output, Output::Report(Event::State(_))));
    let dial = outputs.iter().position(|output| matches!(output, Output::Dial(_)));
    assert!(dial.is_none_or(|dial| first < Some(dial)), "I/O before the state: {}", at());
}

fn may_follow(from: State, to: State) -> bool {
    use State::*;
    match from {
        Idle => matches!(to, Joining | Ringing(_) | Left),
        Ringing(_) => matches!(to, Joining | Leaving | Left),
        Joining => matches!(to, Live | Idle | Leaving | Left),
        Live => matches!(to, Migrating | Reconnecting | Offline | Leaving | Left),
        Migrating => matches!(to, Live | Reconnecting | Offline | Leaving | Left),
        Reconnecting => matches!(to, Live | Offline | Failed | Leaving | Left),
        Offline => matches!(to, Reconnecting | Failed | Leaving | Left),
        Failed => matches!(to, Reconnecting | Leaving | Left),
        Leaving => to == Left,
        State::Left => false,
    }
}

/// R4, R14, E1: nothing goes out before the ack, while suspended, in `failed`, or at the end.
fn guards_the_gate(after: &Machine, outputs: &[Output], at: &dyn Fn() -> String) {
    let core = &after.core;
    if let Some(standby) = &core.standby {
        assert!(standby.gate < Gate::Open || standby.acked, "open before the ack: {}", at());
        assert!(standby.gate < Gate::Open || !core.suspended, "open while suspended: {}", at());
    }
    let open = core.current.as_ref().is_some_and(|line| line.gate == Gate::Open);
    assert!(!open || !core.suspended, "open while suspended: {}", at());
    if after.state() == State::Failed || after.state().is_over() {
        assert!(core.current.is_none() && core.standby.is_none(), "a link is open: {}", at());
    }
    if after.state() == State::Live && !core.suspended {
        assert!(open, "live and silent: {}", at());
    }
    if after.state().is_over() {
        let begins = outputs.iter().any(|output| {
            matches!(output, Output::Dial(_) | Output::Apply { .. } | Output::Gate { gate: Gate::Open, .. })
        });
        assert!(!begins, "begins something at the end: {}", at());
    }
}

/// I1, I7, E2: no deadline in the past, one dial at a time, one call to the provider.
fn never_spins(step: Step, after: &Machine, outputs: &[Output], at: &dyn Fn() -> String) {
    let dials = outputs.iter().filter(|output| matches!(output, Output::Dial(_))).count();
    assert!(dials <= 1 || step == Step::Late, "dials twice: {}", at());
    let asked = outputs.iter().filter(|output| matches!(output, Output::AskCredential { .. })).count();
    assert!(asked <= 1, "asks twice: {}", at());
    if let Some(timeout) = after.poll_timeout() {
        assert!(timeout >= now_of(after), "a deadline in the past: {}", at());
        let fed = matches!(step, Step::Due(_) | Step::Late | Step::Input(_));
        assert!(!fed || timeout > now_of(after), "would spin: {}", at());
    }
    assert!(outputs.len() <= 64, "more outputs than room was made for: {}", at());
}

/// R1, R2: `leave` from every place ends the session at once; from `failed` it keeps what failed.
fn leaves_at_once(before: &Machine, step: Step, after: &Machine, at: &dyn Fn() -> String) {
    if step != Step::Input(Input::Leave) {
        return;
    }
    assert!(after.state().is_over(), "leave did not end it: {}", at());
    let reason = after.core.ending.map(|ending| ending.reason);
    let failed = matches!(reason, Some(EndReason::NetworkLost | EndReason::MediaLost));
    assert!(before.state() != State::Failed || failed, "what failed was not kept: {}", at());
}

// F78
#[test]
fn the_tables_name_every_leaf_and_the_picture_every_place() {
    let walked = walked();
    let (table, diagram, picture) = (transition_table(walked), mermaid(walked), svg(walked));
    for state in State::ALL {
        assert!(table.contains(&format!("| {state} |")), "{state} is missing in the table");
        assert!(projections_table().contains(&format!("| {state} |")));
        let name = if matches!(state, State::Ringing(_)) { "ringing" } else { state.name() };
        assert!(diagram.contains(name) && picture.contains(name), "{name} is not drawn");
    }
    assert!(diagram.contains("reconnecting --> live"));
}

#[test]
fn the_document_holds_all_tables() {
    let text = document(walked());
    assert!(text.contains("stateDiagram-v2") && text.contains("ReconnectingFailed"));
}
