//! What is left behind: nothing. Alone in its binary, because sockets are counted for the
//! whole process.

mod peer_common;

use offhook_transport::media::Codec;
use offhook_transport_webrtc::peer::{Peer, PeerError, UdpMap};
use peer_common::*;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// A map that sends everything into a black hole.
struct Hole(SocketAddr);
impl UdpMap for Hole {
    fn remote(&self, _: SocketAddr) -> Option<SocketAddr> {
        Some(self.0)
    }
    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}

/// D1, D10, D12, D15: fifty peers opened and closed, some connected, some that never could,
/// some dropped, leave no task and no socket.
#[test]
fn fifty_opened_and_closed_peers_leave_no_task_and_no_socket() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // Whatever is made once per process is made here.
        cycle(0).await;
        settle(0).await;
        let (tasks, sockets) = (Handle::current().metrics().num_alive_tasks(), open_files());
        for round in 0..50 {
            cycle(round).await;
        }
        settle(tasks).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
        assert_eq!(open_files(), sockets);
    });
}

async fn settle(tasks: usize) {
    let begin = Instant::now();
    // Detached closing is bounded by a second; a leak does not go away.
    while Handle::current().metrics().num_alive_tasks() > tasks && begin.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn cycle(round: u32) {
    match round % 5 {
        0 => {
            let mut config = answerer();
            let mut view = viewer(&mut config);
            let (a, b) = pair(offerer(), config).await;
            let (sender, sending) = publish(&a.peer, Codec::H264, open_gate()).await;
            sender.try_send(picture(0, true, 500));
            timeout(PATIENCE, view.video.next()).await.expect("in time").expect("a frame");
            // Eight at once (D12).
            let closers: Vec<_> = (0..8)
                .map(|_| {
                    let peer = a.peer.clone();
                    tokio::spawn(async move { peer.close().await })
                })
                .collect();
            for closer in closers {
                closer.await.expect("no panic");
            }
            b.peer.close().await;
            // The sending outlives its peer, and does no harm.
            assert!(sending.is_over());
        }
        1 => {
            // A connect that fails (D10): both talk into a hole.
            let hole = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            let map = Arc::new(Hole(hole.local_addr().expect("bound")));
            let (mut from, mut to) = (offerer(), answerer());
            from.udp_map = Some(map.clone());
            to.udp_map = Some(map);
            let (a, b) = (End::open(from).await, End::open(to).await);
            negotiate(&a.peer, &b.peer, false).await;
            assert!(!a.peer.is_connected());
            a.peer.close().await;
            b.peer.close().await;
        }
        2 => {
            // Dropped in the middle of a join, with the close future dropped too (D1, D15).
            let (a, b) = (End::open(offerer()).await, End::open(answerer()).await);
            let offer = a.peer.offer(false).await.expect("an offer");
            let _ = b.peer.answer(&offer).await;
            let closing = a.peer.close();
            drop(timeout(Duration::ZERO, closing).await);
        }
        3 => {
            // Only dropped, while connected.
            let (a, b) = pair(offerer(), answerer()).await;
            drop(a);
            drop(b);
        }
        _ => {
            // Never used; and one that cannot bind.
            let _ = End::open(offerer()).await;
            let taken = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            let mut config = offerer();
            config.bind = vec![taken.local_addr().expect("bound")];
            let refused = Peer::open(config).await.map(drop);
            assert!(matches!(refused, Err(PeerError::Local(_))), "{refused:?}");
        }
    }
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0)
}
