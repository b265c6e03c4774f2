//! `Session<Left>` has no `set_prompt`.
use offhook::{Left, Session};

async fn misuse(left: Session<Left>) {
    let _ = left.set_prompt("too late").await;
}

fn main() {
    let _ = misuse;
}
