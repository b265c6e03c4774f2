//! What had to hold of a run, rule by rule: pure functions from what was seen to a verdict. The
//! numbers are those of the design's rules; a rule that a run cannot see says so.

mod ending;
mod moving;
mod muting;
mod offline;
mod order;
mod prompts;
mod recovery;
mod states;
#[cfg(test)]
mod tests;

use super::plan::Plan;
use super::record::Seen;
use serde::Serialize;

/// How it stands with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// It was put to the test and held.
    Yes,
    /// It was broken.
    No,
    /// This run could not tell.
    NotChecked,
}

/// A named check and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// The rules, by their names in ARCHITECTURE.md and the field's bug list.
    pub(crate) rules: &'static str,
    /// What had to hold.
    pub(crate) what: &'static str,
    pub(crate) held: Held,
    /// What was seen.
    pub(crate) seen: String,
}

/// What a check comes to: how it stands, and what was seen.
type Finding = (Held, String);
type Check = fn(&Plan, &Seen) -> Finding;

/// Every check, in the order in which it is told.
const CHECKS: &[(&str, &str, Check)] = &[
    ("R5", "the session was joined, and the picture came back as it was sent", ending::joined),
    ("R14", "no acknowledged prompt was lost, and no old one applied", prompts::none_lost),
    ("R14", "what is asked for after the faults is acknowledged and seen", prompts::last_seen),
    ("R15", "every change ended exactly once", prompts::each_ended_once),
    ("R14 F60", "no picture of a muted camera came back", muting::nothing_returned),
    ("R14 F60", "nothing of a muted camera was sent", muting::nothing_sent),
    ("B3 F16", "every transition is one of the generated table", states::legal),
    ("F16", "state, connection and progress agree as the generated table says", states::agree),
    ("F06", "progress never went back", states::progress_rises),
    ("B3 B5", "every Reconnecting came to exactly one of Joined, ReconnectingFailed, Left", states::resolved),
    ("B3", "every return to Joined was told by one Recovered", order::recovered_told),
    ("R8", "one recovery at a time: no two dials at once", order::one_at_a_time),
    ("R7", "within one outage plans only escalated", order::plans_escalate),
    ("F31 F41", "no server ever had this member twice", recovery::no_twin),
    ("R10 F33", "offline nothing was dialled, and the network's return ended it", offline::offline),
    ("R10", "a network's return that nobody waited for changed nothing", offline::unasked),
    ("R13", "every move that began ended once, and Migrating was shown for it", moving::begin_and_end),
    (
        "R13 F32",
        "a move to a server that takes it succeeded, and it was never away",
        moving::works_where_taken,
    ),
    ("R13", "every stream of pictures began with a key frame", moving::begins_with_a_key_frame),
    ("R13", "no frame came twice", moving::no_frame_twice),
    (
        "R9 R11",
        "it carried again within 10 s of the path's return, or a restart's spread later",
        recovery::in_time,
    ),
    (
        "F41",
        "pictures came again within 10 s of the path's return, or a restart's spread later",
        recovery::pictures_again,
    ),
    ("R18", "no listener missed anything", order::nothing_missed),
    ("R3", "exactly one Ended, and it was the last event", ending::one_ended),
    ("R1", "Left was the last state, and the reason was the user's", ending::left),
    ("R4", "everything was released within 1.2 s of leaving", ending::released),
    ("R17", "the borrowed camera was not stopped", ending::camera),
    ("R4", "no task and no socket was left", ending::nothing_left),
];

/// Rules that no run of this kind can see, and where they are proved.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("R2 R6", "leaving and cancelling from every state", "walked, and polled at every await over the mock"),
    (
        "R10 R11",
        "the offline deadline, and a network that is away for ever",
        "no network stays away for two minutes here; virtual time over the mock",
    ),
    ("R12", "refusals by class", "few of them are met here; conformance suite"),
    ("R16 R19", "bounds, and hostile input", "tidy, conformance suite, fuzz targets"),
];

/// Judges a run. One that was broken off is judged by what it came to.
pub(crate) fn judge(plan: &Plan, seen: &Seen) -> Vec<Verdict> {
    let checks = CHECKS.iter().map(|(rules, what, check)| {
        let (held, seen) = check(plan, seen);
        Verdict { rules, what, held, seen }
    });
    let elsewhere = ELSEWHERE.iter().map(|(rules, what, seen)| Verdict {
        rules,
        what,
        held: Held::NotChecked,
        seen: (*seen).to_owned(),
    });
    checks.chain(elsewhere).collect()
}

/// Held if nothing was found against it.
fn unless(broken: &[String], fine: impl FnOnce() -> String) -> Finding {
    match broken.first() {
        None => (Held::Yes, fine()),
        Some(first) => (Held::No, format!("{} times, first: {first}", broken.len())),
    }
}

fn not_checked(why: &str) -> Finding {
    (Held::NotChecked, why.to_owned())
}
