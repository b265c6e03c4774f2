//! `cargo xtask bench`: runs the bench targets and keeps their tables in `docs/benchmarks.md`.
//!
//! What is measured, and how, is in the bench targets; the form of their answer is in `bench/report.rs`
//! and, for people, in CONTRIBUTING.md.

mod machine;
mod report;

use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::run::{cargo, read};
use report::Report;
pub(crate) use report::Row as Finding;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(value_enum, default_value_t = Part::All)]
    part: Part,
    /// Fewer rounds, where a target has them: to see that it runs, not to keep.
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `Machine::handle`, in nanoseconds and allocations.
    Machine,
    /// `join()` to joined, and to the first decoded frame.
    Join,
    /// `leave()` and `released()`.
    Leave,
    /// Cycles of join and leave: tasks, file descriptors, live bytes.
    Leak,
    /// `ring()` to joined on both sides, and a thousand rings at once.
    Ring,
    /// What a clip costs that is played into a session, in shares of a core.
    Voice,
    /// Whether the studio repaints 720 lines at 25 pictures a second, and how much of a core that takes.
    Studio,
    /// Bytes copied for each byte of encoded media sent.
    Copies,
    /// Recovery from each kind of loss, through the relay at 0, 50 and 200 ms round trip.
    Recovery,
    /// A move to another server, at 50 ms round trip.
    Migration,
    /// How soon a peer's closed transport is seen, at 0, 50 and 200 ms round trip.
    Closing,
    /// A room of ten: what forwarding costs beside the bare engine, and how soon one who comes late sees
    /// somebody.
    Room,
    /// A thousand sessions whose server restarts, in virtual time.
    Herd,
    /// A laptop that switches networks; needs root.
    Address,
    /// An image of 5 MB over a line of 512 kb/s while pictures flow: what it takes, and whom it alarms.
    Image,
    /// All of them.
    All,
}

/// A bench target by its name, in whichever package it is, and the argument that has it run one part only.
struct Target {
    part: Part,
    bench: &'static str,
    argument: Option<&'static str>,
}

const TARGETS: &[Target] = &[
    Target { part: Part::Machine, bench: "machine", argument: None },
    Target { part: Part::Join, bench: "session", argument: Some("join") },
    Target { part: Part::Leave, bench: "session", argument: Some("leave") },
    Target { part: Part::Leak, bench: "session", argument: Some("leak") },
    Target { part: Part::Ring, bench: "session", argument: Some("ring") },
    Target { part: Part::Voice, bench: "session", argument: Some("voice") },
    Target { part: Part::Studio, bench: "session", argument: Some("studio") },
    Target { part: Part::Copies, bench: "sending", argument: None },
    Target { part: Part::Recovery, bench: "recovery", argument: Some("relay") },
    Target { part: Part::Migration, bench: "recovery", argument: Some("migration") },
    Target { part: Part::Closing, bench: "closing", argument: None },
    Target { part: Part::Room, bench: "forwarding", argument: Some("room") },
    Target { part: Part::Herd, bench: "recovery", argument: Some("herd") },
    Target { part: Part::Address, bench: "recovery", argument: Some("address") },
    Target { part: Part::Image, bench: "recovery", argument: Some("image") },
];

const TABLES: &str = "docs/benchmarks.md";

const OPENING: &str = "# Benchmarks\n\n\
    Written by `cargo xtask bench`; each table says when and on what it was measured. Loopback, release build.\n";

/// Measures, and replaces the tables of what was measured; the others stay as they are.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let path = root.join(TABLES);
    let mut page = std::fs::read_to_string(&path).unwrap_or_else(|_| OPENING.to_owned());
    let machine = machine::describe();
    let metadata = read(&mut cargo(root, &["metadata", "--no-deps", "--format-version", "1"]))?;
    for target in TARGETS.iter().filter(|target| options.part == Part::All || target.part == options.part) {
        let package = owner(&metadata, target.bench)?;
        let mut arguments = vec!["bench", "--quiet", "--package", &package, "--bench", target.bench];
        if let Some(argument) = target.argument {
            arguments.extend(["--", argument]);
            if options.quick {
                arguments.push("--quick");
            }
        }
        println!("── {} ──", target.argument.unwrap_or(target.bench));
        let answer = read(&mut cargo(root, &arguments))?;
        let said = |error| format!("{package} {}: {error}", target.bench);
        for report in Report::parse_all(&answer).map_err(said)? {
            page = report::put(&page, &report.name, &report.section(&machine));
        }
        // After each one: a later failure does not lose an hour of measuring.
        std::fs::write(&path, &page).map_err(|error| format!("{TABLES} cannot be written ({error})"))?;
    }
    println!("wrote {TABLES}");
    Ok(())
}

/// Keeps a table that was made here, not by a bench target.
pub(crate) fn keep(root: &Path, name: &str, rows: &[Finding], notes: &[String]) -> Result<(), String> {
    let path = root.join(TABLES);
    let page = std::fs::read_to_string(&path).unwrap_or_else(|_| OPENING.to_owned());
    let report = Report::new(name, rows, notes);
    let page = report::put(&page, name, &report.section(&machine::describe()));
    std::fs::write(&path, &page).map_err(|error| format!("{TABLES} cannot be written ({error})"))?;
    println!("wrote {TABLES}");
    Ok(())
}

/// The package that has a bench target of that name, from `cargo metadata`.
fn owner(metadata: &str, bench: &str) -> Result<String, String> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let is_it =
        |target: &Value| target["name"] == bench && list(target, "kind").iter().any(|kind| kind == "bench");
    let packages = list(&metadata, "packages");
    let found = packages.iter().find(|package| list(package, "targets").iter().any(is_it));
    let name = found.and_then(|package| package["name"].as_str());
    name.map(str::to_owned).ok_or_else(|| {
        format!("no package has a bench target `{bench}`; add one, or mend the table in xtask/src/bench.rs")
    })
}

#[cfg(test)]
mod tests;
