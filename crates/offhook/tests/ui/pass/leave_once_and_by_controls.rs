//! The twin: whoever else may want to leave has controls, and those may as often as they like.
use offhook::{Joined, Session};

async fn usage(session: Session<Joined>) {
    let controls = session.controls();
    drop(session.leave());
    controls.leave();
    controls.leave();
}

fn main() {
    let _ = usage;
}
