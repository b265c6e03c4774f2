//! What the server promises on the wire, one behaviour a file. Driven by raw frames.

mod avoided;
mod canary;
mod directed;
mod door;
mod drain;
mod early;
mod frames;
mod ghosts;
mod herd;
mod http;
mod inflow;
mod kicks;
mod leaving;
mod lobby;
mod moving;
mod prompts;
mod rejoin;
mod replaced;
mod resume;
mod roster;
mod staying;
mod wire;
