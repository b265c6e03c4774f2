//! What is kept of members whose resume window is over: their slot is free, and a resume token of
//! theirs is good until its time is over as well (F02). Shown to nobody but the holder of the
//! secret, as the same user.

#[cfg(test)]
mod tests;

use crate::handover::Dossier;
use offhook_signaling::{Instance, Rejoin};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// Kept at most; beyond it the one that is due first goes.
const MOST: usize = 4096;

#[derive(Default)]
pub(crate) struct Relics(Mutex<HashMap<(String, Instance), Relic>>);

struct Relic {
    dossier: Dossier,
    since: Instant,
    until: Instant,
}

impl Relics {
    pub(crate) fn keep(&self, dossier: Dossier, until: Instant, now: Instant) {
        if until <= now {
            return;
        }
        let mut relics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if relics.len() >= MOST {
            relics.retain(|_, relic| relic.until > now);
        }
        if relics.len() >= MOST {
            let first = relics.iter().min_by_key(|(_, relic)| relic.until).map(|(who, _)| who.clone());
            first.and_then(|who| relics.remove(&who));
        }
        relics
            .insert((dossier.session.clone(), dossier.member.instance), Relic { dossier, since: now, until });
    }

    /// What is kept of a session's members (all sessions' where none is named), of one user or of all: it is
    /// nobody's to take up any more. Each with the end of the time that it would have been kept for.
    pub(crate) fn end(&self, session: Option<&str>, user: Option<&str>) -> Vec<(Dossier, Instant)> {
        let mut relics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ended = |(of, _): &(String, Instance), relic: &mut Relic| {
            session.is_none_or(|session| session == of)
                && user.is_none_or(|user| user == relic.dossier.member.user)
        };
        let ended = relics.extract_if(is_ended);
        ended.map(|(_, relic)| (relic.dossier, relic.until)).collect()
    }

    /// What is kept of this instance, for the one who shows its secret.
    pub(crate) fn take(
        &self,
        session: &str,
        instance: Instance,
        user: &str,
        rejoin: &Rejoin,
        now: Instant,
    ) -> Option<(Dossier, Instant)> {
        let mut relics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = (session.to_owned(), instance);
        let relic = relics.get(&who)?;
        if relic.until <= now {
            relics.remove(&who);
            return None;
        }
        let shown = rejoin.secret.expose().as_bytes();
        let fits = relic.dossier.secrets.iter().fold(false, |fits, kept| {
            // All are looked at, whichever it is; an empty one fits nothing.
            fits | (!kept.is_empty() & bool::from(kept.as_bytes().ct_eq(shown)))
        });
        if !fits || relic.dossier.member.user != user || relic.dossier.session_id != rejoin.session_id {
            return None;
        }
        relics.remove(&who).map(|Relic { mut dossier, since, until }| {
            // What was left of its time went on.
            let passed = u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
            dossier.expires_in_ms = dossier.expires_in_ms.map(|left| left.saturating_sub(passed));
            (dossier, until)
        })
    }
}
