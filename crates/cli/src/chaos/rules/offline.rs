//! R10 from the outside: while there is said to be no network nothing is dialled, its return ends
//! that at once, and a return that nobody waited for changes nothing.

use super::{Finding, not_checked, unless};
use crate::chaos::plan::{Hint, Plan};
use crate::chaos::record::Seen;
use offhook::{CallingState, Event};

/// A state is told within so much of what brings it about, in seconds: threads, and a busy machine.
const TOLD_WITHIN: f64 = 0.5;
/// What a hint that changes nothing could have changed would show within so much.
const SHOWS_WITHIN: f64 = 0.3;

pub(super) fn offline(_: &Plan, seen: &Seen) -> Finding {
    let mut broken = Vec::new();
    let stretches: Vec<(f64, Option<f64>)> = seen
        .states
        .iter()
        .enumerate()
        .filter(|(_, (_, state))| *state == CallingState::Offline)
        .map(|(place, (from, _))| (*from, seen.states.get(place + 1).map(|(to, _)| *to)))
        .collect();
    for (from, to) in &stretches {
        let until = to.unwrap_or(f64::MAX);
        for (at, event) in &seen.events {
            if let Event::Attempt(attempt) = event {
                let began = at - attempt.took.as_secs_f64();
                if began > from + TOLD_WITHIN && began + TOLD_WITHIN < until {
                    broken.push(format!("a dial begun at {began:.3} s, offline since {from:.3} s"));
                }
            }
        }
        let back = seen.hints.iter().find(|(at, hint)| {
            matches!(hint, Hint::Up | Hint::Wakes) && at + TOLD_WITHIN > *from && *at < until
        });
        if let Some((back, _)) = back
            && until > back + TOLD_WITHIN
        {
            broken.push(format!("offline until {until:.3} s, and the network was back at {back:.3} s"));
        }
    }
    if stretches.is_empty() {
        return not_checked("no network was said to be gone");
    }
    unless(&broken, || format!("{} times offline", stretches.len()))
}

pub(super) fn unasked(_: &Plan, seen: &Seen) -> Finding {
    let (mut broken, mut judged) = (Vec::new(), 0);
    for (at, _) in seen.hints.iter().filter(|(_, hint)| *hint == Hint::UpUnasked) {
        let state = seen.states.iter().take_while(|(when, _)| when <= at).last();
        let busy = seen.troubles.iter().any(|trouble| {
            trouble.from < at + SHOWS_WITHIN && trouble.to.is_none_or(|to| to + TOLD_WITHIN > *at)
        });
        // Something that had gone wrong before may be noticed just now.
        let quiet = state.is_some_and(|(when, state)| *state == CallingState::Joined && at - when > 1.0);
        if busy || !quiet {
            continue;
        }
        judged += 1;
        let change = seen.states.iter().find(|(when, _)| when > at && *when < at + SHOWS_WITHIN);
        if let Some((when, state)) = change {
            broken
                .push(format!("{state} at {when:.3} s, after a return at {at:.3} s that nobody waited for"));
        }
    }
    if judged == 0 {
        return not_checked("no network was said to be back that had not been gone, in a quiet moment");
    }
    unless(&broken, || format!("{judged} times"))
}
