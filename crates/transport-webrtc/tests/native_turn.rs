//! A session whose only way is a real TURN server (coturn), named by the far side when it lets us
//! in. Without one, or without an address beside loopback, each test says so and is over.

mod native_common;
mod turn_common;

use native_common::*;
use offhook_server::{IceServer, Server};
use offhook_transport::{Action, Event};
use offhook_transport_webrtc::native::WebRtc;
use std::net::SocketAddr;
use turn_common::{PASSWORD, Turn, USER, Wall};

/// A server on the address of the relay, which it tells its members to use.
async fn beside(turn: &Turn) -> Server {
    let ip = turn.address.ip();
    let relay = IceServer {
        urls: vec![format!("turn:{}?transport=udp", turn.address)],
        username: Some(USER.into()),
        credential: Some(offhook_transport::Secret::new(PASSWORD)),
    };
    let builder = Server::builder().bind(format!("{ip}:0")).allow_host(ip.to_string());
    builder
        .media_bind(vec![SocketAddr::new(ip, 0)])
        .ice_servers([relay])
        .start()
        .await
        .expect("it can be bound")
}

/// Joins, is repainted and leaves.
async fn joins(transport: &WebRtc, server: &Server) {
    let ports = ports();
    let mut line = Line::joined(transport, ports.on(join(Some(credential(server))))).await;
    assert!(line.said(&Event::Answered));
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
}

/// The offer goes out before any ICE server is known; those of `joined` count, and where direct
/// UDP is blocked the session comes up through the relay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_ice_servers_carry_a_join_where_direct_udp_is_blocked() {
    let Some(turn) = Turn::or_skip() else { return };
    let (server, wall) = (beside(&turn).await, Wall::start(&turn).await);
    let transport = WebRtc::new(server.url())
        .dangerous_allow_plain_ws()
        .bind([SocketAddr::new(turn.address.ip(), 0)])
        .udp_map(wall.clone());
    joins(&transport, &server).await;
    assert!(wall.turned_away() > 0, "the direct way was tried");
    server.shutdown().await;
}

/// S13: relay only, over the servers that the far side names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_only_joins_through_the_servers_that_the_far_side_names() {
    let Some(turn) = Turn::or_skip() else { return };
    let server = beside(&turn).await;
    let transport = WebRtc::new(server.url())
        .dangerous_allow_plain_ws()
        .bind([SocketAddr::new(turn.address.ip(), 0)])
        .relay_only();
    joins(&transport, &server).await;
    server.shutdown().await;
}

/// S13: a far side that names no relay is told nothing of this machine; the dial fails, typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_only_fails_where_the_far_side_names_no_relay() {
    let server = server().await;
    let transport = WebRtc::new(server.url()).relay_only();
    let ports = ports();
    let mut line = Line::dial(&transport, ports.on(join(Some(credential(&server)))));
    let failed = line.until("a failure", |event| matches!(event, Event::DialFailed(_))).await;
    let text = format!("{failed:?}");
    assert!(text.contains("NoRelay"), "{text}");
    line.finish().await;
    server.shutdown().await;
}
