//! What shall happen: the faults of the network and the wishes of the user, both drawn from the
//! seed. A pure function; nothing here waits.

#[cfg(test)]
mod tests;

use offhook_netrig::{Profile, Schedule};
use std::fmt;
use std::time::Duration;

/// What the studio is asked for: looks that the witness tells apart without doubt. The first is
/// what there is before any prompt.
pub(crate) const LOOKS: [&str; 8] =
    ["original", "sepia", "edges", "invert", "ink", "flip", "nightvision", "mirror and invert"];

/// How long a session may take until it carries again once the path is back: 6.5 s to notice what
/// nobody said, 1 s to recover, and 2.5 s for the machine that this runs on.
pub(crate) const BACK: Duration = Duration::from_secs(10);

/// A look is not asked for again while it is among the last so many.
const NOT_AGAIN: usize = 5;

/// One thing the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// This look.
    Prompt(usize),
    /// The camera muted, or not.
    Muted(bool),
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt(look) => write!(f, "ask for {}", LOOKS.get(*look).unwrap_or(&"?")),
            Self::Muted(true) => f.write_str("mute"),
            Self::Muted(false) => f.write_str("unmute"),
        }
    }
}

/// Everything that shall happen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// What goes wrong.
    pub(crate) faults: Schedule,
    /// What is wanted, by time; ends unmuted.
    pub(crate) wishes: Vec<(Duration, Wish)>,
    /// What is asked for when the faults are over.
    pub(crate) last: usize,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn seeded(seed: u64, length: Duration) -> Self {
        let faults = Schedule::seeded(seed, length, &profile());
        let mut dice = Dice(seed);
        let mut wishes = Vec::new();
        let mut asked = vec![0];
        let mut at = dice.millis(400..900);
        while at < length {
            wishes.push((at, Wish::Prompt(next_look(&mut asked, &mut dice))));
            at += dice.millis(900..2600);
        }
        // Whether it is muted is another die's affair than what is asked for.
        let mut at = dice.millis(3000..8000);
        loop {
            let end = at + dice.millis(1200..4500);
            if end + Duration::from_secs(3) > length {
                break;
            }
            wishes.extend([(at, Wish::Muted(true)), (end, Wish::Muted(false))]);
            at = end + dice.millis(4000..9000);
        }
        wishes.sort_by_key(|(at, _)| *at);
        let last = next_look(&mut asked, &mut dice);
        Self { seed, faults, wishes, last }
    }

    /// Steps for the bar: one for each fault, and those around them.
    pub(crate) fn steps(&self) -> u64 {
        self.faults.steps().len() as u64 + 6
    }
}

/// Everything that the rig can do, in stretches short and long enough to be met in every state of
/// a recovery: some gaps end before a recovery does, some leave time to judge it.
fn profile() -> Profile {
    let ms = Duration::from_millis;
    Profile {
        lead: ms(2_000),
        gap: ms(300)..=ms(10_500),
        lasting: ms(300)..=ms(8_000),
        tail: BACK + ms(500),
        rate: 60_000..=200_000,
        loss: 0.02..=0.12,
        delay: ms(20)..=ms(200),
        ..Profile::default()
    }
}

fn next_look(asked: &mut Vec<usize>, dice: &mut Dice) -> usize {
    let recent = &asked[asked.len().saturating_sub(NOT_AGAIN)..];
    let free: Vec<usize> = (0..LOOKS.len()).filter(|look| !recent.contains(look)).collect();
    let look = free[dice.below(free.len() as u64) as usize];
    asked.push(look);
    look
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine and in every version.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }
}
