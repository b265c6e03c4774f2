//! A session's ring: what the machine wants said about it goes to the client's desk, which has the
//! presence to say it on.

use super::Host;
use crate::client::Config;
use crate::desk::Desk;
use crate::ring::{Caller, MAX_METADATA};
use crate::shared::Shared;
use offhook_lifecycle::{Input, RingEnd, RingRef, RingRefusal, RingVerb};
use offhook_transport::{InstanceId, RingInfo, RingOrder};
use std::sync::Arc;

impl Host {
    /// A host for a ring that came in. Its time is what the far side says is left of it.
    pub(crate) fn plant_ringing(
        ring: RingInfo,
        _number: RingRef,
        config: Arc<Config>,
        desk: Arc<Desk>,
    ) -> (Arc<Shared>, InstanceId) {
        let caller = Caller { user: ring.user, name: ring.name, metadata: ring.metadata };
        Self::plant_as(ring.session, Some(caller), config, desk, ring.expires_in)
    }

    /// What the ring brings along enters the machine and the ledger before the wish is dispatched.
    pub(super) fn begin_ring(&mut self) {
        let Some(ring) = self.shared.notes().ring.take() else { return };
        if let Some(timeout) = ring.timeout {
            self.machine.ring_for(timeout);
        }
        self.ring = Some(ring);
        self.begin_join();
    }

    pub(super) fn say(&mut self, verb: RingVerb) {
        match verb {
            RingVerb::Place => {
                if let Err(why) = self.place() {
                    self.shared.wishes_put(Input::RingEnded(RingEnd::Refused(why)));
                }
            }
            RingVerb::Accept => self.desk.accept(&self.config, self.instance),
            RingVerb::Decline(why) => self.desk.decline(&self.config, self.instance, why),
            RingVerb::Cancel => self.desk.cancel(&self.config, self.instance),
            RingVerb::Expire => self.desk.expire(&self.config, self.instance),
            RingVerb::StopHere => self.desk.stop_here(self.instance),
        }
    }

    /// What can be seen to be impossible costs no word (F21).
    fn place(&mut self) -> Result<(), RingRefusal> {
        let ring = self.ring.take().ok_or(RingRefusal::Other)?;
        if self.config.transport.presence().is_none() {
            return Err(RingRefusal::NotSupported);
        }
        if let Some(why) = ring.impossible {
            return Err(why);
        }
        if ring.users.is_empty() {
            return Err(RingRefusal::Nobody);
        }
        if ring.metadata.as_ref().is_some_and(|words| words.len() > MAX_METADATA) {
            return Err(RingRefusal::Other);
        }
        let timeout = ring.timeout.unwrap_or(self.config.policy.ring);
        let order = RingOrder {
            id: 0,
            session: self.shared.identity.name.clone(),
            instance: self.instance,
            users: ring.users,
            timeout: (!timeout.is_zero()).then_some(timeout),
            name: ring.name,
            metadata: ring.metadata,
        };
        self.desk.place(&self.config, &self.shared, order);
        Ok(())
    }
}
