//! Runs `signaling::sdp_and_candidates` under libFuzzer; the function itself is in `src/signaling.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::signaling::sdp_and_candidates(data));
