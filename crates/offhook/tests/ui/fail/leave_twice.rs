//! A handle is left once.
use offhook::{Joined, Session};

async fn misuse(session: Session<Joined>) {
    drop(session.leave());
    drop(session.leave());
}

fn main() {
    let _ = misuse;
}
