//! R9: what is a fault and what is not.
use super::*;

const NOBODY: fn(&str) -> bool = |_| false;

#[tokio::test(start_paused = true)]
async fn a_section_is_silent_only_while_it_is_due_and_is_told_once() {
    let mut inflow = Inflow::default();
    assert_eq!(inflow.next_look(NOBODY), None, "nothing was announced");
    let start = Instant::now();
    inflow.sending("0".into(), start);
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(1)).await;
        inflow.arrivals.note("0");
        assert!(!inflow.found_silent(Instant::now(), NOBODY), "it comes");
    }
    let last = Instant::now();
    assert_eq!(inflow.next_look(NOBODY), Some(last + MEDIA_SILENT));
    let late = last + MEDIA_SILENT;
    assert!(!inflow.found_silent(late - Duration::from_millis(1), NOBODY));
    assert!(inflow.found_silent(late, NOBODY));
    assert_eq!(inflow.next_look(NOBODY), Some(late + LOOK_AGAIN));
    assert!(!inflow.found_silent(late + LOOK_AGAIN, NOBODY), "told once for each silence");
    // It comes again, and stops again: another silence.
    tokio::time::advance(Duration::from_secs(10)).await;
    inflow.arrivals.note("0");
    assert!(!inflow.found_silent(Instant::now(), NOBODY));
    assert!(inflow.found_silent(Instant::now() + MEDIA_SILENT, NOBODY));
    inflow.paused("0");
    assert_eq!(inflow.next_look(NOBODY), None);
    assert!(!inflow.found_silent(Instant::now() + Duration::from_secs(99), NOBODY));
}

#[tokio::test(start_paused = true)]
async fn what_is_muted_is_not_due_and_has_its_time_anew_when_it_is_not_any_more() {
    let mut inflow = Inflow::default();
    let start = Instant::now();
    inflow.sending("0".into(), start);
    let muted = |mid: &str| mid == "0";
    let later = start + Duration::from_secs(60);
    assert_eq!(inflow.next_look(muted), None);
    assert!(!inflow.found_silent(later, muted));
    inflow.afresh(later);
    assert!(!inflow.found_silent(later + MEDIA_SILENT - Duration::from_millis(1), NOBODY));
    assert!(inflow.found_silent(later + MEDIA_SILENT, NOBODY));
}

#[test]
fn sections_that_are_announced_without_end_are_bounded() {
    let mut inflow = Inflow::default();
    for mid in 0..10_000 {
        inflow.sending(mid.to_string(), Instant::now());
    }
    assert_eq!(inflow.due.len(), SDP_SECTIONS);
}
