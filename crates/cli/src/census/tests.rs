//! A census that sees nothing would find no leak.
use super::Census;
use std::time::Duration;

#[tokio::test]
async fn a_leaked_task_and_a_leaked_socket_are_seen() {
    let before = Census::take();
    let task = tokio::spawn(std::future::pending::<()>());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
    assert_eq!(Census::settle(before, Duration::ZERO).await, (1, 1));
    task.abort();
    drop(socket);
    assert_eq!(Census::settle(before, Duration::from_secs(5)).await, (0, 0));
}
