//! A muted camera is not heard (R14, F60): neither in the pictures that come back, nor in what
//! goes over the wire.

use super::prompts::sent_between;
use super::{Finding, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::Seen;
use offhook::{CallingState, Event};

/// How long after the call what was sent before it may still go up, in seconds: what got lost is
/// asked for, and sent again, over a long line.
const ON_THE_WAY: f64 = 1.2;
/// Datagrams a second that need no camera: checks and answers to them, ten of each on a silent
/// path, reports, the data channel. The camera's are sixty and more.
const WITHOUT_MEDIA: f64 = 35.0;
/// And those of a new connection, of a recovery or a move: checks of every pair, a handshake, its
/// retransmissions.
const A_CONNECTION: f64 = 80.0;

/// The stretches in which the camera was muted beyond doubt: from the return of one call to the
/// beginning of the other.
fn stretches(seen: &Seen) -> Vec<(f64, f64)> {
    let mut all = Vec::new();
    let mut since = None;
    for muting in &seen.mutings {
        match (muting.muted, since) {
            (true, None) => since = Some(muting.returned),
            (false, Some(from)) => {
                all.push((from, muting.called));
                since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    all
}

/// A picture all of whose possible moments lie in a muted stretch was sent in it.
pub(super) fn nothing_returned(_: &Plan, seen: &Seen) -> Finding {
    let muted = stretches(seen);
    if muted.is_empty() || seen.returned.is_empty() {
        return not_checked("the camera was not muted, or nothing came back");
    }
    let mut broken = Vec::new();
    for picture in &seen.returned {
        let Some((first, last)) = sent_between(seen, picture) else { continue };
        if let Some((from, to)) = muted.iter().find(|(from, to)| first > *from && last < *to) {
            broken.push(format!(
                "a picture that came back at {:.3} s was sent in {first:.3}..{last:.3} s, muted from {from:.3} to {to:.3} s",
                picture.at
            ));
        }
    }
    unless(&broken, || {
        format!("{} stretches, {} pictures came back in all", muted.len(), seen.returned.len())
    })
}

/// Counted in datagrams, by the relay. A few too many are found by the pictures that they make.
pub(super) fn nothing_sent(_: &Plan, seen: &Seen) -> Finding {
    let (mut broken, mut judged, mut worst) = (Vec::new(), 0, 0.0_f64);
    for (from, to) in stretches(seen) {
        let from = from + ON_THE_WAY;
        let at = |moment: f64| {
            let place = seen.datagrams.partition_point(|(at, _)| *at < moment);
            seen.datagrams.get(place).map(|(at, count)| (*at, *count as f64))
        };
        // The last look within the stretch, not the first behind it.
        let place = seen.datagrams.partition_point(|(at, _)| *at < to);
        let end = place.checked_sub(1).and_then(|place| seen.datagrams.get(place));
        let (Some((began, before)), Some((ended, after))) = (at(from), end) else { continue };
        if ended - began < 0.5 {
            continue;
        }
        let near = |at: f64| at > from - 10.0 && at < to;
        let losses = seen.states.iter().filter(|(at, state)| {
            matches!(state, CallingState::Reconnecting | CallingState::Migrating) && near(*at)
        });
        let dials = seen.events.iter().filter(|(at, event)| matches!(event, Event::Attempt(_)) && near(*at));
        let allowed =
            WITHOUT_MEDIA * (ended - began) + A_CONNECTION * losses.count().max(dials.count()) as f64;
        let sent = *after as f64 - before;
        judged += 1;
        worst = worst.max(sent / (ended - began));
        if sent > allowed {
            broken.push(format!("{sent} datagrams between {began:.3} and {ended:.3} s"));
        }
    }
    if judged == 0 {
        return not_checked("the camera was not muted for long enough");
    }
    unless(&broken, || format!("{judged} stretches, at most {worst:.0} datagrams a second"))
}
