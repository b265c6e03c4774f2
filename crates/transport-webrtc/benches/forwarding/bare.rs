//! The same room of the engine alone: ten of its connections, as its own examples make them, and a
//! loop that writes what comes on one to a track of each of the others.

use crate::MEMBERS;
use crate::crowd::{Counts, Crowd, Run, measured};
use crate::peer_common::{End, offerer, open_gate};
use offhook_transport::media::{Kind, LocalTrack};
use offhook_transport_webrtc::peer::{Direction, SectionSpec, Sending};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCSessionDescription, Registry, SettingEngineBuilder,
};
use webrtc::runtime::TokioRuntime;

/// A way out, and the SSRC that goes out on it.
type Out = (u32, Arc<TrackLocalStaticRTP>);
/// The ways out of what each member sends, by member.
type Outs = Arc<Vec<Mutex<Vec<Out>>>>;

struct Handler {
    member: usize,
    outs: Outs,
    gathered: watch::Sender<bool>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (outs, member) = (self.outs.clone(), self.member);
        tokio::spawn(async move {
            let mut ways = Vec::new();
            while let Some(event) = track.poll().await {
                let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
                // Everybody is there before anything is sent, and nobody comes later.
                if ways.is_empty() {
                    ways.clone_from(&outs[member].lock().unwrap_or_else(PoisonError::into_inner));
                }
                for (ssrc, out) in &ways {
                    let header = rtp::Header {
                        version: 2,
                        marker: packet.header.marker,
                        payload_type: packet.header.payload_type,
                        sequence_number: packet.header.sequence_number,
                        timestamp: packet.header.timestamp,
                        ssrc: *ssrc,
                        ..rtp::Header::default()
                    };
                    let payload = packet.payload.clone();
                    out.write_rtp(rtp::Packet { header, payload }).await.expect("nobody has left");
                }
            }
        });
    }
}

/// As the members offer it.
fn codec() -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "video/H264".into(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".into(),
            rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir")],
        },
        payload_type: 125,
    }
}

fn way_out(from: usize, to: usize) -> Out {
    let ssrc = 1_000 + (from * MEMBERS + to) as u32;
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codec().rtp_codec,
        ..Default::default()
    };
    let name = format!("from {from}");
    let track = MediaStreamTrack::new(name.clone(), name.clone(), name, RtpCodecKind::Video, vec![encoding]);
    (ssrc, Arc::new(TrackLocalStaticRTP::new(track)))
}

/// One member's connection, and the answer to its offer.
async fn connection(
    member: usize,
    offer: String,
    outs: Outs,
) -> webrtc::error::Result<(Arc<dyn PeerConnection>, String)> {
    let (gathered, mut gathering) = watch::channel(false);
    let mut media = MediaEngine::default();
    media.register_codec(codec(), RtpCodecKind::Video)?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let pc: Arc<dyn PeerConnection> = Arc::new(
        PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_setting_engine(SettingEngineBuilder::new().with_include_loopback_candidate(true).build())
            .with_interceptor_registry(registry)
            .with_runtime(Arc::new(TokioRuntime))
            .with_handler(Arc::new(Handler { member, outs: outs.clone(), gathered }))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await?,
    );
    pc.set_remote_description(RTCSessionDescription::offer(offer)?).await?;
    for from in (0..MEMBERS).filter(|from| *from != member) {
        let (ssrc, track) = way_out(from, member);
        pc.add_track(track.clone()).await?;
        outs[from].lock().unwrap_or_else(PoisonError::into_inner).push((ssrc, track));
    }
    let answer = pc.create_answer(None).await?;
    pc.set_local_description(answer).await?;
    let _ = gathering.wait_for(|done| *done).await;
    let sdp = pc.local_description().await.map(|description| description.sdp);
    Ok((pc, sdp.expect("it was just set")))
}

/// A member: the same connection that a client of ours has, without the signaling.
async fn member(
    far: &Handle,
    at: usize,
    outs: &Outs,
    track: &LocalTrack,
) -> (End, Sending, Arc<dyn PeerConnection>) {
    let mut config = offerer();
    config.sections = (0..MEMBERS - 1)
        .map(|section| SectionSpec {
            kind: Kind::Video,
            direction: if section == 0 { Direction::SendRecv } else { Direction::RecvOnly },
        })
        .collect();
    let mut end = End::open(config).await;
    let offer = end.peer.offer(false).await.expect("an offer");
    let (pc, answer) = far
        .spawn(connection(at, offer, outs.clone()))
        .await
        .expect("no panic")
        .expect("the engine takes its own offer");
    end.peer.accept_answer(&answer).await.expect("the answer fits");
    end.connected().await;
    let sections = end.peer.sections().await;
    let own = sections.iter().find(|section| section.sends).expect("one section to send on");
    let sending = end.peer.send_track(&own.mid, track.tap(), open_gate()).await.expect("it takes it");
    (end, sending, pc)
}

pub(crate) async fn run(far: &Handle, frames: usize) -> Run {
    let (mut crowd, tracks) = Crowd::new(MEMBERS);
    let outs: Outs = Arc::new((0..MEMBERS).map(|_| Mutex::default()).collect());
    let mut members = Vec::new();
    for (at, track) in tracks.iter().enumerate() {
        members.push(member(far, at, &outs, track).await);
    }
    let count = async || {
        let mut counts = Counts::default();
        for (end, _, _) in &members {
            counts.add(&end.peer.stats().await.expect("it is open").totals());
        }
        counts
    };
    let run = measured(&mut crowd, frames, count).await;
    for (end, _, pc) in members {
        end.peer.close().await;
        far.spawn(async move { pc.close().await }).await.expect("no panic").expect("it was open");
    }
    run
}
