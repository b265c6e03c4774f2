//! Leaving once, and waiting for the reason.
use offhook_lifecycle::*;

async fn run<L: Link>(session: Session<Joined, L>) -> Ending {
    session.leave().await.ending()
}

fn main() {}
