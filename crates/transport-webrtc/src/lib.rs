//! The WebRTC transport: a peer room that knows no signaling, and the native transport over it.
//!
//! `peer` is one connection between two engines; whoever brings a signaling of his own
//! starts there. `native` is a transport over it. The engine crates are named in these rooms and nowhere else.
#![forbid(unsafe_code)]

pub mod native;
pub mod peer;
