//! A path judged from inside: answered checks, and a cut in one direction that no state shows.

mod peer_common;

use offhook_transport::media::Codec;
use offhook_transport_webrtc::peer::{PeerEvent, UdpMap};
use peer_common::*;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;

/// Stands between the client and the server; the way out can be cut.
struct Relay {
    address: SocketAddr,
    target: tokio::sync::watch::Sender<Option<SocketAddr>>,
    cut: Arc<AtomicBool>,
    /// Of the media on the way out, every how many-th packet is lost; 0 loses none.
    lose: Arc<AtomicU32>,
    lost: Arc<AtomicU32>,
}

impl Relay {
    fn start() -> Arc<Self> {
        let near = bind();
        let address = near.local_addr().expect("bound");
        let (target, mut to) = tokio::sync::watch::channel(None);
        let cut = Arc::new(AtomicBool::new(false));
        let lose = Arc::new(AtomicU32::new(0));
        let lost = Arc::new(AtomicU32::new(0));
        let (is_cut, losing, losses) = (cut.clone(), lose.clone(), lost.clone());
        tokio::spawn(async move {
            let Ok(to) = to.wait_for(Option::is_some).await.map(|to| to.expect("waited for")) else { return };
            let far = bind();
            let (mut out, mut back) = (vec![0; 2048], vec![0; 2048]);
            let (mut client, mut media) = (None, 0u32);
            loop {
                tokio::select! {
                    Ok((size, from)) = near.recv_from(&mut out) => {
                        client = Some(from);
                        media += u32::from(size > 100 && out[0] >= 128);
                        let nth = losing.load(Ordering::Acquire);
                        let lost = nth > 0 && media >= nth;
                        if lost {
                            media = 0;
                            losses.fetch_add(1, Ordering::AcqRel);
                        }
                        if !lost && !is_cut.load(Ordering::Acquire) {
                            let _ = far.send_to(&out[..size], to).await;
                        }
                    }
                    Ok((size, _)) = far.recv_from(&mut back) => {
                        if let Some(client) = client {
                            let _ = near.send_to(&back[..size], client).await;
                        }
                    }
                }
            }
        });
        Arc::new(Self { address, target, cut, lose, lost })
    }
}

fn bind() -> UdpSocket {
    let socket = StdSocket::bind("127.0.0.1:0").expect("loopback");
    socket.set_nonblocking(true).expect("a socket");
    UdpSocket::from_std(socket).expect("on a runtime")
}

struct Through(Arc<Relay>);

impl UdpMap for Through {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        self.0.target.send_replace(Some(candidate));
        Some(self.0.address)
    }
    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_the_way_out_is_told_though_packets_still_come_in() {
    let relay = Relay::start();
    let mut config = offerer();
    config.udp_map = Some(Arc::new(Through(relay.clone())));
    config.silent_after = Duration::from_secs(3);
    config.ice.disconnected = Duration::from_secs(2);
    let mut server = answerer();
    // The server sees nothing any more; it must go on sending all the same.
    server.ice.disconnected = Duration::from_secs(60);
    let (mut a, b) = pair(config, server).await;
    for _ in 0..2 {
        a.until("answer", |event| *event == PeerEvent::PathAnswered).await;
    }
    relay.cut.store(true, Ordering::Release);
    let begin = Instant::now();
    let feed = tokio::spawn(async move {
        // The far side talks on, so the engine sees life.
        loop {
            let _ = b.peer.send_data(b"life", true).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    a.seen.clear();
    a.until("silence", |event| matches!(event, PeerEvent::PathSilent { .. })).await;
    assert!(!a.seen.contains(&PeerEvent::IceDisconnected), "the engine's state shows nothing");
    println!("silence told after {:?}", begin.elapsed());
    assert!(begin.elapsed() > Duration::from_secs(1), "not at once");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    relay.cut.store(false, Ordering::Release);
    a.until("answer", |event| *event == PeerEvent::PathAnswered).await;
    feed.abort();
}

/// S12 (RFC 7675): where no check is answered any more nothing is sent, however long the engine
/// takes the pair for usable, and once one is answered media goes on from a key frame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_stops_when_consent_is_over_and_goes_on_with_the_next_answer() {
    let relay = Relay::start();
    let mut config = offerer();
    config.udp_map = Some(Arc::new(Through(relay.clone())));
    config.consent = Duration::from_secs(3);
    config.silent_after = Duration::from_secs(1);
    let mut server = answerer();
    let mut view = viewer(&mut server);
    let (mut a, _b) = pair(config, server).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    let feed = tokio::spawn(async move {
        for number in 0_u32.. {
            sender.try_send(picture(number, number == 0 || sender.key_frame_wanted(), 2_000));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(tokio::time::timeout(PATIENCE, view.video.next()).await.expect("media flows").is_some());
    relay.cut.store(true, Ordering::Release);
    a.until("silence", |event| matches!(event, PeerEvent::PathSilent { .. })).await;
    let out = async |peer: &offhook_transport_webrtc::peer::Peer| {
        let stats = peer.stats().await.expect("it is open");
        stats.streams.iter().filter(|stream| !stream.inbound).map(|stream| stream.frames).sum::<u64>()
    };
    let silent = out(&a.peer).await;
    let mut look = tokio::time::interval(Duration::from_millis(500));
    // The camera runs on all the time: frames that stay in their number went nowhere.
    let stopped = tokio::time::timeout(PATIENCE, async {
        let mut last = 0;
        loop {
            look.tick().await;
            let now = out(&a.peer).await;
            if std::mem::replace(&mut last, now) == now {
                return now;
            }
        }
    });
    let stopped = stopped.await.expect("nothing more is sent");
    assert!(stopped > silent, "silence alone is no loss of consent");
    relay.cut.store(false, Ordering::Release);
    a.until("answer", |event| *event == PeerEvent::PathAnswered).await;
    let goes_on = tokio::time::timeout(PATIENCE, async {
        while out(&a.peer).await <= stopped {
            look.tick().await;
        }
    });
    goes_on.await.expect("media goes on");
    feed.abort();
}

/// Lost packets are asked for again, and where that fails too, a key frame is. What comes out
/// is whole frames in order, never a torn one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lossy_path_still_gives_whole_frames_in_order() {
    let relay = Relay::start();
    let mut config = offerer();
    config.udp_map = Some(Arc::new(Through(relay.clone())));
    let mut server = answerer();
    let mut view = viewer(&mut server);
    let (a, _b) = pair(config, server).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    relay.lose.store(7, Ordering::Release);
    let feed = tokio::spawn(async move {
        let mut sent = Vec::new();
        for number in 0..200u32 {
            let frame = picture(number, number == 0 || sender.key_frame_wanted(), 2_000);
            sender.try_send(frame.clone());
            sent.push(frame);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sent
    });
    let mut got = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_secs(1), view.video.next()).await {
        got.push(frame);
    }
    let sent = feed.await.expect("fed");
    let mut place = 0;
    for frame in &got {
        let found = sent[place..].iter().position(|one| one.data == frame.data).expect("a sent frame, later");
        place += found + 1;
    }
    println!("{} of {} frames", got.len(), sent.len());
    let lost = relay.lost.load(Ordering::Acquire);
    assert!(lost > 20, "the path was lossy: {lost}");
    assert!(got.len() > 150, "retransmission repairs most: {} of {}", got.len(), sent.len());
}

/// G8 (algesten/str0m#530, #699): datagrams that are no protocol's, into a live connection, and
/// some that begin like STUN, DTLS and SRTP. None is answered with a panic; media goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_from_a_stranger_disturbs_nothing() {
    let mut config = answerer();
    let mut viewer = viewer(&mut config);
    let (mut a, mut b) = (End::open(offerer()).await, End::open(config).await);
    let offer = a.peer.offer(false).await.expect("an offer");
    let answer = b.peer.answer(&offer).await.expect("an answer");
    let host = answer.lines().find(|line| line.contains("typ host")).expect("a host candidate");
    let words: Vec<&str> = host.split_whitespace().collect();
    let door: SocketAddr = format!("{}:{}", words[4], words[5]).parse().expect("an address and a port");
    a.peer.accept_answer(&answer).await.expect("the answer fits");
    a.data_open().await;
    b.data_open().await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    let stranger = StdSocket::bind("127.0.0.1:0").expect("loopback");
    for number in 0..2_000u32 {
        // STUN, DTLS, SRTP and nothing known, each with a tail that is none of it.
        let first = [0, 22, 128, 255][number as usize % 4];
        let tail = number.wrapping_mul(2_654_435_761).to_be_bytes();
        let size = 1 + number as usize % 200;
        let junk: Vec<u8> = std::iter::once(first).chain(tail.into_iter().cycle()).take(size).collect();
        let _ = stranger.send_to(&junk, door);
    }
    let mut number = 0;
    let frame = tokio::time::timeout(PATIENCE, async {
        loop {
            sender.try_send(picture(number, number == 0 || sender.key_frame_wanted(), 2_000));
            number += 1;
            tokio::select! {
                frame = viewer.video.next() => return frame,
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    });
    assert!(frame.await.expect("media flows").is_some());
    assert!(a.peer.is_connected() && b.peer.is_connected());
}
