//! A member's deadlines: pings, silence, the roster's `away`, the end of the resume window, the
//! ticks of a generation, media that is due, a credential that ends, and the end of a go-away.

use super::media::Media;
use super::{Actor, Flow, Generation};
use crate::config::{ASK_CREDENTIAL_AT, AWAY_AFTER, PING_EVERY, REAP_AFTER_WINDOW};
use offhook_signaling::{
    Attendance, CredentialNeed, FromServer, GenerationEnd, GenerationEnded, GenerationStarted,
    GenerationTick, LeaveCode, MediaFault, NeedCredential, Ping,
};
use std::time::Duration;
use tokio::time::Instant;

const TICK_EVERY: Duration = Duration::from_secs(1);
/// A path that was silent while its socket was gone has this long to answer again, before the one
/// that came back is told to make it anew.
pub(super) const FAULT_GRACE: Duration = Duration::from_secs(1);

impl Actor {
    pub(super) fn next_deadline(&self) -> Instant {
        let mut next = match self.lost {
            // Nobody sees one that never came in, so nobody need be told that it is away.
            Some(lost) if self.epoch == 0 => lost + self.window(),
            None => (self.pinged + PING_EVERY).min(self.heard + AWAY_AFTER),
            Some(lost) if self.seen.attendance == Attendance::Present => (self.heard + AWAY_AFTER).max(lost),
            Some(lost) => lost + self.window(),
        };
        if let Some(lost) = self.lost {
            next = next.min(lost + self.window());
        }
        if let Some(generation) = self.generation.as_ref().filter(|running| running.flows.is_some()) {
            next = next.min(generation.ticked + TICK_EVERY);
        }
        if self.link.is_some() {
            // What is only there to be told waits for somebody to tell.
            let silence =
                self.media.as_ref().and_then(|media| media.inflow.next_look(|mid| self.is_muted(mid)));
            next =
                [silence, self.ask_credential, self.fault_due].into_iter().flatten().fold(next, Instant::min);
        }
        [self.leaves.map(|leaving| leaving.at), self.expires, self.idle_from()]
            .into_iter()
            .flatten()
            .fold(next, Instant::min)
    }

    /// The user did something: text, a change of what is desired, a message, a reaction, speech, or
    /// a word that they are still there (F56). Media that flows is not enough, unless the owner of
    /// the server says so.
    pub(super) fn interacts(&mut self) {
        self.interacted = Instant::now();
    }

    /// When it is idle, if nothing happens until then. A member that is away is waited for, and one that
    /// speaks is heard out.
    fn idle_from(&self) -> Option<Instant> {
        let after = self.shared.config.idle?;
        self.link.as_ref().filter(|_| !self.hears_speech)?;
        let media = self.media.as_ref().filter(|_| self.shared.config.media_is_interaction);
        let flowed = media.and_then(|media| media.inflow.arrivals.newest_of_all());
        self.interacted.max(flowed.unwrap_or(self.interacted)).checked_add(after)
    }

    /// How long a lost member is kept; one that never came in is not.
    fn window(&self) -> Duration {
        if self.epoch == 0 && self.holds > 0 {
            // Whoever holds it gives it up; this only bounds what nobody should ever need.
            self.shared.config.limits.loading + self.shared.config.limits.first_frame.saturating_mul(2)
        } else if self.epoch == 0 {
            self.shared.config.limits.first_frame
        } else {
            self.shared.config.resume_window + REAP_AFTER_WINDOW
        }
    }

    pub(super) fn due(&mut self) -> Flow {
        let now = Instant::now();
        if self.expires.is_some_and(|end| end <= now) {
            return self.end_by_owner(self.time_is_up());
        }
        if self.idle_from().is_some_and(|idle| idle <= now) {
            return self.end_by_owner(self.is_idle());
        }
        if let Some(leaving) = self.leaves.filter(|leaving| leaving.at <= now) {
            return self.let_go(leaving);
        }
        if self.lost.is_some_and(|lost| lost + self.window() <= now) {
            return Flow::Over(LeaveCode::Lost);
        }
        if self.heard + AWAY_AFTER <= now && self.epoch > 0 {
            if self.link.is_some() {
                // Silent: the socket goes, the place is kept for the window.
                self.close_link(1001);
                self.lose_link();
            }
            self.show(Attendance::Away);
        }
        if self.link.is_some() && self.pinged + PING_EVERY <= now {
            self.pinged = now;
            self.say(&FromServer::Ping(Ping { id: self.frames.last_sent() }));
        }
        if self.link.is_some() && self.ask_credential.take_if(|due| *due <= now).is_some() {
            self.say(&FromServer::NeedCredential(NeedCredential { why: CredentialNeed::ExpiresSoon }));
        }
        if self.link.is_some()
            && self.fault_due.take_if(|due| *due <= now).is_some()
            && let Some(fault) = self.media.as_ref().and_then(Media::fault)
        {
            self.say(&FromServer::MediaFault(fault));
        }
        self.look_for_media(now);
        self.tick(now);
        Flow::On
    }

    /// R9: what its client says it sends and does not come is told, once for each silence.
    fn look_for_media(&mut self, now: Instant) {
        if self.link.is_none() {
            return;
        }
        let Some(mut media) = self.media.take() else { return };
        let silent = media.inflow.found_silent(now, |mid| self.is_muted(mid));
        let negotiation_id = media.negotiation();
        self.media = Some(media);
        if silent {
            let text = Some("nothing comes of what is said to be sent".to_owned());
            self.say(&FromServer::MediaFault(MediaFault { negotiation_id, text }));
        }
    }

    fn is_muted(&self, mid: &str) -> bool {
        let mut here = self.seen.tracks.iter().filter(|track| track.mid.as_deref() == Some(mid));
        here.any(|track| self.desired.mutes(track))
    }

    /// From when on a fresh credential is asked for, if its client does not bring one by itself.
    pub(super) fn credential_lives(&mut self, life_ms: Option<u64>) {
        let life = life_ms.map(|life| Duration::from_millis(life).mul_f64(ASK_CREDENTIAL_AT));
        self.ask_credential = life.and_then(|life| Instant::now().checked_add(life));
    }

    fn tick(&mut self, now: Instant) {
        let due = |running: &&mut Generation| running.flows.is_some() && running.ticked + TICK_EVERY <= now;
        let Some(generation) = self.generation.as_mut().filter(due) else { return };
        generation.ticked = now;
        let number = generation.number;
        let used_ms = millis(self.generated());
        self.say(&FromServer::GenerationTick(GenerationTick { generation: number, used_ms }));
    }

    pub(super) fn start_generation(&mut self) {
        if self.generation.is_none() {
            let now = Instant::now();
            self.generations += 1;
            self.generation = Some(Generation { number: self.generations, flows: Some(now), ticked: now });
            self.say(&FromServer::GenerationStarted(GenerationStarted { generation: self.generations }));
        }
    }

    /// Pictures go out, or none do for now: of a camera that is muted or away nothing is generated, and
    /// nothing is used (F52).
    pub(super) fn generation_flows(&mut self, flows: bool) {
        let Some(generation) = &mut self.generation else { return };
        if flows {
            let now = Instant::now();
            if generation.flows.is_none() {
                generation.flows = Some(now);
                generation.ticked = now;
            }
        } else if let Some(since) = generation.flows.take() {
            self.generated += since.elapsed();
        }
    }

    /// What was used in all, up to now.
    pub(super) fn generated(&self) -> Duration {
        let flowing = self.generation.as_ref().and_then(|generation| generation.flows);
        self.generated + flowing.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn stop_generation(&mut self, reason: GenerationEnd) {
        self.generation_flows(false);
        if let Some(generation) = self.generation.take() {
            let used_ms = millis(self.generated);
            let ended = GenerationEnded { generation: generation.number, used_ms, reason };
            self.say(&FromServer::GenerationEnded(ended));
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
