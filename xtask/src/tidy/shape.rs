//! The shape of a file: its first line, its size, where its tests are, what a library forbids.

use super::lists::{Lists, excepted};
use super::{Finding, numbered};
use crate::tree::Tree;

/// Past this many lines a file that is not a test fails.
const WALL: usize = 700;
/// Past this many it is worth a look.
const SMELL: usize = 400;

/// Each file opens by saying what it owns.
pub(super) fn headers(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    let held = tree.rust().filter(|file| !excepted(&file.path, &lists.no_header));
    let bare = held.filter(|file| {
        let first = file.text().lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|said| said.trim().is_empty())
    });
    let next = "open it with `//!`: what it owns, what it does not, where the other half is";
    bare.map(|file| Finding::new(&file.path, 1, "does not say what it owns", next)).collect()
}

/// Small rooms: a file past the wall has a second idea in it.
pub(super) fn sizes(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    let held = tree.rust().filter(|file| !file.is_test() && !excepted(&file.path, &lists.may_be_large));
    held.filter_map(|file| {
        let lines = file.text().lines().count();
        let next = "look for the second idea in it and give that a file";
        if lines > WALL {
            Some(Finding::new(&file.path, 0, format!("{lines} lines, past the wall of {WALL}"), next))
        } else if lines > SMELL {
            Some(Finding::new(&file.path, 0, format!("{lines} lines"), next).warning())
        } else {
            None
        }
    })
    .collect()
}

/// Tests beside the code they test, not inside it: a file is read far more often than its tests.
pub(super) fn inline_tests(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        let mut after_cfg_test = false;
        for (line, text) in numbered(file.code()) {
            let text = text.trim();
            let opens = text.split_once("mod ").is_some_and(|(_, rest)| rest.trim_end().ends_with('{'));
            if after_cfg_test && opens {
                let next = "move the module into a file of its own (`foo/tests.rs`)";
                findings.push(Finding::new(&file.path, line, "holds its tests itself", next));
            }
            after_cfg_test = text.contains("#[cfg(test)]") || (after_cfg_test && text.starts_with("#["));
        }
    }
    findings
}

/// `forbid` cannot be allowed away again, the workspace's `deny` can.
pub(super) fn unsafe_forbidden(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let libraries =
        tree.files().filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/src/lib.rs"));
    let open = libraries.filter(|file| !file.code().contains("#![forbid(unsafe_code)]"));
    let next = "add `#![forbid(unsafe_code)]` below the `//!`";
    open.map(|file| Finding::new(&file.path, 1, "does not forbid unsafe code", next)).collect()
}

#[cfg(test)]
mod tests;
