//! The random numbers of the mock: SplitMix64 (Steele, Lea, Flood 2014), written out so that
//! a seed gives the same faults with every version of every dependency.

use std::ops::Range;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True with this probability; 0 and below never, 1 and above always.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits, as many as a double holds exactly.
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// Uniform in the range; its start where the range is empty.
    pub(crate) fn within(&mut self, range: &Range<Duration>) -> Duration {
        let nanos = range.end.saturating_sub(range.start).as_nanos().min(u128::from(u64::MAX)) as u64;
        match nanos {
            0 => range.start,
            nanos => range.start.saturating_add(Duration::from_nanos(self.next() % nanos)),
        }
    }
}
