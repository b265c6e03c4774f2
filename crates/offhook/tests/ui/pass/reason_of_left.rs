//! The twin: what a left session can be asked.
use offhook::{EndReason, Left, Session};

async fn usage(mut left: Session<Left>) -> EndReason {
    left.released().await;
    let _ = left.summary().duration;
    left.reason()
}

fn main() {
    let _ = usage;
}
