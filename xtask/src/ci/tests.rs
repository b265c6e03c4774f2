//! The table at the end tells the truth.

use std::time::Duration;

use super::{Outcome, STEPS, summary, verdict};

#[test]
fn a_failed_step_fails_the_run_and_is_named() {
    let rows =
        [("format", Duration::from_millis(1250), Outcome::Held), ("tidy", Duration::ZERO, Outcome::Failed)];
    assert_eq!(verdict(&rows), Err("ci: tidy failed; its output is above".to_owned()));
    let shown = summary(&rows);
    assert!(shown.contains("format       1.2 s  held"), "{shown}");
    assert!(shown.contains("deny") && shown.contains("not run: a step before it failed"), "{shown}");
}

#[test]
fn steps_left_out_do_not_fail_the_run_but_show() {
    let rows: Vec<_> = STEPS.iter().map(|step| (step.name, Duration::ZERO, Outcome::Left)).collect();
    assert_eq!(verdict(&rows), Ok(()));
    assert_eq!(summary(&rows).matches("left out").count(), STEPS.len());
}

#[test]
fn only_what_cargo_test_covers_is_left_out_after_it() {
    let tests: Vec<_> = STEPS.iter().filter(|step| step.is_test).map(|step| step.name).collect();
    assert_eq!(tests, ["tests", "doctests"]);
}
