//! `cargo xtask chaos`: many seeded schedules of `offhook chaos`, side by side, each in a process of
//! its own, so that what one leaks is counted against it alone.
//!
//! What a run does and judges is in `crates/cli/src/chaos`; here they are started and added up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use serde::Deserialize;

use crate::bench::{Finding, keep};
use crate::run::{cargo, read, succeed};

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    schedules: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How long each schedule is, in seconds.
    #[arg(long, default_value_t = 40)]
    seconds: u32,
    /// How many run at a time.
    #[arg(long, default_value_t = 4)]
    parallel: usize,
    /// Keep the totals in docs/benchmarks.md.
    #[arg(long)]
    keep: bool,
    /// Go on with a campaign that was broken off: seeds that have a summary of this length are not run again.
    #[arg(long)]
    go_on: bool,
}

/// A run's `summary.json`; what is not needed here is left out.
#[derive(Debug, Deserialize)]
struct Summary {
    seed: u64,
    seconds: f64,
    held: bool,
    faults: u64,
    turns: u64,
    moves: u64,
    pictures: u64,
    prompts: u64,
    acknowledged: u64,
    states: Vec<String>,
    verdicts: Vec<Verdict>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    rules: String,
    what: String,
    held: Held,
    seen: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Held {
    Yes,
    No,
    NotChecked,
}

/// How one seed went: its summary, or why there is none.
type Ran = Result<Summary, String>;

/// Runs them all, and fails if any rule was broken, or if one was never put to the test.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let target = target(root)?;
    let (binary, out) = (target.join("release/offhook"), target.join("chaos"));
    let end = options.from.saturating_add(options.schedules);
    let done: BTreeMap<u64, Ran> = (options.from..end)
        .filter(|_| options.go_on)
        .filter_map(|seed| Some((seed, Ok(earlier(&out.join(seed.to_string()), seed, options.seconds)?))))
        .collect();
    if (done.len() as u64) < options.schedules {
        succeed(&mut cargo(root, &["build", "--quiet", "--release", "--package", "offhook-cli"]))?;
    }
    let missing = |seed: &u64| !done.contains_key(seed);
    let missing: Vec<u64> = (options.from..end).filter(missing).collect();
    let (next, ran) = (AtomicUsize::new(0), Mutex::new(done));
    std::thread::scope(|scope| {
        for _ in 0..options.parallel.max(1) {
            scope.spawn(|| {
                loop {
                    let Some(&seed) = missing.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    let once = one(&binary, &out.join(seed.to_string()), seed, options.seconds);
                    println!("{seed:>6}  {}", line(&once));
                    ran.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(seed, once);
                }
            });
        }
    });
    let ran = ran.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let totals = Totals::of(&ran);
    print!("{}", totals.table());
    if options.keep {
        keep(root, "chaos over WebRTC", &totals.findings(options.seconds), &totals.notes())?;
    }
    totals.verdict(options.seconds)
}

fn one(binary: &Path, out: &Path, seed: u64, seconds: u32) -> Ran {
    // What an earlier run left there must not be taken for this one's.
    let summary = out.join("summary.json");
    let _ = std::fs::remove_file(&summary);
    let mut command = Command::new(binary);
    command.args([
        "chaos",
        "--json",
        "--seed",
        &seed.to_string(),
        "--seconds",
        &seconds.to_string(),
        "--out",
    ]);
    command.arg(out).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().map_err(|error| format!("it did not start ({error})"))?;
    let text =
        std::fs::read_to_string(&summary).map_err(|_| format!("it ended with {status} and no summary"))?;
    let summary: Summary = serde_json::from_str(&text).map_err(|error| format!("its summary: {error}"))?;
    // The two must agree: a crash after the summary is a failure as well.
    if summary.held == status.success() { Ok(summary) } else { Err(format!("it ended with {status}")) }
}

/// What an earlier run of this seed came to, if it came to its end.
fn earlier(out: &Path, seed: u64, seconds: u32) -> Option<Summary> {
    let text = std::fs::read_to_string(out.join("summary.json")).ok()?;
    let summary: Summary = serde_json::from_str(&text).ok()?;
    (summary.seed == seed && summary.seconds == f64::from(seconds)).then_some(summary)
}

fn target(root: &Path) -> Result<PathBuf, String> {
    let metadata = read(&mut cargo(root, &["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let folder = metadata["target_directory"].as_str();
    folder.map(PathBuf::from).ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

fn line(ran: &Ran) -> String {
    match ran {
        Err(why) => format!("FAILED: {why}"),
        Ok(summary) => {
            let broken = summary.verdicts.iter().filter(|verdict| verdict.held == Held::No);
            let broken: Vec<_> = broken
                .map(|verdict| format!("\n        {} {}: {}", verdict.rules, verdict.what, verdict.seen))
                .collect();
            let sign = if broken.is_empty() { "held" } else { "FAILED" };
            format!(
                "{sign}  {} faults, {} turns of servers, {} moves, {} pictures{}",
                summary.faults,
                summary.turns,
                summary.moves,
                summary.pictures,
                broken.concat()
            )
        }
    }
}

/// All runs together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    runs: u64,
    failed: Vec<u64>,
    faults: u64,
    turns: u64,
    moves: u64,
    pictures: u64,
    prompts: u64,
    acknowledged: u64,
    recoveries: u64,
    /// Of each check: how often it held, was broken, could not be checked.
    checks: BTreeMap<(String, String), [u64; 3]>,
}

impl Totals {
    fn of(ran: &BTreeMap<u64, Ran>) -> Self {
        let mut totals = Self::default();
        for (seed, once) in ran {
            totals.runs += 1;
            let Ok(summary) = once else {
                totals.failed.push(*seed);
                continue;
            };
            if !summary.held {
                totals.failed.push(*seed);
            }
            totals.faults += summary.faults;
            totals.turns += summary.turns;
            totals.moves += summary.moves;
            totals.pictures += summary.pictures;
            totals.prompts += summary.prompts;
            totals.acknowledged += summary.acknowledged;
            totals.recoveries +=
                summary.states.iter().filter(|state| *state == "Reconnecting").count() as u64;
            for verdict in &summary.verdicts {
                let row = totals.checks.entry((verdict.rules.clone(), verdict.what.clone())).or_default();
                row[match verdict.held {
                    Held::Yes => 0,
                    Held::No => 1,
                    Held::NotChecked => 2,
                }] += 1;
            }
        }
        totals
    }

    fn table(&self) -> String {
        let mut table = format!(
            "\n{} schedules, {} faults of the network, {} turns of servers, {} recoveries, {} moves, {} pictures judged, {} of {} prompts acknowledged\n\n  held broken  not checked\n",
            self.runs,
            self.faults,
            self.turns,
            self.recoveries,
            self.moves,
            self.pictures,
            self.acknowledged,
            self.prompts
        );
        for ((rules, what), [held, broken, unchecked]) in &self.checks {
            table.push_str(&format!("{held:>6} {broken:>6} {unchecked:>12}  {rules:<8} {what}\n"));
        }
        table
    }

    fn findings(&self, seconds: u32) -> Vec<Finding> {
        let row = |what: &str, unit: &str, value: u64, target: Option<&str>| {
            Finding::once(what, unit, value as f64, self.runs, target)
        };
        let broken = |word: &str| {
            let of = self.checks.iter().filter(|((_, what), _)| what.contains(word));
            of.map(|(_, [_, broken, _])| broken).sum::<u64>()
        };
        vec![
            row(
                &format!("schedules of {seconds} s in which a rule was broken"),
                "count",
                self.failed.len() as u64,
                Some("= 0"),
            ),
            row(
                "with an acknowledged prompt lost, or an old one applied",
                "count",
                broken("acknowledged prompt"),
                Some("= 0"),
            ),
            row("with a muted camera seen or sent", "count", broken("muted camera"), Some("= 0")),
            row("with a frame that came twice", "count", broken("no frame came twice"), Some("= 0")),
            row("faults of the network", "count", self.faults, None),
            row("turns of servers: moves, drains, restarts, crashes", "count", self.turns, None),
            row("recoveries", "count", self.recoveries, None),
            row("moves to another server that succeeded", "count", self.moves, None),
            row("returned pictures judged", "count", self.pictures, None),
            row("prompts acknowledged", "count", self.acknowledged, None),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "each schedule in a process of its own; `offhook chaos --seed N` plays one again".to_owned(),
        ];
        if !self.failed.is_empty() {
            notes.push(format!("broken in seeds {:?}", self.failed));
        }
        notes
    }

    /// A check that no run put to the test proves nothing: the seeds, or the plan, are too tame.
    fn verdict(&self, seconds: u32) -> Result<(), String> {
        if let Some(seed) = self.failed.first() {
            return Err(format!(
                "{} of {} schedules broke a rule, seeds {:?}; the first again: offhook chaos --seed {seed} --seconds {seconds}",
                self.failed.len(),
                self.runs,
                self.failed
            ));
        }
        let untested: Vec<_> = self
            .checks
            .iter()
            .filter(|((rules, _), [held, broken, _])| {
                held + broken == 0 && !ELSEWHERE.contains(&rules.as_str())
            })
            .map(|((rules, what), _)| format!("{rules} {what}"))
            .collect();
        if self.runs >= ENOUGH && !untested.is_empty() {
            return Err(format!("never put to the test in {} schedules: {}", self.runs, untested.join("; ")));
        }
        Ok(())
    }
}

/// Rules that `offhook chaos` says are proved elsewhere.
const ELSEWHERE: [&str; 4] = ["R2 R6", "R10 R11", "R12", "R16 R19"];
/// From so many schedules on, each check must have been made at least once.
const ENOUGH: u64 = 20;

#[cfg(test)]
mod tests;
