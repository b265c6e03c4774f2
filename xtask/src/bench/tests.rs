//! Bench targets are found wherever they are.

use super::owner;

const METADATA: &str = r#"{"packages": [
    {"name": "a", "targets": [{"name": "session", "kind": ["lib"]}]},
    {"name": "b", "targets": [{"name": "x", "kind": ["lib"]}, {"name": "session", "kind": ["bench"]}]}
]}"#;

#[test]
fn a_bench_target_is_found_by_name_and_kind() {
    assert_eq!(owner(METADATA, "session"), Ok("b".to_owned()));
}

#[test]
fn a_missing_bench_target_is_named() {
    let said = owner(METADATA, "x").expect_err("x is a library");
    assert!(said.contains("bench target `x`"), "{said}");
    assert!(owner("garbage", "x").is_err());
}
