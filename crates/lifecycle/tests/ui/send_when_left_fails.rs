//! A command on `Session<Left>`.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Left, L>, command: L::Command) {
    let _ = session.send(command);
}

fn main() {}
