//! R13 from the outside: moves that begin and end, a place that takes the session gets it without an
//! interruption, each stream begins with a key frame, and no frame comes twice.

use super::{Finding, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::{AskedToGo, Frame, Seen};
use offhook::{CallingState, Event, Plan as Dial};
use std::collections::HashMap;

/// A fault that was over for so long is noticed, if it is at all, in seconds.
const NOTICED: f64 = 7.0;
/// A move takes no longer than this by its policy, in seconds.
const A_MOVE: f64 = 7.0;
/// A deadline shorter than this may be over before the move is, on a busy machine, in seconds.
const IN_TIME: f64 = 3.0;
/// What a move does to the pictures shows within so much after it, in seconds.
const AFTERWARDS: f64 = 0.5;
/// Both clocks are read a little apart, in seconds.
const CLOCKS: f64 = 0.02;
/// So many moves are made in so long a time, and no more (S14).
const HOPS: usize = 3;
const HOP_SPAN: f64 = 120.0;
/// Frames smaller than this may well be alike.
const SMALLEST: usize = 64;
/// A frame that is alike one of this long ago is the same picture once more, in seconds.
const COPY_WITHIN: f64 = 8.0;

/// What was seen of one move.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moved {
    from: f64,
    to: Option<f64>,
    moved: bool,
}

fn moves(seen: &Seen) -> Vec<Moved> {
    let mut moves: Vec<Moved> = Vec::new();
    for (at, event) in &seen.events {
        match event {
            Event::MigrationStarted(_) => moves.push(Moved { from: *at, to: None, moved: false }),
            Event::MigrationFinished { moved } => {
                if let Some(last) = moves.last_mut().filter(|last| last.to.is_none()) {
                    (last.to, last.moved) = (Some(*at), *moved);
                }
            }
            _ => {}
        }
    }
    moves
}

pub(super) fn begin_and_end(_: &Plan, seen: &Seen) -> Finding {
    let mut broken = Vec::new();
    let (mut open, mut begun, mut worked) = (None, 0, 0);
    let (mut shown, mut last) = (0, CallingState::Idle);
    for (at, event) in &seen.events {
        match event {
            Event::MigrationStarted(_) => {
                begun += 1;
                if let Some(since) = open.replace(*at) {
                    broken.push(format!("one began at {at:.3} s while another went on since {since:.3} s"));
                }
            }
            Event::MigrationFinished { moved } => {
                worked += usize::from(*moved);
                if open.take().is_none() {
                    broken.push(format!("one ended at {at:.3} s that had not begun"));
                }
            }
            Event::StateChanged(state) => {
                shown += usize::from(*state == CallingState::Migrating);
                if *state != CallingState::Left {
                    last = *state;
                }
            }
            // What ends the session in the middle of a move ends the move with it.
            Event::Ended(_) if last == CallingState::Migrating => open = None,
            _ => {}
        }
    }
    if let Some(since) = open {
        broken.push(format!("one began at {since:.3} s and did not end"));
    }
    if shown != begun {
        broken.push(format!("{begun} began, and Migrating was shown {shown} times"));
    }
    if begun == 0 && broken.is_empty() {
        return not_checked("no move began");
    }
    unless(&broken, || format!("{begun} moves, {worked} of them to the other server"))
}

/// Was nothing else wrong when this was asked for, and for as long as it may take?
fn undisturbed(seen: &Seen, asked: &AskedToGo) -> bool {
    let (from, to) = (asked.at - NOTICED, asked.at + A_MOVE);
    let others = seen.troubles.iter().enumerate().filter(|(place, _)| *place != asked.trouble);
    let mut others = others.map(|(_, trouble)| trouble);
    let disturbed = others
        .any(|trouble| trouble.from < to && trouble.to.is_none_or(|ended| ended + trouble.spread > from));
    let hops = seen.asked_to_go.iter().filter(|other| other.at < asked.at && asked.at - other.at < HOP_SPAN);
    let state = seen.states.iter().take_while(|(at, _)| *at <= asked.at).last();
    let at_rest = state.is_some_and(|(_, state)| *state == CallingState::Joined);
    !disturbed && hops.count() < HOPS && at_rest && asked.until - asked.at >= IN_TIME
}

pub(super) fn works_where_taken(_: &Plan, seen: &Seen) -> Finding {
    let (mut broken, mut judged, mut gaps) = (Vec::new(), 0, Vec::new());
    for asked in seen.asked_to_go.iter().filter(|asked| asked.taken && undisturbed(seen, asked)) {
        judged += 1;
        let began = |it: &&Moved| it.from + CLOCKS >= asked.at && it.from < asked.at + A_MOVE;
        let Some(it) = moves(seen).iter().find(began).copied() else {
            broken.push(format!("asked for at {:.3} s, and never begun", asked.at));
            continue;
        };
        let Some(to) = it.to.filter(|_| it.moved) else {
            broken.push(format!("asked for at {:.3} s, and it did not succeed", asked.at));
            continue;
        };
        let away = seen.states.iter().find(|(at, state)| {
            (it.from..=to).contains(at) && !matches!(state, CallingState::Migrating | CallingState::Joined)
        });
        if let Some((at, state)) = away {
            broken.push(format!("{state} at {at:.3} s, in a move from {:.3} to {to:.3} s", it.from));
        }
        gaps.extend(largest_gap(seen, it.from, to + AFTERWARDS));
    }
    if judged == 0 {
        return not_checked("no move to a server that takes the session was left undisturbed");
    }
    let largest = gaps.iter().copied().reduce(f64::max);
    unless(&broken, || match largest {
        Some(gap) => format!("{judged} moves, largest gap between two frames {:.0} ms", gap * 1e3),
        None => format!("{judged} moves, the camera muted in them"),
    })
}

/// Between two frames; none where the camera was muted.
fn largest_gap(seen: &Seen, from: f64, to: f64) -> Option<f64> {
    let before = seen.mutings.iter().take_while(|muting| muting.called < to).last();
    // Whoever unmutes waits for the next key frame.
    let muted = before.is_some_and(|last| last.muted || last.returned > from - AFTERWARDS);
    let within = |two: &&[Frame]| two[1].at > from && two[0].at < to;
    let gaps = seen.frames.windows(2).filter(within).map(|two| two[1].at - two[0].at);
    if muted { None } else { gaps.reduce(f64::max) }
}

/// A stream is one connection's; its frames count from its beginning. So time that goes back is
/// another stream's, and what comes of that first must be a picture that needs no other.
pub(super) fn begins_with_a_key_frame(_: &Plan, seen: &Seen) -> Finding {
    let mut streams = 0;
    let mut broken = Vec::new();
    for two in seen.frames.windows(2).filter(|two| two[1].pts < two[0].pts) {
        streams += 1;
        if !two[1].key {
            broken.push(format!("a stream began at {:.3} s with a frame that needs others", two[1].at));
        }
    }
    if let Some(first) = seen.frames.first().filter(|first| !first.key) {
        broken.push(format!("the first frame of all, at {:.3} s, needed others", first.at));
    }
    if streams == 0 && broken.is_empty() {
        return not_checked("all frames were of one stream");
    }
    unless(&broken, || format!("{streams} changes of stream in {} frames", seen.frames.len()))
}

/// Within one stream: two that begin with the same picture of the clip, painted alike, are alike.
pub(super) fn no_frame_twice(_: &Plan, seen: &Seen) -> Finding {
    let mut newest: HashMap<u64, Frame> = HashMap::new();
    // Another connection is another stream, whose first picture may be the old one's first.
    let connections: Vec<f64> = seen
        .events
        .iter()
        .filter_map(|(at, event)| match event {
            Event::Attempt(it) if it.error.is_none() && !matches!(it.plan, Dial::Resume { .. }) => Some(*at),
            _ => None,
        })
        .collect();
    let (mut broken, mut last) = (Vec::new(), (0.0, 0.0));
    for frame in &seen.frames {
        let is_new = connections.iter().any(|at| (last.0..frame.at).contains(at));
        if frame.pts < last.1 || (is_new && frame.key) {
            newest.clear();
        }
        last = (frame.at, frame.pts);
        if frame.bytes >= SMALLEST
            && let Some(before) = newest.insert(frame.hash, *frame)
            && before.bytes == frame.bytes
            && frame.at - before.at < COPY_WITHIN
        {
            broken.push(format!("the frame of {:.3} s came again at {:.3} s", before.at, frame.at));
        }
    }
    if seen.frames.is_empty() {
        return not_checked("no frame came");
    }
    unless(&broken, || format!("{} frames", seen.frames.len()))
}
