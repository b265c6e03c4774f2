//! A call that we make is not ours to accept.
use offhook::{Outgoing, Ringing, Session};

fn misuse(ring: Session<Ringing<Outgoing>>) {
    let _ = ring.accept();
}

fn main() {
    let _ = misuse;
}
