//! What a resume says of the path it has, and when its restart is left unanswered.

use crate::inflow::{fault, offer};
use crate::resume::try_resume;
use crate::wire::{Member, Wire, join, pong, server};
use offhook_server::Server;
use offhook_signaling::{Answer, FromServer, Join, Offer, PathReport, Resume, Resumed, Sdp, Secret};
use offhook_transport_webrtc::peer::{Peer, PeerEvent, PeerEvents};
use std::time::Duration;
use tokio::time::timeout;

/// Ada with a path that works, which is of the offer 1.
struct Connected {
    server: Server,
    ada: Member,
    peer: Peer,
    events: PeerEvents,
}

async fn connected() -> Connected {
    let server = server().await;
    let (peer, mut events, offer) = offer(1, "camera").await;
    let ada = Wire::enter_with(&server, Join { offer: Some(offer), ..join("ada", 1) }).await;
    let answer = ada.joined.answer.as_ref().expect("the offer of the join is answered");
    peer.accept_answer(answer.sdp.as_str()).await.expect("a good answer");
    while !matches!(events.next().await.expect("the peer lives"), PeerEvent::Connected) {}
    Connected { server, ada, peer, events }
}

impl Connected {
    /// Resumes with a restart, and this word of the path.
    async fn resume(&mut self, epoch: u64, secret: &Secret, path: PathReport) -> Resumed {
        let sdp = Sdp::new(self.peer.create_offer(true).await.expect("an offer"));
        let restart = Offer { negotiation_id: epoch, sdp, tracks: Vec::new() };
        let resume = self.ada.resume(epoch, secret);
        let resume = Resume { offer: Some(restart), path: Some(path), ..resume };
        self.says(resume).await
    }

    async fn says(&mut self, resume: Resume) -> Resumed {
        let frames = std::mem::take(&mut self.ada.wire.frames);
        let (wire, first) = try_resume(&self.server, frames, resume).await;
        self.ada.wire = wire;
        let FromServer::Resumed(resumed) = first else { panic!("`resumed` was due: {first:?}") };
        resumed
    }
}

fn silent(negotiation_id: u64) -> PathReport {
    PathReport { negotiation_id, answers: false }
}

// Design §3: a path that works is not made anew because it was silent for a while.
#[tokio::test]
async fn a_path_that_works_is_kept_and_the_restart_beside_it_left_unanswered() {
    let mut it = connected().await;
    // Our checks, that is: the server's own were answered at about the same time.
    while !matches!(it.events.next().await.expect("the peer lives"), PeerEvent::PathAnswered) {}
    let secret = it.ada.joined.resume_secret.clone();
    let resumed = it.resume(2, &secret, silent(1)).await;
    assert_eq!(resumed.answer, None, "the server sees that it works");
    let resumed = it.resume(3, &resumed.secret, PathReport { answers: true, ..silent(1) }).await;
    assert_eq!(resumed.answer, None, "the client says so");
    it.peer.close().await;
}

// A dial that was given up may have been heard: then the two ends have different paths.
#[tokio::test]
async fn a_restart_is_answered_where_the_client_missed_an_answer() {
    let mut it = connected().await;
    let secret = it.ada.joined.resume_secret.clone();
    let resumed = it.resume(2, &secret, silent(0)).await;
    let of = |answer: Option<Answer>| answer.map(|answer| answer.negotiation_id);
    assert_eq!(of(resumed.answer), Some(2), "the path of 0 is not the server's");
    let answers = PathReport { negotiation_id: 1, answers: true };
    let resumed = it.resume(3, &resumed.secret, answers).await;
    assert_eq!(of(resumed.answer), Some(3), "it is of 2 by now, whatever still answers of 1");
    it.peer.close().await;
}

// R9: a NAT that has rebound is silent from both ends.
#[tokio::test]
async fn a_restart_is_answered_where_the_path_is_silent_for_the_server_too() {
    let mut it = connected().await;
    // Nobody answers there any more.
    it.peer.close().await;
    let mut told = None;
    for id in 0..20 {
        // A silent client would lose its link, and be told nothing.
        pong(&mut it.ada, id).await;
        told = timeout(Duration::from_secs(1), fault(&mut it.ada)).await.ok();
        if told.is_some() {
            break;
        }
    }
    assert_eq!(told.expect("it is told").negotiation_id, 1);
    let (other, _events, restart) = offer(2, "camera").await;
    it.peer = other;
    let secret = it.ada.joined.resume_secret.clone();
    let resume = Resume { offer: Some(restart), path: Some(silent(1)), ..it.ada.resume(2, &secret) };
    let resumed = it.says(resume).await;
    assert_eq!(resumed.answer.map(|answer| answer.negotiation_id), Some(2));
    it.peer.close().await;
}
