//! Statistics in the words of W3C webrtc-stats, from the engine's report and what this room
//! counts itself (frames and key-frame requests, which the engine does not see, and what the far side
//! reports of our streams, which it does not count).

use super::{Peer, PeerError};
use offhook_transport::media::Kind;
use offhook_transport::{Stats, StreamStats};
use rtc::peer_connection::transport::RTCIceTransportState as Ice;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::statistics::stats::rtp_stream::RTCRtpStreamStats;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use webrtc::peer_connection::{PeerConnection, RTCStatsReport, RTCStatsReportEntry, StatsSelector};

/// What comes so late is not played; a larger estimate measures something else.
const NO_JITTER: Duration = Duration::from_secs(60);

/// How many of our connectivity checks were answered: on the pair that is sent on, if there is one,
/// and over all pairs while one is looked for. A far side whose NAT has rebound asks from where it is
/// now and answers there, while everything else goes to where it was: such answers are no life of the
/// path in use (R9), and the engine never takes another by itself.
pub(super) async fn check_answers(pc: &dyn PeerConnection) -> u64 {
    let report = pc.get_stats(Instant::now(), StatsSelector::None).await;
    let found = report.transport().filter(|transport| {
        matches!(transport.ice_state, Ice::Connected | Ice::Completed | Ice::Disconnected)
    });
    let in_use = found.and_then(|transport| {
        let id = &transport.selected_candidate_pair_id;
        report.candidate_pairs().find(|pair| pair.stats.id == *id)
    });
    match in_use {
        Some(pair) => pair.responses_received,
        None => report.candidate_pairs().map(|pair| pair.responses_received).sum(),
    }
}

impl Peer {
    /// What the link has measured until now.
    ///
    /// # Errors
    /// [`PeerError::Closed`].
    pub async fn stats(&self) -> Result<Stats, PeerError> {
        self.inner.ensure_open()?;
        let report = self.inner.pc.get_stats(Instant::now(), StatsSelector::None).await;
        let selected = selected(&report);
        let (mut bytes_sent, mut bytes_received) = (0, 0);
        if let Some(transport) = report.transport() {
            (bytes_sent, bytes_received) = (transport.bytes_sent, transport.bytes_received);
        }
        let streams = report.iter().filter_map(|entry| self.stream(&report, entry)).collect();
        Ok(Stats { round_trip_time: selected, bytes_sent, bytes_received, streams })
    }

    fn stream(&self, report: &RTCStatsReport, entry: &RTCStatsReportEntry) -> Option<StreamStats> {
        match entry {
            RTCStatsReportEntry::InboundRtp(stream) => {
                let received = &stream.received_rtp_stream_stats;
                let ours = self.inner.shared.counters(&stream.mid, true);
                Some(StreamStats {
                    mid: stream.mid.clone(),
                    kind: kind(received.rtp_stream_stats.kind),
                    inbound: true,
                    packets: received.packets_received,
                    bytes: stream.bytes_received,
                    packets_lost: received.packets_lost,
                    jitter: jitter(report, &received.rtp_stream_stats, received.jitter),
                    frames: ours.frames.load(Ordering::Relaxed),
                    nack_count: u64::from(stream.nack_count),
                    pli_count: ours.key_requests.load(Ordering::Relaxed),
                })
            }
            RTCStatsReportEntry::OutboundRtp(stream) => {
                let sent = &stream.sent_rtp_stream_stats;
                let ours = self.inner.shared.counters(&stream.mid, false);
                let there = self.inner.shared.reports.of(sent.rtp_stream_stats.ssrc);
                Some(StreamStats {
                    mid: stream.mid.clone(),
                    kind: kind(sent.rtp_stream_stats.kind),
                    inbound: false,
                    packets: sent.packets_sent,
                    bytes: sent.bytes_sent,
                    packets_lost: there.lost,
                    jitter: None,
                    frames: ours.frames.load(Ordering::Relaxed),
                    nack_count: there.nacks,
                    pli_count: ours.key_requests.load(Ordering::Relaxed),
                })
            }
            _ => None,
        }
    }
}

/// The round trip of the pair in use.
fn selected(report: &RTCStatsReport) -> Option<Duration> {
    let id = &report.transport()?.selected_candidate_pair_id;
    let pairs = || report.candidate_pairs().filter(|pair| pair.responses_received > 0);
    let pair = pairs().find(|pair| pair.stats.id == *id).or_else(|| pairs().last())?;
    seconds(pair.current_round_trip_time).filter(|time| !time.is_zero())
}

/// The engine gives the jitter as its receiver reports do, in units of the RTP clock, where W3C wants
/// seconds.
fn jitter(report: &RTCStatsReport, stream: &RTCRtpStreamStats, units: f64) -> Option<Duration> {
    let named = match report.get(&stream.codec_id) {
        Some(RTCStatsReportEntry::Codec(codec)) => f64::from(codec.clock_rate),
        _ => 0.0,
    };
    let rate = match (named > 0.0, kind(stream.kind)) {
        (true, _) => named,
        (false, Kind::Audio) => 48_000.0,
        (false, Kind::Video) => 90_000.0,
    };
    // Where the timestamps of a stream run over, the engine's estimate jumps by hours for a moment.
    seconds(units / rate).filter(|jitter| *jitter < NO_JITTER)
}

/// A stream is registered with its kind; where the engine names none, it is one of pictures.
fn kind(of: RtpCodecKind) -> Kind {
    match of {
        RtpCodecKind::Audio => Kind::Audio,
        _ => Kind::Video,
    }
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}
