//! Where things stand: the top of the repository, the crates, the links between documents.

use std::collections::BTreeSet;

use super::lists::Lists;
use super::{Finding, numbered};
use crate::items;
use crate::tree::{Source, Tree};

/// Pages of which each row of each table leads to an item.
const LEADING: &[&str] = &["docs/coming-from.md"];

/// A short top level is a map; a new entry there is a decision, not an accident.
pub(super) fn top_level(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    let found: BTreeSet<&str> = tree.files().filter_map(|file| file.path.split('/').next()).collect();
    let strangers = found.iter().filter(|top| !lists.top.iter().any(|known| known == *top));
    let next = "move it into a known folder, or add it to `top` in xtask/tidy.toml and say why in the commit";
    strangers.map(|top| Finding::new(top, 0, "is not known at the top level", next)).collect()
}

/// A crate nobody listed has no borders; a listed one that is gone makes the list a lie.
pub(super) fn crates(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    let manifests = tree.files().filter_map(|file| file.path.strip_suffix("/Cargo.toml"));
    let found: BTreeSet<&str> = manifests.filter(|folder| !folder.contains("/tests/")).collect();
    let listed: BTreeSet<&str> = lists.package.values().map(|package| package.folder.as_str()).collect();
    let unknown = found.difference(&listed).map(|folder| {
        let next = "add a [package.…] table for it to xtask/tidy.toml";
        Finding::new(&format!("{folder}/Cargo.toml"), 0, "is a crate that no list knows", next)
    });
    let gone = listed.difference(&found).map(|folder| {
        Finding::new(Lists::PATH, 0, format!("lists `{folder}`, which is not there"), "remove its table")
    });
    unknown.chain(gone).collect()
}

/// A relative link in a Markdown file leads to a file that exists.
///
/// Markdown among sources is a piece of a page that is put together elsewhere; its links are checked there.
pub(super) fn links(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let documents = tree.files().filter(|file| file.path.ends_with(".md") && !file.path.contains("/src/"));
    documents.flat_map(|file| broken_links(tree, file)).collect()
}

fn broken_links(tree: &Tree, file: &Source) -> Vec<Finding> {
    let dead = linked(file).filter(|link| !tree.holds(&link.to));
    dead.map(|link| {
        let what = format!("links to `{}`, which is not there", link.target);
        Finding::new(&file.path, link.line, what, "correct the path or remove the link")
    })
    .collect()
}

/// A link whose words are an item leads to the file that defines it: ``[`Session::join`](…/idle.rs)``.
pub(super) fn items(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.path.ends_with(".md") && !file.path.contains("/src/")) {
        for link in linked(file) {
            let (Some(item), Some(source)) = (link.item(), tree.get(&link.to)) else { continue };
            if !items::defines(source, item) {
                let what = format!("`{item}` is not defined in `{}`", link.to);
                findings.push(Finding::new(&file.path, link.line, what, "link to the file that defines it"));
            }
        }
        if LEADING.contains(&file.path.as_str()) {
            findings.extend(rows_that_lead_nowhere(file));
        }
    }
    findings
}

fn rows_that_lead_nowhere(file: &Source) -> Vec<Finding> {
    let leading: BTreeSet<usize> =
        linked(file).filter(|link| link.item().is_some()).map(|link| link.line).collect();
    let lines: Vec<&str> = file.text().lines().collect();
    let is_row = |at: usize| lines.get(at).is_some_and(|line| line.starts_with('|'));
    // The first two lines of a table are its head.
    let rows = (2..lines.len()).filter(|at| is_row(*at) && is_row(at - 1) && is_row(at - 2));
    rows.map(|at| at + 1)
        .filter(|line| !leading.contains(line))
        .map(|line| Finding::new(&file.path, line, "a row without an item", "link what it is about"))
        .collect()
}

/// A relative link of a document.
struct Link<'a> {
    line: usize,
    words: &'a str,
    target: &'a str,
    /// The target as a path from the root.
    to: String,
}

impl<'a> Link<'a> {
    /// The item that it leads to: its words, if they are code and the target is Rust. A path is none,
    /// nor is a file or a folder by its own name.
    fn item(&self) -> Option<&'a str> {
        let words = self.words.strip_prefix('`')?.strip_suffix('`')?;
        let path = self.to.strip_suffix(".rs")?;
        let is_item = !words.contains(['/', '.', '`']) && path.split('/').all(|part| part != words);
        is_item.then_some(words)
    }
}

/// The relative links of a document, those in fences left out.
fn linked(file: &Source) -> impl Iterator<Item = Link<'_>> {
    let mut fenced = false;
    let lines = numbered(file.text()).filter(move |(_, text)| {
        fenced ^= text.trim_start().starts_with("```");
        !fenced
    });
    lines.flat_map(move |(line, text)| {
        let ends = text.match_indices("](");
        ends.filter_map(move |(at, _)| {
            let (target, _) = text[at + 2..].split_once(')')?;
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            let words = text[..at].rsplit('[').next().unwrap_or_default();
            (!elsewhere).then(|| Link { line, words, target, to: resolve(&file.path, target) })
        })
    })
}

/// A link's target as a path from the root.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
