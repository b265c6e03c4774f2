//! `cargo xtask ci`: everything that must hold before a change is merged, each step timed.
//!
//! The steps are a table; what they check is in the tools they call, in `tidy/` and in `codegen/`.

mod devices;

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;

use crate::run::{cargo, exists, succeed};
use crate::tidy::lists::Lists;
use crate::{codegen, tidy};

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run the remaining steps after one failed.
    #[arg(long)]
    keep_going: bool,
    /// Leave out `cargo test --workspace`: it has just been run.
    #[arg(long)]
    skip_tests: bool,
}

struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<(), String>,
    /// Covered by `cargo test --workspace`.
    is_test: bool,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format, is_test: false },
    Step { name: "tidy", run: |root| tidy::run(root, false), is_test: false },
    Step { name: "clippy", run: clippy, is_test: false },
    Step { name: "tests", run: tests, is_test: true },
    Step { name: "doctests", run: doctests, is_test: true },
    Step { name: "features", run: features, is_test: false },
    Step { name: "devices", run: devices::run, is_test: false },
    Step { name: "docs", run: docs, is_test: false },
    Step { name: "codegen", run: |root| codegen::run(root, true), is_test: false },
    Step { name: "deny", run: deny, is_test: false },
];

/// Runs the steps in order and ends with a table of how each went and how long it took.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut rows = Vec::new();
    for step in STEPS {
        if options.skip_tests && step.is_test {
            rows.push((step.name, Duration::ZERO, Outcome::Left));
            continue;
        }
        println!("── {} ──", step.name);
        let began = Instant::now();
        let outcome = match (step.run)(root) {
            Ok(()) => Outcome::Held,
            Err(message) => {
                println!("{message}");
                Outcome::Failed
            }
        };
        rows.push((step.name, began.elapsed(), outcome));
        if outcome == Outcome::Failed && !options.keep_going {
            break;
        }
    }
    print!("{}", summary(&rows));
    verdict(&rows)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Held,
    Failed,
    Left,
}

fn summary(rows: &[(&str, Duration, Outcome)]) -> String {
    let mut table = String::from("\nstep        time    outcome\n");
    for (name, took, outcome) in rows {
        let said = match outcome {
            Outcome::Held => "held",
            Outcome::Failed => "FAILED",
            Outcome::Left => "left out: run just before",
        };
        table.push_str(&format!("{name:<9} {:>6.1} s  {said}\n", took.as_secs_f64()));
    }
    for step in STEPS.iter().filter(|step| !rows.iter().any(|(name, ..)| *name == step.name)) {
        table.push_str(&format!("{:<9} {:>8}  not run: a step before it failed\n", step.name, ""));
    }
    table
}

fn verdict(rows: &[(&str, Duration, Outcome)]) -> Result<(), String> {
    let failed = rows.iter().filter(|(_, _, outcome)| *outcome == Outcome::Failed);
    let failed: Vec<&str> = failed.map(|(name, ..)| *name).collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("ci: {} failed; its output is above", failed.join(", ")))
    }
}

fn format(root: &Path) -> Result<(), String> {
    succeed(&mut cargo(root, &["fmt", "--all", "--check"]))
        .map_err(|_| "not formatted; run `cargo fmt --all`".to_owned())
}

fn clippy(root: &Path) -> Result<(), String> {
    let features = devices::all_features(&Lists::load(root)?);
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let before = ["clippy", "--locked", "--workspace", "--all-targets"];
    succeed(&mut cargo(root, &[&before, &features[..], &["--", "-D", "warnings"]].concat()))
}

fn tests(root: &Path) -> Result<(), String> {
    succeed(&mut cargo(
        root,
        &["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--examples"],
    ))
}

fn doctests(root: &Path) -> Result<(), String> {
    succeed(&mut cargo(root, &["test", "--locked", "--workspace", "--doc"]))
}

/// The tests of features that `cargo test --workspace` does not turn on; those of devices have a
/// step of their own.
fn features(root: &Path) -> Result<(), String> {
    let lists = Lists::load(root)?;
    for (package, mut features) in lists.features_nobody_enables() {
        features.retain(|feature| !devices::FEATURES.contains(feature));
        if features.is_empty() {
            continue;
        }
        succeed(&mut cargo(
            root,
            &["test", "--locked", "--package", package, "--features", &features.join(",")],
        ))?;
    }
    Ok(())
}

/// Of the libraries: the command and the facade share a name, and their pages would overwrite each other.
fn docs(root: &Path) -> Result<(), String> {
    let features = devices::all_features(&Lists::load(root)?);
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let arguments = [&["doc", "--locked", "--workspace", "--lib", "--no-deps"], &features[..]].concat();
    succeed(cargo(root, &arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Licences, bans and sources; advisories need the network and are not part of this (`deny.toml`).
fn deny(root: &Path) -> Result<(), String> {
    if !exists("cargo-deny", "--version") {
        return Err("cargo-deny is missing; run `cargo install cargo-deny --locked`".to_owned());
    }
    let arguments = ["deny", "--locked", "--log-level", "error", "check", "licenses", "bans", "sources"];
    succeed(&mut cargo(root, &arguments))
}

#[cfg(test)]
#[path = "ci/tests.rs"]
mod table;
