//! A short run under faults, as its user sees it: the plan is its seed's, every rule that does
//! not depend on how busy the machine is holds, and the files are there. How fast it recovers is
//! `cargo xtask bench recovery`'s affair.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A seed whose 24 seconds have a network that is told to be another one, a move to the second server,
/// and a cut in the middle of it.
const SEED: &str = "16";
const SECONDS: &str = "24";

/// Checks that a busy machine can fail without anything being wrong.
const TIMED: [&str; 3] = ["carried again within", "pictures came again within", "released within"];

#[test]
fn a_session_keeps_every_rule_under_a_seeded_schedule_of_faults() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
    let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(["chaos", "--json", "--seed", SEED, "--seconds", SECONDS, "--out", &out.to_string_lossy()])
        .stdin(Stdio::null())
        .output()
        .expect("the binary was just built");
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    let plan = lines.first().expect("it says what it will do");
    assert_eq!((plan["event"].as_str(), plan["seed"].as_u64()), (Some("plan"), Some(16)), "{plan}");
    let planned = |what: &str| plan[what].as_array().map(|all| all.len() as u64);
    let summary = lines.last().expect("it says how it went");
    assert_eq!(summary["event"], "summary", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(summary["faults"].as_u64(), planned("faults"));
    assert_eq!(summary["turns"].as_u64(), planned("turns"));
    assert!(planned("turns") > Some(0) && planned("told") > Some(0), "{plan}");
    let verdicts = summary["verdicts"].as_array().expect("a list");
    let broken: Vec<&Value> = verdicts.iter().filter(|verdict| verdict["held"] == "no").collect();
    let (timed, real): (Vec<&Value>, Vec<&Value>) = broken
        .into_iter()
        .partition(|verdict| TIMED.iter().any(|words| verdict["what"].to_string().contains(words)));
    assert!(real.is_empty(), "{real:#?}\nthe whole run:\n{said}");
    assert!(verdicts.iter().filter(|verdict| verdict["held"] == "yes").count() >= 12, "{verdicts:#?}");
    assert_eq!(output.status.code(), Some(i32::from(!timed.is_empty())), "{timed:?}");
    for file in ["events.jsonl", "summary.json", "timeline.svg"] {
        assert!(out.join(file).metadata().is_ok_and(|file| file.len() > 0), "{file}");
    }
}
