//! Runs `machine::ops_on_machine` under libFuzzer; the function itself is in `src/machine.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::machine::ops_on_machine(data));
