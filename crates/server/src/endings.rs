//! Endings that may not have been heard: who was ended while its link was dead comes back to
//! resume, and only `ended` ends a session. Kept for as long as a resume or a ticket may come, and
//! shown to nobody but the holder of the resume secret, or of a ticket to that very membership.

#[cfg(test)]
mod tests;

use offhook_signaling::{Ended, Instance};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// Endings kept at most; beyond it the one that is due first goes.
const MOST: usize = 1024;

#[derive(Default)]
pub(crate) struct Endings(Mutex<HashMap<(String, Instance), Ending>>);

pub(crate) struct Ending {
    /// What was ended: whose, and in which session of this name.
    pub(crate) user: String,
    pub(crate) session_id: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) ended: Ended,
    pub(crate) until: Instant,
}

impl Endings {
    pub(crate) fn keep(&self, session: &str, instance: Instance, ending: Ending, now: Instant) {
        let mut endings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if endings.len() >= MOST {
            endings.retain(|_, ending| ending.until > now);
        }
        if endings.len() >= MOST {
            let first = endings.iter().min_by_key(|(_, ending)| ending.until).map(|(who, _)| who.clone());
            first.and_then(|who| endings.remove(&who));
        }
        endings.insert((session.to_owned(), instance), ending);
    }

    /// What the holder of this secret was to be told.
    pub(crate) fn find(
        &self,
        session: &str,
        instance: Instance,
        secret: &str,
        now: Instant,
    ) -> Option<Ended> {
        let fits = |kept: &String| bool::from(kept.as_bytes().ct_eq(secret.as_bytes()));
        self.look(session, instance, now, |ending| ending.secrets.iter().any(fits))
    }

    /// What the bearer of a ticket is to be told: it proves whose membership of which session it is.
    pub(crate) fn of_ticket(
        &self,
        session: &str,
        instance: Instance,
        (user, session_id): (&str, &str),
        now: Instant,
    ) -> Option<Ended> {
        let is_it = |ending: &Ending| ending.user == user && ending.session_id == session_id;
        self.look(session, instance, now, is_it)
    }

    /// A new join of this instance is a new membership: what it carries from here on is not over.
    pub(crate) fn forget(&self, session: &str, instance: Instance) {
        let mut endings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endings.remove(&(session.to_owned(), instance));
    }

    fn look(
        &self,
        session: &str,
        instance: Instance,
        now: Instant,
        is_shown: impl Fn(&Ending) -> bool,
    ) -> Option<Ended> {
        let mut endings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = (session.to_owned(), instance);
        let ending = endings.get(&who)?;
        if ending.until <= now {
            endings.remove(&who);
            return None;
        }
        is_shown(ending).then(|| ending.ended.clone())
    }
}
