//! The pace at which members that lost everything are taken back. After a restart, or a cut
//! before the whole house, all of them come at once; so many a second are let in, each of the
//! others is told when its own turn is, and finds it kept (E10).

#[cfg(test)]
mod tests;

use offhook_signaling::Instance;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
/// A turn that nobody takes is kept this long.
const KEPT: Duration = Duration::from_secs(5);
/// Turns that are remembered at most; whoever comes after them is told a time and asks again then.
const MOST: usize = 4096;

#[derive(Debug)]
pub(crate) struct Pace {
    per_second: usize,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// Who was let in within the last second, the oldest first.
    taken: VecDeque<Instant>,
    promised: HashMap<Instance, Instant>,
    /// The first turn that nobody has yet.
    next: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: usize) -> Self {
        Self { per_second: per_second.max(1), turns: Mutex::default() }
    }

    /// May this one in now? In no second are more let in than the pace says.
    ///
    /// # Errors
    /// How long it is to wait.
    pub(crate) fn knock(&self, who: Instance, now: Instant) -> Result<(), Duration> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        while turns.taken.front().is_some_and(|at| *at + SECOND <= now) {
            turns.taken.pop_front();
        }
        turns.promised.retain(|_, at| *at + KEPT > now);
        let free = self.per_second.saturating_sub(turns.taken.len());
        match turns.promised.get(&who) {
            Some(at) if *at > now => return Err(at.saturating_duration_since(now)),
            // Its turn, but others were late and came into the same second.
            Some(_) if free == 0 => return Err(turns.promise(who, now, self.per_second)),
            Some(_) => {
                turns.promised.remove(&who);
            }
            None => {
                let due = turns.promised.values().filter(|at| **at < now + SECOND).count();
                if free <= due {
                    return Err(turns.promise(who, now, self.per_second));
                }
            }
        }
        turns.taken.push_back(now);
        Ok(())
    }
}

impl Turns {
    fn promise(&mut self, who: Instance, now: Instant, per_second: usize) -> Duration {
        let earliest = now + SECOND;
        let turn = self.next.map_or(earliest, |next| next.max(earliest));
        if self.promised.len() < MOST {
            self.promised.insert(who, turn);
            // A fifth is held back for those who come late and push others aside.
            let apart = SECOND.saturating_mul(5) / 4 / u32::try_from(per_second).unwrap_or(u32::MAX);
            self.next = Some(turn + apart);
        }
        turn.saturating_duration_since(now)
    }
}
