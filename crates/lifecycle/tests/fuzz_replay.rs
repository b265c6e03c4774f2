//! Replays the fuzz corpus of `ops_on_machine` and every past crash, on stable Rust.
//! `OFFHOOK_WRITE_SEEDS=1 cargo test -p offhook-lifecycle --test fuzz_replay` writes the seeds anew.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

#[path = "../../../fuzz/src/machine.rs"]
mod target;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind).join("ops_on_machine")
}

#[test]
fn the_corpus_and_past_crashes_of_ops_on_machine_hold() {
    for kind in ["corpus", "crashes"] {
        let Ok(entries) = fs::read_dir(folder(kind)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            // Shown when it fails: which input it was.
            println!("{}", path.display());
            target::ops_on_machine(&fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_seed_corpus_is_the_lives_that_every_session_knows() {
    let write = std::env::var_os("OFFHOOK_WRITE_SEEDS").is_some();
    for (name, bytes) in target::seeds() {
        let path = folder("corpus").join(name);
        if write {
            fs::create_dir_all(folder("corpus")).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let committed = fs::read(&path).unwrap_or_default();
        assert!(committed == bytes, "fuzz/corpus/ops_on_machine/{name} is stale; write the seeds anew");
    }
}

/// A corpus that never leaves `idle` would find nothing.
#[test]
fn the_seeds_lead_through_every_state() {
    use offhook_lifecycle::State;
    let reached: Vec<State> =
        target::seeds().iter().flat_map(|(_, bytes)| target::states_reached(bytes)).collect();
    for state in State::ALL.into_iter().filter(|state| *state != State::Idle) {
        assert!(reached.contains(&state), "no seed reaches {state}");
    }
}

/// Two lives after each other in every pairing, and each cut short: not a fuzzer, but part of every run.
#[test]
fn every_pair_of_seeds_keeps_the_rules() {
    let seeds = target::seeds();
    for (_, first) in &seeds {
        for (_, second) in &seeds {
            for cut in (0..first.len()).step_by(5) {
                let operations = [first.get(..cut).unwrap(), second].concat();
                target::ops_on_machine(&operations);
            }
        }
    }
}
