//! Who is inside: sessions by kind and id, and the members of each. A session lives as long as
//! it has a member. What a member does is `member.rs`; who may come in is `door.rs`.

use crate::member::{Mail, Mailbox};
use crate::{Shared, hex, member};
use offhook_signaling::{Error, ErrorCode, FromServer, Instance, Member, SessionRef};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        returning_to: Option<&str>,
    ) -> Result<Mailbox, Box<FromServer>> {
        let key = crate::door::key(session);
        let mut rooms = self.lock();
        let busy = |text: &str| {
            let mut error = Error::new(ErrorCode::Busy, text);
            error.retry_after_ms = Some(2_000);
            Box::new(FromServer::Error(error))
        };
        if self.closed.load(Ordering::Relaxed) {
            return Err(crate::door::going_down());
        }
        let anew = !rooms.contains_key(&key);
        if anew {
            if rooms.len() >= shared.config.limits.sessions {
                return Err(busy("this server has all the sessions it can take; try again later"));
            }
            let fresh = hex::random::<16>().map_err(|_| busy("the server has no random numbers now"))?;
            // A session that is made anew keeps the name its member knows it by, unless somebody
            // else goes by it.
            let known = returning_to.filter(|id| !rooms.values().any(|room| room.session_id == *id));
            let session_id = known.map_or(fresh, str::to_owned);
            rooms.insert(key.clone(), Room { session_id, members: HashMap::new() });
        }
        let Some(room) = rooms.get_mut(&key) else { return Err(busy("the session is just closing")) };
        if let Some(inside) = room.members.get(&instance).filter(|inside| !inside.mail.is_closed()) {
            return Ok(inside.mail.clone());
        }
        if room.members.len() >= shared.config.limits.members {
            return Err(busy("the session is full; try again later"));
        }
        let actor = self.actors.fetch_add(1, Ordering::Relaxed);
        let (mail, letters) = tokio::sync::mpsc::channel(MAILBOX);
        let place = Place { key, session_id: room.session_id.clone(), instance, actor, anew };
        let seen = member::unseen(instance);
        room.members.insert(instance, Inside { actor, mail: mail.clone(), seen });
        drop(rooms);
        tokio::spawn(member::run(shared.clone(), place, letters, shared.alive()));
        Ok(mail)
    }

    /// The mailbox of an instance that is inside already.
    pub(crate) fn find(&self, session: &SessionRef, instance: Instance) -> Option<Mailbox> {
        let rooms = self.lock();
        let inside = rooms.get(&crate::door::key(session))?.members.get(&instance)?;
        (!inside.mail.is_closed()).then(|| inside.mail.clone())
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

    /// How many sessions, and members in all.
    pub(crate) fn count(&self) -> (usize, usize) {
        let rooms = self.lock();
        (rooms.len(), rooms.values().map(|room| room.members.len()).sum())
    }
}
