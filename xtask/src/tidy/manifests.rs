//! What crates may name: their manifests held against the committed lists.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Finding;
use super::lists::{Lists, Package};
use crate::tree::Tree;

/// Each section of each manifest is exactly the committed one, features included.
pub(super) fn dependencies(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    each(tree, lists, |name, package, path, text, manifest| {
        let sections = [
            ("dependencies", &package.dependencies),
            ("dev-dependencies", &package.dev_dependencies),
            ("build-dependencies", &package.build_dependencies),
        ];
        let mut findings = Vec::new();
        for (section, listed) in sections {
            let found = named(manifest, section).map(entry).collect();
            findings.extend(differ(name, section, path, text, &found, listed));
        }
        let found = table(manifest, "features")
            .map(|table| table.keys().filter(|key| *key != "default").cloned().collect())
            .unwrap_or_default();
        findings.extend(differ(name, "features", path, text, &found, &package.features));
        let all = || sections.iter().flat_map(|(_, listed)| listed.iter());
        for explained in package.why.keys().filter(|key| !all().any(|entry| bare(entry) == *key)) {
            let what = format!("explains `{explained}`, which {name} does not use");
            findings.push(Finding::new(Lists::PATH, 0, what, "remove the reason"));
        }
        findings
    })
}

/// `workspace = true` on every dependency and on the lints: one place for versions, one for lints.
pub(super) fn inherited(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    each(tree, lists, |package, _, path, text, manifest| {
        // The fuzz targets are a workspace of their own, by need of their compiler flags.
        if manifest.contains_key("workspace") {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in named(manifest, section) {
                // A package that tests itself with more features has no version to name.
                if name != package && value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    let what = format!("`{name}` names a version of its own");
                    let next = "write `workspace = true` and put the version into the root Cargo.toml";
                    findings.push(Finding::new(path, line_of(text, name), what, next));
                }
            }
        }
        let lints =
            table(manifest, "lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        if lints != Some(true) {
            let next = "add `[lints]` with `workspace = true`";
            findings.push(Finding::new(path, 0, "does not take the workspace's lints", next));
        }
        findings
    })
}

/// Some dependencies belong to one house; the lists above may grow, this may not grow unseen.
pub(super) fn borders(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    each(tree, lists, |name, _, path, text, manifest| {
        let named: BTreeSet<&String> = ["dependencies", "dev-dependencies", "build-dependencies"]
            .iter()
            .flat_map(|section| named(manifest, section))
            .map(|(dependency, _)| dependency)
            .collect();
        let strayed = lists.borders.iter().filter(|(dependency, homes)| {
            named.contains(dependency) && !homes.iter().any(|home| home == name)
        });
        strayed
            .map(|(dependency, homes)| {
                let what = format!("`{dependency}` belongs to {} alone", homes.join(", "));
                Finding::new(
                    path,
                    line_of(text, dependency),
                    what,
                    "go through that crate, or move the code there",
                )
            })
            .collect()
    })
}

fn each(
    tree: &Tree,
    lists: &Lists,
    rule: impl Fn(&str, &Package, &str, &str, &Table) -> Vec<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, package) in &lists.package {
        let path = format!("{}/Cargo.toml", package.folder);
        // A missing manifest is the finding of another rule.
        let Some(source) = tree.get(&path) else { continue };
        match source.text().parse::<Table>() {
            Ok(manifest) => findings.extend(rule(name, package, &path, source.text(), &manifest)),
            Err(error) => findings.push(Finding::new(&path, 0, error.message(), "mend the manifest")),
        }
    }
    findings
}

fn differ(
    name: &str,
    section: &str,
    path: &str,
    text: &str,
    found: &BTreeSet<String>,
    listed: &[String],
) -> Vec<Finding> {
    let listed: BTreeSet<String> = listed.iter().cloned().collect();
    let new = found.difference(&listed).map(|entry| {
        let next = format!("do without it, or add it to [package.{name}] in {} with the reason", Lists::PATH);
        Finding::new(
            path,
            line_of(text, bare(entry)),
            format!("`{entry}` is not in its list of {section}"),
            next,
        )
    });
    let gone = listed.difference(found).map(|entry| {
        let what = format!("lists `{entry}` in {section} of {name}, whose manifest does not say so");
        Finding::new(Lists::PATH, 0, what, "remove it from the list")
    });
    new.chain(gone).collect()
}

/// A section's dependencies, those for one target included.
fn named<'a>(manifest: &'a Table, section: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let targets = table(manifest, "target").into_iter().flatten();
    let targets = targets.filter_map(|(_, target)| table(target.as_table()?, section));
    table(manifest, section).into_iter().chain(targets).flatten()
}

fn table<'a>(manifest: &'a Table, section: &str) -> Option<&'a Table> {
    manifest.get(section).and_then(Value::as_table)
}

/// A dependency in the lists' notation.
fn entry((name, value): (&String, &Value)) -> String {
    let optional = value.get("optional").and_then(Value::as_bool).unwrap_or_default();
    let mut features: Vec<&str> = value
        .get("features")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    features.sort_unstable();
    let mark = if optional { "?" } else { "" };
    let features = if features.is_empty() { String::new() } else { format!("[{}]", features.join(",")) };
    format!("{name}{mark}{features}")
}

/// The name alone, of a dependency in the lists' notation.
fn bare(entry: &str) -> &str {
    entry.split(['[', '?']).next().unwrap_or(entry)
}

fn line_of(text: &str, key: &str) -> usize {
    text.lines().position(|line| line.starts_with(key)).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests;
