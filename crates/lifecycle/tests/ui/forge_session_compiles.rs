//! A joined session comes out of a join.
use offhook_lifecycle::*;

async fn run<L: Link>(idle: Session<Idle, L>) -> Option<Session<Joined, L>> {
    idle.join(JoinWish::default()).await.ok()
}

fn main() {}
