//! What the server promises on the wire, one behaviour a file. Driven by raw frames.

mod canary;
mod door;
mod frames;
mod http;
mod leaving;
mod lobby;
mod moving;
mod prompts;
mod rejoin;
mod resume;
mod roster;
mod wire;
