//! What can be had without joining: the list of sessions. Rings are in `bell.rs`.

use crate::MockTransport;
use crate::world::Inner;
use offhook_transport::{Directory, DirectoryError, Fault, FaultKind, Secret, SessionInfo, SessionRef};
use std::collections::HashSet;
use std::pin::Pin;

/// What the far side knows besides its links.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    sessions: HashSet<SessionRef>,
}

impl Lobby {
    pub(crate) fn create(&mut self, session: SessionRef) {
        self.sessions.insert(session);
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

// The signatures are those that `#[async_trait]` gives the trait: written out, they cost this
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
