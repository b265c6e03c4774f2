//! Facts about UDP through a relay, with real sockets. Nothing here measures an upper bound of time.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::UdpSocket, runtime::Handle, time::Instant};

use crate::{
    Conditions, Direction, Rig, RigError, UdpRelay, Way,
    testing::{soon, tasks_return_to},
};

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("loopback can be bound")
}

async fn next(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut buffer = [0; 2_048];
    let (len, from) = soon("a datagram", socket.recv_from(&mut buffer)).await.expect("sockets stay open");
    (String::from_utf8(buffer[..len].to_vec()).expect("tests send text"), from)
}

/// A client, an upstream, and a relay between them.
async fn line(rig: &Rig) -> (UdpSocket, UdpSocket, UdpRelay) {
    let (client, server) = (socket().await, socket().await);
    let relay = rig.udp(server.local_addr().unwrap()).await.unwrap();
    (client, server, relay)
}

#[tokio::test]
async fn each_end_knows_the_other_by_the_relay_alone() {
    // What ICE needs: the client's remote candidate is the relay's address, and answers come from there; to the
    // server the client is peer-reflexive at the relay's upstream-side socket, and answers to that come through.
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"check", relay.addr()).await.unwrap();
    let (text, seen) = next(&server).await;
    assert_eq!(text, "check");
    assert_ne!(seen, client.local_addr().unwrap());
    assert_ne!(seen, relay.addr());
    server.send_to(b"response", seen).await.unwrap();
    assert_eq!(next(&client).await, ("response".to_owned(), relay.addr()));
    let flow = relay.flows()[0];
    assert_eq!((flow.client, flow.seen_as), (client.local_addr().unwrap(), Some(seen)));
}

#[tokio::test]
async fn each_client_has_its_own_upstream_side_and_gets_its_own_answers() {
    let (first, server, relay) = line(&Rig::new(1)).await;
    let second = socket().await;
    first.send_to(b"first", relay.addr()).await.unwrap();
    let (_, seen_first) = next(&server).await;
    second.send_to(b"second", relay.addr()).await.unwrap();
    let (_, seen_second) = next(&server).await;
    assert_ne!(seen_first, seen_second);
    server.send_to(b"to second", seen_second).await.unwrap();
    server.send_to(b"to first", seen_first).await.unwrap();
    assert_eq!(next(&first).await.0, "to first");
    assert_eq!(next(&second).await.0, "to second");
}

#[tokio::test]
async fn a_stranger_cannot_send_to_a_client_through_its_mapping() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"open", relay.addr()).await.unwrap();
    let (_, seen) = next(&server).await;
    socket().await.send_to(b"forged", seen).await.unwrap();
    server.send_to(b"genuine", seen).await.unwrap();
    assert_eq!(next(&client).await.0, "genuine");
    assert_eq!(relay.stats().down.passed, 1);
}

#[tokio::test]
async fn media_alone_can_be_swallowed_in_one_way_while_checks_pass() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    let mut buffer = [0; 64];
    relay.swallow_media(Direction::Up);
    // RTP and RTCP begin with 128 to 191; STUN, DTLS and TURN channels with less, nothing with more.
    for first in [128_u8, 144, 191, 0, 20, 64, 127, 192] {
        client.send_to(&[first], relay.addr()).await.unwrap();
    }
    let mut seen = server.local_addr().unwrap();
    for first in [0, 20, 64, 127, 192] {
        let (len, from) = soon("what is no media", server.recv_from(&mut buffer)).await.unwrap();
        assert_eq!(buffer[..len], [first]);
        seen = from;
    }
    server.send_to(&[128], seen).await.unwrap();
    let (len, _) = soon("media the other way", client.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(buffer[..len], [128]);
    assert_eq!((relay.stats().up.cut, relay.stats().down.cut), (3, 0));
    relay.restore().unwrap();
    client.send_to(&[128], relay.addr()).await.unwrap();
    let (len, _) = soon("media again", server.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(buffer[..len], [128]);
}

#[tokio::test]
async fn a_tap_is_shown_every_datagram_also_those_that_get_nowhere() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    let (shown, mut seen) = tokio::sync::mpsc::channel(8);
    relay.tap(move |way, datagram| shown.try_send((way, datagram.to_vec())).unwrap());
    client.send_to(b"through", relay.addr()).await.unwrap();
    let (_, from) = next(&server).await;
    relay.black_hole(Direction::Both);
    client.send_to(b"swallowed", relay.addr()).await.unwrap();
    server.send_to(b"this too", from).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(soon("a datagram at the tap", seen.recv()).await.unwrap());
    }
    // Which way is read first, is the relay's own affair.
    all[1..].sort_by(|one, other| one.1.cmp(&other.1));
    let expected = [(Way::Up, "through"), (Way::Up, "swallowed"), (Way::Down, "this too")];
    assert_eq!(all, expected.map(|(way, text)| (way, text.as_bytes().to_vec())));
}

#[tokio::test]
async fn datagrams_keep_their_bounds_even_when_empty_or_large() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    let mut buffer = vec![0; 70_000];
    for len in [0_usize, 1, 1_472, 60_000] {
        client.send_to(&vec![7; len], relay.addr()).await.unwrap();
        let (got, _) = soon("a datagram", server.recv_from(&mut buffer)).await.unwrap();
        assert_eq!(got, len);
    }
    soon("counted", relay.wait_for(|stats| stats.up.passed == 4)).await.unwrap();
    assert_eq!(relay.stats().up.bytes, 61_473);
}

#[tokio::test]
async fn nothing_arrives_before_its_delay() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    relay.set(Direction::Up, Conditions::clear().delay(Duration::from_millis(40)));
    let sent = Instant::now();
    client.send_to(b"up", relay.addr()).await.unwrap();
    let (_, seen) = next(&server).await;
    assert!(sent.elapsed() >= Duration::from_millis(40));
    relay.set(Direction::Down, Conditions::clear().delay(Duration::from_millis(30)));
    let sent = Instant::now();
    server.send_to(b"down", seen).await.unwrap();
    next(&client).await;
    assert!(sent.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn the_datagrams_lost_and_doubled_are_those_the_key_foretells() {
    let rough = Conditions::clear().loss(0.3).duplicate(0.3);
    let rig = Rig::builder().seed(11).conditions(Direction::Up, rough).build();
    let (client, server, relay) = line(&rig).await;
    let key = relay.key(0, Way::Up);
    let mut foretold = Vec::new();
    for n in 0..40_u64 {
        client.send_to(n.to_string().as_bytes(), relay.addr()).await.unwrap();
        let fate = key.fate(n, &rough);
        let copies = usize::from(!fate.lost) * (1 + usize::from(fate.duplicated));
        foretold.extend(std::iter::repeat_n(n.to_string(), copies));
    }
    let mut got = Vec::new();
    for _ in 0..foretold.len() {
        got.push(next(&server).await.0);
    }
    assert_eq!(got, foretold);
    let done = |stats: &crate::Stats| stats.up.passed + stats.up.lost == 40;
    let stats = soon("all settled", relay.wait_for(done)).await.unwrap();
    assert!(stats.up.lost > 0 && stats.up.duplicated > 0, "{stats:?}");
    assert_eq!(stats.up.passed + stats.up.duplicated, foretold.len() as u64);
    let nothing = server.try_recv(&mut [0; 8]);
    assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_reordered_datagram_is_passed_by_the_next() {
    let rough = Conditions::clear().reorder(0.5, Duration::from_millis(150));
    let rig = Rig::builder().seed(3).conditions(Direction::Up, rough).build();
    let (client, server, relay) = line(&rig).await;
    let key = relay.key(0, Way::Up);
    for n in 0..10_u64 {
        client.send_to(n.to_string().as_bytes(), relay.addr()).await.unwrap();
    }
    let mut got = Vec::new();
    for _ in 0..10 {
        got.push(next(&server).await.0.parse::<u64>().unwrap());
    }
    let kept: Vec<u64> = got.iter().copied().filter(|n| !key.fate(*n, &rough).reordered).collect();
    assert!(kept.is_sorted(), "{got:?}");
    assert!(!got.is_sorted(), "{got:?}");
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    relay.set(Direction::Up, Conditions::clear().rate(1).queue(3 * 128));
    for _ in 0..10 {
        client.send_to(&[7; 100], relay.addr()).await.unwrap();
    }
    soon("overflow", relay.wait_for(|stats| stats.up.overflowed == 7)).await.unwrap();
    relay.set(Direction::Up, Conditions::clear());
    for _ in 0..3 {
        next(&server).await;
    }
    soon("the rest", relay.wait_for(|stats| stats.up.passed == 3)).await.unwrap();
}

#[tokio::test]
async fn a_cut_drops_what_arrives_and_what_is_in_the_air_and_a_restore_ends_it() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    relay.set(Direction::Up, Conditions::clear().delay(Duration::from_secs(3_600)));
    client.send_to(b"in the air", relay.addr()).await.unwrap();
    soon("taken", relay.wait_for(|stats| stats.up.held == 1)).await.unwrap();
    relay.cut();
    client.send_to(b"too late", relay.addr()).await.unwrap();
    soon("both dropped", relay.wait_for(|stats| stats.up.cut == 2)).await.unwrap();
    relay.set(Direction::Up, Conditions::clear());
    relay.restore().unwrap();
    client.send_to(b"again", relay.addr()).await.unwrap();
    assert_eq!(next(&server).await.0, "again");
}

#[tokio::test]
async fn a_cut_however_short_loses_what_is_in_the_air_that_way() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"open", relay.addr()).await.unwrap();
    let (_, seen) = next(&server).await;
    relay.set(Direction::Both, Conditions::clear().delay(Duration::from_secs(3_600)));
    client.send_to(b"lost", relay.addr()).await.unwrap();
    server.send_to(b"kept", seen).await.unwrap();
    soon("both in the air", relay.wait_for(|stats| stats.up.held + stats.down.held == 2)).await.unwrap();
    relay.black_hole(Direction::Up);
    relay.restore().unwrap();
    let stats = soon("dropped", relay.wait_for(|stats| stats.up.cut == 1)).await.unwrap();
    assert_eq!((stats.up.held, stats.down.held, stats.down.cut), (0, 1, 0));
}

#[tokio::test]
async fn a_one_way_cut_leaves_the_other_way_open() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"open", relay.addr()).await.unwrap();
    let (_, seen) = next(&server).await;
    relay.black_hole(Direction::Up);
    client.send_to(b"lost", relay.addr()).await.unwrap();
    server.send_to(b"heard", seen).await.unwrap();
    assert_eq!(next(&client).await.0, "heard");
    let stats = soon("cut", relay.wait_for(|stats| stats.up.cut == 1)).await.unwrap();
    assert_eq!((stats.up.passed, stats.down.passed, stats.down.cut), (1, 1, 0));
}

#[tokio::test]
async fn a_rebind_changes_the_address_the_upstream_sees_and_closes_the_old_one() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"before", relay.addr()).await.unwrap();
    let (_, old) = next(&server).await;
    soon("rebound", relay.rebind()).await.unwrap();
    server.send_to(b"to the old address", old).await.unwrap();
    client.send_to(b"after", relay.addr()).await.unwrap();
    let (_, new) = next(&server).await;
    assert_ne!(old, new);
    assert_eq!(relay.flows()[0].seen_as, Some(new));
    server.send_to(b"to the new address", new).await.unwrap();
    assert_eq!(next(&client).await, ("to the new address".to_owned(), relay.addr()));
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_counted_and_may_come_later() {
    let (client, server, relay) = line(&Rig::new(1)).await;
    let addr = server.local_addr().unwrap();
    drop(server);
    client.send_to(b"anybody?", relay.addr()).await.unwrap();
    soon("sent", relay.wait_for(|stats| stats.up.passed == 1)).await.unwrap();
    // The system reports it with the next datagram at the latest.
    client.send_to(b"hello?", relay.addr()).await.unwrap();
    soon("reported", relay.wait_for(|stats| stats.up.failed > 0 && stats.up.passed == 2)).await.unwrap();
    let server = UdpSocket::bind(addr).await.unwrap();
    client.send_to(b"now?", relay.addr()).await.unwrap();
    assert_eq!(next(&server).await.0, "now?");
}

#[tokio::test]
async fn more_clients_than_allowed_displace_the_one_longest_silent() {
    let (first, server, relay) = line(&Rig::builder().max_flows(2).build()).await;
    let (second, third) = (socket().await, socket().await);
    for client in [&first, &second, &first, &third] {
        client.send_to(b"here", relay.addr()).await.unwrap();
        next(&server).await;
    }
    let clients: Vec<_> = relay.flows().iter().map(|flow| flow.client).collect();
    assert_eq!(clients, [first.local_addr().unwrap(), third.local_addr().unwrap()]);
    assert_eq!((relay.stats().open, relay.stats().turned_away), (2, 1));
}

#[tokio::test]
async fn no_task_and_no_port_is_left_after_a_drop() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (client, _server, relay) = line(&Rig::new(1)).await;
    relay.set(Direction::Up, Conditions::clear().delay(Duration::from_secs(3_600)));
    client.send_to(b"in the air", relay.addr()).await.unwrap();
    soon("taken", relay.wait_for(|stats| stats.up.held == 1)).await.unwrap();
    let control = relay.control();
    drop(relay);
    tasks_return_to(before).await;
    assert_eq!((control.stats().open, control.stats().up.held, control.flows()), (0, 0, Vec::new()));
    assert!(matches!(control.rebind().await, Err(RigError::Closed { .. })));
    UdpSocket::bind(control.addr()).await.expect("the port is free again");
}

#[tokio::test]
async fn a_shutdown_returns_when_everything_is_gone() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (client, server, relay) = line(&Rig::new(1)).await;
    client.send_to(b"hello", relay.addr()).await.unwrap();
    next(&server).await;
    let addr = relay.addr();
    soon("shut down", relay.shutdown()).await;
    UdpSocket::bind(addr).await.expect("the port is free again");
    tasks_return_to(before).await;
}
