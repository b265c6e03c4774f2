//! Cloning a session.
use offhook_lifecycle::*;

fn run<L: Link + Clone>(session: Session<Joined, L>) -> Session<Joined, L> {
    Clone::clone(&session)
}

fn main() {}
