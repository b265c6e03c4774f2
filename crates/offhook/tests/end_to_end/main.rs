//! The facade over real WebRTC against the embedded server, on loopback: what no script can
//! vouch for. Leaks, that need a process to themselves, are in `tests/leaks.rs`; the log in
//! `tests/log.rs`.
#![cfg(feature = "webrtc")]

#[path = "../far_side/mod.rs"]
mod far_side;

mod audio;
mod bad_input;
mod bad_words;
mod conversation;
mod endings;
mod fast;
mod generation;
mod images;
mod join;
mod kinds;
mod leave;
mod messages;
mod mirror;
mod moderation;
mod pictures;
mod prompt;
mod remote;
mod ringing;
mod rooms;
mod statistics;
mod telemetry;
mod video;
