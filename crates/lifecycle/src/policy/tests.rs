//! Facts of the defaults, the backoff and the jitter.

use super::*;

#[test]
fn backoff_doubles_from_300_ms_and_stops_at_5_s() {
    let policy = Policy::default();
    let millis: Vec<_> = (0..7).map(|n| policy.backoff_ceiling(n).as_millis()).collect();
    assert_eq!(millis, [300, 600, 1_200, 2_400, 4_800, 5_000, 5_000]);
    assert_eq!(policy.backoff_ceiling(u32::MAX), policy.backoff_cap);
}

#[test]
fn jitter_stays_under_its_ceiling_and_uses_the_whole_of_it() {
    let mut jitter = Jitter::seeded(7);
    let ceiling = Duration::from_secs(5);
    let draws: Vec<_> = (0..2_000).map(|_| jitter.upto(ceiling)).collect();
    assert!(draws.iter().all(|draw| *draw <= ceiling));
    assert!(draws.iter().any(|draw| *draw < ceiling / 20), "full jitter reaches down to zero");
    assert!(draws.iter().any(|draw| *draw > ceiling / 20 * 19), "and up to the ceiling");
    assert_eq!(jitter.upto(Duration::ZERO), Duration::ZERO);
    let _no_overflow = jitter.upto(Duration::MAX);
}

#[test]
fn the_same_seed_draws_the_same_and_another_seed_draws_otherwise() {
    let draw = |seed| Jitter::seeded(seed).upto(Duration::from_secs(5));
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

/// E10: a server's clients must not come back as one.
#[test]
fn a_thousand_clients_of_a_restarted_server_come_back_spread_out() {
    let spread = Policy::default().restart_spread;
    let mut buckets = [0_u32; 80];
    for seed in 0..1_000 {
        let wait = Jitter::seeded(seed * 7_919).upto(spread);
        buckets[(wait.as_millis() / 100).min(79) as usize] += 1;
    }
    assert!(buckets.iter().all(|joins| *joins <= 40), "{buckets:?}");
}
