//! `cargo xtask fuzz`: runs the targets of `fuzz/` for a while and keeps what they find.
//!
//! The targets and their seeds are in `fuzz/`; a plain stable test there replays seeds and past crashes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use toml::{Table, Value};

use crate::run::{exists, succeed};

/// What to run and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
}

/// Runs each target in turn; all of them, also after one has a finding.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    if !exists("cargo-fuzz", "--version") {
        return Err("cargo-fuzz is missing; run `cargo install cargo-fuzz --locked`".to_owned());
    }
    let fuzz = root.join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml"))
        .map_err(|error| format!("fuzz/Cargo.toml cannot be read ({error}); restore it from git"))?;
    let targets = chosen(&targets(&manifest)?, options.target.as_deref())?;
    let nightly = has_nightly();
    if !nightly {
        println!("no nightly toolchain: using this one with RUSTC_BOOTSTRAP=1");
    }
    let mut found = Vec::new();
    for target in &targets {
        println!("── {target}: {} min ──", options.minutes);
        // New inputs go to a folder that git ignores; the committed seeds are only read.
        let grown = fuzz.join("target").join("corpus").join(target);
        make(&grown)?;
        let failed = succeed(&mut command(&fuzz, target, &grown, options.minutes, nightly)).err();
        let kept = keep_crashes(&fuzz, target)?;
        for crash in &kept {
            println!("kept {crash}");
        }
        if let Some(message) = failed {
            found.push(format!("{target}: {message}; {} inputs kept in fuzz/crashes/{target}", kept.len()));
        }
    }
    if found.is_empty() {
        println!("fuzz: {} targets, {} min each, no finding", targets.len(), options.minutes);
        Ok(())
    } else {
        Err(format!("{}\nmend it, commit the input: `cargo test` replays it from then on", found.join("\n")))
    }
}

/// The binaries of the fuzz workspace.
fn targets(manifest: &str) -> Result<Vec<String>, String> {
    let manifest: Table = manifest.parse().map_err(|error| format!("fuzz/Cargo.toml: {error}"))?;
    let bins = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    let names = bins.filter_map(|bin| bin.get("name")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

fn chosen(targets: &[String], wanted: Option<&str>) -> Result<Vec<String>, String> {
    match wanted {
        None if targets.is_empty() => Err("fuzz/Cargo.toml names no [[bin]]; add a target".to_owned()),
        None => Ok(targets.to_vec()),
        Some(wanted) if targets.iter().any(|target| target == wanted) => Ok(vec![wanted.to_owned()]),
        Some(wanted) => Err(format!("no target `{wanted}`; there are {}", targets.join(", "))),
    }
}

fn command(fuzz: &Path, target: &str, grown: &Path, minutes: u64, nightly: bool) -> Command {
    let mut command = Command::new("cargo");
    if nightly {
        // The toolchain that runs this is in the environment and would win.
        command.arg("+nightly").env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command.args(["fuzz", "run", "--fuzz-dir"]).arg(fuzz).arg(target).arg(grown);
    let seeds = fuzz.join("corpus").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let limit = format!("-max_total_time={}", minutes.saturating_mul(60));
    command.args(["--", limit.as_str(), "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"]);
    command.current_dir(fuzz).stdin(Stdio::null());
    command
}

fn has_nightly() -> bool {
    let listed = Command::new("rustup").args(["toolchain", "list"]).stdin(Stdio::null()).output();
    listed.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with("nightly"))
    })
}

/// Moves what the fuzzer left from its own folder to the committed one.
fn keep_crashes(fuzz: &Path, target: &str) -> Result<Vec<String>, String> {
    let left = fuzz.join("artifacts").join(target);
    let Ok(entries) = std::fs::read_dir(&left) else { return Ok(Vec::new()) };
    let found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mut kept = Vec::new();
    for path in found {
        let Some(name) = path.file_name() else { continue };
        let folder = fuzz.join("crashes").join(target);
        make(&folder)?;
        let said =
            |error| format!("a crashing input cannot be kept ({error}); it is in fuzz/artifacts/{target}");
        std::fs::copy(&path, folder.join(name)).map_err(said)?;
        std::fs::remove_file(&path).map_err(said)?;
        kept.push(format!("fuzz/crashes/{target}/{}", name.to_string_lossy()));
    }
    // Both are empty now unless another run is using them, and then they stay.
    let _ = std::fs::remove_dir(&left);
    let _ = std::fs::remove_dir(fuzz.join("artifacts"));
    Ok(kept)
}

fn make(folder: &Path) -> Result<(), String> {
    let said = |error| format!("a folder under fuzz/ cannot be made ({error}); check its permissions");
    std::fs::create_dir_all(folder).map_err(said)
}

#[cfg(test)]
mod tests;
