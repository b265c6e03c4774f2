//! What a far side says of rings, made known to the sessions it is about. Words overtake each other:
//! a version that is older is dropped, a word about a ring that has no name here yet is kept for it.

use super::call::{Call, Say, Side, Word};
use super::{Desk, EARLY, State, accepted, ended, words};
use crate::client::Config;
use crate::shared::Shared;
use offhook_lifecycle::{CallingState, Input, RingEnd};
use offhook_transport::{PresenceEvent, RingEndCode, RingId, RingInfo, Secret};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::Instant;

impl Desk {
    /// One report about rings.
    pub(super) fn hear(self: &Arc<Self>, config: &Arc<Config>, event: PresenceEvent) {
        match event {
            PresenceEvent::Placed { id, ring } => self.placed(id, ring),
            PresenceEvent::PlaceRefused { id, why, text } => self.refused(id, why, &text),
            PresenceEvent::Ring(ring) => self.rings(config, ring),
            PresenceEvent::Accepted { ring, user: _, ticket } => self.taken(&ring, ticket),
            PresenceEvent::Gone { ring, why, survivor } => self.gone(&ring, why, survivor.as_ref()),
            // The connection's affair.
            PresenceEvent::Up { .. }
            | PresenceEvent::Alive
            | PresenceEvent::NeedCredential(_)
            | PresenceEvent::Refused { .. }
            | PresenceEvent::Lost(_)
            | PresenceEvent::Closed => {}
        }
    }

    fn placed(&self, id: u64, ring: RingInfo) {
        let mut book = self.lock();
        let by_order = |call: &&mut Call| match &call.side {
            Side::Outgoing(order) => order.id == id || ring.placed_by == Some(order.instance),
            Side::Incoming => false,
        };
        let Some(call) = book.calls.iter_mut().find(by_order) else { return };
        call.ring = Some(ring.id.clone());
        call.version = call.version.max(ring.version);
        // A wish that waited for the name can be said now.
        call.said = false;
        let early = book.early.iter().position(|(of, _)| *of == ring.id);
        let word = early.and_then(|at| book.early.remove(at)).map(|(_, word)| word);
        drop(book);
        match word {
            Some(Word::Accepted(ticket)) => self.taken(&ring.id, ticket),
            Some(Word::Ended(why)) => self.end(&ring.id, why),
            None => {}
        }
    }

    fn refused(&self, id: u64, why: offhook_transport::RingRefusedCode, text: &str) {
        let mut book = self.lock();
        let of = |call: &Call| matches!(&call.side, Side::Outgoing(order) if order.id == id);
        let Some(at) = book.calls.iter().position(of) else { return };
        let call = book.calls.remove(at);
        drop(book);
        if let Some(shared) = call.shared.upgrade().filter(|_| !call.over) {
            shared.notes().ring_text = (!text.is_empty()).then(|| Arc::from(text));
            ended(&shared, RingEnd::Refused(words::refusal(why)));
        }
    }

    /// It rings here, or a ring changed.
    fn rings(self: &Arc<Self>, config: &Arc<Config>, ring: RingInfo) {
        let mut book = self.lock();
        let known = book.calls.iter_mut().find(|call| {
            call.ring.as_ref() == Some(&ring.id) || ring.placed_by.is_some_and(|by| by == call.instance)
        });
        if let Some(call) = known {
            if ring.version >= call.version {
                call.version = ring.version;
                call.ring = Some(ring.id);
            }
            return;
        }
        let waits = book.waiting.iter().any(|(of, _)| of.id == ring.id);
        if ring.placed_by.is_some() || waits || book.hushed.contains(&ring.id) || book.closed {
            return;
        }
        // While we ring the one who rings us, the far side decides which of the two goes on.
        let glare = book.calls.iter().any(|call| match &call.side {
            Side::Outgoing(order) => !call.over && order.users == [ring.user.clone()],
            Side::Incoming => false,
        });
        let listens = book.listeners > 0;
        drop(book);
        if config.busy && !glare && self.is_occupied() {
            let mut book = self.lock();
            let number = book.next_ref();
            book.calls.push(Call::turned_away(ring.id, number));
            drop(book);
            self.rung.notify_one();
        } else if listens {
            self.ring_here(config, ring);
        } else {
            let mut book = self.lock();
            if book.waiting.len() < super::HUSHED {
                book.waiting.push((ring, Instant::now()));
            }
        }
    }

    /// Does any session of this client ring, join or go on (F23)?
    fn is_occupied(&self) -> bool {
        let alive: Vec<Arc<Shared>> = crate::client::living(&self.registry);
        alive.iter().any(|shared| match shared.view().state() {
            CallingState::Idle | CallingState::Left | CallingState::Unknown => false,
            CallingState::Ringing(_)
            | CallingState::Joining
            | CallingState::Joined
            | CallingState::Migrating
            | CallingState::Reconnecting
            | CallingState::ReconnectingFailed
            | CallingState::Offline => true,
        })
    }

    fn taken(&self, ring: &RingId, ticket: Secret) {
        let mut book = self.lock();
        let Some(at) = book.calls.iter().position(|call| call.ring.as_ref() == Some(ring)) else {
            return self.keep_early(book, ring, Word::Accepted(ticket));
        };
        let call = &mut book.calls[at];
        let given_up = matches!(call.side, Side::Incoming) && call.wish != Some(Say::Accept) && !call.over;
        if given_up {
            call.ticket = Some(ticket);
            return;
        }
        // Given up and answered in the same moment: the last word about it is still to be said.
        if call.over && (call.answered || matches!(call.side, Side::Outgoing(_))) {
            book.calls[at].answered = true;
            return;
        }
        let call = book.calls.remove(at);
        if matches!(call.side, Side::Outgoing(_)) {
            book.answered(call.instance, ring.clone());
        }
        drop(book);
        if let Some(shared) = call.shared.upgrade().filter(|_| !call.over) {
            accepted(&shared, ticket);
        }
    }

    fn gone(&self, ring: &RingId, why: RingEndCode, survivor: Option<&RingId>) {
        let mut book = self.lock();
        let number = survivor.and_then(|survivor| {
            book.calls.iter().find(|call| call.ring.as_ref() == Some(survivor)).map(|call| call.number)
        });
        let number = number.unwrap_or_else(|| book.next_ref());
        drop(book);
        self.end(ring, words::end(why, number));
    }

    fn end(&self, ring: &RingId, why: RingEnd) {
        let mut book = self.lock();
        book.waiting.retain(|(of, _)| of.id != *ring);
        let hushed = book.hushed.len();
        book.hushed.retain(|of| of != ring);
        let was_hushed = book.hushed.len() < hushed;
        let Some(at) = book.calls.iter().position(|call| call.ring.as_ref() == Some(ring)) else {
            if !was_hushed {
                self.keep_early(book, ring, Word::Ended(why));
            }
            return;
        };
        let call = book.calls.remove(at);
        drop(book);
        if let Some(shared) = call.shared.upgrade().filter(|_| !call.over) {
            ended(&shared, why);
        }
    }

    /// A word about a ring that has no name here: one of ours may be about to get it.
    fn keep_early(&self, mut book: std::sync::MutexGuard<'_, super::Book>, ring: &RingId, word: Word) {
        let unnamed = |call: &Call| matches!(call.side, Side::Outgoing(_)) && call.ring.is_none();
        if !book.calls.iter().any(unnamed) {
            return book.early.clear();
        }
        if book.early.len() == EARLY {
            book.early.pop_front();
        }
        book.early.push_back((ring.clone(), word));
    }

    /// A link is up: everything that stands, as the far side has it. What comes back is to be asked
    /// about: it stood, and stands there no more.
    pub(super) fn compare(self: &Arc<Self>, config: &Arc<Config>, rings: Vec<RingInfo>) -> Vec<RingId> {
        let mut book = self.lock();
        let there: HashSet<_> = rings.iter().map(|ring| ring.id.clone()).collect();
        book.waiting.retain(|(ring, _)| there.contains(&ring.id));
        book.hushed.retain(|ring| there.contains(ring));
        book.early.clear();
        let placed = |instance| rings.iter().find(|ring| ring.placed_by == Some(instance));
        let mut missing = Vec::new();
        book.calls.retain_mut(|call| {
            call.said = false;
            if matches!(call.side, Side::Outgoing(_)) && call.ring.is_none() {
                call.ring = placed(call.instance).map(|ring| ring.id.clone());
                // Never placed over there: a call that is given up needs no word.
                return call.ring.is_some() || !call.over;
            }
            match &call.ring {
                Some(ring) if !there.contains(ring) => {
                    if call.over {
                        return call.answered;
                    }
                    missing.push(ring.clone());
                    true
                }
                Some(_) | None => true,
            }
        });
        let orphans = rings.iter().filter(|ring| {
            ring.placed_by.is_some() && !book.calls.iter().any(|call| call.ring.as_ref() == Some(&ring.id))
        });
        for ring in orphans.map(|ring| ring.id.clone()).collect::<Vec<_>>() {
            let number = book.next_ref();
            book.calls.push(Call::orphan(ring, number));
        }
        drop(book);
        for ring in rings.into_iter().filter(|ring| ring.placed_by.is_none()) {
            self.rings(config, ring);
        }
        missing
    }

    /// The link is gone. Rings stay; an accept that waits for its answer fails.
    pub(super) fn lost(&self) {
        let mut book = self.lock();
        let mut asked = Vec::new();
        book.calls.retain_mut(|call| {
            if call.wish == Some(Say::Accept) && call.said {
                asked.extend(call.shared.upgrade());
            }
            call.lost_link()
        });
        drop(book);
        asked.iter().for_each(|shared| shared.feed(Input::PresenceLost));
    }

    /// Where presence is now.
    pub(super) fn show(&self, level: super::Level) {
        let mut book = self.lock();
        book.level = level;
        let mut failed = Vec::new();
        if level.state == State::Refused {
            // Nothing more can be said; what came in rings on until its own time is over.
            let (gone, kept) = std::mem::take(&mut book.calls)
                .into_iter()
                .partition::<Vec<_>, _>(|call| call.over || matches!(call.side, Side::Outgoing(_)));
            book.calls = kept;
            failed = gone;
        }
        let mut wakers = std::mem::take(&mut book.watchers);
        wakers.append(&mut book.streams);
        drop(book);
        for shared in failed.iter().filter(|call| !call.over).filter_map(|call| call.shared.upgrade()) {
            ended(&shared, RingEnd::Refused(words::unplaced(level.refusal)));
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}
