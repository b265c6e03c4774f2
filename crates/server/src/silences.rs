//! What moderators muted of whom, by identity, where unmuting is not granted: who leaves and comes again is
//! as muted as before (F64). Kept as long as a kick from when its member was last seen, until a moderator
//! takes it back. Bounded: where there are too many, the one that would be over first is forgotten first.

use crate::member::Silenced;
use offhook_transport::media::Kind;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Entries kept at most.
const MOST: usize = 4096;

/// By session and user.
#[derive(Debug, Default)]
pub(crate) struct Silences(Mutex<HashMap<(String, String), (Silenced, Instant)>>);

impl Silences {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), (Silenced, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is muted of an instance of this user in this session, beside what is of others. Of one that
    /// is not muted nothing is noted, and nothing forgotten.
    pub(crate) fn note(&self, session: &str, user: &str, silenced: Silenced, life: Duration, now: Instant) {
        let mut silences = self.lock();
        let who = (session.to_owned(), user.to_owned());
        let Some(until) = now.checked_add(life).filter(|_| !silenced.is_nothing()) else { return };
        let before = silences.get(&who).filter(|(_, until)| *until > now);
        let (before, until) =
            before.map_or((Silenced::default(), until), |(before, end)| (*before, until.max(*end)));
        let silenced = silenced.or(before);
        if silences.len() >= MOST && !silences.contains_key(&who) {
            silences.retain(|_, (_, until)| *until > now);
            if silences.len() >= MOST {
                let first = silences.iter().min_by_key(|(_, (_, until))| *until).map(|(who, _)| who.clone());
                first.and_then(|first| silences.remove(&first));
            }
        }
        silences.insert(who, (silenced, until));
    }

    /// A moderator takes back what was muted of this kind.
    pub(crate) fn lift(&self, session: &str, user: &str, kind: Kind) {
        let mut silences = self.lock();
        let who = (session.to_owned(), user.to_owned());
        let Some((silenced, _)) = silences.get_mut(&who) else { return };
        silenced.lift(kind);
        if silenced.is_nothing() {
            silences.remove(&who);
        }
    }

    /// Of whom what is muted, in every session, and for how much longer.
    pub(crate) fn all(&self, now: Instant) -> Vec<(String, String, Silenced, Duration)> {
        let silences = self.lock();
        let stand = silences.iter().filter(|(_, (_, until))| *until > now);
        stand
            .map(|((session, user), (silenced, until))| {
                (session.clone(), user.clone(), *silenced, until.saturating_duration_since(now))
            })
            .collect()
    }

    /// What is to be muted of this user, who comes in anew.
    pub(crate) fn of(&self, session: &str, user: &str, now: Instant) -> Silenced {
        let who = (session.to_owned(), user.to_owned());
        let silences = self.lock();
        let silenced = silences.get(&who).filter(|(_, until)| *until > now);
        silenced.map_or_else(Silenced::default, |(silenced, _)| *silenced)
    }
}
