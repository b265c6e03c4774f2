//! Who is inside: sessions by kind and id, and the members of each. A session lives as long as
//! it has a member. What a member does is `member.rs`; who may come in is `door.rs`.

use crate::handover::Dossier;
use crate::member::{Mail, Mailbox};
use crate::{Shared, hex, member};
use offhook_signaling::{Ended, Error, ErrorCode, FromServer, Instance, Member, SessionRef};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Letters a member may have unread; a socket then waits, anybody else's letter is dropped.
const MAILBOX: usize = 256;

struct Inside {
    /// Told apart from a later actor of the same instance.
    actor: u64,
    mail: Mailbox,
    seen: Member,
}

struct Room {
    session_id: String,
    /// Was it, or some of it, handed over by another server?
    adopted: bool,
    members: HashMap<Instance, Inside>,
}

/// All sessions of a server.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: Mutex<HashMap<String, Room>>,
    actors: AtomicU64,
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
    /// none yet.
    pub(crate) fn enter(
        &self,
        shared: &Arc<Shared>,
        session: &SessionRef,
        instance: Instance,
        user: &str,
        returning_to: Option<&str>,
    ) -> Result<Mailbox, Box<FromServer>> {
        let key = crate::door::key(session);
        let mut rooms = self.lock();
        // Looked at under the lock: whoever is inside when the emptying begins is asked to go.
        if self.closed.load(Ordering::Relaxed) || shared.emptied_to().is_some() {
            return Err(crate::door::going_down(shared));
        }
        let (room, anew) = room(&mut rooms, shared, &key, returning_to).map_err(busy)?;
        if let Some(inside) = room.members.get(&instance).filter(|inside| !inside.mail.is_closed()) {
            return Ok(inside.mail.clone());
        }
        // One that is about to be replaced takes no room.
        let stays = |inside: &&Inside| !shared.config.one_instance || inside.seen.user != user;
        if room.members.values().filter(stays).count() >= shared.config.limits.members {
            return Err(busy("the session is full; try again later"));
        }
        let place = self.place(key, room, instance, anew);
        let (mail, letters) = tokio::sync::mpsc::channel(MAILBOX);
        room.members.insert(
            instance,
            Inside { actor: place.actor, mail: mail.clone(), seen: member::unseen(instance) },
        );
        drop(rooms);
        tokio::spawn(member::run(shared.clone(), place, None, letters, shared.alive()));
        Ok(mail)
    }

    /// Takes in somebody that another server sends here: away, until it comes. False if there is
    /// no room. Who is inside already has come.
    pub(crate) fn adopt(&self, shared: &Arc<Shared>, dossier: Dossier, within: Duration) -> bool {
        let instance = dossier.member.instance;
        let mut rooms = self.lock();
        if self.closed.load(Ordering::Relaxed) || shared.emptied_to().is_some() {
            return false;
        }
        let Ok((room, _)) = room(&mut rooms, shared, &dossier.session, Some(&dossier.session_id)) else {
            return false;
        };
        if room.members.get(&instance).is_some_and(|inside| !inside.mail.is_closed()) {
            return true;
        }
        if room.members.len() >= shared.config.limits.members {
            return false;
        }
        room.adopted = true;
        let place = self.place(dossier.session.clone(), room, instance, false);
        let (mail, letters) = tokio::sync::mpsc::channel(MAILBOX);
        let seen = member::awaited(&dossier.member);
        room.members.insert(instance, Inside { actor: place.actor, mail, seen });
        drop(rooms);
        let awaited = Some((dossier, within));
        tokio::spawn(member::run(shared.clone(), place, awaited, letters, shared.alive()));
        true
    }

    fn place(&self, key: String, room: &Room, instance: Instance, anew: bool) -> Place {
        let actor = self.actors.fetch_add(1, Ordering::Relaxed);
        Place { key, session_id: room.session_id.clone(), instance, actor, anew }
    }

    /// The mailbox of an instance that is inside already.
    pub(crate) fn find(&self, session: &SessionRef, instance: Instance) -> Option<Mailbox> {
        let rooms = self.lock();
        let inside = rooms.get(&crate::door::key(session))?.members.get(&instance)?;
        (!inside.mail.is_closed()).then(|| inside.mail.clone())
    }

    /// Is this a session that another server handed over?
    pub(crate) fn was_adopted(&self, key: &str, session_id: &str) -> bool {
        self.lock().get(key).is_some_and(|room| room.adopted && room.session_id == session_id)
    }

    /// Takes a member out, and the session with its last one.
    pub(crate) fn remove(&self, place: &Place) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(&place.key) else { return };
        if room.members.get(&place.instance).is_some_and(|inside| inside.actor == place.actor) {
            room.members.remove(&place.instance);
        }
        if room.members.is_empty() {
            rooms.remove(&place.key);
        }
    }

    /// Changes what the others see of a member.
    pub(crate) fn show(&self, place: &Place, seen: Member) {
        if let Some(inside) =
            self.lock().get_mut(&place.key).and_then(|room| room.members.get_mut(&place.instance))
            && inside.actor == place.actor
        {
            inside.seen = seen;
        }
    }

    /// Everybody in a session as they are now.
    pub(crate) fn roster(&self, key: &str) -> Vec<Member> {
        let rooms = self.lock();
        let members = rooms.get(key).into_iter().flat_map(|room| room.members.values());
        members.filter(|inside| !inside.seen.user.is_empty()).map(|inside| inside.seen.clone()).collect()
    }

    /// Says something to everybody else in the session, or to one of them.
    pub(crate) fn tell(&self, place: &Place, to: Option<Instance>, message: &FromServer) {
        let rooms = self.lock();
        let Some(room) = rooms.get(&place.key) else { return };
        for (instance, inside) in &room.members {
            if *instance != place.instance && to.is_none_or(|to| to == *instance) {
                // A member too slow to read its mail loses it; its roster is whole again at the
                // next resume or rejoin.
                let _ = inside.mail.try_send(Mail::Say(Box::new(message.clone())));
            }
        }
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

    /// How many sessions, and members in all.
    pub(crate) fn count(&self) -> (usize, usize) {
        let rooms = self.lock();
        (rooms.len(), rooms.values().map(|room| room.members.len()).sum())
    }
}

/// The session of this name, made if there is none yet.
fn room<'a>(
    rooms: &'a mut HashMap<String, Room>,
    shared: &Shared,
    key: &str,
    returning_to: Option<&str>,
) -> Result<(&'a mut Room, bool), &'static str> {
    let anew = !rooms.contains_key(key);
    if anew {
        if rooms.len() >= shared.config.limits.sessions {
            return Err("this server has all the sessions it can take; try again later");
        }
        let fresh =
            hex::random::<16>().map_err(|_| "the server has no random numbers now; try again later")?;
        // A session that is made anew keeps the name its member knows it by, unless somebody
        // else goes by it.
        let known =
            returning_to.filter(|id| !id.is_empty() && !rooms.values().any(|room| room.session_id == *id));
        let session_id = known.map_or_else(|| format!("{}-{fresh}", shared.life), str::to_owned);
        rooms.insert(key.to_owned(), Room { session_id, adopted: false, members: HashMap::new() });
    }
    rooms.get_mut(key).map(|room| (room, anew)).ok_or("the session is just closing; try again")
}

fn busy(text: &str) -> Box<FromServer> {
    let mut error = Error::new(ErrorCode::Busy, text);
    error.retry_after_ms = Some(2_000);
    Box::new(FromServer::Error(error))
}
