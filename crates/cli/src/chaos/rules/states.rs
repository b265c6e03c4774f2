//! The states that were seen, against the table that is generated from the machine, and against
//! the grammar that every recovery has (B3, B5).

use super::{Finding, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::Seen;
use crate::chaos::table::{AGREE, MOVES};
use offhook::CallingState;

pub(super) fn legal(_: &Plan, seen: &Seen) -> Finding {
    if seen.states_missed > 0 {
        return not_checked("the reader of states was too slow");
    }
    let moves: Vec<_> = seen.states.windows(2).map(|two| (two[1].0, two[0].1, two[1].1)).collect();
    let broken: Vec<String> = moves
        .iter()
        .filter(|(_, from, to)| !MOVES.contains(&(from.name(), to.name())))
        .map(|(at, from, to)| format!("{from} to {to} at {at:.3} s"))
        .collect();
    let mut different: Vec<_> = moves.iter().map(|(_, from, to)| (from.name(), to.name())).collect();
    different.sort_unstable();
    different.dedup();
    unless(&broken, || format!("{} transitions, {} different ones", moves.len(), different.len()))
}

pub(super) fn agree(_: &Plan, seen: &Seen) -> Finding {
    let broken: Vec<String> = seen
        .shown
        .iter()
        .filter(|(_, shown)| !AGREE.contains(&(shown.calling.name(), shown.connection.name(), shown.percent)))
        .map(|(at, shown)| {
            format!("{} with {} and {} % at {at:.3} s", shown.calling, shown.connection, shown.percent)
        })
        .collect();
    unless(&broken, || format!("{} different views", seen.shown.len()))
}

/// Nothing but the join has progress, and there is one join here.
pub(super) fn progress_rises(_: &Plan, seen: &Seen) -> Finding {
    let during: Vec<_> = seen.shown.iter().filter(|(_, shown)| shown.calling != CallingState::Left).collect();
    let broken: Vec<String> = during
        .windows(2)
        .filter(|two| two[1].1.percent < two[0].1.percent)
        .map(|two| format!("from {} % to {} % at {:.3} s", two[0].1.percent, two[1].1.percent, two[1].0))
        .collect();
    let steps: Vec<_> = during.iter().map(|(_, shown)| shown.percent).collect();
    let mut steps = steps;
    steps.dedup();
    unless(&broken, || steps.iter().map(|percent| format!("{percent} %")).collect::<Vec<_>>().join(", "))
}

/// Offline may lie between; the next outage may not begin before this one has ended.
pub(super) fn resolved(_: &Plan, seen: &Seen) -> Finding {
    let (mut open, mut outages) = (None, 0);
    let mut broken = Vec::new();
    for (at, state) in &seen.states {
        match (state, open) {
            (CallingState::Reconnecting, None) => {
                open = Some(*at);
                outages += 1;
            }
            // A move that was asked for meanwhile begins where the recovery ends.
            (
                CallingState::Joined
                | CallingState::Migrating
                | CallingState::ReconnectingFailed
                | CallingState::Left,
                _,
            ) => open = None,
            (CallingState::Reconnecting | CallingState::Offline, _) => {}
            (
                CallingState::Unknown | CallingState::Idle | CallingState::Ringing(_) | CallingState::Joining,
                Some(since),
            ) => broken.push(format!("{state} at {at:.3} s, Reconnecting since {since:.3} s")),
            (
                CallingState::Unknown | CallingState::Idle | CallingState::Ringing(_) | CallingState::Joining,
                None,
            ) => {}
        }
    }
    if let Some(since) = open {
        broken.push(format!("Reconnecting at {since:.3} s was never resolved"));
    }
    if outages == 0 && broken.is_empty() {
        return not_checked("the session was never Reconnecting");
    }
    unless(&broken, || format!("{outages} times"))
}
