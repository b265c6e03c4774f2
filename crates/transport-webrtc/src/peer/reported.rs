//! What the far side reports of our streams, counted by SSRC: what did not arrive there (receiver
//! reports, RFC 3550 §6.4) and how often it asked for packets again (NACK, RFC 4585 §6.2.1). The
//! engine has places for both among its statistics, and nothing fills them from what comes in.

use super::handler::lock;
use rtc::rtcp;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What is known of one of our streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    /// The cumulative number of packets lost, as of the newest report.
    pub(super) lost: i64,
    /// How many NACKs came.
    pub(super) nacks: u64,
}

/// What is known of each. Only streams that are ours are counted, however many are reported of.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports(Arc<Mutex<HashMap<u32, Reported>>>);

impl Reports {
    /// This stream is ours from now on.
    pub(super) fn begin(&self, ssrc: u32) {
        lock(&self.0).entry(ssrc).or_default();
    }

    /// It is no more.
    pub(super) fn end(&self, ssrc: u32) {
        lock(&self.0).remove(&ssrc);
    }

    /// Counts what came in.
    pub(super) fn note(&self, packet: &dyn rtcp::Packet) {
        let packet = packet.as_any();
        if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
            self.lost(&report.reports);
        } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
            self.lost(&report.reports);
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>()
            && let Some(stream) = lock(&self.0).get_mut(&nack.media_ssrc)
        {
            stream.nacks += 1;
        }
    }

    fn lost(&self, reports: &[ReceptionReport]) {
        let mut streams = lock(&self.0);
        for report in reports {
            if let Some(stream) = streams.get_mut(&report.ssrc) {
                stream.lost = signed(report.total_lost);
            }
        }
    }

    pub(super) fn of(&self, ssrc: u32) -> Reported {
        lock(&self.0).get(&ssrc).copied().unwrap_or_default()
    }
}

/// The number is signed, and has 24 bits: duplicates can make it negative.
fn signed(lost: u32) -> i64 {
    let lost = i64::from(lost & 0x00ff_ffff);
    if lost >= 1 << 23 { lost - (1 << 24) } else { lost }
}

#[cfg(test)]
mod tests;
