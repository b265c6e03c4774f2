//! A session begins idle, from a link that says so.
use offhook_lifecycle::*;

fn run<L: Link>(link: L) -> Option<Session<Idle, L>> {
    Session::idle(link).ok()
}

fn main() {}
