//! `cargo xtask tidy`: the rules of the house that the compiler cannot hold.
//!
//! Owns the table of rules and how findings are shown. Each rule is a function over the tree in a room
//! of its own, with a test on a made-up tree that shows it can fail. The lists are in `tidy.toml`.

mod borders;
mod hygiene;
mod layout;
pub(crate) mod lists;
mod manifests;
mod shape;

use std::path::Path;

use crate::tree::Tree;
use lists::Lists;

/// What a rule found, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; 0 when the finding is about the file as a whole.
    line: usize,
    what: String,
    next: String,
    weight: Weight,
}

/// Whether a finding stops the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Fails,
    Warns,
}

type Rule = fn(&Tree, &Lists) -> Vec<Finding>;

/// Every rule, by the name that `cargo xtask tidy --list` shows.
const RULES: &[(&str, Rule)] = &[
    ("only the known folders and files stand at the top", layout::top_level),
    ("every crate is in the list, and every listed crate exists", layout::crates),
    ("links between documents lead somewhere", layout::links),
    ("a link to an item leads to where it is defined", layout::items),
    ("dependencies and features are those of the list", manifests::dependencies),
    ("every version stands in one place, every crate takes the workspace's lints", manifests::inherited),
    ("a bordered dependency stays in its house", manifests::borders),
    ("every file says what it owns", shape::headers),
    ("files stay small", shape::sizes),
    ("tests stand in files of their own", shape::inline_tests),
    ("every library forbids unsafe code", shape::unsafe_forbidden),
    ("the pure crates stay pure", borders::purity),
    ("statig shows in no public signature", borders::statig_is_private),
    ("the peer room knows no signaling", borders::peer_knows_no_signaling),
    ("no wildcard arm where a new variant must break the build", borders::wildcards),
    ("nothing unfinished, nothing ignored", hygiene::unfinished),
    ("every queue is bounded", hygiene::unbounded_queues),
    ("no test sleeps to win a race", hygiene::sleeps),
    ("no machine path and no registry host in a tracked file", hygiene::machine_traces),
];

/// Runs every rule over the repository and prints what it found.
pub(crate) fn run(root: &Path, list: bool) -> Result<(), String> {
    if list {
        for (name, _) in RULES {
            println!("{name}");
        }
        return Ok(());
    }
    let lists = Lists::load(root)?;
    let tree = Tree::load(root)?;
    let findings = check(&tree, &lists);
    for finding in &findings {
        println!("{finding}");
    }
    let failed = findings.iter().filter(|finding| finding.weight == Weight::Fails).count();
    let warned = findings.len() - failed;
    println!("tidy: {} rules, {failed} findings, {warned} warnings", RULES.len());
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("tidy: {failed} findings; each line above ends with the next step"))
    }
}

fn check(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    RULES.iter().flat_map(|(_, rule)| rule(tree, lists)).collect()
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), next: next.into(), weight: Weight::Fails }
    }

    fn warning(self) -> Self {
        Self { weight: Weight::Warns, ..self }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        let weight = match self.weight {
            Weight::Fails => "",
            Weight::Warns => "warning: ",
        };
        write!(f, ": {weight}{} — {}", self.what, self.next)
    }
}

/// Lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod tests;
