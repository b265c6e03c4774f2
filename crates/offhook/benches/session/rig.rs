//! The server, the network between, and the censuses.

use offhook::webrtc::{UdpMap, WebRtc};
use offhook::{Client, Idle, Join, Joined, Session};
use offhook_netrig::{Conditions, Direction, Rig, TcpRelay, UdpRelay};
use offhook_server::{Mint, Server};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// The way to the server.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Path {
    /// Loopback, through no relay.
    Loopback,
    /// Through a relay that adds nothing, until it is told to.
    Relayed,
    /// 25 ms each way and 2 % loss, through a relay.
    Slow,
}

/// A server and a client that reaches it.
pub(crate) struct Bench {
    server: Server,
    rig: Arc<Rig>,
    relays: Arc<Relays>,
    client: Client,
    next: AtomicU64,
    through: Option<TcpRelay>,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) tasks: usize,
    pub(crate) fds: usize,
    pub(crate) threads: usize,
}

impl Bench {
    pub(crate) async fn start(path: Path) -> Self {
        let server = Server::builder().start().await.expect("loopback has a free port");
        let rig = Arc::new(Rig::new(11));
        let relays =
            Arc::new(Relays { rig: rig.clone(), made: Mutex::default(), runtime: Handle::current() });
        let mut transport = WebRtc::new(server.url());
        let mut through = None;
        if path == Path::Slow {
            rig.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(25)).loss(0.02));
        }
        if path != Path::Loopback {
            let relay = rig.tcp(server.address()).await.expect("loopback has a free port");
            transport = transport.via(relay.addr()).udp_map(relays.clone());
            through = Some(relay);
        }
        let token = server.mint(&Mint::user("bench").life(Duration::from_secs(3600))).expect("a key signs");
        let client = Client::new(transport).credential(token.expose());
        Self { server, rig, relays, client, next: AtomicU64::new(0), through }
    }

    pub(crate) fn idle(&self) -> Session<Idle> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.client.session("studio", id.to_string())
    }

    pub(crate) async fn join(&self, join: Join) -> Session<Joined> {
        self.idle().join(join).await.expect("the server is there and the credential is good")
    }

    /// From now on nothing gets through and nothing is said.
    pub(crate) fn black_hole(&self) {
        self.rig.black_hole(Direction::Both);
    }

    /// Waits until nothing is on its way out any more, blocking threads included, and counts.
    pub(crate) async fn settle(&self) -> Held {
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut last = held();
        let mut same = 0;
        while Instant::now() < deadline && same < 10 {
            sleep(Duration::from_millis(50)).await;
            let now = held();
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    pub(crate) async fn stop(self) {
        self.client.shutdown().await;
        self.server.shutdown().await;
        if let Some(relay) = self.through {
            relay.shutdown().await;
        }
        self.relays.made.lock().expect("nobody panics with it").clear();
    }
}

fn held() -> Held {
    let count = |path| std::fs::read_dir(path).map_or(0, Iterator::count);
    Held {
        tasks: Handle::current().metrics().num_alive_tasks(),
        fds: count("/proc/self/fd"),
        threads: count("/proc/self/task"),
    }
}

/// Leads media through the rig.
struct Relays {
    rig: Arc<Rig>,
    made: Mutex<Vec<(SocketAddr, UdpRelay)>>,
    runtime: Handle,
}

impl UdpMap for Relays {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        let relay = tokio::task::block_in_place(|| self.runtime.block_on(self.rig.udp(candidate))).ok()?;
        let address = relay.addr();
        self.made.lock().expect("nobody panics with it").push((candidate, relay));
        Some(address)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
