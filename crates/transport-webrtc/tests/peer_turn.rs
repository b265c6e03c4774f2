//! TURN against a real relay server (coturn). Without one, or without an address beside loopback,
//! each test says so and is over.

mod peer_common;
mod turn_common;

use offhook_transport::media::Codec;
use offhook_transport_webrtc::peer::{
    LocalCandidate, Peer, PeerConfig, PeerError, PeerEvent, RemoteCandidate, UdpMap,
};
use peer_common::*;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use turn_common::*;

/// A peer on the address that the relay server is on.
fn beside(mut config: PeerConfig, turn: &Turn) -> PeerConfig {
    config.bind = vec![SocketAddr::new(turn.address.ip(), 0)];
    config.include_loopback = false;
    config
}

/// Writes down where a peer was told to send.
#[derive(Default)]
struct Watch(Mutex<Vec<SocketAddr>>);

impl Watch {
    fn seen(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl UdpMap for Watch {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(candidate);
        Some(candidate)
    }
}

/// A peer that is told nobody's address: it answers those who ask.
struct Nobody;

impl UdpMap for Nobody {
    fn remote(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}

/// Passes candidates on, both ways, until both are connected.
async fn trickle(a: &mut End, b: &mut End) {
    let both = async {
        let (mut one, mut other) = (false, false);
        while !(one && other) {
            tokio::select! {
                event = a.events.next() => one |= pass(event, &b.peer).await,
                event = b.events.next() => other |= pass(event, &a.peer).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("both connect");
}

/// True if it was the connection.
async fn pass(event: Option<PeerEvent>, to: &Peer) -> bool {
    match event.expect("a peer that lives") {
        PeerEvent::Candidate(LocalCandidate { candidate, mid, ufrag }) => {
            let candidate = RemoteCandidate { candidate, mid: Some(mid), ufrag: Some(ufrag) };
            to.add_remote_candidate(candidate).await.expect("a candidate of ours can be read");
            false
        }
        event => event == PeerEvent::Connected,
    }
}

async fn shows_pictures(from: &End, mut view: Viewer) {
    let (sender, _sending) = publish(&from.peer, Codec::H264, open_gate()).await;
    let sent = tokio::spawn(async move {
        for frame in clip().into_iter().cycle() {
            let _ = sender.try_send(frame);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    for _ in 0..5 {
        tokio::time::timeout(PATIENCE, view.video.next()).await.expect("pictures").expect("it lives");
    }
    sent.abort();
}

/// The candidates of an offer, by their sort.
fn sorts(sdp: &str) -> BTreeSet<&str> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .filter_map(|candidate| candidate.split(' ').skip_while(|word| *word != "typ").nth(1))
        .collect()
}

/// S13: with relay only, no candidate names this machine, and media flows all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_only_sends_everything_through_the_relay() {
    let Some(turn) = Turn::or_skip() else { return };
    let mut config = beside(offerer(), &turn);
    config.relay_only = true;
    config.ice_servers = vec![turn.server()];
    let mut server = beside(answerer(), &turn);
    let from = Arc::new(Watch::default());
    server.udp_map = Some(from.clone());
    let view = viewer(&mut server);
    let (mut a, mut b) = (End::open(config).await, End::open(server).await);
    let offer = a.peer.offer(false).await.expect("an offer");
    assert!(sorts(&offer).iter().all(|sort| *sort == "relay"), "{offer}");
    let answer = b.peer.answer(&offer).await.expect("an answer");
    a.peer.accept_answer(&answer).await.expect("the answer fits");
    trickle(&mut a, &mut b).await;
    for candidate in from.seen() {
        assert!(turn.relays.contains(&candidate.port()), "{candidate} is no address of the relay");
    }
    shows_pictures(&a, view).await;
}

/// The far side's ICE servers come with its answer, after the offer was made: they count, and with
/// nothing but the relay able to reach the far side, the session comes up through it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_come_with_the_answer_carry_where_direct_udp_is_blocked() {
    let Some(turn) = Turn::or_skip() else { return };
    let wall = Wall::start(&turn).await;
    let mut config = beside(offerer(), &turn);
    config.udp_map = Some(wall.clone());
    let mut server = beside(answerer(), &turn);
    // The server answers whoever comes through the wall, and knows nobody's address.
    server.udp_map = Some(Arc::new(Nobody));
    let view = viewer(&mut server);
    let (mut a, mut b) = (End::open(config).await, End::open(server).await);
    let offer = a.peer.create_offer(false).await.expect("an offer");
    let answer = b.peer.answer(&offer).await.expect("an answer");
    assert_eq!(a.peer.set_ice_servers(&[turn.server()]).await.expect("they fit"), 0);
    a.peer.apply_offer().await.expect("its turn");
    a.peer.accept_answer(&answer).await.expect("the answer fits");
    trickle(&mut a, &mut b).await;
    shows_pictures(&a, view).await;
    assert!(wall.turned_away() > 0, "the direct way was tried");
}

/// Without the relay the same wall keeps the two apart: it is the relay that carries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_relay_the_wall_keeps_them_apart() {
    let Some(turn) = Turn::or_skip() else { return };
    let wall = Wall::start(&turn).await;
    let mut config = beside(offerer(), &turn);
    config.udp_map = Some(wall.clone());
    config.ice.checks = 20;
    let mut server = beside(answerer(), &turn);
    server.udp_map = Some(Arc::new(Nobody));
    let (mut a, b) = (End::open(config).await, End::open(server).await);
    negotiate(&a.peer, &b.peer, false).await;
    let failed = |event: &PeerEvent| matches!(event, PeerEvent::Connected | PeerEvent::IceFailed);
    let _ = tokio::time::timeout(Duration::from_secs(5), a.until("an end", failed)).await;
    assert!(!a.seen.contains(&PeerEvent::Connected), "{:?}", a.seen);
    assert!(wall.turned_away() > 0);
}

/// A wrong password is no panic and no hang: there is no relay candidate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_us_gives_no_candidate() {
    let Some(turn) = Turn::or_skip() else { return };
    let mut config = beside(offerer(), &turn);
    config.relay_only = true;
    let mut refused = turn.server();
    refused.credential = Some(offhook_transport::Secret::new("wrong"));
    config.ice_servers = vec![refused];
    let (mut a, b) = (End::open(config).await, End::open(beside(answerer(), &turn)).await);
    negotiate(&a.peer, &b.peer, false).await;
    a.until("the end of candidates", |event| matches!(event, PeerEvent::CandidatesEnd { .. })).await;
    assert!(!a.seen.iter().any(|event| matches!(event, PeerEvent::Candidate { .. })), "{:?}", a.seen);
}

/// S13: with relay only and no relay, nothing is gathered at all, before or after the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_only_without_a_relay_gathers_nothing() {
    let mut config = offerer();
    config.relay_only = true;
    let (a, b) = (End::open(config).await, End::open(answerer()).await);
    let offer = a.peer.create_offer(false).await.expect("an offer");
    b.peer.answer(&offer).await.expect("an answer");
    a.peer.set_ice_servers(&[]).await.expect("none");
    assert_eq!(a.peer.apply_offer().await, Err(PeerError::NoRelay));
    assert_eq!(a.peer.offer(false).await, Err(PeerError::NoRelay));
}
