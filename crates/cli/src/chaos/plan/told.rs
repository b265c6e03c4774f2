//! What the system tells the application of the network, and the application hands on: that it is
//! gone and back, that it is another one, that the machine sleeps. Some of the network's faults are
//! told, a little late as systems do, and some hints come out of nowhere.

use super::dice::Dice;
use offhook_netrig::{Direction, Fault, Schedule, Step};
use std::fmt;
use std::time::Duration;

/// Something told to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// There is no network.
    Down,
    /// There is one again.
    Up,
    /// There is one, though nobody had said that it was gone.
    UpUnasked,
    /// There is another one.
    Changed,
    /// The machine goes to sleep.
    Sleeps,
    /// And wakes.
    Wakes,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "network down",
            Self::Up => "network up",
            Self::UpUnasked => "network up, unasked",
            Self::Changed => "network changed",
            Self::Sleeps => "sleep",
            Self::Wakes => "wake",
        })
    }
}

/// What is told of a schedule's faults, by time.
pub(super) fn draw(dice: &mut Dice, faults: &Schedule, last_end: Duration) -> Vec<(Duration, Hint)> {
    let mut told = Vec::new();
    for step in faults.steps() {
        tell(dice, step, &mut told);
    }
    let at = dice.millis(1_000..12_000);
    // Between a loss that was told and its end it would be no news but a lie.
    let away = faults.steps().iter().any(|step| step.at <= at && at <= step.end() + Duration::from_secs(1));
    if at < last_end && !away {
        told.push((at, Hint::UpUnasked));
    }
    told.sort_by_key(|(at, _)| *at);
    told
}

fn tell(dice: &mut Dice, step: &Step, told: &mut Vec<(Duration, Hint)>) {
    // Drawn whether needed or not, so that one fault's kind does not shift what the next is told.
    let (chance, before, after) = (dice.below(6), dice.millis(10..1_500), dice.millis(20..250));
    match step.fault {
        Fault::Cut if chance < 4 => {
            let late = before.min(step.lasting / 2);
            told.extend([(step.at + late, Hint::Down), (step.end() + after, Hint::Up)]);
        }
        // Nothing comes in or goes out of a machine that sleeps.
        Fault::BlackHole(Direction::Both) if chance < 3 => {
            told.extend([(step.at, Hint::Sleeps), (step.end() + after, Hint::Wakes)]);
        }
        // Another network: other addresses, and sockets that are of no use any more.
        Fault::Rebind if chance < 3 => told.push((step.at + after, Hint::Changed)),
        Fault::Reset if chance < 2 => told.push((step.at + after, Hint::Changed)),
        _ => {}
    }
}
