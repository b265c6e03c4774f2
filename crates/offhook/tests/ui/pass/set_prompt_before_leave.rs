//! The twin: first the prompt, then the leave.
use offhook::{Joined, Session};

async fn usage(session: Session<Joined>) {
    let _ = session.set_prompt("in time").await;
    let _left = session.leave().await;
}

fn main() {
    let _ = usage;
}
