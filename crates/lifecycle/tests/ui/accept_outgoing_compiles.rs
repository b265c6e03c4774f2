//! Accepting a ring that we received.
use offhook_lifecycle::*;

fn run<L: Link>(session: Session<Ringing<Incoming>, L>) {
    let _joining = session.accept();
}

fn main() {}
