//! Outgoing media that is not ours: single packets of another peer, given the numbers of
//! the leg they go out on (SSRC, sequence, time, payload type; no header extensions).

use super::handler::{Counters, Shared, lock};
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
    payload_types: Option<(u64, Codec, u8)>,
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
        Ok(RtpOut { claim, shared, payload_types: None, source: None, counters })
    }
}

impl RtpOut {
    /// Forwards one packet; never waits. Sequence and time go on over a change of source,
    /// which should begin with a key frame. False if it was dropped: not connected, the
    /// codec is not spoken there, or the engine is behind.
    pub async fn forward(&mut self, packet: &RtpPacket) -> bool {
        if !self.shared.may_send() {
            return false;
        }
        let leg = &self.claim.0;
        let negotiated = self.shared.negotiated.load(Ordering::Acquire);
        let payload_type = match self.payload_types {
            Some((as_of, codec, known)) if as_of == negotiated && codec == packet.codec => known,
            _ => {
                let Some(found) = leg.payload_type(&self.shared, packet.codec).await else { return false };
                self.payload_types = Some((negotiated, packet.codec, found));
                found
            }
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
        self.claim.0.key_wanted.notified().await;
        self.counters.key_requests.fetch_add(1, Ordering::Relaxed);
    }
}
