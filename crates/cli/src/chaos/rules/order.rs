//! The order of events: what was told of each recovery, and which dials there were.

use super::{Finding, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::Seen;
use offhook::{CallingState, Event, Plan as Dial};
use std::time::Duration;

pub(super) fn recovered_told(_: &Plan, seen: &Seen) -> Finding {
    let mut broken = Vec::new();
    let (mut away, mut told, mut times) = (None, 0, 0);
    for (at, event) in &seen.events {
        match event {
            Event::StateChanged(CallingState::Reconnecting | CallingState::Offline) if away.is_none() => {
                away = Some(*at);
                told = 0;
            }
            Event::Recovered { .. } => {
                told += 1;
                times += 1;
                // It comes with the state, before or after.
                if away.is_none() && told > 1 {
                    broken.push(format!("a second Recovered at {at:.3} s"));
                }
            }
            Event::StateChanged(CallingState::Joined | CallingState::Migrating) => away = None,
            _ => {}
        }
    }
    let returns = seen
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::StateChanged(state) => Some(*state),
            _ => None,
        })
        .collect::<Vec<_>>();
    let returns = returns
        .windows(2)
        .filter(|two| {
            matches!(two[0], CallingState::Reconnecting | CallingState::Offline)
                // A move that was asked for meanwhile begins with the recovery's end.
                && matches!(two[1], CallingState::Joined | CallingState::Migrating)
        })
        .count();
    if times != returns {
        broken.push(format!("{returns} returns to Joined, {times} Recovered"));
    }
    if returns == 0 && broken.is_empty() {
        return not_checked("nothing had to be recovered");
    }
    unless(&broken, || format!("{times} times"))
}

pub(super) fn one_at_a_time(_: &Plan, seen: &Seen) -> Finding {
    // By the session's own clock: when an event was read says little on a busy machine.
    let mut dials: Vec<(Duration, Duration)> = seen
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Attempt(attempt) => Some((attempt.began, attempt.began + attempt.took)),
            _ => None,
        })
        .collect();
    dials.sort();
    let broken: Vec<String> = dials
        .windows(2)
        .filter(|two| two[1].0 < two[0].1)
        .map(|two| {
            let [begun, until] = [two[1].0, two[0].1].map(|it| it.as_secs_f64());
            format!("a dial begun {begun:.3} s into the session while another went on until {until:.3} s")
        })
        .collect();
    unless(&broken, || format!("{} dials", dials.len()))
}

pub(super) fn plans_escalate(_: &Plan, seen: &Seen) -> Finding {
    let mut broken = Vec::new();
    let (mut rejoining, mut dials) = (false, 0);
    for (at, event) in &seen.events {
        match event {
            Event::StateChanged(CallingState::Joined | CallingState::Migrating) => rejoining = false,
            Event::Attempt(attempt) => match attempt.plan {
                Dial::Rejoin => {
                    dials += 1;
                    rejoining |= attempt.error.is_some();
                }
                Dial::Resume { .. } => {
                    dials += 1;
                    if rejoining {
                        broken.push(format!("a resume at {at:.3} s after a rejoin of the same outage"));
                    }
                }
                Dial::Join | Dial::Migrate => {}
            },
            _ => {}
        }
    }
    if dials == 0 {
        return not_checked("nothing had to be dialled again");
    }
    unless(&broken, || format!("{dials} dials of recoveries"))
}

pub(super) fn nothing_missed(_: &Plan, seen: &Seen) -> Finding {
    let missed = seen.events.iter().filter_map(|(at, event)| match event {
        Event::Missed { count, .. } => Some(format!("{count} events at {at:.3} s")),
        _ => None,
    });
    let mut broken: Vec<String> = missed.collect();
    if seen.states_missed > 0 {
        broken.push(format!("{} states", seen.states_missed));
    }
    unless(&broken, || format!("{} events, {} states", seen.events.len(), seen.states.len()))
}
