//! A member's deadlines: pings, silence, the roster's `away`, the end of the resume window, the
//! ticks of a generation, and the end of a go-away.

use super::{Actor, Flow, Generation};
use crate::config::{AWAY_AFTER, PING_EVERY, REAP_AFTER_WINDOW};
use offhook_signaling::{
    Attendance, FromServer, GenerationEnd, GenerationEnded, GenerationStarted, GenerationTick, LeaveCode,
    Ping,
};
use std::time::Duration;
use tokio::time::Instant;

const TICK_EVERY: Duration = Duration::from_secs(1);

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
        if let Some(generation) = &self.generation {
            next = next.min(generation.ticked + TICK_EVERY);
        }
        self.leaves_at.map_or(next, |leaves| next.min(leaves))
    }

    /// How long a lost member is kept; one that never came in is not.
    fn window(&self) -> Duration {
        if self.epoch == 0 {
            self.shared.config.limits.first_frame
        } else {
            self.shared.config.resume_window + REAP_AFTER_WINDOW
        }
    }

    pub(super) fn due(&mut self) -> Flow {
        let now = Instant::now();
        if self.leaves_at.is_some_and(|leaves| leaves <= now) {
            // A moved link is closed without `ended`: the session goes on elsewhere.
            return Flow::Over(LeaveCode::Moved);
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
        self.tick(now);
        Flow::On
    }

    fn tick(&mut self, now: Instant) {
        let Some(generation) = self.generation.as_mut().filter(|running| running.ticked + TICK_EVERY <= now)
        else {
            return;
        };
        generation.ticked = now;
        let tick = GenerationTick {
            generation: generation.number,
            used_ms: millis(now.duration_since(generation.since)),
        };
        self.say(&FromServer::GenerationTick(tick));
    }

    pub(super) fn start_generation(&mut self) {
        if self.generation.is_none() {
            let now = Instant::now();
            self.generations += 1;
            self.generation = Some(Generation { number: self.generations, since: now, ticked: now });
            self.say(&FromServer::GenerationStarted(GenerationStarted { generation: self.generations }));
        }
    }

    pub(super) fn stop_generation(&mut self, reason: GenerationEnd) {
        if let Some(generation) = self.generation.take() {
            let used_ms = millis(generation.since.elapsed());
            let ended = GenerationEnded { generation: generation.number, used_ms, reason };
            self.say(&FromServer::GenerationEnded(ended));
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
