//! Accepting a ring that we placed.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Ringing<Outgoing>, L>) {
    let _joining = session.accept();
}

fn main() {}
