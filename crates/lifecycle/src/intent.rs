//! The desired-state ledger (R14, R15): what the user last asked for, with contents, revisions,
//! and what the far side said to each. It survives every link; a recovered session is made from it.

mod change;

pub use change::{Change, Entry, Image, Item, Prompt};

use crate::{Answer, Outcome, Revision, StateItem, Time, TrackRef};
use thiserror::Error;

/// Entries that one ledger holds at most. A change beyond it is refused with [`SetError::Full`].
pub const MAX_ITEMS: usize = 256;
/// Changes that may wait for their answer at once.
pub const MAX_PENDING: usize = 64;
/// Versions kept of one entry: the one in effect and those not yet answered.
const MAX_VERSIONS: usize = 8;

/// Why a change was not entered. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SetError {
    /// The session is over.
    #[error("the session is over; make a fresh one")]
    Over,
    /// Too many changes wait for their answer, or the ledger has no room.
    #[error("too many changes wait for an answer; await some of them first")]
    Full,
    /// The change names nothing.
    #[error("the change is empty; name what to set")]
    Empty,
}

#[derive(Clone, Debug)]
struct Version {
    revision: Revision,
    entry: Entry,
}

/// A change that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) revision: Revision,
    pub(crate) deadline: Time,
    pub(crate) unconfirmed: bool,
}

/// The desired state and what the far side said to it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Per part, oldest version first; never empty.
    items: Vec<Vec<Version>>,
    latest: Revision,
    acked: Revision,
    /// The number that the state got when a wish was last taken back: whatever has an older one is not
    /// what is desired, and was sent anew.
    renewed: Revision,
    pending: Vec<Pending>,
}

impl Ledger {
    /// The revision of the desired state as it stands.
    pub const fn revision(&self) -> Revision {
        self.latest
    }

    /// The newest revision known to be in effect at the far side.
    pub const fn acked(&self) -> Revision {
        self.acked
    }

    /// Did the far side say that this change is in effect, or a later one? It is not taken back any more.
    pub fn is_confirmed(&self, revision: Revision) -> bool {
        revision <= self.acked
    }

    /// Was nothing ever asked for?
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Every part as it is desired now, in a fixed order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items.iter().filter_map(|versions| versions.last()).map(|version| &version.entry)
    }

    /// The desired prompt.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.entries().find_map(|entry| match entry {
            Entry::Prompt(prompt) => Some(prompt),
            _ => None,
        })
    }

    /// The desired image: `None` was never set, `Some(None)` was cleared.
    pub fn image(&self) -> Option<Option<&Image>> {
        self.entries().find_map(|entry| match entry {
            Entry::Image(image) => Some(image.as_ref()),
            _ => None,
        })
    }

    /// Is this track of the user's to be silent?
    pub fn is_muted(&self, track: TrackRef) -> bool {
        self.entries().any(|entry| *entry == Entry::Muted(track, true))
    }

    /// Is nothing of this track to go out? Not before an unmute is known to be in effect: until then the
    /// far side may hold the track for muted, and it may still refuse (R14).
    pub fn is_silent(&self, track: TrackRef) -> bool {
        self.items.iter().flatten().any(|version| version.entry == Entry::Muted(track, true))
    }

    /// The user's tracks that are to be published.
    pub fn published(&self) -> impl Iterator<Item = TrackRef> {
        self.entries().filter_map(|entry| match entry {
            Entry::Published(track, true) => Some(*track),
            _ => None,
        })
    }

    /// The far side's tracks that are wanted.
    pub fn subscriptions(&self) -> impl Iterator<Item = TrackRef> {
        self.entries().filter_map(|entry| match entry {
            Entry::Subscribed(track, true) => Some(*track),
            _ => None,
        })
    }

    /// The revision that the part has now.
    pub fn revision_of(&self, item: Item) -> Option<Revision> {
        let versions = self.items.iter().find(|versions| versions.iter().any(|v| v.entry.item() == item))?;
        versions.last().map(|version| version.revision)
    }

    /// Enters a change. `told` hears which waiting changes it supersedes.
    pub(crate) fn enter(
        &mut self,
        change: Change,
        deadline: Time,
        mut told: impl FnMut(Revision, Outcome),
    ) -> Result<Revision, SetError> {
        if change.is_empty() {
            return Err(SetError::Empty);
        }
        let fresh = change.entries.iter().filter(|entry| self.position(entry.item()).is_err()).count();
        if self.pending.len() >= MAX_PENDING || self.items.len() + fresh > MAX_ITEMS {
            return Err(SetError::Full);
        }
        self.latest = self.latest.next();
        let revision = self.latest;
        for entry in change.entries {
            let version = Version { revision, entry };
            match self.position(version.entry.item()) {
                Ok(at) => push_version(&mut self.items[at], version, self.acked),
                Err(at) => self.items.insert(at, vec![version]),
            }
        }
        self.pending.push(Pending { revision, deadline, unconfirmed: false });
        self.supersede(&mut told);
        Ok(revision)
    }

    /// Takes in the far side's answer. Returns whether the desired state must be applied again:
    /// a refusal brought an older, never answered version back, or left others unanswered.
    pub(crate) fn answered(
        &mut self,
        revision: Revision,
        answer: Answer,
        deadline: Time,
        mut told: impl FnMut(Revision, Outcome),
    ) -> bool {
        match answer {
            Answer::Progress => {
                for pending in self.pending.iter_mut().filter(|p| p.revision <= revision && !p.unconfirmed) {
                    pending.deadline = deadline;
                }
                false
            }
            Answer::Applied => {
                let known = revision.min(self.latest);
                self.acked = self.acked.max(known);
                self.pending.retain(|pending| {
                    let answered = pending.revision <= known;
                    if answered {
                        told(pending.revision, Outcome::Applied);
                    }
                    !answered
                });
                let acked = self.acked;
                self.items.iter_mut().for_each(|versions| forget_answered(versions, acked));
                false
            }
            // It has what was taken back since: what is left of it is judged under its new number.
            Answer::Refused(_) if revision < self.renewed => false,
            Answer::Refused(item) => match self.refused_revision(revision, item) {
                Some(refused) => self.take_back(refused, Outcome::Refused(item), &mut told),
                None => false,
            },
        }
    }

    /// Takes a wish back. Returns whether the desired state must be applied again.
    pub(crate) fn withdraw(&mut self, revision: Revision, mut told: impl FnMut(Revision, Outcome)) -> bool {
        self.take_back(revision, Outcome::Withdrawn, &mut told)
    }

    /// The next deadline of a waiting change.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.pending.iter().filter(|p| !p.unconfirmed).map(|p| p.deadline).min()
    }

    /// Reports every change whose deadline has passed. The wish stands.
    pub(crate) fn expire(&mut self, now: Time, mut told: impl FnMut(Revision, Outcome)) {
        for pending in self.pending.iter_mut().filter(|p| !p.unconfirmed && p.deadline <= now) {
            pending.unconfirmed = true;
            told(pending.revision, Outcome::Unconfirmed);
        }
    }

    /// Ends every waiting change: the session is over.
    pub(crate) fn end(&mut self, mut told: impl FnMut(Revision, Outcome)) {
        for pending in self.pending.drain(..).filter(|p| !p.unconfirmed) {
            told(pending.revision, Outcome::Ended);
        }
    }

    /// The changes that wait, oldest first.
    #[cfg(any(test, feature = "walk"))]
    pub(crate) fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// How many versions the longest history holds.
    #[cfg(any(test, feature = "walk"))]
    pub(crate) fn depth(&self) -> usize {
        self.items.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn position(&self, item: Item) -> Result<usize, usize> {
        self.items.binary_search_by(|versions| match versions.first() {
            Some(version) => version.entry.item().cmp(&item),
            None => std::cmp::Ordering::Less,
        })
    }

    /// The newest change up to `revision` that is meant by a refusal of `item`.
    fn refused_revision(&self, revision: Revision, item: StateItem) -> Option<Revision> {
        let named = self
            .items
            .iter()
            .flatten()
            .filter(|v| v.revision <= revision && v.revision > self.acked && v.entry.item().is_named_by(item))
            .map(|version| version.revision)
            .max();
        named.or_else(|| self.pending.iter().map(|p| p.revision).filter(|r| *r <= revision).max())
    }

    fn take_back(
        &mut self,
        revision: Revision,
        outcome: Outcome,
        told: &mut impl FnMut(Revision, Outcome),
    ) -> bool {
        let mut found = false;
        for versions in &mut self.items {
            let before = versions.len();
            versions.retain(|version| version.revision != revision);
            found |= versions.len() != before;
        }
        self.items.retain(|versions| !versions.is_empty());
        let waited = self.pending.iter().any(|pending| pending.revision == revision);
        self.pending.retain(|pending| pending.revision != revision);
        if waited {
            told(revision, outcome);
        }
        if !found {
            return false;
        }
        // What the far side has under the old number is not what is desired any more.
        self.latest = self.latest.next();
        self.renewed = self.latest;
        true
    }

    fn supersede(&mut self, told: &mut impl FnMut(Revision, Outcome)) {
        let items = &self.items;
        self.pending.retain(|pending| {
            let stands = items
                .iter()
                .any(|versions| versions.last().is_some_and(|version| version.revision == pending.revision));
            if !stands {
                told(pending.revision, Outcome::Superseded);
            }
            stands
        });
    }
}

/// Adds a version; of a history that grows too long the oldest unanswered one goes, never the
/// one in effect.
fn push_version(versions: &mut Vec<Version>, version: Version, acked: Revision) {
    if versions.len() >= MAX_VERSIONS {
        let at = versions.iter().position(|known| known.revision > acked).unwrap_or(0);
        versions.remove(at);
    }
    versions.push(version);
}

/// Keeps the newest version in effect and everything after it.
fn forget_answered(versions: &mut Vec<Version>, acked: Revision) {
    if let Some(in_effect) = versions.iter().rposition(|version| version.revision <= acked) {
        versions.drain(..in_effect);
    }
}

#[cfg(test)]
mod tests;
