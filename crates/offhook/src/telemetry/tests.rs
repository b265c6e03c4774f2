//! What is written down, what gives way, and that leaving seals it (F74).

use super::Recorder;
use offhook_transport::{Happened, StatsTotals, Telemetry, TelemetryEntry};
use std::time::Duration;

fn state(ms: u64) -> TelemetryEntry {
    TelemetryEntry { at: Duration::from_millis(ms), what: Happened::State { state: "Joined" } }
}

fn measured(ms: u64) -> TelemetryEntry {
    let what = Happened::Statistics(StatsTotals::default());
    TelemetryEntry { at: Duration::from_millis(ms), what }
}

/// F74: a batch has 120 entries at most; statistics give way first, then the oldest, and each is counted.
#[test]
fn what_has_no_room_gives_way_in_order_and_is_counted() {
    let mut recorder = Recorder::default();
    (0..2).for_each(|n| recorder.record(state(n)));
    (2..122).for_each(|n| recorder.record(measured(n)));
    (122..242).for_each(|n| recorder.record(state(n)));
    let batch = recorder.take(false).expect("there are some");
    assert_eq!((batch.entries.len(), batch.left_out, batch.batch), (Telemetry::ENTRIES, 122, 1));
    assert!(batch.entries.iter().all(|entry| matches!(entry.what, Happened::State { .. })));
    assert_eq!(batch.entries[0], state(122), "without statistics the oldest goes");
    assert_eq!(batch.entries.last(), Some(&state(241)));
    assert_eq!(recorder.take(false), None, "all of it was taken, and nothing is no batch");
    recorder.record(state(300));
    let next = recorder.take(false).expect("there is one");
    assert_eq!((next.batch, next.left_out, next.entries.len()), (2, 0, 1));
}

/// F74, R4: what comes after the seal is not written down; what was before it is in the last batch.
#[test]
fn a_seal_ends_the_sampling_and_keeps_what_was() {
    let mut recorder = Recorder::default();
    recorder.record(state(1));
    recorder.seal();
    recorder.record(state(2));
    recorder.record(measured(3));
    let last = recorder.take(true).expect("the last one");
    assert_eq!((last.last, last.entries), (true, vec![state(1)]));
    assert!(recorder.take(true).expect("also with nothing in it").entries.is_empty());
}
