//! A handle joins once.
use offhook::{Idle, Join, Session};

async fn misuse(idle: Session<Idle>) {
    let _first = idle.join(Join::new());
    let _second = idle.join(Join::new());
}

fn main() {
    let _ = misuse;
}
