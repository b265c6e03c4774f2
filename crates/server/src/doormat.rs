//! What was shown at the door and must not be shown again: one-use tickets, and credentials
//! bound to the instance that used them first. Entries go when their credential could not be
//! used any more, so that the list stays as long as the credentials live.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Entries kept at most; beyond it nobody new is bound, which refuses rather than forgets.
const MOST: usize = 65_536;
/// Seconds past its end that a credential may still be shown (the leeway, twice over).
const SLACK: u64 = 120;

fn revoked(id: &str) -> String {
    format!("revoked {id}")
}

#[derive(Debug, Default)]
pub(crate) struct Doormat(Mutex<HashMap<String, (String, u64)>>);

impl Doormat {
    /// Takes a one-use id; true the first time.
    pub(crate) fn use_once(&self, id: &str, exp: u64, now: u64) -> bool {
        self.enter(id, exp, now, String::new(), |_| false)
    }

    /// Binds a credential to an instance; true if it was free or is this instance's already.
    pub(crate) fn bind(&self, id: &str, instance: &str, exp: u64, now: u64) -> bool {
        self.enter(id, exp, now, instance.to_owned(), |bound| bound == instance)
    }

    /// Was this one-use id taken already?
    pub(crate) fn was_used(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Takes a credential away from its bearer (S4).
    pub(crate) fn revoke(&self, id: &str, exp: u64, now: u64) {
        // Under a name of its own: the credential may be bound as well.
        self.enter(&revoked(id), exp, now, String::new(), |_| true);
    }

    pub(crate) fn is_revoked(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&revoked(id))
    }

    fn enter(&self, id: &str, exp: u64, now: u64, mark: String, again: impl Fn(&str) -> bool) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bound, _)) = seen.get(id) {
            return again(bound);
        }
        if seen.len() >= MOST {
            seen.retain(|_, (_, exp)| exp.saturating_add(SLACK) > now);
        }
        if seen.len() >= MOST {
            return false;
        }
        seen.insert(id.to_owned(), (mark, exp));
        true
    }
}
