//! Chance that follows from a seed.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine and in every version.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below this; nothing is below 1 but 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(super) fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end.saturating_sub(range.start)))
    }

    /// Fisher and Yates.
    pub(super) fn shuffled<T>(&mut self, mut cards: Vec<T>) -> Vec<T> {
        for last in (1..cards.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            cards.swap(last, other);
        }
        cards
    }
}
