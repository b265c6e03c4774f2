//! What the far side does of its own will: sends the session to another server, or in vain to a
//! place that does not take it, is emptied, is restarted, dies. One after another; they meet the
//! network's faults as it comes.

use super::SPREAD;
use super::dice::Dice;
use std::fmt;
use std::time::Duration;

/// A turn of the server that holds the session at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It asks the session to go to the other server, with a ticket.
    Move,
    /// It asks the session to go where nobody takes it.
    Astray(Astray),
    /// It hands everything over to the other server, and is started anew when its deadline is over.
    Drain,
    /// It goes down for a restart, and says so.
    Restart,
    /// It dies without a word, and is started anew.
    Crash,
}

/// A place that does not take a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Astray {
    /// The ticket is nothing to it.
    Refused,
    /// Nobody listens there.
    Unreachable,
    /// It takes the socket and says nothing.
    Unanswered,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Move => "move",
            Self::Astray(Astray::Refused) => "move, refused there",
            Self::Astray(Astray::Unreachable) => "move to nowhere",
            Self::Astray(Astray::Unanswered) => "move, silence there",
            Self::Drain => "drain",
            Self::Restart => "restart",
            Self::Crash => "crash",
        })
    }
}

/// A turn and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// From the beginning of the schedule.
    pub(crate) at: Duration,
    pub(crate) turn: Turn,
    /// Until the old link is closed, or the server is there again.
    pub(crate) lasting: Duration,
}

impl Act {
    pub(crate) fn end(&self) -> Duration {
        self.at + self.lasting
    }

    /// Over how long the members of the server come back after it.
    pub(crate) fn spread(&self) -> Duration {
        match self.turn {
            Turn::Restart | Turn::Drain | Turn::Crash => SPREAD,
            Turn::Move | Turn::Astray(_) => Duration::ZERO,
        }
    }
}

/// One line: when, what, how long.
impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, lasting) = (self.at.as_secs_f64(), self.lasting.as_secs_f64());
        write!(f, "{at:>9.3} s  server: {} within {lasting:.3} s", self.turn)
    }
}

/// As many as fit, dealt like cards: all kinds come before one comes again.
pub(super) fn draw(dice: &mut Dice, last_end: Duration) -> Vec<Act> {
    let (mut acts, mut deck) = (Vec::new(), Vec::new());
    let mut at = dice.millis(2_500..7_000);
    loop {
        if deck.is_empty() {
            let astray = [Astray::Refused, Astray::Unreachable, Astray::Unanswered];
            let astray = astray[dice.below(3) as usize];
            let cards =
                vec![Turn::Move, Turn::Move, Turn::Astray(astray), Turn::Drain, Turn::Restart, Turn::Crash];
            deck = dice.shuffled(cards);
        }
        let Some(turn) = deck.pop() else { return acts };
        let lasting = match turn {
            // Some deadlines are shorter than a move takes over a bad line.
            Turn::Move | Turn::Astray(_) | Turn::Drain => dice.millis(1_500..8_000),
            Turn::Restart | Turn::Crash => dice.millis(200..4_000),
        };
        let act = Act { at, turn, lasting };
        if act.end() > last_end {
            return acts;
        }
        if act.spread() > last_end.saturating_sub(act.end()) {
            // Its members would still be on their way back.
            continue;
        }
        acts.push(act);
        at = act.end() + dice.millis(3_000..13_000);
    }
}
