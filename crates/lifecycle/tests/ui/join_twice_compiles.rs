//! Joining again after a join that gave the session back.
use offhook_lifecycle::session::NotJoined;
use offhook_lifecycle::*;

async fn run<L: Link>(session: Session<Idle, L>) {
    if let Err(NotJoined { back: Back::Idle(session), .. }) = session.join(JoinWish::default()).await {
        let _second = session.join(JoinWish::default());
    }
}

fn main() {}
