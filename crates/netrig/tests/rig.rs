//! Facts about a rig of several relays, seen from outside the crate: what our own and users' tests build on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::{net::SocketAddr, time::Duration};

use offhook_netrig::{Conditions, Direction, Rig, RigError, TcpRelay, UdpRelay};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::Handle,
    time::timeout,
};

/// Far longer than anything here takes: a test that waits in vain fails instead of hanging.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.expect("waited in vain")
}

/// A client and a server with a signaling connection and a media path, both through the rig.
struct Call {
    dial: TcpListener,
    client: TcpStream,
    server: TcpStream,
    client_media: UdpSocket,
    server_media: UdpSocket,
    signaling: TcpRelay,
    media: UdpRelay,
}

impl Call {
    async fn through(rig: &Rig) -> Self {
        let dial = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server_media = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let client_media = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let signaling = rig.tcp(dial.local_addr().unwrap()).await.unwrap();
        let media = rig.udp(server_media.local_addr().unwrap()).await.unwrap();
        let client = TcpStream::connect(signaling.addr()).await.unwrap();
        let (server, _) = soon(dial.accept()).await.unwrap();
        Self { dial, client, server, client_media, server_media, signaling, media }
    }

    async fn redial(&mut self) {
        self.client = TcpStream::connect(self.signaling.addr()).await.unwrap();
        self.server = soon(self.dial.accept()).await.unwrap().0;
    }

    async fn signals(&mut self) {
        self.client.write_all(b"ping").await.unwrap();
        let mut got = [0; 4];
        soon(self.server.read_exact(&mut got)).await.unwrap();
    }

    /// Sends media both ways, and says under which address the server saw it come.
    async fn flows(&self) -> SocketAddr {
        self.client_media.send_to(b"media", self.media.addr()).await.unwrap();
        let mut got = [0; 16];
        let (_, seen) = soon(self.server_media.recv_from(&mut got)).await.unwrap();
        self.server_media.send_to(b"media", seen).await.unwrap();
        let (_, from) = soon(self.client_media.recv_from(&mut got)).await.unwrap();
        assert_eq!(from, self.media.addr());
        seen
    }

    /// Sends media that must not arrive, and waits until the relay has dropped it.
    async fn media_is_dropped(&self) {
        let before = self.media.stats().up.cut;
        self.client_media.send_to(b"lost", self.media.addr()).await.unwrap();
        soon(self.media.wait_for(|stats| stats.up.cut > before)).await.unwrap();
    }
}

#[tokio::test]
async fn a_cut_reaches_every_relay_and_a_restore_ends_it_on_the_same_addresses() {
    let rig = Rig::new(7);
    let (mut first, mut second) = (Call::through(&rig).await, Call::through(&rig).await);
    for call in [&mut first, &mut second] {
        call.signals().await;
        call.flows().await;
    }
    rig.cut();
    for call in [&mut first, &mut second] {
        assert!(soon(call.client.read(&mut [0])).await.is_err(), "closed, not reset");
        assert!(soon(call.server.read(&mut [0])).await.is_err(), "closed, not reset");
        assert!(TcpStream::connect(call.signaling.addr()).await.is_err());
        call.media_is_dropped().await;
    }
    rig.restore().unwrap();
    for call in [&mut first, &mut second] {
        call.redial().await;
        call.signals().await;
        call.flows().await;
    }
}

#[tokio::test]
async fn a_relay_made_while_the_rig_is_cut_is_cut() {
    let rig = Rig::new(7);
    rig.cut();
    let dial = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let signaling = rig.tcp(dial.local_addr().unwrap()).await.unwrap();
    assert!(TcpStream::connect(signaling.addr()).await.is_err());
    let media = rig.udp(dial.local_addr().unwrap()).await.unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.send_to(b"lost", media.addr()).await.unwrap();
    soon(media.wait_for(|stats| stats.up.cut == 1)).await.unwrap();
    rig.restore().unwrap();
    let mut client = TcpStream::connect(signaling.addr()).await.unwrap();
    let (mut server, _) = soon(dial.accept()).await.unwrap();
    client.write_all(b"back").await.unwrap();
    soon(server.read_exact(&mut [0; 4])).await.unwrap();
}

#[tokio::test]
async fn dropping_media_leaves_signaling_alive() {
    let rig = Rig::new(7);
    let mut call = Call::through(&rig).await;
    rig.drop_udp();
    call.media_is_dropped().await;
    call.signals().await;
    rig.restore().unwrap();
    call.flows().await;
}

#[tokio::test]
async fn a_reset_and_refused_signaling_leaves_media_alive() {
    let rig = Rig::new(7);
    let mut call = Call::through(&rig).await;
    rig.refuse_tcp();
    call.signals().await;
    rig.reset_tcp();
    assert!(soon(call.client.read(&mut [0])).await.is_err());
    assert!(TcpStream::connect(call.signaling.addr()).await.is_err());
    call.flows().await;
    rig.restore().unwrap();
    call.redial().await;
    call.signals().await;
}

#[tokio::test]
async fn a_one_way_black_hole_swallows_that_way_of_everything() {
    let rig = Rig::new(7);
    let mut call = Call::through(&rig).await;
    let seen = call.flows().await;
    rig.black_hole(Direction::Down);
    call.signals().await;
    call.client_media.send_to(b"up", call.media.addr()).await.unwrap();
    soon(call.server_media.recv_from(&mut [0; 8])).await.unwrap();
    call.server_media.send_to(b"lost", seen).await.unwrap();
    soon(call.media.wait_for(|stats| stats.down.cut == 1)).await.unwrap();
    assert_eq!(call.media.stats().up.cut, 0);
    rig.restore().unwrap();
    assert_eq!(call.flows().await, seen);
}

#[tokio::test]
async fn conditions_set_at_the_rig_hold_for_relays_of_now_and_later() {
    let rig = Rig::new(7);
    let call = Call::through(&rig).await;
    let bad = Conditions::clear().delay(Duration::from_millis(5)).loss(0.1);
    rig.set(Direction::Up, bad);
    let later = Call::through(&rig).await;
    for call in [&call, &later] {
        for conditions in [call.signaling.conditions(), call.media.conditions()] {
            assert_eq!((conditions.up, conditions.down), (bad, Conditions::clear()));
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_every_relay_of_a_rig_the_same_fate_again_and_not_its_neighbours() {
    let upstream = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let lossy = Conditions::clear().loss(0.5);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let rig = Rig::builder().seed(21).conditions(Direction::Up, lossy).build();
        let mut series = Vec::new();
        for _ in 0..2 {
            let relay = rig.udp(upstream.local_addr().unwrap()).await.unwrap();
            let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let mut lost = Vec::new();
            for n in 0..32 {
                let before = relay.stats().up.lost;
                client.send_to(&[0], relay.addr()).await.unwrap();
                let settled =
                    soon(relay.wait_for(|stats| stats.up.passed + stats.up.lost == n + 1)).await.unwrap();
                lost.push(settled.up.lost > before);
            }
            series.push(lost);
        }
        runs.push(series);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0][0], runs[0][1]);
}

#[tokio::test]
async fn a_rig_on_ipv6_loopback_works_where_the_system_has_one() {
    let Ok(dial) = TcpListener::bind("[::1]:0").await else {
        eprintln!("skipped: this system has no IPv6 loopback");
        return;
    };
    let relay = Rig::new(7).tcp(dial.local_addr().unwrap()).await.unwrap();
    assert!(relay.addr().is_ipv6());
    let mut client = TcpStream::connect(relay.addr()).await.unwrap();
    let (mut server, _) = soon(dial.accept()).await.unwrap();
    client.write_all(b"six").await.unwrap();
    soon(server.read_exact(&mut [0; 3])).await.unwrap();
    relay.cut();
    assert!(TcpStream::connect(relay.addr()).await.is_err());
    relay.restore().unwrap();
    TcpStream::connect(relay.addr()).await.unwrap();
}

#[tokio::test]
async fn an_address_of_another_machine_is_a_typed_error_with_the_next_step() {
    // 240.0.0.0/4 is reserved and assigned to nobody (RFC 1112, section 4).
    let rig = Rig::builder().bind("240.0.0.1".parse().unwrap()).build();
    let upstream = "127.0.0.1:9".parse().unwrap();
    let error = rig.tcp(upstream).await.unwrap_err();
    assert!(matches!(error, RigError::Bind { .. }));
    assert!(error.to_string().ends_with("choose an address of this machine with `RigBuilder::bind`"));
    assert!(matches!(rig.udp(upstream).await, Err(RigError::Bind { .. })));
}

#[test]
fn without_a_runtime_a_relay_is_refused_with_a_typed_error() {
    let mut attempt =
        std::pin::pin!(async { Rig::new(7).tcp("127.0.0.1:9".parse().unwrap()).await.map(drop) });
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = attempt.as_mut().poll(&mut cx);
    assert!(matches!(polled, std::task::Poll::Ready(Err(RigError::NoRuntime))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_relays_under_traffic_and_faults_leave_nothing_behind() {
    let metrics = Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let rig = Rig::builder().seed(99).conditions(Direction::Both, Conditions::clear().loss(0.05)).build();
    for round in 0..5 {
        let mut calls = Vec::new();
        for _ in 0..10 {
            calls.push(Call::through(&rig).await);
        }
        for call in &mut calls {
            call.client_media.send_to(b"media", call.media.addr()).await.unwrap();
            call.client.write_all(b"ping").await.unwrap();
        }
        if round % 2 == 0 {
            rig.cut();
            rig.restore().unwrap();
        }
    }
    soon(async {
        while metrics.num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
