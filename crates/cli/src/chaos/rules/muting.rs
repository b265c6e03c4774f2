//! A muted camera is not heard (R14, F60): neither in the pictures that come back, nor in what
//! goes over the wire.

use super::prompts::sent_between;
use super::{Finding, not_checked, unless};
use crate::chaos::plan::Plan;
use crate::chaos::record::Seen;

/// What was on its way out of the camera when it was muted may still go up, in seconds, and the
/// look at the wire is later than the wire.
const ON_THE_WAY: f64 = 0.25;

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

/// Counted by the relays in packets of media that go up for the first time. What was sent before,
/// and is asked for again because it was lost, may be sent again at any time.
pub(super) fn nothing_sent(_: &Plan, seen: &Seen) -> Finding {
    let (mut broken, mut judged) = (Vec::new(), 0);
    for (from, to) in stretches(seen) {
        let first = seen.packets.partition_point(|(at, _)| *at < from + ON_THE_WAY);
        // The last look within the stretch, not the first behind it.
        let last = seen.packets.partition_point(|(at, _)| *at < to).checked_sub(1);
        let looked = last.and_then(|last| seen.packets.get(first..=last));
        let (Some((began, before)), Some((ended, after))) =
            (looked.and_then(<[_]>::first), looked.and_then(<[_]>::last))
        else {
            continue;
        };
        judged += 1;
        if after > before {
            broken.push(format!("{} packets between {began:.3} and {ended:.3} s", after - before));
        }
    }
    if judged == 0 {
        return not_checked("the camera was not muted for long enough");
    }
    let all = seen.packets.last().map_or(0, |(_, packets)| *packets);
    unless(&broken, || format!("{judged} stretches without a packet of media, of {all} in all"))
}
