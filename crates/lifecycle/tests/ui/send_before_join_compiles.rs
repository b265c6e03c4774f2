//! A command after `join`.
use offhook_lifecycle::*;

async fn run<L: Link>(session: Session<Idle, L>, command: L::Command) {
    if let Ok(session) = session.join(JoinWish::default()).await {
        let _ = session.send(command);
    }
}

fn main() {}
