//! Examples of telemetry: an ordinary batch with one entry of each kind, and the last one.

use crate::codes::{Happened, Step};
use crate::{FromClient, Statistics, Telemetry, TelemetryEntry};

pub(super) fn batches() -> Vec<FromClient> {
    let statistics = Statistics {
        round_trip_us: Some(21_400),
        bytes_sent: 1_204_331,
        bytes_received: 2_310_872,
        packets_sent: 1_120,
        packets_received: 2_011,
        packets_lost: 3,
        jitter_us: Some(1_870),
        frames_sent: 250,
        frames_received: 249,
        nack_count: 2,
        pli_count: 1,
    };
    let text = |word: &str| Some(word.to_owned());
    let entries = vec![
        TelemetryEntry { state: text("Joining"), ..entry(4, Happened::State) },
        TelemetryEntry {
            plan: text("join"),
            step: Some(Step::Connecting),
            took_ms: Some(212),
            ..entry(216, Happened::Attempt)
        },
        TelemetryEntry { statistics: Some(statistics), ..entry(1_216, Happened::Statistics) },
        TelemetryEntry {
            plane: text("signaling"),
            error: text("closed"),
            ..entry(5_020, Happened::LinkLost)
        },
        TelemetryEntry {
            plan: text("resume"),
            took_ms: Some(130),
            media_interrupted_ms: Some(0),
            ..entry(5_150, Happened::Recovered)
        },
        TelemetryEntry { moved: Some(true), ..entry(8_300, Happened::Moved) },
        entry(8_700, Happened::PictureStalled),
        TelemetryEntry { took_ms: Some(4_000), ..entry(9_000, Happened::PictureResumed) },
        TelemetryEntry { error: text("timed_out"), ..entry(9_100, Happened::Error) },
    ];
    let last = Telemetry {
        batch: 2,
        last: true,
        left_out: 4,
        entries: vec![TelemetryEntry { state: text("Reconnecting"), ..entry(12_000, Happened::State) }],
    };
    let batch = Telemetry { batch: 1, last: false, left_out: 0, entries };
    vec![FromClient::Telemetry(batch), FromClient::Telemetry(last)]
}

fn entry(at_ms: u64, kind: Happened) -> TelemetryEntry {
    TelemetryEntry {
        at_ms,
        kind,
        state: None,
        plan: None,
        step: None,
        plane: None,
        error: None,
        took_ms: None,
        media_interrupted_ms: None,
        moved: None,
        statistics: None,
    }
}
