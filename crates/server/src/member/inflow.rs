//! What a client says it is sending, and whether it comes: the server's half of noticing a
//! broken media path (R9). Nothing is due that was not announced by `sending`, that is muted, or
//! while there is nobody to tell.

#[cfg(test)]
mod tests;

use crate::config::MEDIA_SILENT;
use offhook_signaling::limits::SDP_SECTIONS;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a section that was found silent is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// When the newest packet of each section came.
#[derive(Clone, Default)]
pub(super) struct Arrivals(Arc<Mutex<HashMap<String, Instant>>>);

impl Arrivals {
    pub(super) fn note(&self, mid: &str) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.get_mut(mid) {
            Some(at) => *at = Instant::now(),
            None => drop(newest.insert(mid.to_owned(), Instant::now())),
        }
    }

    /// The newest packet of all.
    pub(super) fn newest_of_all(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().max().copied()
    }

    fn newest(&self, mid: &str) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(mid).copied()
    }
}

#[derive(Clone, Copy)]
struct Due {
    since: Instant,
    /// When it was told as a fault.
    told: Option<Instant>,
}

/// The sections in which media is due from the client.
#[derive(Default)]
pub(super) struct Inflow {
    pub(super) arrivals: Arrivals,
    due: BTreeMap<String, Due>,
}

impl Inflow {
    pub(super) fn sending(&mut self, mid: String, now: Instant) {
        if self.due.len() < SDP_SECTIONS || self.due.contains_key(&mid) {
            self.due.insert(mid, Due { since: now, told: None });
        }
    }

    pub(super) fn paused(&mut self, mid: &str) {
        self.due.remove(mid);
    }

    /// The path, or what may be sent on it, has changed: everything has its time anew.
    pub(super) fn afresh(&mut self, now: Instant) {
        for due in self.due.values_mut() {
            *due = Due { since: now, told: None };
        }
    }

    pub(super) fn next_look(&self, excused: impl Fn(&str) -> bool) -> Option<Instant> {
        let looks = self.due.iter().filter(|(mid, _)| !excused(mid)).map(|(mid, due)| match due.told {
            Some(told) => told + LOOK_AGAIN,
            None => silent_from(&self.arrivals, mid, due) + MEDIA_SILENT,
        });
        looks.min()
    }

    /// Is there a section that has been silent for too long, and was not told of yet?
    pub(super) fn found_silent(&mut self, now: Instant, excused: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        let Self { arrivals, due } = self;
        for (mid, due) in due.iter_mut().filter(|(mid, _)| !excused(mid.as_str())) {
            let silent = silent_from(arrivals, mid, due) + MEDIA_SILENT <= now;
            match due.told {
                None if silent => {
                    due.told = Some(now);
                    found = true;
                }
                // Still silent: it is known.
                Some(_) if silent => due.told = Some(now),
                Some(_) => due.told = None,
                None => {}
            }
        }
        found
    }
}

fn silent_from(arrivals: &Arrivals, mid: &str, due: &Due) -> Instant {
    arrivals.newest(mid).map_or(due.since, |at| at.max(due.since))
}
