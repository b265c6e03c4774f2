//! A section's way out: one static track that belongs to this connection alone (a track
//! bound to a second connection would silence the first), with the SSRC, sequence and clock
//! that outlive every source. Sources are in `sending` and `forwarding`.

use super::handler::{Shared, lock};
use super::keyframes::asks_for_key_frame;
use super::rtp::time_to_ticks;
use super::sdp::codec_of_mime;
use super::{PeerError, engine};
use offhook_transport::media::{Codec, Kind};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpEncodingParameters};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent};
use webrtc::rtp_transceiver::{RtpSender, RtpTransceiver};

/// Between the last packet of one source and the first of the next.
const SEAM: Duration = Duration::from_millis(33);

/// One section's way out.
pub(super) struct Leg {
    pub(super) kind: Kind,
    pub(super) track: Arc<TrackLocalStaticRTP>,
    transceiver: Arc<dyn RtpTransceiver>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    pub(super) taken: AtomicBool,
    pub(super) line: Mutex<Line>,
    pub(super) key_wanted: Notify,
}

/// Sequence and clock of a leg; they outlive every source.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) sequence: u16,
    timestamp: u32,
    /// The payload type of a codec, as of a negotiation.
    payload_type: Option<(u64, Codec, u8)>,
}

impl Leg {
    /// A track for one section. The engine chooses the SSRC.
    pub(super) fn track(kind: Kind, codec: &RTCRtpCodec) -> Arc<TrackLocalStaticRTP> {
        let label = match kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
        };
        let name = format!("{label}-{:08x}", random());
        Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "offhook".to_owned(),
            name,
            label.to_owned(),
            match kind {
                Kind::Audio => rtc::rtp_transceiver::rtp_sender::RtpCodecKind::Audio,
                Kind::Video => rtc::rtp_transceiver::rtp_sender::RtpCodecKind::Video,
            },
            Self::encodings(codec),
        )))
    }

    pub(super) fn encodings(codec: &RTCRtpCodec) -> Vec<RTCRtpEncodingParameters> {
        vec![RTCRtpEncodingParameters { codec: codec.clone(), ..RTCRtpEncodingParameters::default() }]
    }

    pub(super) async fn new(
        kind: Kind,
        track: Arc<TrackLocalStaticRTP>,
        transceiver: Arc<dyn RtpTransceiver>,
    ) -> Result<Arc<Self>, PeerError> {
        let sender = transceiver.sender().await.map_err(engine::local)?.ok_or(PeerError::EngineStopped)?;
        let parameters = sender.get_parameters().await.map_err(engine::local)?;
        let ssrc = parameters.encodings.first().and_then(|encoding| encoding.rtp_coding_parameters.ssrc);
        let ssrc = ssrc.ok_or(PeerError::EngineStopped)?;
        let start = random();
        let line = Line { sequence: start as u16, timestamp: start.rotate_left(16), payload_type: None };
        Ok(Arc::new(Self {
            kind,
            track,
            transceiver,
            sender,
            ssrc,
            taken: AtomicBool::new(false),
            line: Mutex::new(line),
            key_wanted: Notify::new(),
        }))
    }

    /// Listens for the far side's requests for key frames; ends with the connection.
    pub(super) async fn listen(self: Arc<Self>) {
        while let Some(event) = self.track.poll().await {
            let TrackLocalEvent::OnRtcpPacket(packets) = event else { continue };
            if packets.iter().any(|packet| asks_for_key_frame(packet.as_ref())) {
                self.key_wanted.notify_one();
            }
        }
    }

    pub(super) async fn mid(&self) -> Option<String> {
        self.transceiver.mid().await.ok().flatten()
    }

    /// What this codec is called on this leg: the offerer's number.
    pub(super) async fn payload_type(&self, shared: &Shared, codec: Codec) -> Option<u8> {
        let negotiated = shared.negotiated.load(Ordering::Acquire);
        if let Some((as_of, of, payload_type)) = lock(&self.line).payload_type
            && as_of == negotiated
            && of == codec
        {
            return Some(payload_type);
        }
        let parameters = self.sender.get_parameters().await.ok()?;
        let mut fitting: Vec<_> = parameters
            .rtp_parameters
            .codecs
            .iter()
            .filter(|one| codec_of_mime(&one.rtp_codec.mime_type) == Some(codec))
            .collect();
        // Our packets need fragments: packetization mode 1 (RFC 6184 §5.4).
        fitting.sort_by_key(|one| !one.rtp_codec.sdp_fmtp_line.contains("packetization-mode=1"));
        let payload_type = fitting.first()?.payload_type;
        lock(&self.line).payload_type = Some((negotiated, codec, payload_type));
        Some(payload_type)
    }

    /// As [`payload_type`](Self::payload_type), as it was when that was asked last.
    pub(super) fn known_payload_type(&self, codec: Codec) -> Option<u8> {
        lock(&self.line).payload_type.filter(|(_, of, _)| *of == codec).map(|(_, _, known)| known)
    }

    pub(super) fn header(&self, payload_type: u8, timestamp: u32, marker: bool) -> rtp::Header {
        let mut line = lock(&self.line);
        line.sequence = line.sequence.wrapping_add(1);
        line.timestamp = timestamp;
        rtp::Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: line.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..rtp::Header::default()
        }
    }

    pub(super) fn next_timestamp(&self, rate: u32) -> u32 {
        lock(&self.line).timestamp.wrapping_add(time_to_ticks(SEAM, rate))
    }
}

/// Enough randomness for the start of sequence numbers (RFC 3550 §5.1); no secret.
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}
