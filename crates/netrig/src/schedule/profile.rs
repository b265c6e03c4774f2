//! What a seeded schedule is drawn from: which kinds of fault, how often, how long, how bad. The draw is a pure
//! function of seed, length and profile, in whole milliseconds, with arithmetic of its own so that it stays the same.

use std::{ops::RangeInclusive, time::Duration};

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{Fault, Step};
use crate::Direction;

/// The kinds of fault, without their numbers; see [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// [`Fault::CutTcp`].
    CutTcp,
    /// [`Fault::CutUdp`].
    CutUdp,
    /// [`Fault::Cut`].
    Cut,
    /// [`Fault::BlackHole`] of both ways.
    BlackHole,
    /// [`Fault::BlackHole`] from client to upstream: a one-way cut.
    BlackHoleUp,
    /// [`Fault::BlackHole`] from upstream to client: a one-way cut.
    BlackHoleDown,
    /// [`Fault::Rebind`].
    Rebind,
    /// [`Fault::Reset`].
    Reset,
    /// [`Fault::Refuse`].
    Refuse,
    /// [`Fault::Rate`].
    Rate,
    /// [`Fault::Loss`].
    Loss,
    /// [`Fault::Delay`].
    Delay,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CutTcp,
        Self::CutUdp,
        Self::Cut,
        Self::BlackHole,
        Self::BlackHoleUp,
        Self::BlackHoleDown,
        Self::Rebind,
        Self::Reset,
        Self::Refuse,
        Self::Rate,
        Self::Loss,
        Self::Delay,
    ];

    /// A stable name for tables and files: `cut-tcp`, `black-hole-up`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CutTcp => "cut-tcp",
            Self::CutUdp => "cut-udp",
            Self::Cut => "cut",
            Self::BlackHole => "black-hole",
            Self::BlackHoleUp => "black-hole-up",
            Self::BlackHoleDown => "black-hole-down",
            Self::Rebind => "rebind",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::Rate => "rate",
            Self::Loss => "loss",
            Self::Delay => "delay",
        }
    }

    /// Whether such a fault is over as soon as it has happened.
    pub fn is_momentary(self) -> bool {
        matches!(self, Self::Rebind | Self::Reset)
    }
}

/// What can happen in a seeded [`Schedule`](super::Schedule), how often, how long and how bad. Times are drawn evenly
/// from their ranges, in whole milliseconds.
///
/// Kinds are dealt like cards: all of `deck` in a shuffled order, then all again in another. So every kind comes up as
/// soon as the schedule is long enough for the deck, and a kind listed twice comes up twice as often.
///
/// ```
/// use offhook_netrig::{Kind, Profile};
/// use std::time::Duration;
///
/// let flapping = Profile {
///     deck: vec![Kind::Cut, Kind::CutUdp, Kind::Reset],
///     lasting: Duration::from_millis(200)..=Duration::from_millis(500),
///     gap: Duration::from_millis(500)..=Duration::from_millis(800),
///     ..Profile::default()
/// };
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The kinds of fault, repeated as often as they shall come up. An empty deck gives an empty schedule.
    pub deck: Vec<Kind>,
    /// Clear time before the first fault: enough to connect.
    pub lead: Duration,
    /// Clear time between two faults: enough to recover, if that is what is to be seen.
    pub gap: RangeInclusive<Duration>,
    /// How long a fault stays that is not momentary.
    pub lasting: RangeInclusive<Duration>,
    /// Clear time after the last fault, at least: enough to see how it ended.
    pub tail: Duration,
    /// How narrow a narrow line is, in bytes per second.
    pub rate: RangeInclusive<u64>,
    /// How much a lossy line loses, as a fraction.
    pub loss: RangeInclusive<f64>,
    /// How long a long line is, one way.
    pub delay: RangeInclusive<Duration>,
}

impl Default for Profile {
    /// Every kind once; 5 s to connect, faults of 1 to 8 s, 4 to 8 s between them, 8 s to the end; lines of 40 to
    /// 150 kB/s, losses of 2 to 15 %, delays of 50 to 250 ms.
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            deck: Kind::ALL.to_vec(),
            lead: ms(5_000),
            gap: ms(4_000)..=ms(8_000),
            lasting: ms(1_000)..=ms(8_000),
            tail: ms(8_000),
            rate: 40_000..=150_000,
            loss: 0.02..=0.15,
            delay: ms(50)..=ms(250),
        }
    }
}

/// Draws the steps of a schedule: as many as fit between lead and tail.
pub(super) fn draw(seed: u64, length: Duration, profile: &Profile) -> Vec<Step> {
    let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
    let last_end = length.saturating_sub(profile.tail);
    let (mut steps, mut at, mut deck) = (Vec::new(), profile.lead, Vec::new());
    loop {
        if deck.is_empty() {
            deck = dice.shuffled(&profile.deck);
        }
        let Some(kind) = deck.pop() else { return steps };
        // Everything is drawn whether needed or not, so that one fault's kind does not shift the draws of the next.
        let (lasting, gap) = (dice.time(&profile.lasting), dice.time(&profile.gap));
        let fault = dice.fault(kind, profile);
        let lasting = if kind.is_momentary() { Duration::ZERO } else { lasting };
        let step = Step { at, fault, lasting };
        // A step without time and without gap would never come to an end of the loop.
        let next = step.end().saturating_add(gap.max(Duration::from_millis(1)));
        if step.end() > last_end || next <= at {
            return steps;
        }
        steps.push(step);
        at = next;
    }
}

struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Evenly from `low..=high`; `low` if the range is empty.
    fn number(&mut self, low: u64, high: u64) -> u64 {
        let drawn = u128::from(self.0.next_u64());
        let many = u128::from(high.saturating_sub(low)) + 1;
        // The product of two numbers below 2^64 and at most 2^64, shifted by 64, is below `many`.
        low.saturating_add(u64::try_from((drawn * many) >> 64).unwrap_or(0))
    }

    fn time(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let ms = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.number(ms(range.start()), ms(range.end())))
    }

    fn fault(&mut self, kind: Kind, profile: &Profile) -> Fault {
        let bytes_per_second = self.number(*profile.rate.start(), *profile.rate.end());
        // A thousand steps between the ends: exact enough, and the same on every machine.
        let thousandth = f64::from(u32::try_from(self.number(0, 1_000)).unwrap_or(0)) / 1_000.0;
        let (low, high) = (profile.loss.start(), profile.loss.end());
        let probability = low + (high - low) * thousandth;
        let one_way = self.time(&profile.delay);
        match kind {
            Kind::CutTcp => Fault::CutTcp,
            Kind::CutUdp => Fault::CutUdp,
            Kind::Cut => Fault::Cut,
            Kind::BlackHole => Fault::BlackHole(Direction::Both),
            Kind::BlackHoleUp => Fault::BlackHole(Direction::Up),
            Kind::BlackHoleDown => Fault::BlackHole(Direction::Down),
            Kind::Rebind => Fault::Rebind,
            Kind::Reset => Fault::Reset,
            Kind::Refuse => Fault::Refuse,
            Kind::Rate => Fault::Rate { bytes_per_second },
            Kind::Loss => Fault::Loss { probability },
            Kind::Delay => Fault::Delay { one_way },
        }
    }

    /// Fisher and Yates.
    fn shuffled(&mut self, cards: &[Kind]) -> Vec<Kind> {
        let mut cards = cards.to_vec();
        for last in (1..cards.len()).rev() {
            let other = self.number(0, last as u64);
            cards.swap(last, usize::try_from(other).unwrap_or(last));
        }
        cards
    }
}
