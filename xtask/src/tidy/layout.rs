//! Where things stand: the top of the repository, the crates, the links between documents.

use std::collections::BTreeSet;

use super::lists::Lists;
use super::{Finding, numbered};
use crate::tree::{Source, Tree};

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
    let mut findings = Vec::new();
    let mut fenced = false;
    for (line, text) in numbered(file.text()) {
        fenced ^= text.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for piece in text.split("](").skip(1) {
            let Some((target, _)) = piece.split_once(')') else { continue };
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !tree.holds(&resolve(&file.path, target)) {
                let what = format!("links to `{target}`, which is not there");
                findings.push(Finding::new(&file.path, line, what, "correct the path or remove the link"));
            }
        }
    }
    findings
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
