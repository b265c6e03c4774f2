//! A server that was used in every way leaves no task and no open file. In a process of its own,
//! because it counts the whole process.

#[path = "facts/wire.rs"]
mod wire;

use offhook_server::{EndCode, GoAwayCode};
use offhook_signaling::FromClient;
use std::time::Duration;
use tokio::net::TcpStream;
use wire::{Wire, join, open_files, refusal_of, server, settled};

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Everybody there is: one that leaves, one that is ended, one that is lost, one that is sent
/// away, one that is refused, one that never speaks, one that stays to the end.
async fn a_life() {
    let server = server().await;
    let mut leaves = Wire::enter(&server, "ada", 1).await;
    let mut ended = Wire::enter(&server, "bob", 2).await;
    let lost = Wire::enter(&server, "eve", 3).await;
    let stays = Wire::enter(&server, "dan", 4).await;
    leaves.wire.say(&wire::goodbye()).await;
    leaves.wire.rest().await;
    assert!(server.end("studio/1", "bob", EndCode::IdleTimeout).await);
    ended.wire.rest().await;
    lost.wire.lose();
    refusal_of(&server, &FromClient::Join(offhook_signaling::Join { credential: None, ..join("mal", 5) }))
        .await;
    let silent = TcpStream::connect(server.address()).await.expect("it listens");
    server.go_away(None, None, Duration::from_secs(60), GoAwayCode::ShuttingDown).await;
    server.shutdown().await;
    drop((silent, stays));
}

// Group D: D1, D17 and their like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_lives_of_a_server_leave_no_task_and_no_file() {
    // The first one fills what a process fills once.
    a_life().await;
    settled("the first life is over", || tasks() == 0).await;
    let files = open_files();
    for _ in 0..10 {
        a_life().await;
    }
    settled("every task has ended", || tasks() == 0).await;
    settled("every file is closed", || open_files() == files).await;
}
