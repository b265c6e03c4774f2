//! Telemetry fits the wire, whatever is in it (F74).
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::limits::{FRAME_BYTES, NUMBER, TELEMETRY_ENTRIES};
use offhook_signaling::{
    ClientKind, FromClient, Happened, Statistics, Telemetry, TelemetryEntry, decode_from_client, encode,
    examples,
};

fn entry() -> TelemetryEntry {
    let FromClient::Telemetry(batch) = examples::client_examples(ClientKind::Telemetry).remove(0) else {
        panic!("an example of telemetry")
    };
    batch.entries.into_iter().find(|entry| entry.kind == Happened::Statistics).unwrap()
}

fn batch(entries: Vec<TelemetryEntry>) -> FromClient {
    FromClient::Telemetry(Telemetry { batch: NUMBER, last: true, left_out: NUMBER, entries })
}

/// F74: the longest batch there can be, of the longest entries, is a frame that both ends take.
#[test]
fn the_longest_batch_fits_a_frame() {
    let statistics = Statistics {
        round_trip_us: Some(NUMBER),
        bytes_sent: NUMBER,
        bytes_received: NUMBER,
        packets_sent: NUMBER,
        packets_received: NUMBER,
        packets_lost: -i64::try_from(NUMBER).unwrap(),
        jitter_us: Some(NUMBER),
        frames_sent: NUMBER,
        frames_received: NUMBER,
        nack_count: NUMBER,
        pli_count: NUMBER,
    };
    let longest = TelemetryEntry { at_ms: NUMBER, statistics: Some(statistics), ..entry() };
    let message = batch(vec![longest; TELEMETRY_ENTRIES]);
    let text = encode(None, NUMBER, &message).unwrap();
    assert!(text.len() < FRAME_BYTES && text.len() > FRAME_BYTES / 2, "{} bytes", text.len());
    assert_eq!(decode_from_client(text.as_bytes()).unwrap().message, message);
}

/// F74: one entry more is beyond the limit, at either end.
#[test]
fn one_entry_more_is_refused() {
    let message = batch(vec![entry(); TELEMETRY_ENTRIES + 1]);
    assert!(encode(None, 0, &message).is_err());
    let allowed = encode(None, 0, &batch(vec![entry()])).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&allowed).unwrap();
    let one = value["entries"][0].clone();
    value["entries"] = vec![one; TELEMETRY_ENTRIES + 1].into();
    assert!(decode_from_client(value.to_string()).is_err());
}
