//! The twin: controls may be cloned as often as is wanted.
use offhook::{Controls, Joined, Session};

fn usage(session: &Session<Joined>) -> (Controls, Controls) {
    let controls = session.controls();
    (controls.clone(), controls)
}

fn main() {
    let _ = usage;
}
