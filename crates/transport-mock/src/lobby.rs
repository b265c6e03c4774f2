//! What can be had without joining: the list of sessions, and rings. By hand, both.

use crate::MockTransport;
use crate::world::{Inner, World};
use offhook_transport::{
    Directory, DirectoryError, Fault, FaultKind, Presence, RingEvent, Secret, SessionInfo, SessionRef,
};
use std::collections::{HashSet, VecDeque};
use std::pin::Pin;

/// Rings that wait for somebody to listen; beyond that the oldest is lost.
const RINGS: usize = 256;

/// What the far side knows besides its links.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    sessions: HashSet<SessionRef>,
    rings: VecDeque<RingEvent>,
}

impl Lobby {
    pub(crate) fn create(&mut self, session: SessionRef) {
        self.sessions.insert(session);
    }

    pub(crate) fn ring(&mut self, event: RingEvent) {
        if self.rings.len() == RINGS {
            self.rings.pop_front();
        }
        self.rings.push_back(event);
    }
}

impl Inner {
    fn look_up(
        &mut self,
        session: &SessionRef,
        credential: Option<&Secret>,
        create: bool,
    ) -> Result<SessionInfo, DirectoryError> {
        if !self.network {
            return Err(DirectoryError::Unreachable(Fault::new(FaultKind::Unreachable)));
        }
        if !self.studio.as_ref().is_none_or(|studio| studio.would_take(credential)) {
            return Err(DirectoryError::NotPermitted);
        }
        let inside =
            self.links.values().filter(|link| link.up && !link.closed && link.seen.session == *session);
        let members: HashSet<_> = inside.map(|link| link.seen.instance).collect();
        if create {
            self.lobby.create(session.clone());
        } else if members.is_empty() && !self.lobby.sessions.contains(session) {
            return Err(DirectoryError::NotFound);
        }
        let members = u32::try_from(members.len()).unwrap_or(u32::MAX);
        Ok(SessionInfo { session: crate::far::session_id(session), members })
    }
}

impl World {
    async fn next_ring(&self) -> RingEvent {
        self.wait(|inner| inner.lobby.rings.pop_front()).await
    }
}

// The signatures are those that `#[async_trait]` gives the traits: written out, they cost this
// crate no dependency.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Directory for MockTransport {
    fn get<'a, 'b, 'c, 'd>(
        &'a self,
        session: &'b SessionRef,
        credential: Option<&'c Secret>,
    ) -> Later<'d, Result<SessionInfo, DirectoryError>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async move { self.world.lock().look_up(session, credential, false) })
    }

    fn get_or_create<'a, 'b, 'c, 'd>(
        &'a self,
        session: &'b SessionRef,
        credential: Option<&'c Secret>,
    ) -> Later<'d, Result<SessionInfo, DirectoryError>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async move { self.world.lock().look_up(session, credential, true) })
    }
}

impl Presence for MockTransport {
    fn next<'a, 'b, 'c>(&'a self, _: Option<&'b Secret>) -> Later<'c, Option<RingEvent>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move { Some(self.world.next_ring().await) })
    }
}
