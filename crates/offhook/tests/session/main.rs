//! The facade over the scripted transport, in virtual time. One file a behaviour; each test
//! states a fact, and bears the feature or bug it is about.

mod apart;
mod common;
mod conversation;
mod credentials;
mod devices;
mod drops;
mod errors;
mod fast;
mod generation;
mod herd;
mod images;
mod join;
mod leave;
mod listeners;
mod many;
mod media;
mod messages;
mod models;
mod moderation;
mod mutes;
mod network;
mod prompt;
mod quality;
mod recovery;
mod remote;
mod ringing;
mod sources;
mod stalls;
mod statistics;
mod telemetry;
mod tracks;
mod unanswered;
mod untaken;
mod video;
