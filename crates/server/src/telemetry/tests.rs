//! How often a member may tell, and what becomes of what has no room (F74).

use super::{Allowance, TelemetryIntake, TelemetryReport};
use offhook_signaling::Telemetry;
use std::time::Duration;
use tokio::time::Instant;

fn report(batch: u64) -> TelemetryReport {
    TelemetryReport {
        session: "studio/7".into(),
        session_id: "s".into(),
        user: "ada".into(),
        instance: "00".into(),
        batch: Telemetry { batch, last: false, left_out: 0, entries: Vec::new() },
    }
}

/// F74: a minute's worth at once, then as it is earned.
#[test]
fn an_allowance_is_used_up_and_earned_again() {
    let began = Instant::now();
    let mut allowance = Allowance::full(6, began);
    let taken = (0..10).filter(|_| allowance.take(6, began)).count();
    assert_eq!(taken, 6);
    assert!(!allowance.take(6, began + Duration::from_secs(9)), "one is earned in ten seconds");
    assert!(allowance.take(6, began + Duration::from_secs(11)));
    let later = began + Duration::from_secs(3600);
    assert_eq!((0..10).filter(|_| allowance.take(6, later)).count(), 6, "no more than a minute's worth");
}

/// F74: a reader that is slow misses what comes meanwhile, and sees how much.
#[tokio::test]
async fn what_finds_the_intake_full_is_counted() {
    let (intake, mut reports) = TelemetryIntake::bounded(2);
    (1..=5).for_each(|batch| intake.take(report(batch)));
    assert_eq!(reports.missed(), 3);
    let kept = [reports.next().await, reports.next().await].map(|one| one.map(|one| one.batch.batch));
    assert_eq!(kept, [Some(1), Some(2)]);
    assert!(intake.is_open());
    drop(reports);
    assert!(!intake.is_open(), "nobody reads");
}
