//! Replays the fuzz corpora and every past crash through the fuzz targets, on stable Rust.
//! `OFFHOOK_WRITE_SEEDS=1 cargo test -p offhook-signaling --test fuzz_replay` writes the seeds anew.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

#[path = "../../../fuzz/src/signaling.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind).join(target)
}

fn replay(name: &str, target: fn(&[u8])) {
    let mut replayed = 0;
    for kind in ["corpus", "crashes"] {
        let Ok(entries) = fs::read_dir(folder(kind, name)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            // Shown when it fails: which input it was.
            println!("{}", path.display());
            target(&fs::read(&path).unwrap());
            replayed += 1;
        }
    }
    let seeds = targets::seeds().iter().filter(|(of, ..)| *of == name).count();
    assert!(replayed >= seeds && seeds > 0, "{replayed} inputs replayed, {seeds} seeds exist");
}

#[test]
fn the_corpus_and_past_crashes_of_frame_from_server_hold() {
    replay("frame_from_server", targets::frame_from_server);
}

#[test]
fn the_corpus_and_past_crashes_of_frame_from_client_hold() {
    replay("frame_from_client", targets::frame_from_client);
}

#[test]
fn the_corpus_and_past_crashes_of_sdp_and_candidates_hold() {
    replay("sdp_and_candidates", targets::sdp_and_candidates);
}

#[test]
fn the_seed_corpora_are_the_protocols_own_examples() {
    let write = std::env::var_os("OFFHOOK_WRITE_SEEDS").is_some();
    for (target, name, bytes) in targets::seeds() {
        let path = folder("corpus", target).join(&name);
        if write {
            fs::create_dir_all(folder("corpus", target)).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let committed = fs::read(&path).unwrap_or_default();
        assert!(committed == bytes, "fuzz/corpus/{target}/{name} is stale; write the seeds anew");
    }
}

/// Cheap damage to every seed: not a fuzzer, but part of every test run.
#[test]
fn every_seed_survives_a_cut_and_a_flip_at_two_hundred_places() {
    for (target, _, bytes) in targets::seeds() {
        let run: fn(&[u8]) = match target {
            "frame_from_server" => targets::frame_from_server,
            "frame_from_client" => targets::frame_from_client,
            "sdp_and_candidates" => targets::sdp_and_candidates,
            other => panic!("no target {other}"),
        };
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 200) {
            run(bytes.get(..at).unwrap());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            run(&flipped);
        }
    }
}
