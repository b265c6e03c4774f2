//! Who is inside: sessions by kind and id, and the members of each. A session lives as long as
//! it has a member, or for a while longer where it was made by name (`rooms/records.rs`). What a
//! member does is `member.rs`; who may come in is `door.rs`; who waits is `queue.rs`.

mod directors;
mod records;
mod room;

pub(crate) use directors::{Directed, Steering, Which};
pub(crate) use records::{Asked, Record, not_found};
pub(crate) use room::{Newcomer, NoPlace};

use crate::assets::Assets;
use crate::handover::Dossier;
use crate::member::{Mail, Mailbox, Notices};
use crate::queue::{Lane, Turn};
use crate::router::Router;
use crate::{Shared, member};
use offhook_signaling::{Ended, FromServer, Instance, Member, MemberLeft, SessionRef, limits};
use room::{Inside, Room, busy, room};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

/// Letters a member may have unread. A socket then waits; of what others say one that is so far behind
/// has missed something, and comes in anew.
const MAILBOX: usize = 256;
/// Reactions take no more of it than this, so that none of them is in the way of what must arrive.
const REACTIONS: usize = MAILBOX / 2;

/// All sessions of a server.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: Mutex<HashMap<String, Room>>,
    actors: AtomicU64,
    /// Reactions that somebody was not shown because it was too slow.
    pub(crate) unshown: AtomicU64,
    /// Members that had to come in anew because they missed what must not be missed.
    pub(crate) fell_behind: AtomicU64,
    /// Written and read under the lock: whoever is in before it says true is told of the end.
    closed: AtomicBool,
}

/// What a new member is told of its place.
pub(crate) struct Place {
    pub(crate) key: String,
    pub(crate) session_id: String,
    pub(crate) instance: Instance,
    pub(crate) actor: u64,
    /// Was the session made for this member?
    pub(crate) anew: bool,
}

/// Why something was said to nobody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Untold {
    /// These are not in the session.
    Gone(Vec<Instance>),
    /// These have no room for it.
    Busy(Vec<Instance>),
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nobody in any more.
    pub(crate) fn close(&self) {
        let _rooms = self.lock();
        self.closed.store(true, Ordering::Relaxed);
    }

    /// The mailbox of this instance in this session; a new member with its task where there is
    /// none yet. `turn` is its place in the line, where it waited.
    pub(crate) fn enter(
        &self,
        shared: &Arc<Shared>,
        newcomer: &Newcomer<'_>,
        turn: Option<&Turn>,
    ) -> Result<Mailbox, NoPlace> {
        let key = crate::door::key(newcomer.session);
        let mut rooms = self.lock();
        // Looked at under the lock: whoever is inside when the emptying begins is asked to go.
        if self.closed.load(Ordering::Relaxed) || shared.emptied_to().is_some() {
            return Err(NoPlace::Refused(crate::door::going_down(shared)));
        }
        records::bury(&mut rooms, shared, &key);
        if let Some(room) = rooms.get(&key) {
            let inside = room.members.get(&newcomer.instance).filter(|inside| !inside.mail.is_closed());
            if let Some(inside) = inside {
                return Ok(inside.mail.clone());
            }
            records::may_enter(room, newcomer.user)?;
        }
        if let Some(lane) = self.lane(&rooms, shared, &key, newcomer.user, turn) {
            return Err(NoPlace::Full(lane));
        }
        let (room, anew) = room(&mut rooms, shared, &key, newcomer.returning_to)
            .map_err(|text| NoPlace::Refused(busy(text)))?;
        let first = room.members.is_empty();
        let place = self.place(key, room, newcomer.instance, anew);
        let (mail, post) = room.seat(&place, member::unseen(newcomer.instance));
        drop(rooms);
        if first {
            // Who waited for any session to end may find this one open.
            shared.queue.freed(&place.key);
        }
        tokio::spawn(member::run(shared.clone(), place, None, post, shared.alive()));
        Ok(mail)
    }

    /// The line that this one would have to wait in; none where there is room and nobody before it.
    fn lane(
        &self,
        rooms: &HashMap<String, Room>,
        shared: &Shared,
        key: &str,
        user: &str,
        turn: Option<&Turn>,
    ) -> Option<Lane> {
        let room = rooms.get(key);
        let (lane, full) = match room.filter(|room| !room.members.is_empty()) {
            Some(room) => {
                // One that is about to be replaced takes no room.
                let stays = |inside: &&Inside| !shared.config.one_instance || inside.seen.user != user;
                let most = room.profile.settings.max_members.map_or(usize::MAX, |most| most as usize);
                let most = most.min(shared.config.limits.members).min(limits::ROSTER);
                (Lane::Room(key.to_owned()), room.members.values().filter(stays).count() >= most)
            }
            None => {
                let in_use = rooms.values().filter(|room| !room.members.is_empty()).count();
                (Lane::Sessions, in_use >= shared.config.limits.sessions)
            }
        };
        (full || !shared.queue.is_turn(&lane, turn)).then_some(lane)
    }

    /// Takes in somebody that another server sends here: away, until it comes. False if there is
    /// no room. Who is inside already has come.
    pub(crate) fn adopt(&self, shared: &Arc<Shared>, dossier: Dossier, within: Duration) -> bool {
        let instance = dossier.member.instance;
        let mut rooms = self.lock();
        if self.closed.load(Ordering::Relaxed) || shared.emptied_to().is_some() {
            return false;
        }
        let there = rooms.get(&dossier.session).is_some_and(|room| !room.members.is_empty());
        let in_use = rooms.values().filter(|room| !room.members.is_empty()).count();
        if !there && in_use >= shared.config.limits.sessions {
            return false;
        }
        let Ok((room, _)) = room(&mut rooms, shared, &dossier.session, Some(&dossier.session_id)) else {
            return false;
        };
        if room.members.get(&instance).is_some_and(|inside| !inside.mail.is_closed()) {
            room.is_directed(dossier.directed);
            return true;
        }
        if room.members.len() >= shared.config.limits.members.min(limits::ROSTER) {
            return false;
        }
        room.adopted = true;
        room.is_directed(dossier.directed.clone());
        room.changed();
        let place = self.place(dossier.session.clone(), room, instance, false);
        let (_, post) = room.seat(&place, member::awaited(&dossier.member));
        drop(rooms);
        let awaited = Some((dossier, within));
        tokio::spawn(member::run(shared.clone(), place, awaited, post, shared.alive()));
        true
    }

    fn place(&self, key: String, room: &Room, instance: Instance, anew: bool) -> Place {
        let actor = self.actors.fetch_add(1, Ordering::Relaxed);
        Place { key, session_id: room.session_id.clone(), instance, actor, anew }
    }

    /// The mailbox of an instance that is inside already.
    pub(crate) fn find(&self, session: &SessionRef, instance: Instance) -> Option<Mailbox> {
        self.mailbox(&crate::door::key(session), instance)
    }

    /// As [`find`](Self::find), by the session's key.
    pub(crate) fn mailbox(&self, key: &str, instance: Instance) -> Option<Mailbox> {
        let rooms = self.lock();
        let inside = rooms.get(key)?.members.get(&instance)?;
        (!inside.mail.is_closed()).then(|| inside.mail.clone())
    }

    /// Is this a session that another server handed over?
    pub(crate) fn was_adopted(&self, key: &str, session_id: &str) -> bool {
        self.lock().get(key).is_some_and(|room| room.adopted && room.session_id == session_id)
    }

    /// Takes a member out, and the session with its last one. The others hear of it under the same lock, so
    /// that it comes before whatever they hear of the next one of that instance; where that one was shown to
    /// them already, this one is no news any more.
    pub(crate) fn remove(&self, shared: &Shared, place: &Place, farewell: Option<MemberLeft>) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(&place.key) else { return };
        let seated = room.members.get(&place.instance);
        let is_followed = seated.is_some_and(|inside| inside.actor != place.actor);
        let is_news = seated.is_none_or(|inside| !is_followed || inside.seen.user.is_empty());
        if !is_followed && room.members.remove(&place.instance).is_some() {
            room.changed();
        }
        if let Some(left) = farewell.filter(|_| is_news) {
            let others = room.members.iter().filter(|(instance, _)| **instance != place.instance);
            others.for_each(|(_, inside)| {
                inside.post(Mail::Say(Box::new(FromServer::MemberLeft(left.clone()))));
            });
        }
        if room.members.is_empty() {
            room.idle = Instant::now();
            room.assets = Assets::default();
            shared.images.forget(&place.key);
            if !room.kept {
                rooms.remove(&place.key);
            }
        }
        drop(rooms);
        shared.queue.freed(&place.key);
    }

    /// Changes what the others see of a member.
    pub(crate) fn show(&self, place: &Place, seen: Member) {
        let mut rooms = self.lock();
        if let Some(inside) = rooms.get_mut(&place.key).and_then(|room| room.members.get_mut(&place.instance))
            && inside.actor == place.actor
        {
            inside.seen = seen;
            if let Some(room) = rooms.get(&place.key) {
                room.changed();
            }
        }
    }

    /// Who forwards the media of a session's members.
    pub(crate) fn router(&self, key: &str) -> Arc<Router> {
        self.lock().get(key).map(|room| room.router.clone()).unwrap_or_default()
    }

    /// Everybody in a session as they are now.
    pub(crate) fn roster(&self, key: &str) -> Vec<Member> {
        let rooms = self.lock();
        let members = rooms.get(key).into_iter().flat_map(|room| room.members.values());
        members.filter(|inside| !inside.seen.user.is_empty()).map(|inside| inside.seen.clone()).collect()
    }

    /// Says something to everybody else in the session, or to one of them. A member too slow to read
    /// its mail misses a reaction; of anything else it is told that it missed something, and its client
    /// comes in anew.
    pub(crate) fn tell(&self, place: &Place, to: Option<Instance>, message: &FromServer) {
        let rooms = self.lock();
        let Some(room) = rooms.get(&place.key) else { return };
        for (instance, inside) in &room.members {
            if *instance == place.instance || to.is_some_and(|to| to != *instance) {
                continue;
            }
            let perishable = matches!(message, FromServer::Reaction(_));
            if perishable && inside.mail.capacity() <= MAILBOX - REACTIONS {
                self.unshown.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            inside.post(Mail::Say(Box::new(message.clone())));
        }
    }

    /// Says something to these in the session: to all of them, or to nobody.
    pub(crate) fn tell_these(
        &self,
        place: &Place,
        to: &[Instance],
        message: &FromServer,
    ) -> Result<(), Untold> {
        let rooms = self.lock();
        let room = rooms.get(&place.key);
        let find = |who| room?.members.get(who).filter(|inside| !inside.seen.user.is_empty());
        let (mut places, mut gone, mut busy) = (Vec::new(), Vec::new(), Vec::new());
        for who in to {
            match find(who).map(|inside| inside.mail.try_reserve()) {
                Some(Ok(place)) => places.push(place),
                Some(Err(TrySendError::Full(()))) => busy.push(*who),
                Some(Err(TrySendError::Closed(()))) | None => gone.push(*who),
            }
        }
        if !gone.is_empty() {
            return Err(Untold::Gone(gone));
        }
        if !busy.is_empty() {
            return Err(Untold::Busy(busy));
        }
        places.into_iter().for_each(|place| place.send(Mail::Say(Box::new(message.clone()))));
        Ok(())
    }

    /// The mailboxes of a session's members (all sessions' where none is named), of one user or all.
    pub(crate) fn mailboxes(&self, session: Option<&str>, user: Option<&str>) -> Vec<Mailbox> {
        let rooms = self.lock();
        let chosen = rooms.iter().filter(|(key, _)| session.is_none_or(|session| session == *key));
        chosen
            .flat_map(|(_, room)| room.members.values())
            .filter(|inside| user.is_none_or(|user| user == inside.seen.user))
            .map(|inside| inside.mail.clone())
            .collect()
    }

    /// Somebody in a session, by instance: the user, and where it is told what a moderator does.
    pub(crate) fn member(&self, key: &str, instance: Instance) -> Option<(String, Notices)> {
        let rooms = self.lock();
        let inside = rooms.get(key)?.members.get(&instance)?;
        let is_there = !inside.seen.user.is_empty() && !inside.mail.is_closed();
        is_there.then(|| (inside.seen.user.clone(), inside.notices.clone()))
    }

    /// Is nobody in the session but these?
    pub(crate) fn has_only(&self, session: &SessionRef, these: [Instance; 2]) -> bool {
        let rooms = self.lock();
        let room = rooms.get(&crate::door::key(session));
        room.is_none_or(|room| room.members.keys().all(|instance| these.contains(instance)))
    }

    /// Ends every other instance of a user in the session.
    pub(crate) fn end_others(&self, place: &Place, user: &str, ended: &Ended) {
        let rooms = self.lock();
        let Some(room) = rooms.get(&place.key) else { return };
        for (instance, inside) in &room.members {
            if *instance != place.instance && inside.seen.user == user {
                let (mail, end) = (inside.mail.clone(), Mail::End(Box::new(ended.clone())));
                // One that is too busy to read its mail is ended as surely as any other.
                tokio::spawn(async move { mail.send(end).await });
            }
        }
    }

    /// The sessions there are, as `kind/id`.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// How many sessions with somebody in them, and members in all.
    pub(crate) fn count(&self) -> (usize, usize) {
        let rooms = self.lock();
        let live = rooms.values().filter(|room| !room.members.is_empty()).count();
        (live, rooms.values().map(|room| room.members.len()).sum())
    }
}

#[cfg(test)]
mod tests;
