//! Facts about chance: it depends on seed and index alone.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing::saved_seeds;

fn lost(seed: u64, loss: f64, packets: u64) -> Vec<u64> {
    let conditions = Conditions::clear().loss(loss);
    (0..packets).filter(|&n| fate(seed, n, &conditions).lost).collect()
}

#[test]
fn the_same_seed_loses_the_same_packets_on_every_machine() {
    // Written down once: a change of the generator would silently change what every user's seed means.
    assert_eq!(lost(7, 0.1, 64), [0, 6, 9, 11, 22, 26, 31, 41, 47, 52, 54, 59, 63]);
    assert_eq!(lost(8, 0.1, 64), [14, 18, 20, 35]);
}

#[test]
fn loss_is_as_frequent_as_asked() {
    for (loss, expected) in [(0.02, 2_000.0_f64), (0.5, 50_000.0)] {
        let seen = lost(3, loss, 100_000).len() as f64;
        let deviation = (expected * (1.0 - loss)).sqrt();
        assert!((seen - expected).abs() < 5.0 * deviation, "{seen} of 100,000 lost at {loss}");
    }
}

#[test]
fn neighbouring_flows_relays_ways_and_seeds_have_unrelated_fates() {
    let key = FlowKey { seed: 1, relay: 0, flow: 0, way: Way::Up };
    let others = [
        FlowKey { seed: 2, ..key },
        FlowKey { relay: 1, ..key },
        FlowKey { flow: 1, ..key },
        FlowKey { way: Way::Down, ..key },
        FlowKey { relay: 1, flow: 1, ..key },
    ];
    let coin = Conditions::clear().loss(0.5);
    let series = |key: FlowKey| (0..4_096).map(|n| key.fate(n, &coin).lost).collect::<Vec<_>>();
    let first = series(key);
    for other in others {
        let agree = first.iter().zip(series(other)).filter(|(a, b)| **a == *b).count();
        assert!((1_848..=2_248).contains(&agree), "{agree} of 4,096 fates agree with {other:?}");
    }
}

#[test]
fn probabilities_out_of_range_are_never_or_always() {
    for n in 0..1_000 {
        assert!(fate(1, n, &Conditions::clear().loss(7.0)).lost);
        assert!(!fate(1, n, &Conditions::clear().loss(-1.0)).lost);
        assert!(!fate(1, n, &Conditions::clear().loss(f64::NAN)).lost);
    }
}

proptest! {
    #![proptest_config(saved_seeds("netrig-fate.txt"))]

    #[test]
    fn a_fate_is_a_function_of_seed_index_and_conditions(
        seed: u64, index: u64, loss in 0.0..1.0, jitter_ms in 0_u64..1_000,
    ) {
        let conditions = Conditions::clear().loss(loss).jitter(Duration::from_millis(jitter_ms));
        prop_assert_eq!(fate(seed, index, &conditions), fate(seed, index, &conditions));
    }

    #[test]
    fn what_is_lost_at_a_low_rate_is_lost_at_a_higher_one(seed: u64, index: u64, a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
        let at = |loss: f64| fate(seed, index, &Conditions::clear().loss(loss)).lost;
        prop_assert!(!at(a.min(b)) || at(a.max(b)));
    }

    #[test]
    fn one_condition_never_changes_the_draw_of_another(seed: u64, index: u64, loss in 0.0..1.0, other in 0.0..1.0) {
        let plain = fate(seed, index, &Conditions::clear().loss(loss));
        let busy = Conditions::clear().loss(loss).duplicate(other).reorder(other, Duration::from_millis(3));
        prop_assert_eq!(plain.lost, fate(seed, index, &busy).lost);
    }

    #[test]
    fn the_delay_is_at_least_the_delay_and_at_most_the_jitter_more(
        seed: u64, index: u64, delay in any::<Duration>(), jitter in any::<Duration>(),
    ) {
        let fate = fate(seed, index, &Conditions::clear().delay(delay).jitter(jitter));
        prop_assert!(fate.delay >= delay);
        prop_assert!(fate.delay <= delay.saturating_add(jitter));
    }
}
