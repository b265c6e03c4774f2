//! A speaker: plays a received track of Opus. Two threads belong to it: the device's, and while
//! a track is played one that decodes.

use super::device::{self, Kept, Opened, Way};
use super::hearing::{Heard, Hearing};
use super::ring::Ring;
use crate::device::DeviceError;
use crate::source::Lack;
use offhook_transport::media::TrackReceiver;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A loudspeaker, or whatever the system plays on.
///
/// A jitter buffer of 60 ms stands in front of it, grown to the device's own piece where that is
/// longer, and never more than a quarter of a second: what comes faster than it is played is
/// lost, and with it all that would only be delay. Where it runs dry it is silent until the buffer is full again.
///
/// # Drop
/// Closes the device, on its own thread; waits for nothing.
pub struct Speaker {
    opened: Opened,
    ring: Arc<Ring>,
    _kept: Kept,
    player: Option<Player>,
}

/// The thread that decodes one track.
struct Player {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    over: AtomicBool,
    heard: Mutex<Heard>,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaker {
    /// Opens the speaker of this name, as [`speakers`](super::speakers) tells them, or the first
    /// whose name this is a part of; `None` is the system's default one. It is silent until
    /// something is played.
    ///
    /// Blocks for as long as opening takes, ten seconds at most.
    ///
    /// # Errors
    /// [`DeviceError`] with one of the three causes.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        let most = |opened: &Opened| opened.rate as usize / 4;
        let (opened, ring, kept) = device::open(Way::Out, name, most, cushion)?;
        Ok(Self { opened, ring, _kept: kept, player: None })
    }

    /// Plays a track, in the place of the one before, until it ends with its session; over every
    /// recovery in between. Needs no runtime.
    ///
    /// # Errors
    /// When no decoder can be made, or no thread. The track ends with that.
    pub fn play(&mut self, track: TrackReceiver) -> Result<(), DeviceError> {
        self.stop();
        let unusable = |what: String| DeviceError::new(self.opened.name.clone(), Lack::Unusable, what);
        let hearing = Hearing::new(self.opened.rate).map_err(unusable)?;
        let shared = Arc::<Shared>::default();
        let (theirs, ring, cushion) = (shared.clone(), self.ring.clone(), cushion(&self.opened));
        let thread = thread::Builder::new()
            .name("offhook-hearing".to_owned())
            .spawn(move || hear(track, hearing, &ring, cushion, &theirs))
            .map_err(|error| unusable(format!("no thread could be started ({error})")))?;
        self.player = Some(Player { shared, thread: thread.thread().clone() });
        Ok(())
    }

    /// Stops playing; what was not yet heard is forgotten. Harmless when nothing is played.
    pub fn stop(&mut self) {
        self.player = None;
        self.ring.keep_newest(0);
    }

    /// Has the track ended, or was none ever played? What of it is still in the buffer is heard.
    pub fn is_over(&self) -> bool {
        self.player.as_ref().is_none_or(|player| player.shared.over.load(Ordering::Acquire))
    }

    /// What keeps it from being heard, since it was opened: the device is gone, or failed. It
    /// does not come back by itself: open it again, and play there.
    pub fn failure(&self) -> Option<DeviceError> {
        self.ring.failure()
    }

    /// The system's name of it.
    pub fn name(&self) -> &str {
        &self.opened.name
    }

    /// What became of the packets of this track; `lost` and `dry` count since it was opened.
    pub fn heard(&self) -> Heard {
        let heard = self.player.as_ref().map(|player| *player.shared.heard()).unwrap_or_default();
        Heard { lost: self.ring.lost(), dry: self.ring.dry(), ..heard }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What is held before it begins: 60 ms.
fn cushion(opened: &Opened) -> usize {
    opened.rate as usize * 60 / 1_000
}

/// Wakes the thread that waits for packets.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Until the track is over, it is told to stop, or the device failed.
fn hear(mut track: TrackReceiver, mut hearing: Hearing, ring: &Ring, cushion: usize, shared: &Shared) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut samples = Vec::new();
    while !shared.stop.load(Ordering::Acquire) && ring.failure().is_none() {
        match track.poll_next(&mut cx) {
            Poll::Ready(Some(frame)) => {
                samples.clear();
                hearing.take(&frame, &mut samples);
                *shared.heard() = hearing.heard;
                ring.push(samples.drain(..));
                if ring.take_overrun() {
                    // The far side's clock is ahead, or it sent all at once: no longer delay than need be.
                    ring.keep_newest(cushion.max(ring.piece()));
                }
            }
            Poll::Ready(None) => break,
            // Also without a wake-up, which does no harm.
            Poll::Pending => thread::park(),
        }
    }
    shared.over.store(true, Ordering::Release);
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("opened", &self.opened).field("heard", &self.heard()).finish()
    }
}
