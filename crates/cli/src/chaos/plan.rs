//! What shall happen: the faults of the network (the rig's own schedule), what is told of them
//! (`told.rs`), what the servers do (`turns.rs`), and the wishes of the user. All is drawn from the
//! seed, each from dice of its own. A pure function; nothing here waits.

mod dice;
mod told;
mod turns;

#[cfg(test)]
mod tests;

use dice::Dice;
use offhook_netrig::{Kind, Profile, Schedule, Step};
use std::fmt;
use std::time::Duration;

pub(crate) use told::Hint;
pub(crate) use turns::{Act, Astray, Turn};

/// What the studio is asked for: looks that the witness tells apart without doubt. The first is
/// what there is before any prompt.
pub(crate) const LOOKS: [&str; 8] =
    ["original", "sepia", "edges", "invert", "ink", "flip", "nightvision", "mirror and invert"];

/// How long a session may take until it carries again once the path is back: 6.5 s to notice what
/// nobody said, 1 s to recover, and 2.5 s for the machine that this runs on.
pub(crate) const BACK: Duration = Duration::from_secs(10);

/// And so much longer after a server that was started anew: its members are to come back spread out
/// (E10).
pub(crate) const SPREAD: Duration = Duration::from_secs(8);

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
    /// What goes wrong with the network.
    pub(crate) faults: Schedule,
    /// What is told of it, by time.
    pub(crate) told: Vec<(Duration, Hint)>,
    /// What the servers do, by time.
    pub(crate) turns: Vec<Act>,
    /// What is wanted, by time; ends unmuted.
    pub(crate) wishes: Vec<(Duration, Wish)>,
    /// What is asked for when the faults are over.
    pub(crate) last: usize,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn seeded(seed: u64, length: Duration) -> Self {
        let profile = profile(Dice::new(seed ^ OF_LEAD).below(3) == 0);
        let last_end = length.saturating_sub(profile.tail);
        let faults = Schedule::seeded(seed, length, &profile);
        let told = told::draw(&mut Dice::new(seed ^ OF_HINTS), &faults, last_end);
        let turns = turns::draw(&mut Dice::new(seed ^ OF_TURNS), last_end);
        let mut dice = Dice::new(seed);
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
        Self { seed, faults, told, turns, wishes, last }
    }

    /// Steps for the bar: one for each fault and each turn, and those around them.
    pub(crate) fn steps(&self) -> u64 {
        (self.faults.steps().len() + self.turns.len()) as u64 + 6
    }
}

/// All that goes wrong, a line each: when, what, how long.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = |step: &Step| {
            let (at, lasting) = (step.at.as_secs_f64(), step.lasting.as_secs_f64());
            let how_long = if lasting > 0.0 { format!(" for {lasting:.3} s") } else { String::new() };
            (step.at, format!("{at:>9.3} s  network: {}{how_long}", step.fault))
        };
        let mut lines: Vec<_> = self.faults.steps().iter().map(fault).collect();
        lines.extend(self.turns.iter().map(|act| (act.at, act.to_string())));
        let told =
            |(at, hint): &(Duration, Hint)| (*at, format!("{:>9.3} s  told: {hint}", at.as_secs_f64()));
        lines.extend(self.told.iter().map(told));
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))?;
        write!(f, "{:>9.3} s  end", self.faults.length().as_secs_f64())
    }
}

/// Other dice for what is told, for what the servers do and for the network's beginning, so that a change of one leaves the
/// others as they are.
const OF_HINTS: u64 = 0x6869_6e74;
const OF_TURNS: u64 = 0x7475_726e;
const OF_LEAD: u64 = 0x6c65_6164;

/// Everything that the rig can do, in stretches short and long enough to be met in every state of
/// a recovery: some gaps end before a recovery does, some leave time to judge it. What can be told
/// comes twice as often: told, and untold. A quiet beginning leaves the servers' first turn alone.
fn profile(quiet: bool) -> Profile {
    let ms = Duration::from_millis;
    let mut deck = Kind::ALL.to_vec();
    deck.extend([Kind::Cut, Kind::BlackHole, Kind::Rebind, Kind::Rebind]);
    Profile {
        deck,
        lead: ms(if quiet { 14_500 } else { 2_000 }),
        gap: ms(300)..=ms(14_000),
        lasting: ms(300)..=ms(8_000),
        tail: BACK + ms(500),
        rate: 60_000..=200_000,
        loss: 0.02..=0.12,
        delay: ms(20)..=ms(200),
    }
}

fn next_look(asked: &mut Vec<usize>, dice: &mut Dice) -> usize {
    let recent = &asked[asked.len().saturating_sub(NOT_AGAIN)..];
    let free: Vec<usize> = (0..LOOKS.len()).filter(|look| !recent.contains(look)).collect();
    let look = free[dice.below(free.len() as u64) as usize];
    asked.push(look);
    look
}
