//! What a client says it sends, and what comes of it.

use crate::wire::{Wire, join, pong, server};
use offhook_server::Server;
use offhook_signaling::{
    FromClient, FromServer, Instance, Join, MediaFault, MediaKind, Member, MidRef, Offer, Sdp, Track,
};
use offhook_transport::media::Gate;
use offhook_transport_webrtc::peer::{Certificate, Peer, PeerConfig, PeerEvents};
use std::time::Duration;
use tokio::time::timeout;

/// A peer with an offer of one video section, and what it calls its track.
pub(crate) async fn offer(negotiation_id: u64, track: &str) -> (Peer, PeerEvents, Offer) {
    let certificate = Certificate::generate().expect("this machine has randomness");
    let mut config = PeerConfig::offerer(certificate).on_loopback();
    let gate = Gate::new();
    gate.open();
    config.gate = gate;
    let (peer, events) = Peer::open(config).await.expect("loopback can be bound");
    let sdp = Sdp::new(peer.offer(false).await.expect("an offer"));
    let tracks = vec![Track {
        track: track.into(),
        kind: MediaKind::Video,
        mid: Some("0".into()),
        width: None,
        height: None,
        codec: None,
        muted: false,
    }];
    (peer, events, Offer { negotiation_id, sdp, tracks })
}

pub(crate) async fn fault(member: &mut crate::wire::Member) -> MediaFault {
    member
        .wire
        .until("media_fault", |message| match message {
            FromServer::MediaFault(fault) => Some(fault),
            _ => None,
        })
        .await
}

// R9: the server is the only one who can know.
#[tokio::test]
async fn what_is_said_to_be_sent_and_does_not_come_is_a_fault_of_its_negotiation() {
    let server = server().await;
    let (peer, _events, offer) = offer(3, "camera").await;
    let mut member = Wire::enter_with(&server, Join { offer: Some(offer), ..join("ada", 1) }).await;
    member.wire.say(&FromClient::Sending(MidRef { mid: "0".into() })).await;
    // Its own signs of life keep the link; its media is what is missing.
    let mut found = None;
    for id in 0..10 {
        pong(&mut member, id).await;
        if let Ok(fault) = timeout(Duration::from_secs(2), fault(&mut member)).await {
            found = Some(fault);
            break;
        }
    }
    let fault = found.expect("it is told");
    assert_eq!(fault.negotiation_id, 3);
    assert!(fault.text.is_some());
    peer.close().await;
}

async fn of_ada(server: &Server) -> Member {
    let mut watcher = Wire::enter(server, "watcher", 9).await;
    watcher.wire.say(&crate::wire::goodbye()).await;
    watcher.wire.rest().await;
    let roster = watcher.joined.snapshot.roster;
    roster.into_iter().find(|member| member.instance == Instance(1)).expect("she is there")
}

// A track that was published after the join is known to those who come later, and to a resume.
#[tokio::test]
async fn a_track_that_is_published_later_is_in_the_roster_and_in_the_resume() {
    let server = server().await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    assert!(of_ada(&server).await.tracks.is_empty());
    let (peer, _events, later) = offer(1, "screen").await;
    ada.wire.say(&FromClient::Offer(later.clone())).await;
    let answered = ada.wire.until("the answer", |message| match message {
        FromServer::Answer(answer) => Some(answer.negotiation_id),
        _ => None,
    });
    assert_eq!(answered.await, 1);
    let seen = bob.wire.until("her track", |message| match message {
        FromServer::MemberUpdated(change) if change.member.instance == Instance(1) => {
            Some(change.member.tracks)
        }
        _ => None,
    });
    assert_eq!(seen.await, later.tracks);
    pong(&mut ada, 1).await;
    let resume = ada.resume(2, &ada.joined.resume_secret);
    let mut wire = Wire::dial(&server).await;
    wire.frames = std::mem::take(&mut ada.wire.frames);
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Resumed(resumed)) = wire.next().await else { panic!("`resumed` was due") };
    let me = resumed.snapshot.roster.iter().find(|member| member.instance == Instance(1));
    assert_eq!(me.map(|member| &member.tracks), Some(&later.tracks));
    peer.close().await;
}

// B8, C18: what a rejoin brings about is what a clean join would.
#[tokio::test]
async fn the_tracks_after_a_rejoin_are_those_of_a_clean_join() {
    let server = server().await;
    let (first, _first_events, one) = offer(1, "camera").await;
    let ada = Wire::enter_with(&server, Join { offer: Some(one), ..join("ada", 1) }).await;
    ada.wire.lose();
    let (second, _second_events, two) = offer(2, "camera").await;
    let again = Join { epoch: 2, offer: Some(two.clone()), ..join("ada", 1) };
    let mut ada = Wire::enter_with(&server, again.clone()).await;
    let rejoined = of_ada(&server).await;
    ada.wire.say(&crate::wire::goodbye()).await;
    ada.wire.rest().await;
    let (third, _third_events, three) = offer(2, "camera").await;
    Wire::enter_with(&server, Join { epoch: 3, offer: Some(three), ..again }).await;
    assert_eq!(rejoined, of_ada(&server).await);
    assert_eq!(rejoined.tracks, two.tracks);
    for peer in [first, second, third] {
        peer.close().await;
    }
}
