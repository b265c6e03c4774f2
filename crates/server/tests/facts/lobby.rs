//! Slow and silent connections before the door (S8).

use crate::wire::{PATIENCE, Wire, builder, empty, http};
use offhook_server::Limits;
use offhook_signaling::{ErrorCode, FromServer};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn slow_sockets_do_not_keep_real_clients_out() {
    let limits = Limits { sockets_before_auth: 8, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let mut silent = Vec::new();
    let mut slow = Vec::new();
    for _ in 0..20 {
        silent.push(Wire::dial(&server).await);
        let mut half = TcpStream::connect(server.address()).await.expect("it listens");
        // The peer may be gone already: then it is not slow any more.
        let _ = half.write_all(b"GET /session HTTP/1.1\r\nHost: local").await;
        slow.push(half);
    }
    let mut members = Vec::new();
    for number in 1..=4 {
        members.push(Wire::enter(&server, "ada", number).await);
    }
    assert!(http(&server, "/health", "Host: localhost").await.starts_with("HTTP/1.1 200"));
    // The oldest were told to make room, those that could be told.
    let mut first = silent.remove(0);
    let (error, _) = first.refused().await;
    assert_eq!(error.code, ErrorCode::RateLimited);
    assert!(error.retry_after_ms.is_some());
    // Those inside are not in the lobby: no crowd before the door reaches them.
    for _ in 0..20 {
        silent.push(Wire::dial(&server).await);
    }
    for member in &mut members {
        member.wire.say(&crate::wire::goodbye()).await;
        let (said, _) = member.wire.rest().await;
        assert!(matches!(said.last(), Some(FromServer::Ended(_))), "{said:?}");
    }
    drop((silent, slow));
    empty(&server).await;
}

#[tokio::test]
async fn a_connection_that_never_says_what_it_wants_is_closed() {
    let limits = Limits { first_frame: Duration::from_millis(50), ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    for said in [&b""[..], b"GET", b"GET / HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut line = TcpStream::connect(server.address()).await.expect("it listens");
        line.write_all(said).await.expect("a connection");
        let mut answer = Vec::new();
        // Closed or reset, but over.
        let _ = timeout(PATIENCE, line.read_to_end(&mut answer)).await.expect("the line is closed");
    }
}

#[tokio::test]
async fn a_member_outlives_the_patience_of_the_door() {
    let limits = Limits { first_frame: Duration::from_millis(50), ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let mut member = Wire::enter(&server, "ada", 1).await;
    // Longer than a connection may wait there; the ping comes after two seconds.
    let ping = timeout(PATIENCE, async {
        loop {
            use futures_util::StreamExt;
            let frame = member.wire.socket.next().await.expect("open").expect("a frame");
            if frame.to_string().contains(r#""type":"ping""#) {
                return;
            }
        }
    });
    ping.await.expect("a quiet link is pinged");
}
