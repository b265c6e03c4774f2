//! Facts of the ledger: R14 and R15 as far as it owns them.

use super::*;

#[derive(Default)]
struct Told(Vec<(u64, Outcome)>);

fn set(ledger: &mut Ledger, change: Change, told: &mut Told) -> u64 {
    let deadline = Time::from_millis(15_000);
    ledger.enter(change, deadline, |revision, outcome| told.0.push((revision.0, outcome))).expect("room").0
}

fn answer(ledger: &mut Ledger, revision: u64, answer: Answer, told: &mut Told) -> bool {
    let deadline = Time::from_millis(30_000);
    ledger.answered(Revision(revision), answer, deadline, |revision, outcome| {
        told.0.push((revision.0, outcome));
    })
}

fn prompt(text: &str) -> Change {
    Change::new().prompt(text, false)
}

fn desired(ledger: &Ledger) -> Option<&str> {
    ledger.prompt().map(|prompt| &*prompt.text)
}

#[test]
fn a_later_prompt_supersedes_one_that_waits_and_each_ends_once() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    set(&mut ledger, prompt("first"), &mut told);
    let second = set(&mut ledger, prompt("second"), &mut told);
    answer(&mut ledger, second, Answer::Applied, &mut told);
    answer(&mut ledger, second, Answer::Applied, &mut told);
    assert_eq!(told.0, [(1, Outcome::Superseded), (2, Outcome::Applied)]);
}

/// F51: a change of two parts stands while one of them is not covered by a later change.
#[test]
fn a_change_stands_while_a_part_of_it_does() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    set(&mut ledger, prompt("first").clear_image(), &mut told);
    set(&mut ledger, prompt("second"), &mut told);
    assert_eq!(told.0, []);
    assert_eq!(ledger.image(), Some(None), "a part not named is a part not touched");
}

/// R14: desired becomes the newest version that was not refused.
#[test]
fn a_refused_prompt_is_withdrawn_and_the_one_before_is_desired_again() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    let good = set(&mut ledger, prompt("good"), &mut told);
    answer(&mut ledger, good, Answer::Applied, &mut told);
    let bad = set(&mut ledger, prompt("bad"), &mut told);
    let again = answer(&mut ledger, bad, Answer::Refused(StateItem::Prompt), &mut told);
    assert!(again, "what is desired has another number now");
    assert_eq!(desired(&ledger), Some("good"));
    assert_eq!(told.0.last(), Some(&(bad, Outcome::Refused(StateItem::Prompt))));
}

/// R14: what was asked for after a bad prompt, and before its refusal, is not refused with it: every state
/// that has the bad one in it is.
#[test]
fn a_mute_after_a_bad_prompt_is_not_refused_with_it() {
    let camera = TrackRef(0);
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    let good = set(&mut ledger, prompt("good"), &mut told);
    let bad = set(&mut ledger, prompt("bad"), &mut told);
    let mute = set(&mut ledger, Change::new().muted(camera, true), &mut told);
    let refused = Answer::Refused(StateItem::Prompt);
    assert!(answer(&mut ledger, bad, refused, &mut told), "sent anew without it");
    assert!(!answer(&mut ledger, mute, refused, &mut told), "that was of the same prompt");
    assert!(ledger.is_muted(camera));
    assert_eq!(desired(&ledger), Some("good"), "which nobody refused");
    let renewed = ledger.revision().0;
    answer(&mut ledger, renewed, Answer::Applied, &mut told);
    let ends =
        [(good, Outcome::Superseded), (bad, Outcome::Refused(StateItem::Prompt)), (mute, Outcome::Applied)];
    assert_eq!(told.0, ends);
}

/// R14: silent until an unmute is known to be in effect, and again when it is taken back.
#[test]
fn what_was_muted_is_silent_until_its_unmute_is_answered() {
    let camera = TrackRef(0);
    let muted = |muted| Change::new().muted(camera, muted);
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    assert!(!ledger.is_silent(camera));
    let mute = set(&mut ledger, muted(true), &mut told);
    assert!(ledger.is_silent(camera), "before it is answered");
    answer(&mut ledger, mute, Answer::Applied, &mut told);
    let unmute = set(&mut ledger, muted(false), &mut told);
    assert!(ledger.is_silent(camera) && !ledger.is_muted(camera));
    answer(&mut ledger, unmute, Answer::Refused(StateItem::Muted), &mut told);
    assert!(ledger.is_silent(camera) && ledger.is_muted(camera));
    let unmute = set(&mut ledger, muted(false), &mut told);
    answer(&mut ledger, unmute, Answer::Applied, &mut told);
    assert!(!ledger.is_silent(camera) && !ledger.is_muted(camera));
}

/// R15: after 15 s the wish stands, and its result still arrives.
#[test]
fn an_unconfirmed_wish_stands_and_is_applied_later() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    let revision = set(&mut ledger, prompt("slow"), &mut told);
    ledger.expire(Time::from_millis(15_000), |revision, outcome| told.0.push((revision.0, outcome)));
    assert_eq!(desired(&ledger), Some("slow"));
    answer(&mut ledger, revision, Answer::Applied, &mut told);
    assert_eq!(told.0, [(1, Outcome::Unconfirmed), (1, Outcome::Applied)]);
}

/// R14: each chunk of an image starts the command's deadline anew.
#[test]
fn progress_starts_the_deadline_anew() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    let revision = set(&mut ledger, prompt("large"), &mut told);
    answer(&mut ledger, revision, Answer::Progress, &mut told);
    assert_eq!(ledger.next_deadline(), Some(Time::from_millis(30_000)));
}

/// R16: bounded, and a refused change leaves nothing behind.
#[test]
fn too_many_changes_are_refused_whole() {
    let (mut ledger, mut told) = (Ledger::default(), Told::default());
    for track in 0..MAX_PENDING as u32 {
        set(&mut ledger, Change::new().muted(TrackRef(track), true), &mut told);
    }
    let before = ledger.revision();
    let refused = ledger.enter(prompt("one more"), Time::ZERO, |_, _| {});
    assert_eq!(refused, Err(SetError::Full));
    assert_eq!((ledger.revision(), desired(&ledger)), (before, None));
}
