//! Leaving twice.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Joined, L>) {
    let _first = session.leave();
    let _second = session.leave();
}

fn main() {}
