//! Runs are added up, and nothing broken or untested passes.

use std::collections::BTreeMap;

use super::{ENOUGH, Ran, Summary, Totals, earlier};

fn ran(held: &str, check: &str) -> Ran {
    let text = format!(
        r#"{{"seed": 1, "seconds": 40.0, "held": {held}, "faults": 2, "turns": 3, "moves": 1, "pictures": 100, "prompts": 9, "acknowledged": 8,
            "states": ["Joining", "Joined", "Reconnecting", "Joined", "Left"],
            "verdicts": [{{"rules": "R14", "what": "no acknowledged prompt was lost", "held": "{check}", "seen": "x"}}]}}"#
    );
    serde_json::from_str::<Summary>(&text).map_err(|error| error.to_string())
}

fn totals(runs: impl IntoIterator<Item = Ran>) -> Totals {
    Totals::of(&(1..).zip(runs).collect::<BTreeMap<_, _>>())
}

#[test]
fn runs_are_added_up() {
    let totals = totals([ran("true", "yes"), ran("true", "not_checked")]);
    assert_eq!((totals.runs, totals.faults, totals.recoveries, totals.acknowledged), (2, 4, 2, 16));
    assert_eq!((totals.turns, totals.moves), (6, 2));
    assert_eq!(totals.checks.values().next(), Some(&[1, 0, 1]));
    assert_eq!(totals.verdict(40), Ok(()));
}

#[test]
fn a_broken_rule_and_a_run_without_a_summary_fail_with_their_seeds() {
    let totals = totals([ran("true", "yes"), ran("false", "no"), Err("killed".to_owned())]);
    assert_eq!(totals.failed, [2, 3]);
    let said = totals.verdict(40).expect_err("it fails");
    assert!(said.contains("--seed 2 --seconds 40"), "{said}");
}

#[test]
fn a_check_that_was_never_made_fails_a_long_campaign() {
    let many = || (0..ENOUGH).map(|_| ran("true", "not_checked"));
    assert!(totals(many()).verdict(40).is_err());
    assert_eq!(totals(many().take(3)).verdict(40), Ok(()));
}

#[test]
fn only_a_summary_of_this_seed_and_length_is_taken_over() {
    let out = std::env::temp_dir().join(format!("offhook-xtask-{}", std::process::id()));
    std::fs::create_dir_all(&out).expect("a temporary folder");
    let text = r#"{"seed": 1, "seconds": 40.0, "held": true, "faults": 2, "turns": 3, "moves": 1, "pictures": 100, "prompts": 9,
        "acknowledged": 8, "states": [], "verdicts": []}"#;
    std::fs::write(out.join("summary.json"), text).expect("it can be written");
    assert!(earlier(&out, 1, 40).is_some());
    assert!(earlier(&out, 2, 40).is_none() && earlier(&out, 1, 30).is_none());
    std::fs::write(out.join("summary.json"), &text[..40]).expect("it can be written");
    assert!(earlier(&out, 1, 40).is_none(), "half a summary is none");
    std::fs::remove_dir_all(&out).expect("it was just made");
}
