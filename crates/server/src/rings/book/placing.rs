//! Placing a ring: who may ring whom, the same ring said twice, and two who ring each other.

use super::{Answer, Book, Standing};
use crate::rings::Device;
use offhook_signaling::{FromServer, PlaceRing, RingEnd, RingPlaced, RingRefusal, RingRefused};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// In this time `Limits::rings_per_minute` are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// Longer than this no ring waits that has a time at all.
const A_DAY_MS: u64 = 86_400_000;

impl Book {
    /// Places a ring. Its id and what wakes its clock, where one is to be started.
    pub(in crate::rings) fn place(
        &mut self,
        device: &Device,
        order: PlaceRing,
        may: bool,
        now: Instant,
    ) -> Option<(String, Arc<Notify>)> {
        if self.said_again(device, &order, now) {
            return None;
        }
        let mut users: Vec<String> = Vec::new();
        for user in &order.users {
            if !users.contains(user) {
                users.push(user.clone());
            }
        }
        if let Err((why, text)) = self.may_ring(device, &users, may, now) {
            let refused = RingRefused { id: order.id, why, text: text.into() };
            self.tell_device(&device.user, device.instance, FromServer::RingRefused(refused));
            return None;
        }
        // Without randomness there is no id that nobody can guess, and so no ring.
        let Ok(random) = crate::hex::random::<16>() else {
            let text = "the server has no random numbers; try again".to_owned();
            let refused = RingRefused { id: order.id, why: RingRefusal::TooMany, text };
            self.tell_device(&device.user, device.instance, FromServer::RingRefused(refused));
            return None;
        };
        let id = format!("{random}-{}", self.life);
        let poke = Arc::new(Notify::new());
        let callees = users.into_iter().map(|user| (self.first_answer(&user), user));
        let callees: Vec<_> = callees.map(|(answer, user)| (user, answer)).collect();
        let ring = Standing {
            id: id.clone(),
            version: 1,
            session: order.session,
            caller: device.user.clone(),
            device: device.instance,
            instance: order.instance,
            bearer: device.bearer.clone(),
            name: order.name,
            metadata: order.metadata,
            callees,
            until: (order.timeout_ms > 0)
                .then(|| now + Duration::from_millis(order.timeout_ms.min(A_DAY_MS))),
            abandoned: None,
            poke: poke.clone(),
        };
        let placed = RingPlaced { id: order.id, ring: ring.info(true, now) };
        if let Some(caller) = self.users.get_mut(&device.user) {
            caller.outgoing.insert(id.clone());
            caller.recent.push_back(now);
            caller.tell_device(device.instance, FromServer::RingPlaced(placed));
        }
        let rival = self.rival_of(&ring);
        self.rings.insert(id.clone(), ring);
        match rival {
            // The higher id survives, whoever came first: both ends see the same.
            Some(rival) if rival > id => {
                self.end(&id, RingEnd::Glare, Some(rival), now);
                return None;
            }
            Some(rival) => self.end(&rival, RingEnd::Glare, Some(id.clone()), now),
            None => {}
        }
        self.ring_out(&id, now);
        if let Some(why) = self.rings.get(&id).and_then(Standing::refused_by_all) {
            self.end(&id, why, None, now);
            return None;
        }
        Some((id, poke))
    }

    /// A ring that was placed already, and whose answer was lost.
    fn said_again(&mut self, device: &Device, order: &PlaceRing, now: Instant) -> bool {
        let same = |ring: &&Standing| ring.caller == device.user && ring.instance == order.instance;
        let over = self.over.placed_by(&device.user, order.instance);
        let (ring, then) = match (self.rings.values().find(same), over) {
            (Some(ring), _) => (ring, None),
            (None, Some(over)) => (&over.ring, Some(over.for_device(&device.user, device.instance))),
            (None, None) => return false,
        };
        let placed = RingPlaced { id: order.id, ring: ring.info(true, now) };
        self.tell_device(&device.user, device.instance, FromServer::RingPlaced(placed));
        if let Some(then) = then {
            self.tell_device(&device.user, device.instance, then);
        }
        true
    }

    fn may_ring(
        &mut self,
        device: &Device,
        users: &[String],
        may: bool,
        now: Instant,
    ) -> Result<(), (RingRefusal, &'static str)> {
        if users.is_empty() {
            return Err((RingRefusal::Nobody, "the ring names nobody; name at least one user"));
        }
        if users.contains(&device.user) {
            return Err((RingRefusal::Oneself, "nobody can ring themselves; name somebody else"));
        }
        if !may {
            return Err((RingRefusal::NotPermitted, "you were removed from this session; ask its owner"));
        }
        let most = self.most_of_a_user;
        if self.closed || self.rings.len() >= self.most_rings || users.len() > most {
            return Err((RingRefusal::TooMany, "too many rings, or too many named; try again with fewer"));
        }
        if !users.iter().any(|user| self.users.knows(user)) {
            return Err((RingRefusal::UnknownUser, "nobody of that name was here lately; check the name"));
        }
        let Some(caller) = self.users.get_mut(&device.user) else {
            return Err((RingRefusal::NotPermitted, "this link is over; dial again"));
        };
        if caller.outgoing.len() >= most {
            return Err((RingRefusal::TooMany, "too many of your rings stand; end one of them"));
        }
        while caller.recent.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            caller.recent.pop_front();
        }
        if caller.recent.len() >= self.per_minute {
            return Err((RingRefusal::RateLimited, "too many rings in a minute; wait a while"));
        }
        Ok(())
    }

    /// Who was never here cannot be rung, and who is rung by too many is busy.
    fn first_answer(&mut self, user: &str) -> Answer {
        let most = self.most_of_a_user;
        match self.users.get_mut(user) {
            None => Answer::Declined,
            Some(user) if user.incoming.len() >= most => Answer::Busy,
            Some(_) => Answer::None,
        }
    }

    /// The ring of one user to another while that one rings back, and nobody else is rung.
    fn rival_of(&self, ring: &Standing) -> Option<String> {
        let [(callee, Answer::None)] = ring.callees.as_slice() else { return None };
        let rival = self.rings.values().find(|other| {
            other.caller == *callee
                && matches!(other.callees.as_slice(), [(of, Answer::None)] if *of == ring.caller)
        });
        rival.map(|rival| rival.id.clone())
    }

    fn ring_out(&mut self, id: &str, now: Instant) {
        let Some(ring) = self.rings.get(id) else { return };
        let message = FromServer::Ring(ring.info(false, now));
        for (name, _) in ring.callees.iter().filter(|(_, answer)| *answer == Answer::None) {
            if let Some(user) = self.users.get_mut(name) {
                user.incoming.insert(id.to_owned());
                user.tell(&message, None);
            }
        }
    }
}
