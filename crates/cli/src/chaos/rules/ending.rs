//! How it began and how it ended: joined, one `Ended`, everything released, nothing left.

use super::{Finding, Held, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::Seen;
use offhook::{CallingState, EndReason, Event};

/// A second for the goodbye, and a fifth for the machine, in seconds.
const RELEASED: f64 = 1.2;

pub(super) fn joined(_: &Plan, seen: &Seen) -> Finding {
    match (&seen.not_joined, seen.joined, seen.first_picture) {
        (Some(why), ..) => (Held::No, why.clone()),
        (None, Some(joined), Some(first)) => (
            Held::Yes,
            format!("joined after {:.0} ms, first picture after {:.0} ms", joined * 1e3, first * 1e3),
        ),
        (None, Some(_), None) => (Held::No, "no picture came back".into()),
        (None, None, _) => not_checked("the run was broken off"),
    }
}

pub(super) fn one_ended(_: &Plan, seen: &Seen) -> Finding {
    let ended = seen.events.iter().filter(|(_, event)| matches!(event, Event::Ended(_))).count();
    let last = seen.events.last().is_some_and(|(_, event)| matches!(event, Event::Ended(_)));
    if seen.leaving.is_none() && seen.calm.is_none() {
        return not_checked("the run was broken off");
    }
    let mut broken = Vec::new();
    if ended != 1 {
        broken.push(format!("{ended} Ended"));
    }
    if !last {
        broken.push(format!("the last event was {:?}", seen.events.last().map(|(_, event)| event)));
    }
    if !seen.events_ended {
        broken.push("the stream of events went on".into());
    }
    unless(&broken, || format!("{} events", seen.events.len()))
}

pub(super) fn left(_: &Plan, seen: &Seen) -> Finding {
    if seen.leaving.is_none() {
        return not_checked("the run was broken off");
    }
    let mut broken = Vec::new();
    let first = seen.states.iter().position(|(_, state)| *state == CallingState::Left);
    if first.is_none_or(|first| first + 1 != seen.states.len()) {
        broken.push(format!("the last state was {:?}", seen.states.last().map(|(_, state)| state)));
    }
    let reason = seen.events.iter().find_map(|(_, event)| match event {
        Event::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    if reason != Some(EndReason::LeftByUser) {
        broken.push(format!("the reason was {reason:?}"));
    }
    unless(&broken, || "LeftByUser".into())
}

pub(super) fn released(_: &Plan, seen: &Seen) -> Finding {
    match (seen.leaving, seen.released) {
        (None, _) => not_checked("the run was broken off"),
        (Some(_), None) => (Held::No, "never".into()),
        (Some((called, returned)), Some(at)) => {
            let held = if at - called <= RELEASED { Held::Yes } else { Held::No };
            let (took, after) = ((returned - called) * 1e3, (at - called) * 1e3);
            (held, format!("leave() returned after {took:.2} ms, all was released after {after:.0} ms"))
        }
    }
}

pub(super) fn camera(_: &Plan, seen: &Seen) -> Finding {
    match seen.camera_runs {
        None => not_checked("the run was broken off"),
        Some(true) => (Held::Yes, "it ran on when the session was over".into()),
        Some(false) => (Held::No, "its pump had ended".into()),
    }
}

pub(super) fn nothing_left(_: &Plan, seen: &Seen) -> Finding {
    match seen.left_over {
        None => not_checked("nothing was counted"),
        Some((0, 0)) => (Held::Yes, "0 tasks, 0 sockets".into()),
        Some((tasks, sockets)) => (Held::No, format!("{tasks} tasks, {sockets} sockets")),
    }
}
