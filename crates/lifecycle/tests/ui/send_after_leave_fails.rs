//! A command after `leave`.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Joined, L>, command: L::Command) {
    let _hung_up = session.leave();
    let _ = session.send(command);
}

fn main() {}
