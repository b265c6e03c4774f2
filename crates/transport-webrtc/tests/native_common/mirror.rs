//! A far side that shows its inside: what came in is kept, what goes out is given by the test.
//! It speaks as much of the protocol as a link with media needs.

use super::hostile::{Guest, Hostile};
use offhook_signaling::{
    Acked, Answer, Capabilities, EndCode, Ended, Feature, FromClient, FromServer, Joined, Liveness, Offer,
    Party, Ping, Reliability, Sdp, Secret, SessionSnapshot, decode_from_client,
};
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, TrackSender, TrackSpec, local};
use offhook_transport_webrtc::peer::{Certificate, Gates, Intake, Peer, PeerConfig, PeerEvents, Sending};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Mirror {
    pub hostile: Hostile,
    seen: Arc<Mutex<Vec<EncodedFrame>>>,
    sender: TrackSender,
}

impl Mirror {
    pub async fn start() -> Self {
        let seen = Arc::<Mutex<Vec<EncodedFrame>>>::default();
        let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "mirror".into() });
        let into = seen.clone();
        let hostile = Hostile::serve(move |guest| serve(guest, into.clone(), track.clone())).await;
        Self { hostile, seen, sender }
    }

    pub fn send(&self, frame: EncodedFrame) -> bool {
        self.sender.try_send(frame)
    }

    pub fn take_seen(&self) -> Vec<EncodedFrame> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The media of one guest.
pub struct Media {
    pub peer: Peer,
    /// Its reports wait here unread; they are dropped with it.
    _events: PeerEvents,
    _sending: Option<Sending>,
}

async fn serve(mut guest: Guest, seen: Arc<Mutex<Vec<EncodedFrame>>>, track: LocalTrack) {
    let mut frames = Reliability::<FromServer>::new();
    let mut media = None::<Media>;
    while let Some(text) = guest.hear().await {
        let Ok(frame) = decode_from_client(text) else { break };
        if frames.receive(&frame).is_err() {
            break;
        }
        let answers = match frame.message {
            FromClient::Join(join) => {
                let offer = join.offer.as_ref().expect("a join on loopback carries its offer");
                let (answer, its) = answer(offer, &seen, &track, None).await;
                media = Some(its);
                let revision = join.desired.revision;
                vec![joined(answer), FromServer::Acked(Acked { revision, id: None })]
            }
            FromClient::Ping(Ping { id }) => vec![FromServer::Pong(Ping { id })],
            FromClient::Goodbye(_) => {
                let reason = EndCode::LeftByUser;
                vec![FromServer::Ended(Ended {
                    reason,
                    by: Party::User,
                    text: String::new(),
                    may_retry: true,
                })]
            }
            _ => Vec::new(),
        };
        for message in answers {
            guest.say(frames.frame(&message).expect("a good message")).await;
        }
    }
    if let Some(media) = media {
        media.peer.close().await;
    }
}

/// Answers a first offer, in these codecs or in all there are.
pub async fn answer(
    offer: &Offer,
    seen: &Arc<Mutex<Vec<EncodedFrame>>>,
    track: &LocalTrack,
    codecs: Option<Vec<Codec>>,
) -> (Answer, Media) {
    let certificate = Certificate::generate().expect("this machine has randomness");
    let mut config = PeerConfig::answerer(certificate).on_loopback();
    if let Some(codecs) = codecs {
        config.codecs = codecs;
    }
    let into = seen.clone();
    config.intake = Intake {
        frames: Some(Arc::new(move |_, frame| {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(frame.clone());
        })),
        ..Intake::default()
    };
    let gates = Gates::from(config.gate.clone());
    let (peer, events) = Peer::open(config).await.expect("loopback can be bound");
    let sdp = peer.answer(offer.sdp.as_str()).await.expect("a good offer");
    let mut sending = None;
    if let Some(section) = peer.sections().await.iter().find(|section| section.sends) {
        sending = peer.send_track(&section.mid, track.tap(), gates).await.ok();
    }
    let answer = Answer { negotiation_id: offer.negotiation_id, sdp: Sdp::new(sdp), mids: Vec::new() };
    (answer, Media { peer, _events: events, _sending: sending })
}

fn joined(answer: Answer) -> FromServer {
    FromServer::Joined(Joined {
        version: 1,
        session_id: "mirror".into(),
        resumed: false,
        resume_secret: Secret::new("0000"),
        resume_window_ms: 0,
        liveness: Liveness { ping_ms: 2000, silence_ms: 6000 },
        ice_servers: Vec::new(),
        answer: Some(answer),
        capabilities: Capabilities {
            features: vec![Feature::Prompt],
            publish: true,
            ..Capabilities::default()
        },
        expires_in_ms: None,
        snapshot: SessionSnapshot::default(),
        node: None,
    })
}
