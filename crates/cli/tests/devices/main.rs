//! `offhook join` with devices, against a real `offhook serve`: what goes in at one end of a
//! session comes out at the other. Devices without hardware: ALSA's plugins on two pipes
//! (`sound.rs`), a screen in memory (`screen.rs`), and none at all (`absent.rs`).
//!
//! Built with the feature `devices` alone.
#![cfg(target_os = "linux")]

mod absent;
mod common;
mod screen;
mod sound;
