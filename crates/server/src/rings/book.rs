//! The rules of rings, without a clock of their own: who took it, what each device is told; placing
//! one is in `book/placing.rs`. Every word is said while the book is held, so what all devices hear is
//! one order.

mod placing;

use super::devices::{Device, TooMany, Users};
use super::over::{LeftAlone, Over, Remembered, Taken};
use crate::config::Limits;
use crate::token::{Credential, Grants, RingPass};
use offhook_signaling::{
    Accepted, Error, FromServer, Gone, IceServer, Instance, Ring, RingEnd, Secret, SessionRef,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A ring whose caller's device is gone for so long rings for nobody.
const ABANDONED: Duration = Duration::from_secs(30);

/// What a device's credential lets a ticket do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bearer {
    pub(crate) grants: Grants,
    pub(crate) credential: Credential,
}

/// A ring that stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) id: String,
    version: u64,
    pub(super) session: SessionRef,
    pub(super) caller: String,
    device: Instance,
    pub(super) instance: Instance,
    bearer: Bearer,
    name: Option<String>,
    metadata: Option<String>,
    callees: Vec<(String, Answer)>,
    until: Option<Instant>,
    /// When it is given up because its caller's device is gone.
    abandoned: Option<Instant>,
    poke: Arc<Notify>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    None,
    Declined,
    Busy,
}

/// Makes the tickets of a ring that was taken.
pub(crate) trait Tickets {
    /// One for this user and pass; `None` where the system cannot make one.
    fn ticket(&self, user: &str, pass: RingPass) -> Option<String>;
}

/// Everything about rings.
#[derive(Debug)]
pub(crate) struct Book {
    users: Users,
    rings: HashMap<String, Standing>,
    over: Remembered,
    most_presences: usize,
    most_devices: usize,
    most_rings: usize,
    most_of_a_user: usize,
    per_minute: usize,
    life: String,
    closed: bool,
}

impl Standing {
    fn info(&self, for_caller: bool, now: Instant) -> Ring {
        let left = self.until.map(|until| until.saturating_duration_since(now).as_millis());
        // Nearly over is not for ever.
        let left = left.map_or(0, |left| u64::try_from(left).unwrap_or(u64::MAX).max(1));
        Ring {
            ring_id: self.id.clone(),
            version: self.version,
            session: self.session.clone(),
            user: self.caller.clone(),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            instance: for_caller.then_some(self.instance),
            expires_in_ms: left,
        }
    }

    fn rings_at(&self, user: &str) -> bool {
        self.callees.iter().any(|(of, answer)| of == user && *answer == Answer::None)
    }

    /// How it is over once nobody is left who could answer.
    fn refused_by_all(&self) -> Option<RingEnd> {
        if self.callees.iter().any(|(_, answer)| *answer == Answer::None) {
            return None;
        }
        let busy = self.callees.iter().all(|(_, answer)| *answer == Answer::Busy);
        Some(match (self.callees.len(), busy) {
            (_, true) => RingEnd::Busy,
            (1, false) => RingEnd::Declined,
            (_, false) => RingEnd::DeclinedByAll,
        })
    }
}

impl Book {
    pub(super) fn new(limits: &Limits, life: &str) -> Self {
        Self {
            users: Users::default(),
            rings: HashMap::new(),
            over: Remembered::default(),
            most_presences: limits.presences,
            most_devices: limits.devices,
            most_rings: limits.rings,
            // A snapshot holds those that come in and those of one device.
            most_of_a_user: limits.rings_of_a_user.clamp(1, offhook_signaling::limits::RINGS / 2),
            per_minute: limits.rings_per_minute,
            life: life.to_owned(),
            closed: false,
        }
    }

    /// A device is there. What stands for it: what rings here, and what it placed.
    pub(crate) fn enter(&mut self, device: Device, now: Instant) -> Result<Vec<Ring>, TooMany> {
        if self.closed {
            return Err(TooMany::Closed);
        }
        if self.users.devices() >= self.most_presences {
            return Err(TooMany::Presences);
        }
        let (name, instance) = (device.user.clone(), device.instance);
        let user = self.users.enter(device, self.most_devices, now)?;
        let (incoming, outgoing) = (user.incoming.clone(), user.outgoing.clone());
        let mut all = Vec::new();
        for id in outgoing {
            if let Some(ring) = self.rings.get_mut(&id).filter(|ring| ring.device == instance) {
                ring.abandoned = None;
                ring.poke.notify_one();
                all.push(ring.info(true, now));
            }
        }
        let incoming = incoming.iter().filter_map(|id| self.rings.get(id));
        all.extend(incoming.filter(|ring| ring.rings_at(&name)).map(|ring| ring.info(false, now)));
        Ok(all)
    }

    /// A device's socket is over; its rings go on for a while.
    pub(crate) fn leave(&mut self, device: &Device, now: Instant) {
        if !self.users.leave(device, now) {
            return;
        }
        for ring in self.rings.values_mut() {
            if ring.caller == device.user && ring.device == device.instance {
                ring.abandoned = Some(now + ABANDONED);
                ring.poke.notify_one();
            }
        }
    }

    /// The first accept wins; the same one again is answered as before.
    pub(crate) fn accept(
        &mut self,
        device: &Device,
        id: &str,
        instance: Instance,
        tickets: &dyn Tickets,
        ice_servers: &[IceServer],
        now: Instant,
    ) {
        let Some(ring) = self.rings.get(id).filter(|ring| ring.rings_at(&device.user)) else {
            let again = self.over.get(id).and_then(|over| over.taken.as_ref());
            let again = again.filter(|taken| taken.user == device.user && taken.instance == instance);
            let answer = match again {
                Some(taken) => FromServer::Accepted(taken.to_callee.clone()),
                None => self.what_is_over(&device.user, id),
            };
            self.tell_device(&device.user, device.instance, answer);
            return;
        };
        let pass = |of: Instance, bearer: &Bearer| RingPass {
            ring: id.to_owned(),
            session: crate::door::key(&ring.session),
            instance: of.to_string(),
            grants: bearer.grants.clone(),
            credential: bearer.credential.clone(),
        };
        let theirs = tickets.ticket(&ring.caller, pass(ring.instance, &ring.bearer));
        let ours = tickets.ticket(&device.user, pass(instance, &device.bearer));
        let (Some(theirs), Some(ours)) = (theirs, ours) else {
            // As if it had not been said: the client asks again.
            tracing::error!("no ticket could be made for a ring");
            return;
        };
        let accepted = |ticket: String| Accepted {
            ring_id: id.to_owned(),
            user: device.user.clone(),
            join_ticket: Secret::new(ticket),
            ice_servers: ice_servers.to_vec(),
        };
        let taken = Taken {
            user: device.user.clone(),
            device: device.instance,
            instance,
            to_caller: accepted(theirs),
            to_callee: accepted(ours),
        };
        let (caller, callers_device) = (ring.caller.clone(), ring.device);
        let (to_caller, to_callee) = (taken.to_caller.clone(), taken.to_callee.clone());
        self.finish(id, RingEnd::AnsweredElsewhere, None, Some(taken), now);
        self.tell_device(&device.user, device.instance, FromServer::Accepted(to_callee));
        self.tell_device(&caller, callers_device, FromServer::Accepted(to_caller));
    }

    pub(crate) fn decline(&mut self, device: &Device, id: &str, why: &RingEnd, now: Instant) {
        let answer = if *why == RingEnd::Busy { Answer::Busy } else { Answer::Declined };
        let ring = self.rings.get_mut(id).filter(|ring| ring.rings_at(&device.user));
        let Some(ring) = ring else {
            let answer = self.what_is_over(&device.user, id);
            return self.tell_device(&device.user, device.instance, answer);
        };
        ring.version += 1;
        for (of, theirs) in &mut ring.callees {
            if *of == device.user {
                *theirs = answer;
            }
        }
        let all = ring.refused_by_all();
        let why = if answer == Answer::Busy { RingEnd::Busy } else { RingEnd::Declined };
        if let Some(user) = self.users.get_mut(&device.user) {
            user.incoming.remove(id);
            user.tell(&gone(id, why), None);
        }
        if let Some(why) = all {
            self.end(id, why, None, now);
        }
    }

    /// Taken back; or over by the caller's clock, which began before ours. Who waits for a caller that
    /// does not come, if somebody took it first.
    pub(crate) fn cancel(
        &mut self,
        device: &Device,
        id: &str,
        why: &RingEnd,
        now: Instant,
    ) -> Option<LeftAlone> {
        if self.rings.get(id).is_some_and(|ring| ring.caller == device.user) {
            let why = if *why == RingEnd::Expired { RingEnd::Expired } else { RingEnd::Cancelled };
            self.end(id, why, None, now);
            return None;
        }
        let answer = self.what_is_over(&device.user, id);
        self.tell_device(&device.user, device.instance, answer);
        let over = self.over.get_mut(id).filter(|over| over.ring.caller == device.user)?;
        over.given_up = over.taken.is_some();
        self.left_alone(id)
    }

    /// Who took this ring, if the one who rang gave it up after that.
    pub(crate) fn left_alone(&self, id: &str) -> Option<LeftAlone> {
        self.over.get(id)?.left_alone()
    }

    /// A client lost the word, or waits for one.
    pub(crate) fn ask(&mut self, device: &Device, id: &str, now: Instant) {
        let answer = match self.rings.get(id) {
            Some(ring) if ring.caller == device.user => FromServer::Ring(ring.info(true, now)),
            Some(ring) if ring.rings_at(&device.user) => FromServer::Ring(ring.info(false, now)),
            _ => match self.over.get(id) {
                Some(over) if self.is_party(over, &device.user) => {
                    over.for_device(&device.user, device.instance)
                }
                _ => self.what_is_over(&device.user, id),
            },
        };
        self.tell_device(&device.user, device.instance, answer);
    }

    /// Ends every ring into a session; how many.
    pub(crate) fn end_session(&mut self, session: &str, now: Instant) -> usize {
        let into = self.rings.values().filter(|ring| crate::door::key(&ring.session) == session);
        let ids: Vec<_> = into.map(|ring| ring.id.clone()).collect();
        ids.iter().for_each(|id| self.end(id, RingEnd::EndedBeforePickup, None, now));
        ids.len()
    }

    /// When a ring's clock is due; none of a ring that is over, `Some(None)` of one that rings for ever.
    pub(super) fn due(&self, id: &str) -> Option<Option<Instant>> {
        let ring = self.rings.get(id)?;
        Some([ring.until, ring.abandoned].into_iter().flatten().min())
    }

    /// A ring's clock is due.
    pub(super) fn lapse(&mut self, id: &str, now: Instant) {
        let Some(ring) = self.rings.get(id) else { return };
        if ring.until.is_some_and(|until| until <= now) {
            self.end(id, RingEnd::Expired, None, now);
        } else if ring.abandoned.is_some_and(|at| at <= now) {
            self.end(id, RingEnd::Cancelled, None, now);
        }
    }

    pub(super) fn count(&self) -> (usize, usize) {
        (self.rings.len(), self.users.devices())
    }

    pub(super) fn close(&mut self, words: &Error) {
        self.closed = true;
        self.rings.drain().for_each(|(_, ring)| ring.poke.notify_one());
        self.over.clear();
        self.users.close(words);
    }

    /// Ends a ring and tells its caller, too.
    fn end(&mut self, id: &str, why: RingEnd, survivor: Option<String>, now: Instant) {
        let Some(ring) = self.rings.get(id) else { return };
        let (caller, device) = (ring.caller.clone(), ring.device);
        let message =
            FromServer::Gone(Gone { ring_id: id.to_owned(), why: why.clone(), survivor: survivor.clone() });
        self.finish(id, why, survivor, None, now);
        self.tell_device(&caller, device, message);
    }

    /// Takes a ring off every device that rings, save the one that took it.
    fn finish(
        &mut self,
        id: &str,
        why: RingEnd,
        survivor: Option<String>,
        taken: Option<Taken>,
        now: Instant,
    ) {
        let Some(mut ring) = self.rings.remove(id) else { return };
        ring.version += 1;
        ring.poke.notify_one();
        if let Some(caller) = self.users.get_mut(&ring.caller) {
            caller.outgoing.remove(id);
        }
        let over = Over { ring, why, survivor, taken, given_up: false };
        let message = over.gone();
        let winner = over.taken.as_ref().map(|taken| (taken.user.clone(), taken.device));
        for (name, answer) in &over.ring.callees {
            let Some(user) = self.users.get_mut(name) else { continue };
            user.incoming.remove(id);
            if *answer == Answer::None {
                let but = winner.as_ref().filter(|(of, _)| of == name).map(|(_, device)| *device);
                user.tell(&message, but);
            }
        }
        self.over.put(over, now);
    }

    /// Why a ring is over, for one of its parties; nobody else learns that it was there.
    fn what_is_over(&self, user: &str, id: &str) -> FromServer {
        if let Some(ring) = self.rings.get(id) {
            // It stands, but not for this user any more.
            let answer = ring.callees.iter().find(|(of, _)| of == user).map(|(_, answer)| *answer);
            return gone(
                id,
                match answer {
                    Some(Answer::Declined) => RingEnd::Declined,
                    Some(Answer::Busy) => RingEnd::Busy,
                    Some(Answer::None) | None => RingEnd::Unknown,
                },
            );
        }
        match self.over.get(id).filter(|over| self.is_party(over, user)) {
            Some(over) => over.gone(),
            None => gone(id, RingEnd::Unknown),
        }
    }

    fn is_party(&self, over: &Over, user: &str) -> bool {
        over.ring.caller == user || over.ring.callees.iter().any(|(of, _)| of == user)
    }

    fn tell_device(&mut self, user: &str, device: Instance, message: FromServer) {
        if let Some(user) = self.users.get_mut(user) {
            user.tell_device(device, message);
        }
    }
}

fn gone(id: &str, why: RingEnd) -> FromServer {
    FromServer::Gone(Gone { ring_id: id.to_owned(), why, survivor: None })
}
