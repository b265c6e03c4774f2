//! What a member says to the others: to all of them, or to some. Who it is from the server says; that it
//! arrives is the receivers' own frames' affair. Named ones get it all or none of them does.

#[cfg(test)]
mod tests;

use super::Actor;
use super::welcome::size;
use crate::rooms::Untold;
use offhook_signaling::{FromServer, Instance, NotRelayed, Relay, RelayRefusal, Relayed, limits};
use tokio::time::Instant;

/// What may be said at once, in seconds of what may be said.
const AT_ONCE: u32 = limits::MESSAGE_BYTES_BURST / limits::MESSAGE_BYTES_PER_SECOND;

/// How many bytes a member may still have passed on to the others: over all its links, for a new one is soon
/// made.
pub(super) struct Said {
    left: f64,
    at: Instant,
}

impl Said {
    pub(super) fn nothing(per_second: u32, now: Instant) -> Self {
        Self { left: most(per_second), at: now }
    }

    /// Counts so many more; false, and nothing is counted, where they are too many.
    fn more(&mut self, bytes: usize, per_second: u32, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(per_second);
        self.left = (self.left + earned).min(most(per_second));
        self.at = now;
        let may = bytes as f64 <= self.left;
        if may {
            self.left -= bytes as f64;
        }
        may
    }
}

fn most(per_second: u32) -> f64 {
    f64::from(per_second.saturating_mul(AT_ONCE)).max(limits::FRAME_BYTES as f64)
}

impl Actor {
    pub(super) fn relay(&mut self, mut relay: Relay) {
        self.interacts();
        relay.from = Some(self.place.instance);
        let id = relay.id;
        // Whom else it is for is nobody's to know.
        let mut to = std::mem::take(&mut relay.to);
        let per_second = self.shared.config.limits.message_bytes_per_second;
        if !self.said.more(size(&relay), per_second, Instant::now()) {
            let text = "more was said at once than the others can hear; say it again later, or less";
            return self.not_relayed(id, RelayRefusal::RateLimited, Vec::new(), text);
        }
        if to.is_empty() {
            self.shared.rooms.tell(&self.place, None, &FromServer::Message(relay));
            return;
        }
        to.sort_unstable();
        to.dedup();
        if to.contains(&self.place.instance) {
            let text = "that is yourself; name the others";
            return self.not_relayed(id, RelayRefusal::Oneself, Vec::new(), text);
        }
        match self.shared.rooms.tell_these(&self.place, &to, &FromServer::Message(relay)) {
            Ok(()) => self.say(&FromServer::Relayed(Relayed { id })),
            Err(Untold::Gone(gone)) => {
                let text = "somebody it is for is not in the session; look at the roster";
                self.not_relayed(id, RelayRefusal::UnknownMember, gone, text);
            }
            Err(Untold::Busy(busy)) => {
                let text = "somebody it is for does not keep up with what is said; say it again later";
                self.not_relayed(id, RelayRefusal::Busy, busy, text);
            }
        }
    }

    fn not_relayed(&mut self, id: u64, why: RelayRefusal, missing: Vec<Instance>, text: &str) {
        self.say(&FromServer::NotRelayed(NotRelayed { id, why, missing, text: text.to_owned() }));
    }
}
