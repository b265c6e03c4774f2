//! Our connectivity checks as they pass the socket: paced where nobody answers, and said again
//! while the path is silent.
//!
//! The engine sends a check to every pair at every tick for as long as it is told to. Told to
//! for long, so that a restart begun in a hole still finds the path when it is back, it would
//! flood whoever the far side names; so a place that does not answer soon gets few. And on the
//! selected pair it asks once a second, which is a long time to somebody who waits for the path.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use webrtc::runtime::{AsyncUdpSocket, Transmit};

/// A place is checked as often as the engine likes for this long: a path that is there answers in
/// it, and with five places that is two hundred and fifty a second.
const EAGER: Duration = Duration::from_secs(1);
/// And afterwards, until it answers, so often.
const PATIENT: Duration = Duration::from_millis(100);
/// Places that are kept apart; beyond it the one that was asked first is forgotten.
const PLACES: usize = 64;

const BINDING_REQUEST: [u8; 2] = [0, 1];
const BINDING_SUCCESS: [u8; 2] = [1, 1];
/// RFC 8489 §5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

#[derive(Default)]
pub(super) struct Checks {
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Default)]
struct State {
    /// Places that have been asked and have not answered since.
    asked: Vec<Asked>,
    last: Option<Check>,
}

struct Asked {
    place: SocketAddr,
    since: Instant,
    last: Instant,
}

/// The newest check, as it went out.
struct Check {
    socket: Weak<dyn AsyncUdpSocket>,
    to: SocketAddr,
    from: Option<IpAddr>,
    bytes: Vec<u8>,
    at: Instant,
}

impl Checks {
    /// A generation of candidates begins: nobody has been asked yet.
    pub(super) fn begin(&self) {
        self.lock().asked.clear();
    }

    /// Something is about to be sent. May it?
    pub(super) fn may_send(&self, transmit: &Transmit<'_>, socket: &Arc<dyn AsyncUdpSocket>) -> bool {
        let several = transmit.segment_size.is_some_and(|size| size < transmit.contents.len());
        if several || !is_stun(transmit.contents, BINDING_REQUEST) {
            return true;
        }
        let now = Instant::now();
        let mut state = self.lock();
        if !state.asks(transmit.destination, now) {
            return false;
        }
        let bytes = match state.last.take() {
            // Its room is used again.
            Some(Check { mut bytes, .. }) => {
                bytes.clear();
                bytes.extend_from_slice(transmit.contents);
                bytes
            }
            None => transmit.contents.to_vec(),
        };
        state.last = Some(Check {
            socket: Arc::downgrade(socket),
            to: transmit.destination,
            from: transmit.src_ip,
            bytes,
            at: now,
        });
        true
    }

    /// Something came in.
    pub(super) fn came(&self, contents: &[u8], from: SocketAddr) {
        if !is_stun(contents, BINDING_SUCCESS) {
            return;
        }
        let mut state = self.lock();
        let asked = state.asked.len();
        state.asked.retain(|asked| asked.place != from);
        // No more often than we ask, however often it is said.
        if state.asked.len() < asked {
            self.answered.notify_one();
        }
    }

    /// Ready when what looks like an answer came in. Whether it is one, the engine knows a
    /// moment later.
    pub(super) async fn answered(&self) {
        self.answered.notified().await;
    }

    /// Sends the newest check once more, if it is older than this: a request may be sent again
    /// until it is answered (RFC 8489 §6.2.1), and its answer counts as the first one's would.
    pub(super) fn repeat(&self, older_than: Duration) {
        let mut state = self.lock();
        let State { asked, last } = &mut *state;
        let Some(check) = last.as_ref().filter(|check| check.at.elapsed() >= older_than) else {
            return;
        };
        let Some(socket) = check.socket.upgrade() else { return };
        note(asked, check.to, Instant::now());
        let transmit = Transmit {
            destination: check.to,
            ecn: None,
            contents: &check.bytes,
            segment_size: None,
            src_ip: check.from,
        };
        // Nothing waits for room: the next one will do.
        let _ = socket.poll_send(&mut Context::from_waker(Waker::noop()), &transmit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn asks(&mut self, place: SocketAddr, now: Instant) -> bool {
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.place == place) {
            let eager = now.saturating_duration_since(asked.since) < EAGER;
            let may = eager || now.saturating_duration_since(asked.last) >= PATIENT;
            if may {
                asked.last = now;
            }
            return may;
        }
        note(&mut self.asked, place, now);
        true
    }
}

/// A place is being asked.
fn note(asked: &mut Vec<Asked>, place: SocketAddr, now: Instant) {
    if let Some(asked) = asked.iter_mut().find(|asked| asked.place == place) {
        asked.last = now;
        return;
    }
    if asked.len() == PLACES {
        asked.remove(0);
    }
    asked.push(Asked { place, since: now, last: now });
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

fn is_stun(datagram: &[u8], kind: [u8; 2]) -> bool {
    match datagram {
        [a, b, _, _, cookie @ ..] => [*a, *b] == kind && cookie.starts_with(&COOKIE),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
