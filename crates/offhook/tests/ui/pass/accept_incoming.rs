//! The twin: a call that we get is.
use offhook::{Incoming, Ringing, Session};

fn usage(ring: Session<Ringing<Incoming>>) {
    let _ = ring.accept(offhook::Join::new());
}

fn main() {
    let _ = usage;
}
