//! Runs `signaling::frame_from_client` under libFuzzer; the function itself is in `src/signaling.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::signaling::frame_from_client(data));
