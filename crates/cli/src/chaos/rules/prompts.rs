//! R14 and R15 from the outside: what the pictures show against what was asked and answered.

use super::{Finding, Held, not_checked, unless};
use crate::chaos::plan::{LOOKS, Plan};
use crate::chaos::record::{Answer, Returned, Seen};
use offhook::{ChangeOutcome, Event};
use std::collections::BTreeMap;

/// How old a picture can be that comes back, in seconds: queues of the line and the studio. Less
/// than the clip is long, so that a picture of the clip stands for one moment. Time in which media
/// was swallowed does not count: what was lost in it is asked for, and sent again, after it.
const OLDEST: f64 = 4.0;

/// A picture was painted after it was sent. If a prompt was acknowledged before that, this look or
/// one asked for later is what it must have.
pub(super) fn none_lost(_: &Plan, seen: &Seen) -> Finding {
    let (mut judged, mut unclear) = (0_u64, 0_u64);
    let mut broken = Vec::new();
    for picture in &seen.returned {
        let (Some(look), Some((sent, _))) = (picture.look, sent_between(seen, picture)) else {
            unclear += 1;
            continue;
        };
        judged += 1;
        let acked = |at: usize| {
            seen.prompts
                .get(at)
                .is_some_and(|asked| matches!(&asked.answered, Some((when, Answer::Applied)) if *when < sent))
        };
        let newest = (0..seen.prompts.len()).rev().find(|at| acked(*at));
        let later = &seen.prompts[newest.unwrap_or_default()..];
        let asked_for = later.iter().any(|asked| asked.look == look && asked.at <= picture.at);
        let as_it_was = newest.is_none() && look == 0;
        if !asked_for && !as_it_was {
            let must = newest.map_or("nothing", |at| LOOKS[seen.prompts[at].look]);
            broken.push(format!(
                "at {:.3} s a picture sent at {sent:.3} s or later showed `{}`, and `{must}` had been acknowledged",
                picture.at, LOOKS[look]
            ));
        }
    }
    if judged == 0 {
        return not_checked("no picture could be judged");
    }
    let acked =
        seen.prompts.iter().filter(|asked| matches!(asked.answered, Some((_, Answer::Applied)))).count();
    unless(&broken, || {
        format!(
            "{judged} pictures judged, {unclear} unclear; {acked} of {} prompts acknowledged",
            seen.prompts.len()
        )
    })
}

/// The first and the last moment at which a returned picture may have been sent.
pub(super) fn sent_between(seen: &Seen, picture: &Returned) -> Option<(f64, f64)> {
    let sent = &seen.sent;
    let mut oldest = picture.at - OLDEST;
    for hole in seen.troubles.iter().rev().filter(|trouble| trouble.swallows && trouble.from < picture.at) {
        let to = match hole.to {
            // A moment that lasts until it is recovered from: a NAT that has rebound.
            Some(to) if to <= hole.from => recovered_after(seen, hole.from),
            to => to,
        };
        let to = to.unwrap_or(picture.at).min(picture.at);
        if to > oldest {
            oldest -= to - hole.from;
        }
    }
    let from = sent.partition_point(|sent| sent.at < oldest);
    let to = sent.partition_point(|sent| sent.at <= picture.at);
    let mut likely =
        sent.get(from..to)?.iter().filter(|sent| picture.near.contains(&sent.picture)).map(|sent| sent.at);
    let first = likely.next()?;
    Some((first, likely.next_back().unwrap_or(first)))
}

fn recovered_after(seen: &Seen, from: f64) -> Option<f64> {
    let over =
        |event: &Event| matches!(event, Event::Recovered { .. } | Event::MigrationFinished { moved: true });
    seen.events.iter().find(|(at, event)| *at > from && over(event)).map(|(at, _)| *at)
}

pub(super) fn last_seen(plan: &Plan, seen: &Seen) -> Finding {
    let look = LOOKS[plan.last];
    match seen.last_prompt {
        Some((true, true)) => (Held::Yes, format!("`{look}`")),
        Some((answered, shown)) => (Held::No, format!("`{look}`: acknowledged {answered}, seen {shown}")),
        None => not_checked("the run did not come to it"),
    }
}

pub(super) fn each_ended_once(_: &Plan, seen: &Seen) -> Finding {
    let mut ends: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, event) in &seen.events {
        if let Event::Change { revision, outcome } = event
            && !matches!(outcome, ChangeOutcome::Unconfirmed)
        {
            *ends.entry(revision.0).or_default() += 1;
        }
    }
    let mut broken: Vec<String> = ends
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(revision, times)| format!("revision {revision} ended {times} times"))
        .collect();
    if seen.unanswered > 0 {
        broken.push(format!("{} changes were never answered", seen.unanswered));
    }
    if seen.calm.is_none() {
        return not_checked("the run was broken off");
    }
    let mut answers: BTreeMap<&str, u32> = BTreeMap::new();
    for asked in &seen.prompts {
        let name = match &asked.answered {
            Some((_, Answer::Applied)) => "applied",
            Some((_, Answer::Other(code))) => code,
            None => "none",
        };
        *answers.entry(name).or_default() += 1;
    }
    if let Some(none) = answers.get("none") {
        broken.push(format!("{none} prompts without an answer"));
    }
    let told: Vec<_> = answers.iter().map(|(name, count)| format!("{count} {name}")).collect();
    unless(&broken, || format!("prompts: {}", told.join(", ")))
}
