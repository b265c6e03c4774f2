//! What listeners are told, as a grammar (B3, B5, R3, R15).

use offhook::{CallingState as S, ChangeOutcome, Event, Revision};
use std::collections::BTreeMap;

/// Reads a whole life's events; says what in them is no sentence.
pub fn check(events: &[Event], over: bool) -> Result<(), String> {
    let mut state = S::Idle;
    let mut away = false;
    let mut moving = false;
    let mut recovered = 0_u32;
    let mut changes: BTreeMap<Revision, &ChangeOutcome> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        let last = at + 1 == events.len();
        let wrong = |why: &str| Err(format!("{why}: event {at} of {}, {event:?}, in {state}", events.len()));
        match event {
            Event::StateChanged(next) => {
                if !follows(state, *next) {
                    return wrong("a state that cannot follow");
                }
                match next {
                    S::Reconnecting | S::Offline => away = true,
                    S::Joined if away => {
                        away = false;
                        recovered += 1;
                    }
                    S::ReconnectingFailed | S::Left => away = false,
                    _ => {}
                }
                state = *next;
            }
            Event::Recovered { .. } => match recovered.checked_sub(1) {
                Some(rest) if state == S::Joined => recovered = rest,
                _ => return wrong("recovered, and nothing had been lost"),
            },
            Event::MigrationStarted(_) if moving => return wrong("a move within a move"),
            Event::MigrationStarted(_) => moving = true,
            Event::MigrationFinished { .. } if !moving => return wrong("a move ended that never began"),
            Event::MigrationFinished { .. } => moving = false,
            Event::Change { revision, outcome } => match changes.insert(*revision, outcome) {
                None | Some(ChangeOutcome::Unconfirmed) => {}
                Some(_) => return wrong("a change that ended twice"),
            },
            Event::Missed { .. } => return wrong("this listener is not slow"),
            Event::Error(_) if last => return wrong("an error of nothing"),
            Event::Ended(_) if !last => return wrong("something after the end"),
            Event::Ended(ended) => {
                let error = matches!(events.get(at.wrapping_sub(1)), Some(Event::Error(_)));
                if error != ended.reason.is_error() {
                    return wrong("an error comes before the end exactly when one caused it");
                }
            }
            _ => {}
        }
    }
    if recovered > 0 && !over {
        return Err("joined again, and nobody was told that it had recovered".into());
    }
    let ends = events.iter().filter(|event| matches!(event, Event::Ended(_))).count();
    if ends != usize::from(over) {
        return Err(format!("{ends} endings"));
    }
    Ok(())
}

fn follows(from: S, to: S) -> bool {
    match from {
        S::Unknown | S::Left | S::Ringing(_) => false,
        S::Idle => matches!(to, S::Joining | S::Left),
        S::Joining => matches!(to, S::Joined | S::Idle | S::Left),
        S::Joined => matches!(to, S::Migrating | S::Reconnecting | S::Offline | S::Left),
        S::Migrating => matches!(to, S::Joined | S::Reconnecting | S::Offline | S::Left),
        S::Reconnecting => matches!(to, S::Joined | S::Offline | S::ReconnectingFailed | S::Left),
        S::Offline => matches!(to, S::Reconnecting | S::ReconnectingFailed | S::Left),
        S::ReconnectingFailed => matches!(to, S::Reconnecting | S::Left),
    }
}
