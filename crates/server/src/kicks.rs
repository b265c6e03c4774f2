//! Who was removed from which session, by identity: whatever credential and whatever instance
//! it comes back with, it stays out for a while (S4, E8). Bounded: where there are too many, the
//! one that would be over first is forgotten first.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Entries kept at most.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Kicks(Mutex<HashMap<(String, String), Instant>>);

impl Kicks {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a user out of a session for this long from now.
    pub(crate) fn keep_out(&self, session: &str, user: &str, life: Duration, now: Instant) {
        let mut kicks = self.lock();
        if kicks.len() >= MOST {
            kicks.retain(|_, until| *until > now);
        }
        if kicks.len() >= MOST {
            let first = kicks.iter().min_by_key(|(_, until)| **until).map(|(who, _)| who.clone());
            first.and_then(|who| kicks.remove(&who));
        }
        let Some(until) = now.checked_add(life) else { return };
        let entry = kicks.entry((session.to_owned(), user.to_owned())).or_insert(until);
        *entry = until.max(*entry);
    }

    pub(crate) fn keeps_out(&self, session: &str, user: &str, now: Instant) -> bool {
        let mut kicks = self.lock();
        let who = (session.to_owned(), user.to_owned());
        match kicks.get(&who) {
            Some(until) if *until > now => true,
            Some(_) => {
                kicks.remove(&who);
                false
            }
            None => false,
        }
    }

    /// Who is kept out of which session, and for how much longer.
    pub(crate) fn all(&self, now: Instant) -> Vec<(String, String, Duration)> {
        let kicks = self.lock();
        let stand = kicks.iter().filter(|(_, until)| **until > now);
        stand
            .map(|((session, user), until)| {
                (session.clone(), user.clone(), until.saturating_duration_since(now))
            })
            .collect()
    }
}
