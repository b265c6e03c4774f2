//! A session that was left takes no prompt: the handle is gone.
use offhook::{Joined, Session};

async fn misuse(session: Session<Joined>) {
    let _left = session.leave().await;
    let _ = session.set_prompt("too late").await;
}

fn main() {
    let _ = misuse;
}
