//! Facts about labs: hosts in namespaces of their own, joined by a network in this process. Skipped with a printed
//! reason where the machine does not allow it.
#![cfg(all(feature = "namespaces", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    process::Command,
    time::{Duration, Instant},
};

use offhook_netrig::{
    Conditions, Direction,
    namespaces::{Access, Host, Interface, Lab, LabError, Network, Running},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    time::timeout,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Far longer than anything here takes: a test that waits in vain fails instead of hanging.
async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

fn lab() -> Option<Lab> {
    Lab::new(7).map_err(|unavailable| eprintln!("skipped: {unavailable}")).ok()
}

/// A server that says to each datagram from where it has come, and to the test as well.
struct World {
    server: Host,
    laptop: Host,
    centre: Network,
    home: Network,
    _eth: Interface,
    wlan: Interface,
    at: SocketAddr,
    arrivals: mpsc::Receiver<SocketAddr>,
    _echo: Running<()>,
}

async fn world(lab: &Lab, access: Access) -> World {
    let (centre, home) = (lab.network(Access::Open).unwrap(), lab.network(access).unwrap());
    let (server, laptop) = (lab.host("server").unwrap(), lab.host("laptop").unwrap());
    let (eth, wlan) = (server.plug(&centre).unwrap(), laptop.plug(&home).unwrap());
    let at = SocketAddr::from((eth.address(), 9_000));
    let (arrived, arrivals) = mpsc::channel(4_096);
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let echo = server
        .run(async move || {
            let socket = UdpSocket::bind(at).await.unwrap();
            ready.send(()).unwrap();
            let mut text = [0; 2_048];
            loop {
                let (len, from) = socket.recv_from(&mut text).await.unwrap();
                let _ = arrived.try_send(from);
                let _ = socket.send_to(&text[..len], from).await;
            }
        })
        .unwrap();
    soon("the server is there", is_ready).await.unwrap();
    World { server, laptop, centre, home, _eth: eth, wlan, at, arrivals, _echo: echo }
}

/// Asks until an answer comes, and says how long the answered question took and from which port it was asked.
async fn ask(at: SocketAddr) -> (Duration, SocketAddr) {
    let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
    ask_by(&socket, at).await
}

async fn ask_by(socket: &UdpSocket, at: SocketAddr) -> (Duration, SocketAddr) {
    for n in 0_u32..200 {
        let asked = Instant::now();
        // Without a route the send fails, which is no answer either.
        let _ = socket.send_to(&n.to_be_bytes(), at).await;
        let mut got = [0; 16];
        while let Ok(Ok((len, from))) = timeout(ms(500), socket.recv_from(&mut got)).await {
            assert_eq!(from, at);
            if got[..len] == n.to_be_bytes() {
                return (asked.elapsed(), socket.local_addr().unwrap());
            }
        }
    }
    panic!("no answer");
}

#[tokio::test]
async fn the_delay_of_a_line_is_what_a_round_trip_takes() {
    let Some(lab) = lab() else { return };
    let world = world(&lab, Access::Open).await;
    let at = world.at;
    // The first question also finds the router.
    world.laptop.run(async move || ask(at).await).unwrap().await.unwrap();
    world.home.set(Direction::Both, Conditions::clear().delay(ms(40)));
    world.centre.set(Direction::Down, Conditions::clear().delay(ms(20)));
    let (took, _) = world.laptop.run(async move || ask(at).await).unwrap().await.unwrap();
    eprintln!("100 ms of delay: a round trip of {took:?}");
    assert!(took >= ms(100), "shorter than the line: {took:?}");
}

#[tokio::test]
async fn the_loss_of_a_line_is_about_what_was_asked_for() {
    let Some(lab) = lab() else { return };
    let mut world = world(&lab, Access::Open).await;
    let at = world.at;
    world.laptop.run(async move || ask(at).await).unwrap().await.unwrap();
    world.arrivals.recv().await.unwrap();
    world.home.set(Direction::Up, Conditions::clear().loss(0.2));
    let before = world.home.stats().up;
    let send = async move || {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        for n in 0..1_000 {
            socket.send_to(b"one of many", at).await.unwrap();
            if n % 20 == 0 {
                // The host's queue is short: let the network take what is in it.
                tokio::task::yield_now().await;
            }
        }
    };
    world.laptop.run(send).unwrap().await.unwrap();
    let settled = world.home.wait_for(|stats| {
        let up = stats.up;
        up.held == 0 && up.passed + up.lost >= before.passed + before.lost + 900
    });
    let up = soon("most have settled", settled).await.up;
    let (lost, all) = (up.lost - before.lost, up.passed + up.lost - before.passed - before.lost);
    eprintln!("20 % of loss: {lost} of {all}");
    assert!((all / 10..all * 3 / 10).contains(&lost));
}

#[tokio::test]
async fn a_black_hole_is_silent_in_its_way_only() {
    let Some(lab) = lab() else { return };
    let mut world = world(&lab, Access::Open).await;
    let at = world.at;
    world.laptop.run(async move || ask(at).await).unwrap().await.unwrap();
    world.arrivals.recv().await.unwrap();

    let shout = |times| {
        let shouting = world.laptop.run(async move || {
            let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
            for _ in 0..times {
                // Silent: the sender's system hears nothing of it.
                socket.send_to(b"hello?", at).await.unwrap();
            }
        });
        async { soon("sent", shouting.unwrap()).await.unwrap() }
    };
    world.home.black_hole(Direction::Up);
    shout(3).await;
    soon("swallowed", world.home.wait_for(|stats| stats.up.cut == 3)).await;
    assert!(world.arrivals.try_recv().is_err(), "something came through");
    world.home.restore();

    world.home.black_hole(Direction::Down);
    shout(3).await;
    for _ in 0..3 {
        soon("the way up is open", world.arrivals.recv()).await.unwrap();
    }
    soon("swallowed", world.home.wait_for(|stats| stats.down.cut == 3)).await;
    world.home.restore();
    soon("whole again", world.laptop.run(async move || ask(at).await).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_nat_hides_the_laptop_and_a_rebind_changes_the_port_seen() {
    let Some(lab) = lab() else { return };
    let mut world = world(&lab, Access::Nat).await;
    let (at, home) = (world.at, world.home.clone());
    let own = world.laptop.run(async move || {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        ask_by(&socket, at).await;
        assert!(home.rebind(), "there is a NAT");
        ask_by(&socket, at).await;
        socket.local_addr().unwrap()
    });
    let own = soon("asked twice", own.unwrap()).await.unwrap();
    let (first, second) = (world.arrivals.recv().await.unwrap(), world.arrivals.recv().await.unwrap());
    assert_eq!(Some(first.ip()), world.home.public().map(Into::into));
    assert_eq!(first.ip(), second.ip());
    assert_ne!(first.port(), second.port());
    assert_ne!(first.ip(), world.wlan.address(), "{own}");
    assert!(!world.centre.rebind(), "there is none");
}

#[tokio::test]
async fn tcp_passes_a_nat_and_a_lossy_line_whole() {
    let Some(lab) = lab() else { return };
    let world = world(&lab, Access::Nat).await;
    world.home.set(Direction::Both, Conditions::clear().delay(ms(5)).loss(0.02));
    let at = SocketAddr::from((world.at.ip(), 8_000));
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let sum = world.server.run(async move || {
        let listener = TcpListener::bind(at).await.unwrap();
        ready.send(()).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        got
    });
    let sum = sum.unwrap();
    soon("listening", is_ready).await.unwrap();
    let text: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let sent = text.clone();
    let send = world.laptop.run(async move || {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    soon("sent", send.unwrap()).await.unwrap();
    assert!(soon("received", sum).await.unwrap() == text, "not what was sent");
}

#[tokio::test]
async fn a_laptop_that_switches_networks_has_another_address_and_is_seen_as_another() {
    let Some(lab) = lab() else { return };
    let mut world = world(&lab, Access::Nat).await;
    let at = world.at;
    soon("asked", world.laptop.run(async move || ask(at).await).unwrap()).await.unwrap();
    let seen = world.arrivals.recv().await.unwrap();
    let (name, old) = (world.wlan.name().to_owned(), world.wlan.address().to_string());
    assert!(world.laptop.ip_addr().unwrap().contains(&old));

    let mobile = lab.network(Access::Nat).unwrap();
    let modem = world.laptop.plug(&mobile).unwrap();
    world.wlan.unplug().unwrap();
    let addresses = world.laptop.ip_addr().unwrap();
    assert!(addresses.contains(&format!("inet {}/24", modem.address())), "{addresses}");
    assert!(!addresses.contains(&old), "{addresses}");
    assert!(!addresses.contains(&name), "{addresses}");
    soon("asked", world.laptop.run(async move || ask(at).await).unwrap()).await.unwrap();
    // Copies of the earlier questions may come first, for each is asked until it is answered.
    let moved = async {
        loop {
            let from = world.arrivals.recv().await.unwrap();
            if from.ip() != seen.ip() {
                return from;
            }
        }
    };
    assert_eq!(Some(soon("seen", moved).await.ip()), mobile.public().map(Into::into));
}

#[tokio::test]
async fn with_its_link_down_a_host_has_no_route_and_with_the_link_up_it_has_again() {
    let Some(lab) = lab() else { return };
    let world = world(&lab, Access::Open).await;
    let at = world.at;
    let send = async move || {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        socket.send_to(b"out", at).await.map_err(|error| error.kind())
    };
    world.wlan.down().unwrap();
    let refused = world.laptop.run(send).unwrap().await.unwrap();
    assert_eq!(refused, Err(std::io::ErrorKind::NetworkUnreachable));
    world.wlan.up().unwrap();
    soon("asked", world.laptop.run(async move || ask(at).await).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_host_has_its_own_addresses_and_the_machine_does_not_see_them() {
    let Some(lab) = lab() else { return };
    let world = world(&lab, Access::Open).await;
    let mine = Command::new("ip").args(["addr", "show"]).output().unwrap();
    let mine = String::from_utf8(mine.stdout).unwrap();
    for interface in [&world.wlan, &world._eth] {
        assert!(!mine.contains(&interface.address().to_string()));
    }
    let everywhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 9_000);
    // The server has this port; on another host it is free.
    let bound = world.laptop.run(async move || UdpSocket::bind(everywhere).await.map(drop));
    bound.unwrap().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_on_a_host_is_a_panic_of_the_test_and_a_dropped_run_is_cancelled() {
    let Some(lab) = lab() else { return };
    let host = lab.host("host").unwrap();
    let panics = host.run(async || panic!("an assertion")).unwrap();
    let caught = tokio::spawn(panics).await.unwrap_err();
    assert_eq!(*caught.into_panic().downcast::<&str>().unwrap(), "an assertion");

    let (held, gone) = tokio::sync::oneshot::channel::<()>();
    let running = host
        .run(async move || {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .unwrap();
    drop(running);
    assert!(soon("cancelled", gone).await.is_err());

    let running = host.run(std::future::pending::<()>).unwrap();
    drop(host);
    assert!(matches!(running.await, Err(LabError::HostGone { host }) if host == "host"));
}

#[tokio::test]
async fn an_interface_may_live_in_its_hosts_own_run_and_outlive_the_host() {
    let Some(lab) = lab() else { return };
    let network = lab.network(Access::Open).unwrap();
    let host = lab.host("host").unwrap();
    let (inner, outer) = (host.plug(&network).unwrap(), host.plug(&network).unwrap());
    let run = host
        .run(async move || {
            inner.down().unwrap();
            inner.up().unwrap();
            std::future::pending::<()>().await;
        })
        .unwrap();
    drop(host);
    assert!(matches!(run.await, Err(LabError::HostGone { .. })));
    assert!(matches!(outer.down(), Err(LabError::HostGone { .. })));
}

#[test]
fn a_program_that_is_not_there_is_a_typed_error_with_the_next_step() {
    let Some(lab) = lab() else { return };
    let host = lab.host("host").unwrap();
    let error = host.command(Command::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(error, LabError::Program { .. }));
    assert!(error.to_string().ends_with("install it, or give its whole path"));
}
