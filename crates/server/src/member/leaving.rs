//! How a member goes: by its own word, by its owner's, to another server, or with the server;
//! and how one that another server sends is awaited.

use super::clock::millis;
use super::{Actor, Away, Flow, ToSocket};
use crate::config::{REAP_AFTER_WINDOW, TICKET_LIFE};
use crate::endings::Ending;
use crate::handover::Dossier;
use crate::telemetry::Farewell;
use crate::token::Pass;
use offhook_signaling::{
    EndCode, Ended, Error, ErrorCode, FromServer, GoAway, LeaveCode, Party, Role, Secret,
};
use std::time::Duration;
use tokio::time::Instant;

/// What happens at the end of a go-away.
#[derive(Clone, Copy)]
pub(super) struct Leaving {
    pub(super) at: Instant,
    /// Only the link goes then.
    pub(super) place_is_kept: bool,
}

impl Actor {
    pub(super) fn end(&mut self, ended: Ended) {
        self.stop_generation(offhook_signaling::GenerationEnd::Stopped);
        self.say(&FromServer::Ended(ended));
        self.hear_last_words();
        self.close_link(1000);
    }

    /// The session ends here first, so its client has not told the last of it yet (F74).
    fn hear_last_words(&mut self) {
        let config = &self.shared.config;
        let (Some(intake), Some(link)) = (config.intake(), &self.link) else { return };
        if !self.telemetry.take(config.limits.telemetry_per_minute, Instant::now()) {
            return;
        }
        let farewell = Farewell {
            intake: intake.clone(),
            session: self.place.key.clone(),
            session_id: self.place.session_id.clone(),
            user: self.seen.user.clone(),
            instance: self.place.instance.to_string(),
        };
        let _ = link.out.try_send(ToSocket::Farewell(Box::new(farewell)));
    }

    pub(super) fn ended_by_user(&self) -> Ended {
        Ended { reason: EndCode::LeftByUser, by: Party::User, text: String::new(), may_retry: true }
    }

    /// H8: a credential that was stolen, or a client that forgot to leave, costs so much and no more.
    pub(super) fn time_is_up(&self) -> Ended {
        let text = "the longest time that this server allows is over; join anew".to_owned();
        Ended { reason: EndCode::MaxDuration, by: Party::Server, text, may_retry: true }
    }

    /// How long it may still stay; without end where its owner set none.
    fn time_left(&self) -> Option<Duration> {
        self.expires.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// F56.
    pub(super) fn is_idle(&self) -> Ended {
        let text = "nothing was said or done for longer than this server allows; join anew".to_owned();
        Ended { reason: EndCode::IdleTimeout, by: Party::Server, text, may_retry: true }
    }

    pub(super) fn end_by_owner(&mut self, ended: Ended) -> Flow {
        let now = Instant::now();
        let why = if ended.reason == EndCode::Kicked {
            // One that carries the user's other sessions as well stays good for them (S4): what keeps its
            // bearer out of this one is the kick itself.
            if self.credential.of_one_session {
                self.shared.doormat.revoke(&self.credential.jti, self.credential.exp, crate::door::now());
            }
            LeaveCode::Kicked
        } else {
            LeaveCode::Left
        };
        if !self.secret.is_empty() {
            // Its link may be dead, whatever is believed here: who comes to resume is told then.
            // And it may be on its way here with a ticket.
            let window = self.shared.config.resume_window + REAP_AFTER_WINDOW;
            let ending = Ending {
                user: self.seen.user.clone(),
                session_id: self.place.session_id.clone(),
                secrets: self.secrets(),
                ended: ended.clone(),
                until: now + window.max(TICKET_LIFE),
            };
            self.shared.endings.keep(&self.place.key, self.place.instance, ending, now);
        }
        self.end(ended);
        Flow::Over(why)
    }

    /// The session does not end: another life of the server takes it up.
    pub(super) fn restart(&mut self) -> Flow {
        let mut error = Error::new(ErrorCode::ShuttingDown, "the server is restarted; come back spread out");
        error.retry_after_ms = Some(self.shared.spread_ms());
        self.say(&FromServer::Error(error));
        self.close_link(1012);
        Flow::Over(LeaveCode::Lost)
    }

    pub(super) fn go_away(&mut self, away: Away) {
        let Away { target, deadline, reason, strategy, place_is_kept } = away;
        let ticket = target.as_ref().and_then(|target| {
            let pass = Pass {
                session: self.place.key.clone(),
                session_id: self.place.session_id.clone(),
                instance: self.place.instance.to_string(),
                grants: self.grants.clone(),
                name: self.seen.name.clone(),
                viewer: self.seen.role == Role::Viewer,
                model: self.model,
                credential: self.credential.clone(),
                ends_at_ms: self.time_left().and_then(Pass::ends_in),
                generations: self.generations,
                generated_ms: millis(self.generated()),
                silenced: self.silenced,
            };
            self.shared.signer.ticket(&self.seen.user, pass, target).ok()
        });
        self.leaves = Some(Leaving { at: Instant::now() + deadline, place_is_kept });
        self.say(&FromServer::GoAway(GoAway {
            target,
            ticket: ticket.map(Secret::new),
            deadline_ms: millis(deadline),
            reason,
            strategy,
        }));
    }

    /// The time of a go-away is over.
    pub(super) fn let_go(&mut self, leaving: Leaving) -> Flow {
        self.leaves = None;
        if leaving.place_is_kept {
            self.close_link(1001);
            self.lose_link();
            return Flow::On;
        }
        // A moved link is closed without `ended`: the session goes on elsewhere.
        Flow::Over(LeaveCode::Moved)
    }

    /// Its slot is free from here on; its token is good for as long as the owner says (F02).
    pub(super) fn leave_a_relic(&self) {
        let (Some(lost), Some(dossier)) = (self.lost, self.describe()) else { return };
        let until = lost.checked_add(self.shared.config.persist);
        // Of a time that is over nothing is left, and what is left of it goes on meanwhile.
        let until = until.map(|until| self.expires.map_or(until, |end| until.min(end)));
        if let Some(until) = until.filter(|_| !self.shared.is_closing()) {
            self.shared.relics.keep(dossier, until, Instant::now());
        }
    }

    /// Everything that another server should know of it; `None` of one that never came in.
    pub(super) fn describe(&self) -> Option<Dossier> {
        (self.epoch > 0 && !self.seen.user.is_empty()).then(|| Dossier {
            session: self.place.key.clone(),
            session_id: self.place.session_id.clone(),
            member: self.seen.clone(),
            grants: self.grants.clone(),
            credential: self.credential.clone(),
            epoch: self.epoch,
            secrets: self.secrets(),
            desired: self.desired.clone(),
            generations: self.generations,
            generated_ms: millis(self.generated()),
            model: self.model,
            silenced: self.silenced,
            expires_in_ms: self.time_left().map(millis),
            directed: self.shared.rooms.directed(&self.place.key),
            heed: self.heed.clone(),
        })
    }

    /// Takes up what another server knew of it. It is away, and may come within the time and the
    /// resume window after it.
    pub(super) fn expect(&mut self, dossier: Dossier, within: Duration) {
        let now = Instant::now();
        self.seen = super::awaited(&dossier.member);
        self.grants = dossier.grants;
        self.credential = dossier.credential;
        self.epoch = dossier.epoch;
        let mut secrets = dossier.secrets.into_iter();
        self.secret = secrets.next().unwrap_or_default();
        self.previous_secret = secrets.next();
        self.rejoin_secret = secrets.next();
        self.applied = Some(dossier.desired.revision);
        self.desired = dossier.desired;
        self.generations = dossier.generations;
        self.generated = Duration::from_millis(dossier.generated_ms);
        self.model = dossier.model;
        self.silenced = dossier.silenced;
        self.heed = dossier.heed;
        if !self.shared.rooms.is_directed_so(&self.place.key, dossier.directed.as_ref()) {
            self.heed.undoes_nothing();
        }
        let left = dossier.expires_in_ms.map(Duration::from_millis);
        self.expires = left.and_then(|left| now.checked_add(left));
        self.confirmed = true;
        self.expected = true;
        self.lost = Some(now + within);
        let change = offhook_signaling::MemberChange { member: self.seen.clone() };
        self.shared.rooms.tell(&self.place, None, &FromServer::MemberJoined(change));
    }

    fn secrets(&self) -> Vec<String> {
        let older = self.previous_secret.clone().into_iter().chain(self.rejoin_secret.clone());
        std::iter::once(self.secret.clone()).chain(older).collect()
    }
}
