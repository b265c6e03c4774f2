//! What the server promises on the wire, one behaviour a file. Driven by raw frames.

mod assets;
mod canary;
mod directed;
mod directors;
mod directory;
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
mod persisted;
mod prompts;
mod queue;
mod rejoin;
mod replaced;
mod resume;
mod roster;
mod viewers;
mod wire;
