//! Forging a joined session around a link.
#![allow(unreachable_code)]
use offhook_lifecycle::*;

fn run<L: Link>(_link: L) -> Session<Joined, L> {
    Session { data: (), token: unreachable!() }
}

fn main() {}
