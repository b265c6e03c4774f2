//! What far sides report is counted for our own streams, and for no others (F70).

use super::*;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;

const OURS: u32 = 7;
const THEIRS: u32 = 8;

fn lost(ssrc: u32, total_lost: u32) -> Vec<ReceptionReport> {
    vec![ReceptionReport { ssrc, total_lost, ..ReceptionReport::default() }]
}

fn nack(media_ssrc: u32) -> TransportLayerNack {
    TransportLayerNack { media_ssrc, nacks: vec![NackPair::default()], ..TransportLayerNack::default() }
}

// F70
#[test]
fn reports_in_either_kind_and_nacks_are_counted_for_what_is_ours() {
    let reports = Reports::default();
    reports.begin(OURS);
    for ssrc in [OURS, THEIRS] {
        reports.note(&ReceiverReport { reports: lost(ssrc, 5), ..ReceiverReport::default() });
        reports.note(&nack(ssrc));
        reports.note(&nack(ssrc));
    }
    assert_eq!(reports.of(OURS), Reported { lost: 5, nacks: 2 });
    assert_eq!(reports.of(THEIRS), Reported::default());
    // Who also sends says it in a sender report; the newest holds.
    reports.note(&SenderReport { reports: lost(OURS, 9), ..SenderReport::default() });
    assert_eq!(reports.of(OURS).lost, 9);
    reports.end(OURS);
    assert_eq!(reports.of(OURS), Reported::default());
    assert!(lock(&reports.0).is_empty(), "nothing is kept of what nobody sends");
}

// F70
#[test]
fn duplicates_can_make_the_loss_negative() {
    assert_eq!(signed(0x00ff_ffff), -1);
    assert_eq!(signed(0x0080_0000), -(1 << 23));
    assert_eq!(signed(0x007f_ffff), (1 << 23) - 1);
}
