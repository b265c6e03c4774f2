//! The server whose end is orderly, told to stop by a real signal in the middle of its work.

use crate::programs::graceful_shutdown::{serve, told_to_stop};
use crate::screen::{Screen, bounded};
use offhook::Client;
use offhook::mock::{Studio, What, pair};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request, and its whole answer.
async fn request(to: SocketAddr, what: &str) -> String {
    let mut socket = TcpStream::connect(to).await.expect("it listens");
    let request =
        format!("{what} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("it answers in text");
    answer
}

/// F12: sessions that are joined, and one whose join is under way; all are left, within the bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_terminated_leaves_its_sessions_first() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(7));
    let client = Client::new(transport);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut screen = Screen::default();
    let stop = told_to_stop().expect("a process may listen for signals");
    let users = async {
        for id in ["7", "8", "9"] {
            assert!(request(address, &format!("POST /sessions/{id}")).await.ends_with("\r\n\r\nJoined\n"));
        }
        assert!(request(address, "POST /sessions/7").await.starts_with("HTTP/1.1 409"));
        assert!(request(address, "DELETE /sessions/8").await.contains("you left"));
        assert!(request(address, "DELETE /sessions/8").await.starts_with("HTTP/1.1 404"));
        assert!(request(address, "GET /sessions").await.ends_with("\r\n\r\n7 Joined\n9 Joined\n"));

        // From here on nobody answers: this join is still under way when the word comes.
        remote.by_hand();
        let pending = tokio::spawn(async move { request(address, "POST /sessions/10").await });
        let _unanswered = remote.dial().await;
        let told = Instant::now();
        let id = std::process::id().to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill is part of every Unix");
        let answer = pending.await.expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        told
    };
    let (served, told) =
        bounded(async { tokio::join!(serve(listener, client, stop, &mut screen), users) }).await;
    served.expect("it ends in order");
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    assert_eq!(screen.lines(), ["left 2 sessions"]);
    let goodbye = |what: &What| matches!(what, What::Action(action) if matches!(**action, offhook::transport::Action::Goodbye));
    let goodbyes = remote.log().iter().filter(|seen| goodbye(&seen.what)).count();
    assert!(goodbyes >= 3, "everyone who was in says goodbye: {goodbyes}");
    assert_eq!(remote.open_connections(), 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

/// F12: nothing is under way, and still no session is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_server_that_is_stopped_leaves_its_sessions_too() {
    for _ in 0..10 {
        let (transport, remote) = pair();
        remote.auto(Studio::seeded(7).answering_in(Duration::from_millis(1)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { _ = stopped.await };
        let mut screen = Screen::default();
        let user = async {
            assert!(request(address, "POST /sessions/7").await.ends_with("\r\n\r\nJoined\n"));
            drop(stop);
        };
        let serving = serve(listener, Client::new(transport), stopped, &mut screen);
        let (served, ()) = bounded(async { tokio::join!(serving, user) }).await;
        served.expect("it ends in order");
        assert_eq!(screen.lines(), ["left 1 sessions"]);
        assert_eq!(remote.census(), offhook::mock::Census::default(), "nothing is left");
    }
}
