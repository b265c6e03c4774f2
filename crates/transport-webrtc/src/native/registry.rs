//! What the dials of one session share, found again by instance and epoch. Everything here is
//! weak: a session that nobody holds is gone.

use super::lane::Lane;
use super::network::Networks;
use crate::peer::{Certificate, PeerError};
use offhook_transport::{Epoch, InstanceId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

#[derive(Default)]
pub(super) struct Registry {
    sessions: Mutex<HashMap<InstanceId, Session>>,
    /// Did something on the way to this server refuse a first frame in the upgrade?
    early_refused: AtomicBool,
    pub(super) networks: Networks,
}

#[derive(Default)]
struct Session {
    certificate: Weak<Certificate>,
    lanes: Vec<(Epoch, Weak<Lane>)>,
}

impl Registry {
    /// The certificate of this session, made at its first dial.
    pub(super) fn certificate(&self, instance: InstanceId) -> Result<Arc<Certificate>, PeerError> {
        if let Some(known) = self.lock().get(&instance).and_then(|session| session.certificate.upgrade()) {
            return Ok(known);
        }
        // Made outside the lock; should two dials race, the first one's is used by both.
        let fresh = Arc::new(Certificate::generate()?);
        let mut sessions = self.lock();
        let session = sessions.entry(instance).or_default();
        if let Some(known) = session.certificate.upgrade() {
            return Ok(known);
        }
        session.certificate = Arc::downgrade(&fresh);
        Ok(fresh)
    }

    /// From now on this epoch's planes can be inherited.
    pub(super) fn enter(&self, instance: InstanceId, epoch: Epoch, lane: &Arc<Lane>) {
        let mut sessions = self.lock();
        sessions.retain(|of, session| {
            session.lanes.retain(|(_, lane)| lane.strong_count() > 0);
            *of == instance || session.certificate.strong_count() > 0 || !session.lanes.is_empty()
        });
        sessions.entry(instance).or_default().lanes.push((epoch, Arc::downgrade(lane)));
    }

    /// The planes of an epoch, if anything of them lives.
    pub(super) fn find(&self, instance: InstanceId, epoch: Epoch) -> Option<Arc<Lane>> {
        let sessions = self.lock();
        let lanes = &sessions.get(&instance)?.lanes;
        lanes.iter().rev().find(|(of, _)| *of == epoch)?.1.upgrade()
    }

    /// The planes that this session was last let in on.
    pub(super) fn newest(&self, instance: InstanceId) -> Option<Arc<Lane>> {
        self.lock().get(&instance)?.lanes.iter().rev().find_map(|(_, lane)| lane.upgrade())
    }

    /// May the first frame be said along with the upgrade?
    pub(super) fn takes_early(&self) -> bool {
        !self.early_refused.load(Ordering::Relaxed)
    }

    /// It is not said so any more, by no dial of this transport.
    pub(super) fn refuse_early(&self) {
        self.early_refused.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("sessions", &self.lock().len()).finish()
    }
}
