//! Recovery in time. Judged after each fault that was followed by clear time enough; a fault that
//! came sooner began a new outage.

use super::{Finding, Held, not_checked, unless};
use crate::chaos::plan::{BACK, Plan};
use crate::chaos::record::{Seen, Trouble};
use offhook::CallingState;

/// The moments at which everything was well again, and stayed so for as long as a recovery may
/// take; each with the end of that time.
fn returns(seen: &Seen) -> Vec<(f64, f64)> {
    let end = seen.calm.unwrap_or_default();
    let mut returns = Vec::new();
    for trouble in &seen.troubles {
        let Some(back) = trouble.to else { continue };
        // What came just before is being recovered from as well.
        let spread = seen
            .troubles
            .iter()
            .filter(|other| other.to.is_some_and(|to| to <= back && back - to < other.spread));
        let by = back + BACK.as_secs_f64() + spread.map(|other| other.spread).fold(0.0, f64::max);
        let disturbs = |other: &&Trouble| {
            !std::ptr::eq(*other, trouble) && other.from < by && other.to.is_none_or(|to| to > back)
        };
        if by <= end && !seen.troubles.iter().any(|other| disturbs(&other)) {
            returns.push((back, by));
        }
    }
    returns
}

fn state_at(seen: &Seen, at: f64) -> Option<CallingState> {
    seen.states.iter().take_while(|(when, _)| *when <= at).last().map(|(_, state)| *state)
}

pub(super) fn in_time(_: &Plan, seen: &Seen) -> Finding {
    let returns = returns(seen);
    let mut broken = Vec::new();
    let mut longest = 0.0_f64;
    for (back, by) in &returns {
        match state_at(seen, *by) {
            // A move that was remembered until now: media flows.
            Some(CallingState::Joined | CallingState::Migrating) => {}
            state => broken.push(format!(
                "the path was back at {back:.3} s, and it was {} at {by:.3} s",
                state.map_or("nothing", CallingState::name)
            )),
        }
        let carried = seen
            .states
            .iter()
            .filter(|(at, state)| *state == CallingState::Joined && *at > *back && *at <= *by);
        longest = carried.map(|(at, _)| at - back).fold(longest, f64::max);
    }
    if returns.is_empty() {
        return not_checked("no fault was followed by clear time enough");
    }
    if let Some(error) = seen.rig.as_ref().or(seen.stage.as_ref()) {
        return (Held::No, format!("the schedule could not be played to its end: {error}"));
    }
    unless(&broken, || format!("{} times, after {longest:.2} s at most", returns.len()))
}

pub(super) fn pictures_again(_: &Plan, seen: &Seen) -> Finding {
    let mut broken = Vec::new();
    let mut judged = 0;
    for (back, by) in returns(seen) {
        // While the camera is muted, and just after, nothing is due.
        let muted = seen.mutings.iter().rev().find(|muting| muting.returned <= by);
        if muted.is_some_and(|muting| muting.muted || muting.returned + 2.0 > by) {
            continue;
        }
        judged += 1;
        if !seen.returned.iter().any(|picture| picture.at > by - 1.0 && picture.at <= by) {
            let last = seen.returned.iter().rev().find(|picture| picture.at <= by).map(|picture| picture.at);
            broken.push(format!(
                "the path was back at {back:.3} s, and by {by:.3} s the last picture was of {:.3} s",
                last.unwrap_or_default()
            ));
        }
    }
    if judged == 0 {
        return not_checked("no fault was followed by clear time enough with the camera on");
    }
    unless(&broken, || format!("{judged} times"))
}

pub(super) fn no_twin(_: &Plan, seen: &Seen) -> Finding {
    if seen.packets.is_empty() {
        return not_checked("the server was not looked at");
    }
    let broken: Vec<String> =
        (seen.most_members > 1).then(|| format!("{} members", seen.most_members)).into_iter().collect();
    unless(&broken, || format!("{} looks at its census", seen.packets.len()))
}
