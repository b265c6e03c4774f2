//! Sessions by name without joining them: what the far side knows of them, and the two ways to
//! look. What it does with those who join is the studio's or the hand's.

use crate::MockTransport;
use crate::world::{Inner, World};
use offhook_transport::{
    Attendee, Directory, DirectoryError, Fault, FaultKind, InvitedAs, Profile, Secret, SessionInfo,
    SessionNews, SessionRef, Watching,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// Longest kind, id, word and value, and most of each, in step with the native protocol.
const KIND: usize = 64;
const NAME: usize = 128;
const VALUE: usize = 512;
const WORDS: usize = 16;
const MEMBERS: usize = 64;

/// What the far side knows of sessions besides its links.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: HashMap<SessionRef, Known>,
    waiting: HashMap<SessionRef, u32>,
}

#[derive(Debug)]
struct Known {
    profile: Profile,
    made: Instant,
    directed: bool,
}

impl Names {
    pub(crate) fn create(&mut self, session: SessionRef, profile: Profile) {
        let known = Known { profile, made: Instant::now(), directed: false };
        self.known.entry(session).or_insert(known);
    }

    pub(crate) fn describe(&mut self, session: &SessionRef, profile: Profile) {
        if let Some(known) = self.known.get_mut(session) {
            known.profile = profile;
        }
    }

    pub(crate) fn forget(&mut self, session: &SessionRef) {
        self.known.remove(session);
    }

    /// A director comes, or goes. True where the session needs one and has none now.
    pub(crate) fn direct(&mut self, session: &SessionRef, directed: bool) -> bool {
        let Some(known) = self.known.get_mut(session) else { return false };
        known.directed = directed;
        known.profile.settings.director_required && !directed
    }

    pub(crate) fn lacks_director(&self, session: &SessionRef) -> bool {
        let known = self.known.get(session);
        known.is_some_and(|known| known.profile.settings.director_required && !known.directed)
    }

    pub(crate) fn wait(&mut self, session: SessionRef, many: u32) {
        self.waiting.insert(session, many);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Get,
    GetOrCreate,
    Create,
}

impl Inner {
    fn look_up(
        &mut self,
        session: &SessionRef,
        credential: Option<&Secret>,
        asked: Asked,
        profile: &Profile,
    ) -> Result<SessionInfo, DirectoryError> {
        fits(session, profile)?;
        if !self.network {
            return Err(DirectoryError::Unreachable(Fault::new(FaultKind::Unreachable)));
        }
        if !self.studio.as_ref().is_none_or(|studio| studio.would_take(credential)) {
            return Err(DirectoryError::NotPermitted);
        }
        let attendees = self.attendees(session);
        let there = self.names.known.contains_key(session);
        match asked {
            Asked::Create if there || !attendees.is_empty() => return Err(DirectoryError::AlreadyExists),
            Asked::Get if !there && attendees.is_empty() => return Err(DirectoryError::NotFound),
            Asked::GetOrCreate | Asked::Create if !there => {
                self.names.create(session.clone(), profile.clone());
                self.notify();
            }
            Asked::Get | Asked::GetOrCreate | Asked::Create => {}
        }
        let made = asked != Asked::Get && !there && attendees.is_empty();
        Ok(self.info(session, made, attendees))
    }

    fn attendees(&self, session: &SessionRef) -> Vec<Attendee> {
        let inside =
            self.links.values().filter(|link| link.up && !link.closed && link.seen.session == *session);
        // An instance may have two links while it recovers or moves.
        let mut there = BTreeMap::new();
        for link in inside {
            let id = link.seen.instance.to_string();
            let attendee = Attendee {
                id: id.clone(),
                user: "me".into(),
                name: "me".into(),
                viewer: link.seen.viewer,
                away: false,
            };
            there.insert(id, attendee);
        }
        there.into_values().collect()
    }

    fn info(&self, session: &SessionRef, made: bool, attendees: Vec<Attendee>) -> SessionInfo {
        let known = self.names.known.get(session);
        SessionInfo {
            session: crate::far::session_id(session),
            made,
            age: known.map_or(Default::default(), |known| known.made.elapsed()),
            profile: known.map(|known| known.profile.clone()).unwrap_or_default(),
            present: u32::try_from(attendees.len()).unwrap_or(u32::MAX),
            attendees,
            waiting: self.names.waiting.get(session).copied().unwrap_or(0),
            directed: known.is_some_and(|known| known.directed),
        }
    }
}

/// Names and words as the native protocol takes them.
fn fits(session: &SessionRef, profile: &Profile) -> Result<(), DirectoryError> {
    let bad = |text: String| Err(DirectoryError::BadRequest(text));
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if session.kind.is_empty() || session.kind.len() > KIND || !session.kind.chars().all(word) {
        return bad(format!("a kind has 1 to {KIND} letters, digits, `-`, `_`, `.`"));
    }
    let plain = |text: &str, most: usize| text.len() <= most && !text.chars().any(char::is_control);
    if session.id.is_empty() || !plain(&session.id, NAME) {
        return bad(format!("an id has 1 to {NAME} bytes and no control characters"));
    }
    let fits =
        |(name, value): (&String, &String)| !name.is_empty() && plain(name, NAME) && plain(value, VALUE);
    if profile.metadata.len() > WORDS || !profile.metadata.iter().all(fits) {
        return bad(format!("metadata has at most {WORDS} words of {NAME} and {VALUE} bytes"));
    }
    let named = |user: &str| !user.is_empty() && plain(user, NAME);
    let mut users: Vec<_> = profile.members.iter().map(|invited| invited.user.as_str()).collect();
    users.sort_unstable();
    let twice = users.windows(2).any(|pair| pair[0] == pair[1]);
    if users.len() > MEMBERS || twice || !users.into_iter().all(named) {
        return bad(format!("a list has at most {MEMBERS} members of 1 to {NAME} bytes, each once"));
    }
    if profile.members.iter().any(|invited| invited.role == InvitedAs::Other) {
        return bad("a member is invited as participant or as viewer".into());
    }
    if profile.settings.max_members == Some(0) {
        return bad("a session that takes nobody is none".into());
    }
    Ok(())
}

// The signatures are those that `#[async_trait]` gives the traits: written out, they cost this
// crate no dependency.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Found = Result<SessionInfo, DirectoryError>;

impl Directory for MockTransport {
    fn get<'a, 'b, 'c, 'd>(
        &'a self,
        session: &'b SessionRef,
        credential: Option<&'c Secret>,
    ) -> Later<'d, Found>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        let nothing = Profile::default();
        Box::pin(async move { self.world.lock().look_up(session, credential, Asked::Get, &nothing) })
    }

    fn get_or_create<'a, 'b, 'c, 'd, 'e>(
        &'a self,
        session: &'b SessionRef,
        credential: Option<&'c Secret>,
        profile: &'d Profile,
    ) -> Later<'e, Found>
    where
        'a: 'e,
        'b: 'e,
        'c: 'e,
        'd: 'e,
    {
        Box::pin(async move { self.world.lock().look_up(session, credential, Asked::GetOrCreate, profile) })
    }

    fn create<'a, 'b, 'c, 'd, 'e>(
        &'a self,
        session: &'b SessionRef,
        credential: Option<&'c Secret>,
        profile: &'d Profile,
    ) -> Later<'e, Found>
    where
        'a: 'e,
        'b: 'e,
        'c: 'e,
        'd: 'e,
    {
        Box::pin(async move { self.world.lock().look_up(session, credential, Asked::Create, profile) })
    }

    fn watch(&self, session: &SessionRef, credential: Option<&Secret>) -> Box<dyn Watching> {
        Box::new(Watch {
            world: self.world.clone(),
            session: session.clone(),
            credential: credential.cloned(),
            last: None,
            news: VecDeque::new(),
            over: false,
        })
    }
}

/// A look at one session.
struct Watch {
    world: Arc<World>,
    session: SessionRef,
    credential: Option<Secret>,
    last: Option<SessionInfo>,
    news: VecDeque<SessionNews>,
    over: bool,
}

impl Watching for Watch {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<SessionNews, DirectoryError>>> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Poll::Ready(Some(Ok(news)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            let mut inner = self.world.lock();
            let nothing = Profile::default();
            match inner.look_up(&self.session, self.credential.as_ref(), Asked::Get, &nothing) {
                Ok(info) => {
                    match &self.last {
                        None => self.news.push_back(SessionNews::Now(Box::new(info.clone()))),
                        Some(last) => self.news.extend(last.changes(&info)),
                    }
                    self.last = Some(info);
                    if self.news.is_empty() {
                        inner.remember(cx);
                        return Poll::Pending;
                    }
                }
                Err(DirectoryError::NotFound) if self.last.is_some() => {
                    if let Some(last) = self.last.take().filter(|last| last.present > 0) {
                        // Its last members went with it.
                        let empty = SessionInfo { present: 0, attendees: Vec::new(), ..last.clone() };
                        self.news.extend(last.changes(&empty));
                    }
                    self.news.push_back(SessionNews::Gone);
                    self.over = true;
                }
                Err(error) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}
