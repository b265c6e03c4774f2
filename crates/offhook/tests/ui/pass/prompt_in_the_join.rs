//! The twin: the join carries the prompt.
use offhook::{Idle, Join, JoinError, Session};

async fn usage(idle: Session<Idle>) -> Result<(), JoinError> {
    let session = idle.join(Join::new().prompt("in time")).await?;
    drop(session.leave());
    Ok(())
}

fn main() {
    let _ = usage;
}
