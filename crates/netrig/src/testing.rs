//! What this crate's own tests share: sockets that bounce, and where failing seeds are written.

use std::{future::Future, net::SocketAddr, time::Duration};

use proptest::test_runner::{Config, FileFailurePersistence};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::timeout,
};

/// Failing cases are written to the top-level folder of the repository, where they are committed.
pub(crate) fn saved_seeds(file: &'static str) -> Config {
    let path = format!("{}/../../proptest-regressions/{file}", env!("CARGO_MANIFEST_DIR"));
    let persistence = FileFailurePersistence::Direct(Box::leak(path.into_boxed_str()));
    Config { failure_persistence: Some(Box::new(persistence)), ..Config::default() }
}

/// Far longer than anything here takes: a test that waits in vain fails instead of hanging.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(Duration::from_secs(20), future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// A listener on loopback.
pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let addr = listener.local_addr().expect("a bound socket has an address");
    (listener, addr)
}

/// Dials through the relay and picks up at the other end.
pub(crate) async fn pair(relay: SocketAddr, upstream: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(relay).await.expect("the relay listens");
    let (server, _) = soon("the relay dials", upstream.accept()).await.expect("the relay has dialled");
    (client, server)
}

/// Writes at one end and reads the same at the other.
pub(crate) async fn passes(from: &mut TcpStream, to: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).await.expect("the connection is open");
    assert_eq!(reads(to, text.len()).await, text);
}

/// Reads so many bytes.
pub(crate) async fn reads(from: &mut TcpStream, len: usize) -> String {
    let mut got = vec![0; len];
    soon("bytes arrive", from.read_exact(&mut got)).await.expect("the connection is open");
    String::from_utf8(got).expect("tests write text")
}

/// Waits until the runtime has no more tasks than `expected`.
pub(crate) async fn tasks_return_to(expected: usize) {
    let metrics = Handle::current().metrics();
    soon("tasks end", async {
        while metrics.num_alive_tasks() > expected {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
