//! One session as the server keeps it, and why there is no place in it for somebody.

use super::directors::{Directed, Standing};
use super::{MAILBOX, Place};
use crate::assets::Assets;
use crate::member::{Heed, Inbox, Mail, Mailbox, Notices};
use crate::queue::Lane;
use crate::router::Router;
use crate::{Shared, hex};
use offhook_signaling::{Error, ErrorCode, FromServer, Instance, Member, Profile, Role, SessionRef};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

pub(super) struct Inside {
    /// Told apart from a later actor of the same instance.
    pub(super) actor: u64,
    pub(super) mail: Mailbox,
    pub(super) notices: Notices,
    pub(super) seen: Member,
}

impl Inside {
    /// Puts a letter into the mailbox. False where it had no room: then the member is told that it
    /// missed something.
    pub(super) fn post(&self, letter: Mail) -> bool {
        let posted = self.mail.try_send(letter);
        if let Err(TrySendError::Full(_)) = &posted {
            self.notices.missed();
        }
        posted.is_ok()
    }
}

/// Sessions made so far, under whatever name.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

pub(super) struct Room {
    /// Told apart from a later session of the same name, or of the same id.
    pub(super) serial: u64,
    pub(super) session_id: String,
    /// Was it, or some of it, handed over by another server?
    pub(super) adopted: bool,
    pub(super) members: HashMap<Instance, Inside>,
    pub(super) profile: Profile,
    /// Was it made by name? Then it outlives its last member for a while.
    pub(super) kept: bool,
    pub(super) made: Instant,
    /// Since when nobody is in it.
    pub(super) idle: Instant,
    /// Directors that are connected.
    pub(super) directors: u32,
    /// Since when none is.
    pub(super) undirected: Instant,
    /// What they had everybody painted as last.
    pub(super) standing: Option<Arc<Standing>>,
    /// How far those did as that says whose place is gone, should they come again.
    pub(super) heeds: HashMap<Instance, Heed>,
    pub(super) assets: Assets,
    /// Forwards what its members publish.
    pub(super) router: Arc<Router>,
    /// Rises with everything that somebody outside can see.
    pub(super) news: watch::Sender<u64>,
}

impl Room {
    pub(super) fn new(session_id: String, profile: Profile, kept: bool) -> Self {
        let now = Instant::now();
        Self {
            serial: SESSIONS.fetch_add(1, Ordering::Relaxed),
            session_id,
            adopted: false,
            members: HashMap::new(),
            profile,
            kept,
            made: now,
            idle: now,
            directors: 0,
            undirected: now,
            standing: None,
            heeds: HashMap::new(),
            assets: Assets::default(),
            router: Arc::default(),
            news: watch::Sender::new(0),
        }
    }

    pub(super) fn changed(&self) {
        self.news.send_modify(|serial| *serial += 1);
    }

    /// Puts somebody where the others see it. Where to write to it, and what its task reads.
    pub(super) fn seat(&mut self, place: &Place, seen: Member) -> (Mailbox, (mpsc::Receiver<Mail>, Inbox)) {
        let (mail, letters) = mpsc::channel(MAILBOX);
        let (notices, inbox) = Notices::pair();
        let inside = Inside { actor: place.actor, mail: mail.clone(), notices, seen };
        self.members.insert(place.instance, inside);
        (mail, (letters, inbox))
    }

    /// Does it need a director and have none?
    pub(super) fn lacks_director(&self) -> bool {
        self.directors == 0 && self.profile.settings.director_required
    }

    /// Takes over what its directors said on another server, unless as much was said here: a drain that
    /// came to nothing half way is made again, and they may have spoken there meanwhile.
    pub(super) fn is_directed(&mut self, directed: Option<Directed>) {
        let newest = self.standing.as_ref().map_or(0, |standing| standing.number);
        let Some(standing) = directed.and_then(Standing::of).filter(|said| said.number > newest) else {
            return;
        };
        self.standing = Some(standing);
        self.heeds.clear();
        for inside in self.members.values() {
            inside.post(Mail::Steer(None));
        }
    }

    /// What this user may be here; none where the list has others only.
    pub(super) fn role_of(&self, user: &str) -> Option<Role> {
        let list = &self.profile.members;
        if list.is_empty() {
            return Some(Role::Participant);
        }
        list.iter().find(|invited| invited.user == user).map(|invited| invited.role.clone())
    }
}

/// Why there is no place for somebody.
#[derive(Debug)]
pub(crate) enum NoPlace {
    /// Not now, and there is a line to wait in.
    Full(Lane),
    /// Not as things are.
    Refused(Box<FromServer>),
}

impl NoPlace {
    /// The refusal of one that does not wait.
    pub(crate) fn refusal(self, shared: &Shared) -> Box<FromServer> {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Full(lane) => {
                let text = match lane {
                    Lane::Sessions => "this server has all the sessions it can take; try again later",
                    Lane::Room(_) => "the session is full; try again later",
                };
                let mut error = Error::new(ErrorCode::Busy, text);
                error.retry_after_ms = Some(2_000);
                error.queue_position = Some(shared.queue.waiting(&lane));
                Box::new(FromServer::Error(error))
            }
        }
    }
}

/// Somebody who wants in.
pub(crate) struct Newcomer<'a> {
    pub(crate) session: &'a SessionRef,
    pub(crate) instance: Instance,
    pub(crate) user: &'a str,
    /// The session's id as it knows it.
    pub(crate) returning_to: Option<&'a str>,
}

/// The session of this name, made if there is none yet.
pub(super) fn room<'a>(
    rooms: &'a mut HashMap<String, Room>,
    shared: &Shared,
    key: &str,
    returning_to: Option<&str>,
) -> Result<(&'a mut Room, bool), &'static str> {
    // One that was made by name and waited for its first member is not made for it.
    let anew = !rooms.contains_key(key);
    if anew {
        let fresh =
            hex::random::<16>().map_err(|_| "the server has no random numbers now; try again later")?;
        // A session that is made anew keeps the name its member knows it by, unless somebody
        // else goes by it.
        let known =
            returning_to.filter(|id| !id.is_empty() && !rooms.values().any(|room| room.session_id == *id));
        let session_id = known.map_or_else(|| format!("{}-{fresh}", shared.life), str::to_owned);
        rooms.insert(key.to_owned(), Room::new(session_id, Profile::default(), false));
    }
    rooms.get_mut(key).map(|room| (room, anew)).ok_or("the session is just closing; try again")
}

pub(super) fn busy(text: &str) -> Box<FromServer> {
    let mut error = Error::new(ErrorCode::Busy, text);
    error.retry_after_ms = Some(2_000);
    Box::new(FromServer::Error(error))
}
