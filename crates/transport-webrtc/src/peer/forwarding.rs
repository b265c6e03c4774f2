//! Outgoing media that is not ours: single packets of another peer, given the numbers of
//! the leg they go out on (SSRC, sequence, time, payload type; no header extensions).

use super::handler::{Counters, Shared, lock};
use super::leg::Leg;
use super::sending::Claim;
use super::{Peer, PeerError, RtpPacket};
use futures_util::FutureExt;
use offhook_transport::media::Codec;
use rtc::rtp;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use webrtc::media_stream::track_local::TrackLocal;

/// Packets of other peers' media, forwarded onto a section. Dropping it frees the section.
pub struct RtpOut {
    claim: Claim,
    shared: Arc<Shared>,
    source: Option<Source>,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for RtpOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtpOut").field("source", &self.source).finish_non_exhaustive()
    }
}

/// How a source's numbers become the leg's.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Peer {
    /// A way to forward packets onto a section.
    ///
    /// # Errors
    /// [`PeerError::NoSuchSection`].
    pub async fn rtp_out(&self, mid: &str) -> Result<RtpOut, PeerError> {
        let claim = self.claim(mid).await?;
        let shared = self.inner.shared.clone();
        let counters = shared.counters(mid, false);
        Ok(RtpOut { claim, shared, source: None, counters })
    }

    /// As [`RtpOut::prepare`], for the section's way out that somebody has.
    pub async fn prepare_rtp(&self, mid: &str, codec: Codec) -> bool {
        let Some(leg) = self.inner.leg(mid).await else { return false };
        leg.payload_type(&self.inner.shared, codec).await.is_some()
    }
}

impl RtpOut {
    /// Learns what the far side calls this codec, so that [`try_forward`](Self::try_forward) need not
    /// ask; after each negotiation. False if it is not spoken there.
    pub async fn prepare(&self, codec: Codec) -> bool {
        self.claim.0.payload_type(&self.shared, codec).await.is_some()
    }

    /// Is there a path that packets can go out on?
    pub fn is_ready(&self) -> bool {
        self.shared.may_send()
    }

    /// The next packet is of another source, whatever its SSRC.
    pub fn change_source(&mut self) {
        self.source = None;
    }

    /// Forwards one packet; never waits. Sequence and time go on over a change of source,
    /// which should begin with a key frame. False if it was dropped: not connected, the
    /// codec is not spoken there, or the engine is behind.
    pub async fn forward(&mut self, packet: &RtpPacket) -> bool {
        self.is_ready() && self.prepare(packet.codec).await && self.try_forward(packet)
    }

    /// As [`forward`](Self::forward), of a codec that was [prepared](Self::prepare); any other is
    /// dropped. Payloads are shared, not copied.
    pub fn try_forward(&mut self, packet: &RtpPacket) -> bool {
        let leg = &self.claim.0;
        let Some(payload_type) = leg.known_payload_type(packet.codec).filter(|_| self.shared.may_send())
        else {
            return false;
        };
        let source = match self.source {
            Some(source) if source.ssrc == packet.ssrc => source,
            _ => {
                let timestamp = leg.next_timestamp(packet.codec.clock_rate());
                let sequence = lock(&leg.line).sequence.wrapping_add(1);
                let source = Source {
                    ssrc: packet.ssrc,
                    sequence: sequence.wrapping_sub(packet.sequence),
                    timestamp: timestamp.wrapping_sub(packet.timestamp),
                };
                *self.source.insert(source)
            }
        };
        let mut header =
            leg.header(payload_type, packet.timestamp.wrapping_add(source.timestamp), packet.marker);
        // A gap of the source stays a gap, so that the far side can ask for what is missing.
        header.sequence_number = packet.sequence.wrapping_add(source.sequence);
        lock(&leg.line).sequence = header.sequence_number;
        let sent = leg.track.write_rtp(rtp::Packet { header, payload: packet.payload.clone() });
        let sent = matches!(sent.now_or_never(), Some(Ok(())));
        if sent && packet.marker {
            self.counters.frames.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// Ready when the far side asks for a key frame.
    ///
    /// # Cancel safety
    /// No request is lost.
    pub async fn key_frame_wanted(&self) {
        self.key_frame_requests().next().await;
    }

    /// The far side's requests for key frames, for a task that only waits for them.
    pub fn key_frame_requests(&self) -> KeyFrameRequests {
        KeyFrameRequests { leg: self.claim.0.clone(), counters: self.counters.clone() }
    }
}

/// Requests for key frames that come in on a section that is forwarded to. Holds the section's leg,
/// and not the right to send on it.
pub struct KeyFrameRequests {
    leg: Arc<Leg>,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for KeyFrameRequests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFrameRequests")
    }
}

impl KeyFrameRequests {
    /// Ready when the far side asks for one; several that came since are one.
    ///
    /// # Cancel safety
    /// No request is lost.
    pub async fn next(&self) {
        self.leg.key_wanted.notified().await;
        self.counters.key_requests.fetch_add(1, Ordering::Relaxed);
    }
}
