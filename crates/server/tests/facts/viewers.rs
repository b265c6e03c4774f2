//! Who sends all the same: what a viewer announces is refused (F53), and what it sends, or one that says it
//! is muted (F60), goes nowhere.

use crate::wire::{Member, Wire, credential, desired, join, pong, refusal_of, server};
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_media::{Next, Pattern, Source};
use offhook_server::{Grants, Mint, Server};
use offhook_signaling::{
    Desired, ErrorCode, FromClient, FromServer, Join, MediaKind, MidRef, Offer, Role, Sdp, Track,
};
use offhook_transport::media::{Codec, Gate, TrackSender, TrackSpec, local};
use offhook_transport_webrtc::peer::{Certificate, Peer, PeerConfig, PeerEvent, PeerEvents, Sending};
use std::time::Duration;
use tokio::time::{interval, timeout};

fn viewer(instance: u128) -> Join {
    let credential = Some(credential(&Mint::user("vic").grants(Grants::VIEWER)));
    Join { credential, ..join("vic", instance) }
}

/// A client that sends pictures, whatever it may.
struct Sender {
    member: Member,
    peer: Peer,
    events: PeerEvents,
    track: TrackSender,
    _sending: Sending,
    pattern: Encoding<Pattern>,
}

impl Sender {
    async fn enter(server: &Server, join: Join) -> Self {
        let certificate = Certificate::generate().expect("this machine has randomness");
        let mut config = PeerConfig::offerer(certificate).on_loopback();
        let gate = Gate::new();
        gate.open();
        config.gate = gate.clone();
        let (peer, events) = Peer::open(config).await.expect("loopback can be bound");
        let sdp = Sdp::new(peer.offer(false).await.expect("an offer"));
        // It says nothing of what it is going to send.
        let offer = Some(Offer { negotiation_id: 1, sdp, tracks: Vec::new() });
        let member = Wire::enter_with(server, Join { offer, ..join }).await;
        let answer = member.joined.answer.as_ref().expect("an answer to the offer");
        peer.accept_answer(answer.sdp.as_str()).await.expect("it fits");
        let (track, tapped) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
        let sending = peer.send_track("0", tapped.tap(), gate).await.expect("the section takes it");
        let pattern = Pattern::new(160, 96).expect("a size that can be");
        let pattern = Encoding::new(pattern, EncoderOptions::default()).expect("the encoder is built in");
        Self { member, peer, events, track, _sending: sending, pattern }
    }

    async fn connected(&mut self) {
        let connected = async {
            while let Some(event) = self.events.next().await {
                if event == PeerEvent::Connected {
                    return;
                }
            }
            panic!("the peer closed");
        };
        timeout(crate::wire::PATIENCE, connected).await.expect("in time");
    }

    /// Sends so many pictures, at the pace of a camera.
    async fn send(&mut self, pictures: u32) {
        let mut pace = interval(Duration::from_millis(40));
        for n in 0..pictures {
            pace.tick().await;
            match self.pattern.next_frame(n % 10 == 0) {
                Ok(Next::Frame(frame)) => {
                    self.track.try_send(frame);
                }
                Ok(Next::Nothing) => {}
                Ok(Next::Over) | Err(_) => panic!("a pattern never ends"),
            }
        }
    }
}

// F53
#[tokio::test]
async fn a_viewer_that_announces_a_track_is_refused_and_one_that_says_so_is_not() {
    let server = server().await;
    let track = Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid: Some("0".into()),
        width: None,
        height: None,
        codec: None,
        muted: false,
    };
    let announced = FromClient::Join(Join { tracks: vec![track], ..viewer(1) });
    assert_eq!(refusal_of(&server, &announced).await.0.code, ErrorCode::NotPermitted);
    crate::wire::empty(&server).await;
    let member = Wire::enter_with(&server, Join { viewer: true, ..viewer(1) }).await;
    assert!(!member.joined.capabilities.publish);
    assert_eq!(member.joined.snapshot.roster[0].role, Role::Viewer);
}

// F53, F60, R14: what a viewer sends all the same, or one whose desired state says that nothing comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_against_its_own_word_goes_nowhere() {
    let by_kind = Desired { muted_kinds: vec![MediaKind::Video], ..desired(1, None) };
    let by_name = Desired { muted: vec!["camera".into()], ..desired(1, None) };
    let camera = Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid: Some("0".into()),
        codec: None,
        width: None,
        height: None,
        muted: false,
    };
    for quiet in [
        viewer(1),
        Join { desired: by_kind, tracks: vec![camera.clone()], ..join("vic", 1) },
        Join { desired: by_name, tracks: vec![camera], ..join("vic", 1) },
    ] {
        goes_nowhere(quiet).await;
    }
}

/// The same pictures, sent by this one and by one who may.
async fn goes_nowhere(quiet: Join) {
    let server = server().await;
    let mut vic = Sender::enter(&server, quiet).await;
    let mut ada = Sender::enter(&server, join("ada", 2)).await;
    vic.connected().await;
    ada.connected().await;
    // The viewer's are out first, and as many.
    vic.send(25).await;
    ada.send(25).await;
    let painted = |message| match message {
        FromServer::Sending(section) => Some(section),
        _ => None,
    };
    assert_eq!(ada.member.wire.until("her picture, painted", painted).await, MidRef { mid: "0".into() });
    // Everything that was said to the viewer until now: nothing of it is a picture or a generation.
    vic.member.wire.say(&FromClient::Ping(offhook_signaling::Ping { id: 77 })).await;
    loop {
        match vic.member.wire.next().await.expect("it is inside") {
            FromServer::Pong(ping) if ping.id == 77 => break,
            FromServer::Sending(_) | FromServer::GenerationStarted(_) => panic!("its picture was taken"),
            _ => {}
        }
    }
    pong(&mut ada.member, 1).await;
    for sender in [vic, ada] {
        sender.peer.close().await;
    }
}
