//! `Session<Left>` knows how it ended.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Left, L>) -> EndReason {
    session.ending().reason
}

fn main() {}
