//! Recovery in time. Judged after each fault that was followed by clear time enough; a fault that
//! came sooner began a new outage.

use super::{Finding, Held, not_checked, unless};
use crate::chaos::plan::{BACK, Plan};
use crate::chaos::record::Seen;
use offhook::CallingState;

/// The moments at which the path came back, and stayed for as long as a recovery may take; each
/// with the end of that time.
fn returns(seen: &Seen) -> Vec<(f64, f64)> {
    let budget = BACK.as_secs_f64();
    let end = seen.calm.unwrap_or_default();
    let starts = seen.troubles.iter().skip(1).map(|next| next.from).chain([end]);
    let pairs = seen.troubles.iter().zip(starts);
    pairs
        .filter_map(|(fault, next)| Some((fault.to?, next)))
        .filter(|(back, next)| next - back >= budget)
        .map(|(back, _)| (back, back + budget))
        .collect()
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
            Some(CallingState::Joined) => {}
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
        return not_checked("no fault was followed by 10 s of clear time");
    }
    if let Some(error) = &seen.rig {
        return (Held::No, format!("the network could not be played to its end: {error}"));
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
        return not_checked("no fault was followed by 10 s of clear time with the camera on");
    }
    unless(&broken, || format!("{judged} times"))
}

pub(super) fn no_twin(_: &Plan, seen: &Seen) -> Finding {
    if seen.datagrams.is_empty() {
        return not_checked("the server was not looked at");
    }
    let broken: Vec<String> =
        (seen.most_members > 1).then(|| format!("{} members", seen.most_members)).into_iter().collect();
    unless(&broken, || format!("{} looks at its census", seen.datagrams.len()))
}
