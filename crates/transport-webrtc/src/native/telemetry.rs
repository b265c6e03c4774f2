//! Telemetry in the words of the wire.

use offhook_signaling::limits::NUMBER;
use offhook_signaling::{Happened, Statistics, Step, Telemetry, TelemetryEntry};
use offhook_transport as ours;
use std::time::Duration;

pub(super) fn to_wire(batch: &ours::Telemetry) -> Telemetry {
    Telemetry {
        batch: batch.batch,
        last: batch.last,
        left_out: batch.left_out,
        entries: batch.entries.iter().map(entry).collect(),
    }
}

fn entry(of: &ours::TelemetryEntry) -> TelemetryEntry {
    use ours::Happened as H;
    let at_ms = millis(of.at);
    let text = |word: &str| Some(word.to_owned());
    match of.what {
        H::State { state } => TelemetryEntry { state: text(state), ..blank(at_ms, Happened::State) },
        H::Attempt { plan, step, took, error } => TelemetryEntry {
            plan: text(plan),
            step: Some(Step::from(step)),
            took_ms: Some(millis(took)),
            error: error.map(str::to_owned),
            ..blank(at_ms, Happened::Attempt)
        },
        H::LinkLost { plane, fault } => {
            TelemetryEntry { plane: text(plane), error: text(fault), ..blank(at_ms, Happened::LinkLost) }
        }
        H::Recovered { plan, after, media_interrupted } => TelemetryEntry {
            plan: text(plan),
            took_ms: Some(millis(after)),
            media_interrupted_ms: Some(millis(media_interrupted)),
            ..blank(at_ms, Happened::Recovered)
        },
        H::Moved { moved } => TelemetryEntry { moved: Some(moved), ..blank(at_ms, Happened::Moved) },
        H::PictureStalled => blank(at_ms, Happened::PictureStalled),
        H::PictureResumed { after } => {
            TelemetryEntry { took_ms: Some(millis(after)), ..blank(at_ms, Happened::PictureResumed) }
        }
        H::Error { code } => TelemetryEntry { error: text(code), ..blank(at_ms, Happened::Error) },
        H::Statistics(totals) => {
            TelemetryEntry { statistics: Some(statistics(&totals)), ..blank(at_ms, Happened::Statistics) }
        }
    }
}

const fn blank(at_ms: u64, kind: Happened) -> TelemetryEntry {
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

fn statistics(of: &ours::StatsTotals) -> Statistics {
    Statistics {
        round_trip_us: of.round_trip_time.map(micros),
        bytes_sent: number(of.bytes_sent),
        bytes_received: number(of.bytes_received),
        packets_sent: number(of.packets_sent),
        packets_received: number(of.packets_received),
        packets_lost: of.packets_lost.clamp(-(NUMBER as i64), NUMBER as i64),
        jitter_us: of.jitter.map(micros),
        frames_sent: number(of.frames_sent),
        frames_received: number(of.frames_received),
        nack_count: number(of.nack_count),
        pli_count: number(of.pli_count),
    }
}

fn number(count: u64) -> u64 {
    count.min(NUMBER)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).map_or(NUMBER, number)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).map_or(NUMBER, number)
}
