//! The seeded part: what happens to the n-th packet of a flow, as a pure function. Time and queues are in `lane`.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use crate::{Conditions, Way};

/// What chance decided for one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fate {
    /// The packet is lost (a TCP segment: late by one retransmission).
    pub lost: bool,
    /// The datagram arrives twice.
    pub duplicated: bool,
    /// The datagram is held back while later ones pass.
    pub reordered: bool,
    /// Time in the air: the delay and this packet's share of the jitter. A reordered datagram is held back beyond it.
    pub delay: Duration,
}

/// What happens to packet `index` under `seed`: a pure function, the same on every machine.
///
/// Four numbers are drawn from (seed, index) and only then compared with the conditions, so a change of one condition,
/// or of the conditions of earlier packets, never changes another draw: the packets lost at 1 % are among those lost
/// at 5 %.
///
/// ```
/// use offhook_netrig::{Conditions, fate};
///
/// let lossy = Conditions::clear().loss(0.5);
/// let lost: Vec<bool> = (0..8).map(|n| fate(7, n, &lossy).lost).collect();
/// assert_eq!(lost, (0..8).map(|n| fate(7, n, &lossy).lost).collect::<Vec<_>>());
/// ```
pub fn fate(seed: u64, index: u64, conditions: &Conditions) -> Fate {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(seed, index));
    let (loss, duplicate, reorder): (f64, f64, f64) = (rng.random(), rng.random(), rng.random());
    let jitter: f64 = rng.random();

    Fate {
        lost: loss < conditions.loss,
        duplicated: duplicate < conditions.duplicate,
        reordered: reorder < conditions.reorder,
        delay: conditions.delay.saturating_add(share(conditions.jitter, jitter)),
    }
}

/// Names one flow's packets in one way, so that a test can ask beforehand what its seed will do to them.
///
/// Relays are numbered from 0 in the order in which the rig made them, flows (TCP connections, or UDP client
/// addresses) from 0 in the order in which the relay first saw them, packets from 0 in the order of their arrival.
/// For TCP, a packet is one read of at most 1,460 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The seed of the rig.
    pub seed: u64,
    /// Number of the relay within the rig.
    pub relay: u64,
    /// Number of the flow within the relay.
    pub flow: u64,
    /// The way the packets travel.
    pub way: Way,
}

impl FlowKey {
    /// The seed to give to [`fate`] for this flow and way.
    pub fn seed(&self) -> u64 {
        let way = match self.way {
            Way::Up => 0,
            Way::Down => 1,
        };
        mix(mix(mix(self.seed, self.relay), self.flow), way)
    }

    /// The fate of packet `index` of this flow.
    pub fn fate(&self, index: u64, conditions: &Conditions) -> Fate {
        fate(self.seed(), index, conditions)
    }
}

/// The fates of one flow in one way, in order of arrival.
#[derive(Debug)]
pub(crate) struct Fates {
    seed: u64,
    next: u64,
}

impl Fates {
    pub(crate) fn new(key: FlowKey) -> Self {
        Self { seed: key.seed(), next: 0 }
    }

    /// The fate of the packet that has just arrived. Each arrival takes one, also when the way is cut, so that a cut
    /// does not shift the fates of what comes after it.
    pub(crate) fn draw(&mut self, conditions: &Conditions) -> Fate {
        let fate = fate(self.seed, self.next, conditions);
        self.next = self.next.wrapping_add(1);
        fate
    }
}

/// Two numbers to one, well spread: neighbours in either argument give unrelated results.
fn mix(a: u64, b: u64) -> u64 {
    let odd = 0x9E37_79B9_7F4A_7C15_u64;
    Xoshiro256PlusPlus::seed_from_u64(a.rotate_left(17) ^ b.wrapping_add(1).wrapping_mul(odd)).next_u64()
}

/// `fraction` (within `0.0..1.0`) of `whole`, without the panics of `Duration::mul_f64` on huge values.
fn share(whole: Duration, fraction: f64) -> Duration {
    Duration::try_from_secs_f64(whole.as_secs_f64() * fraction).unwrap_or(whole)
}

#[cfg(test)]
mod tests;
