//! The schema that CONTRIBUTING.md shows is the one that is read.

use super::{Report, put};

const ANSWER: &str = r#"{"name": "join", "rows": [
    {"what": "join", "unit": "ms", "median": 9.5, "p95": 31.25, "n": 50, "target": "≤ 12, p95 ≤ 30"},
    {"what": "first frame", "unit": "ms", "median": 120.4, "p95": 150, "n": 50, "target": "≤ 150"},
    {"what": "dial", "unit": "ms", "median": 0.25, "p95": 1, "n": 50}
], "notes": ["one certificate per session"]}"#;

fn report() -> Report {
    Report::parse_all(ANSWER).expect("the answer parses").remove(0)
}

#[test]
fn a_promise_not_kept_shows_in_the_table() {
    let section = report().section("today");
    assert!(section.contains("| join | ms | 9.50 | 31.2 | 50 | ≤ 12, p95 ≤ 30 | **no** |"), "{section}");
    assert!(section.contains("| first frame | ms | 120 | 150 | 50 | ≤ 150 | yes |"), "{section}");
    assert!(section.contains("| dial | ms | 0.250 | 1 | 50 |  |  |"), "{section}");
    assert!(section.ends_with("- one certificate per session"), "{section}");
}

#[test]
fn several_answers_are_read_and_garbage_is_refused() {
    assert_eq!(Report::parse_all(&format!("{ANSWER}\n{ANSWER}")).map(|all| all.len()), Ok(2));
    for garbage in
        ["", "no json", "{\"name\": \"x\"}", &ANSWER.replace("\"n\": 50", "\"n\": 50, \"mean\": 1")]
    {
        assert!(Report::parse_all(garbage).is_err(), "{garbage}");
    }
}

#[test]
fn a_promise_that_cannot_be_read_is_not_called_kept() {
    let answer = ANSWER.replace("≤ 150", "fast");
    let section = Report::parse_all(&answer).expect("the answer parses").remove(0).section("today");
    assert!(section.contains("| fast | not judged |"), "{section}");
}

#[test]
fn a_section_is_replaced_and_its_neighbours_stay() {
    let page = put(&put("# Benchmarks\n", "a", "one"), "b", "two");
    let page = put(&page, "a", "three");
    assert_eq!(
        page,
        "# Benchmarks\n\n<!-- bench: a -->\nthree\n<!-- /bench: a -->\n\n<!-- bench: b -->\ntwo\n<!-- /bench: b -->\n"
    );
}

#[test]
fn the_schema_in_the_manual_is_the_one_that_is_read() {
    let manual =
        std::fs::read_to_string(crate::tree::root().join("CONTRIBUTING.md")).expect("the manual is there");
    let (_, rest) = manual.split_once("```json\n").expect("the manual shows the schema");
    let (example, _) = rest.split_once("```").expect("the block ends");
    assert_eq!(Report::parse_all(example).map(|all| all.len()), Ok(1));
}
