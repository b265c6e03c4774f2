//! How findings read, what a clean tree gives, and helpers for the rules' own tests.

use super::lists::Lists;
use super::{Finding, Rule, Weight, check};
use crate::tree::{Tree, root};

/// A tree of one file, and where the rule finds fault with it.
#[track_caller]
pub(super) fn lines_found(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let found = rule(&Tree::made_up(&[(path, text)]), &Lists::default());
    assert!(found.iter().all(|finding| finding.path == path && !finding.next.is_empty()), "{found:?}");
    found.iter().map(|finding| finding.line).collect()
}

#[test]
fn a_finding_names_the_place_the_fact_and_the_next_step() {
    let finding = Finding::new("crates/a/src/lib.rs", 7, "`todo!`", "finish it");
    assert_eq!(finding.to_string(), "crates/a/src/lib.rs:7: `todo!` — finish it");
    assert_eq!(finding.warning().to_string(), "crates/a/src/lib.rs:7: warning: `todo!` — finish it");
    assert_eq!(Finding::new("notes", 0, "unknown", "move it").to_string(), "notes: unknown — move it");
}

#[test]
fn a_small_honest_tree_has_no_findings() {
    let lists = Lists::parse(
        "top = ['Cargo.toml', 'crates']\n[package.a]\nfolder = 'crates/a'\nabout = 'A.'\ndependencies = ['bytes']",
    )
    .expect("the lists parse");
    let tree = Tree::made_up(&[
        ("Cargo.toml", "[workspace]"),
        ("crates/a/Cargo.toml", "[lints]\nworkspace = true\n[dependencies]\nbytes.workspace = true"),
        ("crates/a/src/lib.rs", "//! A: owns nothing.\n#![forbid(unsafe_code)]\n"),
    ]);
    assert_eq!(check(&tree, &lists), []);
}

#[test]
fn the_committed_lists_parse_and_every_exception_has_a_reason() {
    let lists = Lists::load(&root()).expect("tidy.toml parses");
    let exceptions = lists.no_header.iter().chain(&lists.may_sleep).chain(&lists.may_be_large);
    for exception in exceptions {
        assert!(!exception.why.trim().is_empty(), "{} has no reason", exception.path);
    }
    for (name, package) in &lists.package {
        assert!(!package.about.is_empty(), "{name} does not say what it is for");
    }
}

#[test]
fn an_unknown_key_in_the_lists_is_refused() {
    assert!(Lists::parse("top = []\nmay-slep = []").is_err());
}

#[test]
fn a_warning_is_not_a_failure() {
    let long = format!("//! Long.\n{}", "\n".repeat(500));
    let found = super::shape::sizes(&Tree::made_up(&[("crates/a/src/a.rs", &long)]), &Lists::default());
    assert_eq!(found.iter().map(|finding| finding.weight).collect::<Vec<_>>(), [Weight::Warns]);
}

#[test]
fn features_that_no_package_turns_on_are_named() {
    let lists = Lists::parse(
        "top = []\n[package.a]\nfolder = 'a'\nabout = 'A.'\nfeatures = ['x', 'y', 'z']\n\
         [package.b]\nfolder = 'b'\nabout = 'B.'\ndependencies = ['a?[x]']\ndev-dependencies = ['a[x,z]']",
    )
    .expect("the lists parse");
    assert_eq!(lists.features_nobody_enables(), [("a", vec!["y"])]);
}
