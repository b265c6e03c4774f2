//! Recovery over real WebRTC against embedded servers, through a bad network: every alarm, both
//! planes, and the move to another server. What the machine decides is held in milliseconds
//! elsewhere; here it is shown that the facts it decides on really come.
//!
//! Times are printed, not asserted: machines of tests are busy. `cargo xtask bench` measures them.
#![cfg(feature = "webrtc")]

#[path = "../far_side/mod.rs"]
mod far_side;

mod alarms;
mod conversation;
mod directed;
mod drain;
mod generation;
mod line;
mod messages;
mod models;
mod moods;
mod moving;
mod outflow;
mod people;
mod planes;
mod quality;
mod rooms;
mod sick;
mod stalls;
mod told;
mod untaken;
mod video;
mod voice;
mod waiting;
mod ways;
mod whispers;
