//! What is fuzzed. The binaries in `fuzz_targets/` only call these functions, and so do the plain
//! stable tests `fuzz_replay.rs` of `crates/signaling` and `crates/lifecycle`, which replay `corpus/`
//! and `crashes/`.
#![forbid(unsafe_code)]

pub mod machine;
pub mod signaling;
