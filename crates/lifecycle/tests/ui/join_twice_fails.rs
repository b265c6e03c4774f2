//! Joining twice.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Idle, L>) {
    let _first = session.join(JoinWish::default());
    let _second = session.join(JoinWish::default());
}

fn main() {}
