//! `Session<Idle>` has no `set_prompt`: a prompt goes into the join.
use offhook::{Idle, Session};

async fn misuse(idle: Session<Idle>) {
    let _ = idle.set_prompt("too early").await;
}

fn main() {
    let _ = misuse;
}
