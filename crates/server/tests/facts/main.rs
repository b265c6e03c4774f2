//! What the server promises on the wire, one behaviour a file. Driven by raw frames.

mod canary;
mod directed;
mod door;
mod drain;
mod frames;
mod ghosts;
mod herd;
mod http;
mod inflow;
mod kicks;
mod leaving;
mod lobby;
mod moving;
mod presence;
mod prompts;
mod rejoin;
mod replaced;
mod resume;
mod roster;
mod wire;
