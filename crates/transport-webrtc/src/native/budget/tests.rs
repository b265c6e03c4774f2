//! What is left of a budget, against what the protocol lets a client say.

use super::Budget;
use offhook_signaling::limits::{FRAMES_BURST, FRAMES_PER_SECOND};
use std::time::Duration;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_budget_keeps_below_what_the_protocol_lets_a_client_say() {
    let mut budget = Budget::default();
    let began = Instant::now();
    let mut said = 0_u32;
    while began.elapsed() < Duration::from_secs(10) {
        match budget.due() {
            None => {
                budget.spend();
                said += 1;
            }
            Some(due) => {
                let wait = due.saturating_duration_since(Instant::now());
                assert!(wait <= Duration::from_millis(14), "{wait:?} for one frame");
                advance(wait).await;
                assert!(budget.has_left(), "it was due");
            }
        }
    }
    let most = FRAMES_BURST + 10 * FRAMES_PER_SECOND;
    assert!(said <= most * 8 / 10 + 1, "{said} of {most}");
    assert!(said >= most * 7 / 10, "{said} of {most}: it waits no longer than it must");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_wait_is_counted_and_delays_what_can() {
    let mut budget = Budget::default();
    for _ in 0..FRAMES_BURST {
        budget.spend();
    }
    assert!(!budget.has_left());
    let wait = budget.due().expect("it is used up").saturating_duration_since(Instant::now());
    assert!(wait > Duration::from_millis(900), "{wait:?}");
    advance(wait).await;
    assert!(budget.has_left());
}

#[tokio::test(start_paused = true)]
async fn whole_pieces_of_an_image_are_next_to_nothing() {
    let mut budget = Budget::default();
    for _ in 0..FRAMES_BURST {
        budget.spend();
        budget.was_piece();
    }
    assert!(budget.has_left());
}
