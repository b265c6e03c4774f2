//! A command, then `leave`.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Joined, L>, command: L::Command) {
    let _ = session.send(command);
    let _hung_up = session.leave();
}

fn main() {}
