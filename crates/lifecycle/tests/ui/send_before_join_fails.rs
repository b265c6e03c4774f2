//! A command before `join`.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Idle, L>, command: L::Command) {
    let _ = session.send(command);
}

fn main() {}
