//! Facts about TCP through a relay, with real sockets. Nothing here measures an upper bound of time.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::Instant,
};

use crate::{
    Conditions, Direction, Rig, RigError, Way,
    testing::{listener, pair, passes, reads, soon, tasks_return_to},
};

/// Reads until the connection breaks, and says how.
async fn breaks(stream: &mut TcpStream) -> io::ErrorKind {
    let mut ignored = [0; 64];
    loop {
        match soon("a reset", stream.read(&mut ignored)).await {
            Ok(0) => panic!("closed, not reset"),
            Ok(_) => {}
            Err(error) => return error.kind(),
        }
    }
}

/// Reads until the stream ends, and gives what came before.
async fn ends(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    soon("the end of the stream", stream.read_to_end(&mut got)).await.expect("closed, not reset");
    got
}

async fn refused(relay: SocketAddr) -> bool {
    matches!(TcpStream::connect(relay).await, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_are_counted() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "ping").await;
    passes(&mut server, &mut client, "longer pong").await;
    let stats = soon("counted", relay.wait_for(|stats| stats.down.bytes == 11)).await.unwrap();
    assert_eq!((stats.up.bytes, stats.up.passed, stats.open, stats.opened), (4, 1, 1, 1));
}

#[tokio::test]
async fn a_large_transfer_arrives_whole_and_in_order_under_jitter_loss_and_a_small_queue() {
    let (upstream, addr) = listener().await;
    let rough = Conditions::clear().jitter(Duration::from_millis(3)).loss(0.002).queue(20_000);
    let rig = Rig::builder().seed(5).conditions(Direction::Both, rough).build();
    let relay = rig.tcp(addr).await.unwrap();
    let (client, mut server) = pair(relay.addr(), &upstream).await;
    let sent: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut reader, mut writer) = client.into_split();
    let echo = async {
        let (mut from, mut to) = server.split();
        tokio::io::copy(&mut from, &mut to).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let send = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut got = Vec::new();
    let receive = async { reader.read_to_end(&mut got).await.unwrap() };
    soon("the echo", async { tokio::join!(echo, send, receive) }).await;
    assert!(got == sent, "{} of {} bytes came back", got.len(), sent.len());
    let stats = relay.stats();
    assert_eq!((stats.up.bytes, stats.down.bytes), (300_000, 300_000));
    assert_eq!(stats.up.cut + stats.up.overflowed + stats.reset, 0);
}

#[tokio::test]
async fn nothing_arrives_before_its_delay_and_the_handshake_costs_a_round_trip() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    relay.set(Direction::Up, Conditions::clear().delay(Duration::from_millis(30)));
    relay.set(Direction::Down, Conditions::clear().delay(Duration::from_millis(20)));
    let began = Instant::now();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    assert!(began.elapsed() >= Duration::from_millis(50));
    let sent = Instant::now();
    passes(&mut client, &mut server, "up").await;
    assert!(sent.elapsed() >= Duration::from_millis(30));
    let sent = Instant::now();
    passes(&mut server, &mut client, "down").await;
    assert!(sent.elapsed() >= Duration::from_millis(20));
}

#[tokio::test]
async fn a_lost_segment_arrives_late_by_a_retransmission() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Up, Conditions::clear().loss(1.0));
    let sent = Instant::now();
    passes(&mut client, &mut server, "late").await;
    assert!(sent.elapsed() >= Duration::from_millis(200));
    assert_eq!(relay.stats().up.lost, 1);
}

#[tokio::test]
async fn a_rate_spreads_a_transfer_over_time() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Up, Conditions::clear().rate(100_000));
    let began = Instant::now();
    client.write_all(&[7; 20_000]).await.unwrap();
    reads(&mut server, 20_000).await;
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn lifting_the_rate_lets_what_waits_through() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Up, Conditions::clear().rate(1));
    passes(&mut server, &mut client, "the other way is free").await;
    client.write_all(b"an hour at this rate").await.unwrap();
    relay.set(Direction::Up, Conditions::clear());
    assert_eq!(reads(&mut server, 20).await, "an hour at this rate");
}

#[tokio::test]
async fn a_full_queue_stops_the_sender_instead_of_growing() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Up, Conditions::clear().queue(10_000));
    relay.black_hole(Direction::Up);
    // Far more than the queue and the system's buffers of both sockets hold.
    let sent = vec![7_u8; 40 << 20];
    let (mut written, mut stalled) = (0, 0);
    while written < sent.len() && stalled < 100 {
        match client.try_write(&sent[written..]) {
            Ok(more) => (written, stalled) = (written + more, 0),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                stalled += 1;
            }
        }
        // The other way is open, so the relay is alive and has had its turn to read more.
        passes(&mut server, &mut client, "tick").await;
    }
    assert!(written < sent.len(), "the relay took all of 40 MiB into a queue of 10 kB");
    relay.restore().unwrap();
    let mut got = vec![0; written];
    soon("what was written arrives", server.read_exact(&mut got)).await.unwrap();
}

#[tokio::test]
async fn a_reset_is_read_at_both_ends_of_every_pipe() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut a, mut b) = pair(relay.addr(), &upstream).await;
    let (mut c, mut d) = pair(relay.addr(), &upstream).await;
    passes(&mut a, &mut b, "hello").await;
    relay.reset();
    for stream in [&mut a, &mut b, &mut c, &mut d] {
        assert_eq!(breaks(stream).await, io::ErrorKind::ConnectionReset);
    }
    let stats = soon("closed", relay.wait_for(|stats| stats.open == 0)).await.unwrap();
    assert_eq!(stats.reset, 2);
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "the next one lives").await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_reset_includes_a_connection_not_yet_picked_up_and_spares_the_next() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    // A blocking dial on this thread: the relay's task cannot have run since.
    let early = std::net::TcpStream::connect(relay.addr()).unwrap();
    relay.reset();
    let later = std::net::TcpStream::connect(relay.addr()).unwrap();
    for stream in [&early, &later] {
        stream.set_nonblocking(true).unwrap();
    }
    let (mut early, mut later) = (TcpStream::from_std(early).unwrap(), TcpStream::from_std(later).unwrap());
    assert_eq!(breaks(&mut early).await, io::ErrorKind::ConnectionReset);
    let (mut server, _) = soon("the later one", upstream.accept()).await.unwrap();
    passes(&mut later, &mut server, "alive").await;
}

#[tokio::test]
async fn a_polite_close_ends_both_streams_without_a_reset() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "hello").await;
    relay.close();
    assert_eq!(ends(&mut client).await, b"");
    assert_eq!(ends(&mut server).await, b"");
    drop((client, server));
    let stats = soon("closed", relay.wait_for(|stats| stats.open == 0)).await.unwrap();
    assert_eq!(stats.reset, 0);
}

#[tokio::test]
async fn a_polite_close_is_one_even_with_unread_bytes_in_the_relay() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Up, Conditions::clear().queue(1));
    relay.black_hole(Direction::Up);
    client.write_all(&[7; 60_000]).await.unwrap();
    soon("the queue is full", relay.wait_for(|stats| stats.up.held == 1)).await.unwrap();
    relay.close();
    assert_eq!(ends(&mut client).await, b"");
    assert_eq!(ends(&mut server).await, b"");
}

#[tokio::test]
async fn a_half_close_passes_and_the_other_way_goes_on() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    client.write_all(b"request").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(ends(&mut server).await, b"request");
    server.write_all(b"response").await.unwrap();
    drop(server);
    assert_eq!(ends(&mut client).await, b"response");
    soon("closed", relay.wait_for(|stats| stats.open == 0)).await.unwrap();
}

#[tokio::test]
async fn a_reset_by_one_end_is_a_reset_at_the_other() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "hello").await;
    server.set_zero_linger().unwrap();
    drop(server);
    assert_eq!(breaks(&mut client).await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_an_end_said_before_it_broke_arrives_before_the_reset() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Down, Conditions::clear().delay(Duration::from_millis(30)));
    client.write_all(b"a request that nobody reads").await.unwrap();
    soon("handed on", relay.wait_for(|stats| stats.up.bytes == 27)).await.unwrap();
    soon("there", server.readable()).await.unwrap();
    server.write_all(b"no thanks").await.unwrap();
    // With the request unread, the system resets.
    drop(server);
    assert_eq!(reads(&mut client, 9).await, "no thanks");
    assert_eq!(breaks(&mut client).await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_answer_in_the_air_outlives_the_end_that_sent_it() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.black_hole(Direction::Down);
    server.write_all(b"answer").await.unwrap();
    soon("in the air", relay.wait_for(|stats| stats.down.held == 1)).await.unwrap();
    drop(server);
    // The first byte makes the closed end reset, a later one finds it gone.
    soon("the break is noticed", async {
        while relay.stats().up.failed == 0 {
            client.write_all(b"more").await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    relay.restore().unwrap();
    assert_eq!(reads(&mut client, 6).await, "answer");
    assert_eq!(breaks(&mut client).await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_during_the_handshake_ends_it() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    relay.set(Direction::Both, Conditions::clear().delay(Duration::from_secs(3_600)));
    let mut client = TcpStream::connect(relay.addr()).await.unwrap();
    soon("picked up", relay.wait_for(|stats| stats.open == 1)).await.unwrap();
    relay.reset();
    assert_eq!(breaks(&mut client).await, io::ErrorKind::ConnectionReset);
    relay.set(Direction::Both, Conditions::clear());
    // The first that the upstream hears of is the next connection.
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "next").await;
}

#[tokio::test]
async fn refusing_takes_effect_before_it_returns_and_spares_what_is_open() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    for _ in 0..50 {
        relay.refuse(true).unwrap();
        assert!(refused(relay.addr()).await);
        relay.refuse(false).unwrap();
        let (mut client, mut server) = pair(relay.addr(), &upstream).await;
        passes(&mut client, &mut server, "back").await;
    }
    passes(&mut client, &mut server, "still here").await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_refused_port_stays_ours() {
    let (_upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    relay.refuse(true).unwrap();
    // Without address reuse, that is what everybody gets who is not deliberately after this very port.
    let taken = tokio::net::TcpSocket::new_v4().unwrap().bind(relay.addr());
    assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    relay.refuse(false).unwrap();
}

#[tokio::test]
async fn an_unreachable_upstream_is_a_reset_for_the_client_and_counted() {
    let (upstream, addr) = listener().await;
    drop(upstream);
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let mut client = TcpStream::connect(relay.addr()).await.unwrap();
    assert_eq!(breaks(&mut client).await, io::ErrorKind::ConnectionReset);
    soon("counted", relay.wait_for(|stats| stats.unreachable == 1 && stats.open == 0)).await.unwrap();
}

#[tokio::test]
async fn a_black_hole_one_way_stalls_that_way_alone_until_restored() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.black_hole(Direction::Down);
    server.write_all(b"into the dark").await.unwrap();
    for n in 0..20 {
        passes(&mut client, &mut server, &format!("up {n}")).await;
    }
    let mut one = [0];
    let nothing = client.try_read(&mut one);
    assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(relay.stats().down.bytes, 0);
    relay.restore().unwrap();
    assert_eq!(reads(&mut client, 13).await, "into the dark");
}

#[tokio::test]
async fn a_black_hole_hides_a_close_until_restored() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    relay.black_hole(Direction::Down);
    server.shutdown().await.unwrap();
    for n in 0..20 {
        passes(&mut client, &mut server, &format!("up {n}")).await;
    }
    let nothing = client.try_read(&mut [0]);
    assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    relay.restore().unwrap();
    assert_eq!(ends(&mut client).await, b"");
}

#[tokio::test]
async fn a_dial_into_a_black_hole_reaches_the_upstream_only_when_restored() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    relay.black_hole(Direction::Up);
    let mut client = TcpStream::connect(relay.addr()).await.unwrap();
    client.write_all(b"early").await.unwrap();
    soon("picked up", relay.wait_for(|stats| stats.open == 1)).await.unwrap();
    assert_eq!(relay.flows()[0].seen_as, None);
    relay.restore().unwrap();
    let (mut server, peer) = soon("dialled", upstream.accept()).await.unwrap();
    assert_eq!(reads(&mut server, 5).await, "early");
    let flow = relay.flows()[0];
    assert_eq!((flow.client, flow.seen_as), (client.local_addr().unwrap(), Some(peer)));
}

// On a real network it would not have come about, and nothing of it would have been sent.
#[tokio::test]
async fn a_dial_given_up_in_a_black_hole_never_reaches_the_upstream() {
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    relay.black_hole(Direction::Both);
    let mut given_up = TcpStream::connect(relay.addr()).await.unwrap();
    given_up.write_all(b"early").await.unwrap();
    soon("picked up", relay.wait_for(|stats| stats.open == 1)).await.unwrap();
    drop(given_up);
    let mut second = TcpStream::connect(relay.addr()).await.unwrap();
    second.write_all(b"later").await.unwrap();
    soon("picked up", relay.wait_for(|stats| stats.open == 2)).await.unwrap();
    relay.restore().unwrap();
    let (mut server, _) = soon("dialled", upstream.accept()).await.unwrap();
    assert_eq!(reads(&mut server, 5).await, "later");
    let stats = soon("forgotten", relay.wait_for(|stats| stats.open == 1)).await.unwrap();
    assert_eq!((stats.reset, stats.unreachable), (0, 0));
}

#[tokio::test]
async fn more_connections_than_allowed_are_turned_away() {
    let (upstream, addr) = listener().await;
    let relay = Rig::builder().max_flows(1).build().tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    let mut second = TcpStream::connect(relay.addr()).await.unwrap();
    assert_eq!(breaks(&mut second).await, io::ErrorKind::ConnectionReset);
    assert_eq!(relay.stats().turned_away, 1);
    passes(&mut client, &mut server, "undisturbed").await;
}

#[tokio::test]
async fn the_losses_of_a_connection_are_those_its_key_foretells() {
    let (upstream, addr) = listener().await;
    let rig = Rig::builder().seed(9).conditions(Direction::Up, Conditions::clear().loss(0.3)).build();
    let relay = rig.tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    let key = relay.key(0, Way::Up);
    let mut foretold = 0;
    for n in 0..8 {
        // Each message is read before the next is written, so each is one segment.
        passes(&mut client, &mut server, "segment").await;
        foretold += u64::from(key.fate(n, &relay.conditions().up).lost);
        assert_eq!(relay.stats().up.lost, foretold);
    }
    assert!(foretold > 0, "a seed that loses nothing shows nothing");
}

#[tokio::test]
async fn no_task_and_no_port_is_left_after_a_drop() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let control = relay.control();
    let (mut client, server) = pair(relay.addr(), &upstream).await;
    relay.set(Direction::Both, Conditions::clear().delay(Duration::from_secs(3_600)).rate(100));
    for held in 1..=2 {
        client.write_all(b"in the air").await.unwrap();
        soon("taken", relay.wait_for(|stats| stats.up.held == held)).await.unwrap();
    }
    drop(relay);
    tasks_return_to(before).await;
    drop(server);
    assert_eq!((control.stats().open, control.stats().up.held), (0, 0));
    assert!(refused(control.addr()).await);
    assert!(matches!(control.refuse(false), Err(RigError::Closed { .. })));
    assert!(matches!(control.wait_for(|stats| stats.open == 9).await, Err(RigError::Closed { .. })));
    TcpListener::bind(control.addr()).await.expect("the port is free again");
}

#[tokio::test]
async fn a_shutdown_returns_when_everything_is_gone() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (upstream, addr) = listener().await;
    let relay = Rig::new(1).tcp(addr).await.unwrap();
    let (mut client, mut server) = pair(relay.addr(), &upstream).await;
    passes(&mut client, &mut server, "hello").await;
    let control = relay.control();
    soon("shut down", relay.shutdown()).await;
    assert_eq!(control.stats().open, 0);
    assert!(refused(control.addr()).await);
    tasks_return_to(before).await;
}

#[test]
fn a_control_works_on_threads_without_a_runtime_and_after_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let relay = runtime.block_on(async {
        let (_upstream, addr) = listener().await;
        Rig::new(1).tcp(addr).await.unwrap()
    });
    relay.cut();
    assert!(std::net::TcpStream::connect(relay.addr()).is_err());
    relay.restore().unwrap();
    assert!(std::net::TcpStream::connect(relay.addr()).is_ok());
    drop(runtime);
    relay.cut();
    relay.reset();
    // Whether the port can be had without its runtime does not matter; that nothing panics does.
    let _ = relay.restore();
    drop(relay);
}
