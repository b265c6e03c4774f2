//! Rings that are over and may still be asked about: a lost word costs nobody more than the
//! question (F25). Bounded in number and age.

use super::book::Standing;
use offhook_signaling::{Accepted, FromServer, Gone, Instance, RingEnd, SessionRef};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// As long as a ticket lives, and a lost link takes to come back.
const REMEMBERED: Duration = Duration::from_secs(60);
/// At once.
const MOST: usize = 8_192;

/// A ring that is over, and how.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub(super) ring: Standing,
    pub(super) why: RingEnd,
    pub(super) survivor: Option<String>,
    pub(super) taken: Option<Taken>,
    /// Was it taken back after it was taken, by one who rang and did not come?
    pub(super) given_up: bool,
}

/// By whom it was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) user: String,
    pub(super) device: Instance,
    pub(super) instance: Instance,
    /// What the one who rang is told.
    pub(super) to_caller: Accepted,
    /// What the one who took it is told.
    pub(super) to_callee: Accepted,
}

/// Who took a ring whose caller gives it up all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftAlone {
    pub(crate) session: SessionRef,
    pub(crate) caller: Instance,
    pub(crate) callee: Instance,
}

impl Over {
    pub(super) fn left_alone(&self) -> Option<LeftAlone> {
        let taken = self.taken.as_ref().filter(|_| self.given_up)?;
        let ring = &self.ring;
        Some(LeftAlone { session: ring.session.clone(), caller: ring.instance, callee: taken.instance })
    }

    pub(super) fn gone(&self) -> FromServer {
        FromServer::Gone(Gone {
            ring_id: self.ring.id.clone(),
            why: self.why.clone(),
            survivor: self.survivor.clone(),
        })
    }

    /// What is true of it for this device: taken by it, or over.
    pub(super) fn for_device(&self, user: &str, device: Instance) -> FromServer {
        match &self.taken {
            Some(taken) if self.ring.caller == user => FromServer::Accepted(taken.to_caller.clone()),
            Some(taken) if taken.user == user && taken.device == device => {
                FromServer::Accepted(taken.to_callee.clone())
            }
            _ => self.gone(),
        }
    }
}

/// Those that are remembered.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    rings: HashMap<String, Over>,
    by_age: VecDeque<(Instant, String)>,
}

impl Remembered {
    pub(super) fn put(&mut self, over: Over, now: Instant) {
        while self
            .by_age
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= REMEMBERED || self.by_age.len() >= MOST)
        {
            if let Some((_, id)) = self.by_age.pop_front() {
                self.rings.remove(&id);
            }
        }
        self.by_age.push_back((now, over.ring.id.clone()));
        self.rings.insert(over.ring.id.clone(), over);
    }

    pub(super) fn get(&self, id: &str) -> Option<&Over> {
        self.rings.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Over> {
        self.rings.get_mut(id)
    }

    pub(super) fn placed_by(&self, user: &str, instance: Instance) -> Option<&Over> {
        self.rings.values().find(|over| over.ring.caller == user && over.ring.instance == instance)
    }

    pub(super) fn clear(&mut self) {
        self.rings.clear();
        self.by_age.clear();
    }
}
