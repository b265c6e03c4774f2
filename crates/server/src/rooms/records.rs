//! Sessions as those see them who are not in them: made by name, looked at, watched. Who
//! directs them is in `directors.rs`.
//! One that was made is kept for a while with nobody in it; nothing ticks for that: what is too
//! old is found to be gone when somebody asks.

use super::directors::Directed;
use super::room::{Room, busy};
use super::{NoPlace, Rooms};
use crate::assets::Wanted;
use crate::{Shared, hex};
use offhook_signaling::{
    Attendee, Error, ErrorCode, FromServer, Member, Profile, Role, SessionInfo, SessionRef, limits,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::time::Instant;

/// How a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is made unless it is there.
    GetOrCreate,
    /// It must not be there yet.
    Create,
}

/// What another server has to know of a session that was made by name.
pub(crate) struct Record {
    pub(crate) session_id: String,
    pub(crate) profile: Profile,
    pub(crate) directed: Option<Directed>,
}

impl Rooms {
    /// A session as it stands; none where there is none.
    pub(crate) fn look(&self, shared: &Shared, session: &SessionRef) -> Option<SessionInfo> {
        let mut rooms = self.lock();
        let key = crate::door::key(session);
        bury(&mut rooms, shared, &key);
        rooms.get(&key).map(|room| info(shared, session, &key, room))
    }

    /// Makes a session by name, or finds it: two at once get the same one, since both hold the lock.
    pub(crate) fn make(
        &self,
        shared: &Shared,
        session: &SessionRef,
        profile: Profile,
        asked: Asked,
    ) -> Result<SessionInfo, Box<FromServer>> {
        let key = crate::door::key(session);
        let mut rooms = self.lock();
        if self.closed.load(Ordering::Relaxed) || shared.emptied_to().is_some() {
            return Err(crate::door::going_down(shared));
        }
        bury(&mut rooms, shared, &key);
        if let Some(room) = rooms.get_mut(&key) {
            if asked == Asked::Create {
                let text = "a session of this kind and id is there already; get it, or take another id";
                return Err(Box::new(FromServer::Error(Error::new(ErrorCode::AlreadyExists, text))));
            }
            return Ok(info(shared, session, &key, room));
        }
        if rooms.values().filter(|room| room.kept).count() >= shared.config.limits.kept_sessions {
            let most = shared.config.keep_sessions;
            rooms.retain(|_, room| !is_past(room, most));
        }
        if rooms.values().filter(|room| room.kept).count() >= shared.config.limits.kept_sessions {
            return Err(busy("this server keeps as many sessions as it may; try again later"));
        }
        let fresh = hex::random::<16>().map_err(|_| busy("the server has no random numbers now"))?;
        let room = Room::new(format!("{}-{fresh}", shared.life), profile, true);
        let made = SessionInfo { made: true, ..info(shared, session, &key, &room) };
        rooms.insert(key, room);
        Ok(made)
    }

    /// Changes what was said of a session. False where there is none.
    pub(crate) fn describe(&self, shared: &Shared, key: &str, profile: Profile) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key) else { return false };
        room.profile = profile;
        room.changed();
        drop(rooms);
        shared.queue.freed(key);
        true
    }

    /// Takes over what another server knew of a session. False if there is no room for it.
    pub(crate) fn adopt_record(
        &self,
        shared: &Shared,
        key: &str,
        session_id: &str,
        profile: Profile,
        directed: Option<Directed>,
    ) -> bool {
        let mut rooms = self.lock();
        let kept = rooms.values().filter(|room| room.kept).count();
        if kept >= shared.config.limits.kept_sessions || self.closed.load(Ordering::Relaxed) {
            return false;
        }
        let room = rooms
            .entry(key.to_owned())
            .or_insert_with(|| Room::new(session_id.to_owned(), Profile::default(), true));
        room.kept = true;
        room.profile = profile;
        room.is_directed(directed);
        room.changed();
        true
    }

    /// What another server has to know of a session that was made by name.
    pub(crate) fn record(&self, key: &str) -> Option<Record> {
        let rooms = self.lock();
        rooms.get(key).filter(|room| room.kept).map(|room| Record {
            session_id: room.session_id.clone(),
            profile: room.profile.clone(),
            directed: room.standing.as_ref().map(|standing| standing.describe()),
        })
    }

    /// Ends a session that was made by name: once its members are gone nothing of it is left. False
    /// where there is none.
    pub(crate) fn forget(&self, key: &str) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key) else { return false };
        room.kept = false;
        if room.members.is_empty() {
            rooms.remove(key);
        }
        true
    }

    /// A level that changes with the session; closed when it is gone. None where it is not there,
    /// or as many watch as may.
    pub(crate) fn watch(
        &self,
        shared: &Shared,
        session: &SessionRef,
    ) -> Result<watch::Receiver<u64>, Box<FromServer>> {
        let mut rooms = self.lock();
        let key = crate::door::key(session);
        bury(&mut rooms, shared, &key);
        let watchers = |room: &Room| room.news.receiver_count();
        if rooms.values().map(watchers).sum::<usize>() >= shared.config.limits.watchers {
            return Err(busy("as many watch as may; try again later"));
        }
        rooms.get(&key).map(|room| room.news.subscribe()).ok_or_else(not_found)
    }

    /// Says to who looks on that the line is longer or shorter.
    pub(crate) fn line_changed(&self, key: &str) {
        if let Some(room) = self.lock().get(key) {
            room.changed();
        }
    }

    /// Everybody who looks on looks again.
    pub(crate) fn wake_watchers(&self) {
        self.lock().values().for_each(Room::changed);
    }

    /// May this user still come into this session, and is it only to look?
    pub(crate) fn role_of(&self, key: &str, user: &str) -> Option<Role> {
        self.lock().get(key).map_or(Some(Role::Participant), |room| room.role_of(user))
    }

    /// The server's id of a session that is there.
    pub(crate) fn session_id(&self, key: &str) -> Option<String> {
        self.lock().get(key).map(|room| room.session_id.clone())
    }

    /// How far the loading of what a session needs is, begun here if nobody did before.
    pub(crate) fn assets(&self, shared: &Arc<Shared>, wanted: &Wanted) -> Option<crate::assets::Load> {
        let mut rooms = self.lock();
        rooms.get_mut(&wanted.key).and_then(|room| room.assets.load(shared, wanted))
    }

    /// Takes a loading that nobody waits for any more back. False where somebody does after all.
    pub(crate) fn give_up_loading(&self, key: &str, ours: &watch::Sender<crate::assets::Stage>) -> bool {
        let mut rooms = self.lock();
        if ours.receiver_count() > 0 {
            return false;
        }
        if let Some(room) = rooms.get_mut(key) {
            room.assets.forget(ours);
        }
        true
    }

    /// May this user come in as things are? Of a session that is not there, anybody may.
    pub(crate) fn admits(&self, key: &str, user: &str) -> Result<(), Box<FromServer>> {
        match self.lock().get(key).map_or(Ok(()), |room| may_enter(room, user)) {
            Err(NoPlace::Refused(refusal)) => Err(refusal),
            Err(NoPlace::Full(_)) | Ok(()) => Ok(()),
        }
    }
}

/// May this user come in, as things are?
pub(super) fn may_enter(room: &Room, user: &str) -> Result<(), NoPlace> {
    let refused = |code, text| Err(NoPlace::Refused(Box::new(FromServer::Error(Error::new(code, text)))));
    if room.role_of(user).is_none() {
        return refused(
            ErrorCode::NotPermitted,
            "you are not on the list of this session; ask the one who made it",
        );
    }
    if room.lacks_director() {
        return refused(
            ErrorCode::ControlFailed,
            "the director of this session is not connected; try again when it is",
        );
    }
    Ok(())
}

pub(crate) fn not_found() -> Box<FromServer> {
    let text = "no such session; make it with get_or_create, or check kind and id";
    Box::new(FromServer::Error(Error::new(ErrorCode::NotFound, text)))
}

/// Was it kept long enough, and is nobody there or looking?
fn is_past(room: &Room, most: std::time::Duration) -> bool {
    room.members.is_empty() && room.news.receiver_count() == 0 && room.idle.elapsed() >= most
}

pub(super) fn bury(rooms: &mut HashMap<String, Room>, shared: &Shared, key: &str) {
    if rooms.get(key).is_some_and(|room| is_past(room, shared.config.keep_sessions)) {
        rooms.remove(key);
    }
}

fn info(shared: &Shared, session: &SessionRef, key: &str, room: &Room) -> SessionInfo {
    let mut there: Vec<&Member> = room.members.values().map(|inside| &inside.seen).collect();
    there.retain(|member| !member.user.is_empty());
    there.sort_by_key(|member| member.instance);
    let attendee = |member: &&Member| Attendee {
        instance: member.instance,
        user: member.user.clone(),
        name: member.name.clone(),
        role: member.role.clone(),
        attendance: member.attendance.clone(),
    };
    SessionInfo {
        session: session.clone(),
        session_id: room.session_id.clone(),
        made: false,
        age_ms: u64::try_from(Instant::now().duration_since(room.made).as_millis()).unwrap_or(limits::NUMBER),
        profile: room.profile.clone(),
        present: u32::try_from(there.len()).unwrap_or(u32::MAX),
        attendees: there.iter().take(limits::ATTENDEES).map(attendee).collect(),
        waiting: shared.queue.waiting_for(key),
        directed: room.directors > 0,
    }
}
