//! The example, run over a server of its own: each bot sees each other one, fluently.

use crate::programs::room::{at, meet};
use offhook_server::Server;
use std::time::Duration;

/// F62.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_bots_in_a_room_see_each_other() {
    let server = Server::builder().start().await.expect("loopback has a free port");
    let bots = at(&server, &["ada", "bob", "cy"]).expect("its key signs");
    let meeting = tokio::time::timeout(Duration::from_secs(60), meet(bots, 25));
    let seen = meeting.await.expect("a second of pictures takes seconds").expect("nobody fails");
    let pairs: Vec<_> = seen.iter().map(|seen| (seen.by.as_str(), seen.of.as_str())).collect();
    let each = [("ada", "bob"), ("ada", "cy"), ("bob", "ada"), ("bob", "cy"), ("cy", "ada"), ("cy", "bob")];
    assert_eq!(pairs, each);
    assert!(seen.iter().all(|seen| seen.pictures == 25), "{seen:?}");
    server.shutdown().await;
}
