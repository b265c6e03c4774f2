//! Judges the path from inside: is *our* check answered? Any inbound packet keeps the
//! engine's state at "connected", also when nothing of ours arrives any more (a NAT that
//! rebinds, a cut in one direction), so its state is not asked. While this process itself did not run
//! nobody was silent: such time is not counted, but for consent.

use super::events::PeerEvent;
use super::handler::Shared;
use super::{Inner, PeerError, stats};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the statistics are looked at; answers come at the keepalive interval.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Without an answer for this long the path is asked more often: who waits for it learns at once
/// that it is back, and one lost packet is no silence.
const QUIET: Duration = Duration::from_millis(1_500);
/// So often, then.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// A look that is later than this was kept from it.
const LATE: Duration = Duration::from_millis(100);
/// An answer passes the socket this much before the engine has judged it.
const JUDGED: Duration = Duration::from_millis(2);

pub(super) async fn watch(peer: Weak<Inner>, shared: Arc<Shared>) {
    let Some((dtls_within, silent_after, consent, lite)) = peer.upgrade().map(|inner| {
        let config = &inner.config;
        (config.dtls_within, config.silent_after, config.consent, config.lite)
    }) else {
        return;
    };
    let mut level = shared.level.subscribe();
    tokio::select! {
        () = engine_ended(&shared) => return broken(&peer, PeerError::EngineStopped),
        ice = level.wait_for(|level| level.ice) => if ice.is_err() { return },
    }
    let dtls_due = Instant::now() + dtls_within;
    let mut path = Path::new(Instant::now());
    let mut wait = Duration::ZERO;
    loop {
        let began = Instant::now();
        tokio::select! {
            () = engine_ended(&shared) => return broken(&peer, PeerError::EngineStopped),
            () = shared.kick.handshake_refused(), if !level.borrow().dtls => {
                return broken(&peer, PeerError::Dtls);
            }
            () = sleep(wait) => {}
            () = shared.kick.checks.answered() => sleep(JUDGED).await,
        }
        path.excuse(began.elapsed().saturating_sub(wait + JUDGED), Instant::now());
        if Instant::now() >= dtls_due && !level.borrow().dtls {
            return broken(&peer, PeerError::Dtls);
        }
        if lite {
            continue;
        }
        let Some(pc) = peer.upgrade().map(|inner| inner.pc.clone()) else { return };
        let answers = stats::check_answers(&*pc).await;
        let paths = level.borrow().paths;
        let quiet = path.at.elapsed() >= QUIET;
        if let Some(event) = path.look(answers, paths, Instant::now(), silent_after) {
            if quiet && event == PeerEvent::PathAnswered {
                // What was sent in between is lost: whoever sends begins with a whole picture.
                shared.level.send_modify(|_| {});
            }
            shared.events.fact(event);
        }
        // S12: nothing is sent to where nobody answers any more.
        shared.consents(path.answered.elapsed() < consent);
        wait = LOOK_EVERY;
        if path.at.elapsed() >= QUIET {
            shared.kick.checks.repeat(ASK_EVERY);
            wait = ASK_EVERY;
        }
    }
}

async fn engine_ended(shared: &Shared) {
    shared.kick.driver_ended().await;
}

fn broken(peer: &Weak<Inner>, error: PeerError) {
    if let Some(inner) = peer.upgrade() {
        inner.fail(error);
    }
}

/// Answers counted so far and when the last new one was seen. A restart makes new pairs, which
/// count from zero and may come to the very number of the old: that ICE connected anew is an
/// answer too.
struct Path {
    answers: u64,
    paths: u32,
    /// When the newest answer was seen (RFC 7675 goes by it).
    answered: Instant,
    /// From when on it is silent: as `answered`, and as much later as this process did not run.
    at: Instant,
    told_silent: bool,
}

impl Path {
    fn new(now: Instant) -> Self {
        Self { answers: 0, paths: 0, answered: now, at: now, told_silent: false }
    }

    /// Nobody looked for so much longer than was meant.
    fn excuse(&mut self, late: Duration, now: Instant) {
        if late >= LATE {
            self.at = (self.at + late).min(now);
        }
    }

    fn look(&mut self, answers: u64, paths: u32, now: Instant, silent_after: Duration) -> Option<PeerEvent> {
        if answers != self.answers || paths != self.paths {
            *self = Self { answers, paths, ..Self::new(now) };
            return Some(PeerEvent::PathAnswered);
        }
        let silent = now.saturating_duration_since(self.at);
        if silent >= silent_after && !self.told_silent {
            self.told_silent = true;
            return Some(PeerEvent::PathSilent { silent });
        }
        None
    }
}

#[cfg(test)]
mod tests;
