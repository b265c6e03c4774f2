//! The twin: a join that failed gives the handle back, and that one can join.
use offhook::{Idle, Join, Session};

async fn usage(idle: Session<Idle>) {
    if let Err(error) = idle.join(Join::new()).await {
        let (back, join) = error.into_parts();
        if let Some(idle) = back.idle() {
            let _second = idle.join(join).await;
        }
    }
}

fn main() {
    let _ = usage;
}
