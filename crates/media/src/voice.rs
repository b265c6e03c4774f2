//! A voice: a source of sound that never falls silent on the wire, and into which sounds are
//! played. Keeping time is `pump`'s, what a sound is made of `sound`'s.

#[cfg(test)]
mod tests;

use crate::sound::{Packet, SILENCE, SILENCE_LASTS, Sound};
use crate::source::{Next, Source, SourceError};
use bytes::Bytes;
use offhook_transport::media::{Codec, EncodedFrame};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Makes a voice: the source to publish, and the handle that plays into it.
pub fn voice() -> (Voice, Player) {
    let stage = Arc::new(Mutex::new(Stage::default()));
    (Voice { stage: stage.clone(), due: Duration::ZERO }, Player { stage })
}

/// A source of Opus: what is being played, and silence in between, so that the stream lives and
/// the far side hears that nobody speaks rather than nothing.
///
/// # Drop
/// What is being played ends as [`Played::Ended`], and so does everything played later.
pub struct Voice {
    stage: Arc<Mutex<Stage>>,
    due: Duration,
}

/// Plays sounds into a [`Voice`], one at a time. Cloning shares it.
#[derive(Clone)]
pub struct Player {
    stage: Arc<Mutex<Stage>>,
}

/// How a sound ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Played {
    /// It was played to its end.
    Whole,
    /// Another one took its place.
    Replaced,
    /// It was stopped.
    Stopped,
    /// The voice is gone, and with it whoever it was published in.
    Ended,
}

/// A sound that is being played; yields how that ended.
///
/// # Drop
/// It plays on.
///
/// # Cancel safety
/// Nothing is lost.
#[must_use = "it plays by itself; this only says when it is over"]
pub struct Playing {
    slot: Arc<Mutex<Outcome>>,
}

#[derive(Default)]
struct Outcome {
    played: Option<Played>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Stage {
    current: Option<Performance>,
    ended: bool,
    /// What is played waits.
    held: bool,
}

struct Performance {
    sound: Sound,
    next: usize,
    slot: Arc<Mutex<Outcome>>,
}

impl Drop for Performance {
    fn drop(&mut self) {
        settle(&self.slot, Played::Ended);
    }
}

impl Player {
    /// Plays a sound from its beginning, in place of the one that is being played. Acts when
    /// called: its first packet is the voice's next one.
    ///
    /// It goes on at the pace at which the voice is read, and waits while it is [held](Self::hold); while
    /// its track is muted it plays unheard.
    pub fn play(&self, sound: Sound) -> Playing {
        let slot = Arc::<Mutex<Outcome>>::default();
        let performance = Performance { sound, next: 0, slot: slot.clone() };
        let mut stage = lock(&self.stage);
        if stage.ended {
            // Settles as ended.
            drop(performance);
        } else if let Some(before) = stage.current.replace(performance) {
            settle(&before.slot, Played::Replaced);
        }
        Playing { slot }
    }

    /// Stops what is being played. False if nothing was.
    pub fn stop(&self) -> bool {
        let stopped = lock(&self.stage).current.take();
        if let Some(performance) = &stopped {
            settle(&performance.slot, Played::Stopped);
        }
        stopped.is_some()
    }

    /// Holds what is played, and what will be, where it is: the voice is silent meanwhile and lives on. With
    /// false it goes on from there. A session does so while it is away from the far side; of a voice that was
    /// published in any other way than with the join, whoever has the player does.
    pub fn hold(&self, held: bool) {
        lock(&self.stage).held = held;
    }

    /// Cuts what is being played, which ends as [`Played::Ended`]: whoever it was published in is
    /// over.
    pub fn cut(&self) {
        lock(&self.stage).current = None;
    }

    /// Is a sound being played?
    pub fn is_playing(&self) -> bool {
        lock(&self.stage).current.is_some()
    }
}

impl Stage {
    fn next(&mut self) -> Option<Packet> {
        if self.held {
            return None;
        }
        let current = self.current.as_mut()?;
        let packet = current.sound.packets().get(current.next).cloned();
        current.next += 1;
        if packet.is_none() {
            // The last packet has sounded: this is when the one behind it is due.
            settle(&current.slot, Played::Whole);
            self.current = None;
        }
        packet
    }
}

impl Source for Voice {
    fn codec(&self) -> Codec {
        Codec::Opus
    }

    fn next_due(&self) -> Duration {
        self.due
    }

    fn next_frame(&mut self, _: bool) -> Result<Next, SourceError> {
        let Packet { data, lasts } = lock(&self.stage)
            .next()
            .unwrap_or_else(|| Packet { data: Bytes::from_static(SILENCE), lasts: SILENCE_LASTS });
        let pts = self.due;
        self.due += lasts;
        Ok(Next::Frame(EncodedFrame { codec: Codec::Opus, data, pts, key: true }))
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        let mut stage = lock(&self.stage);
        stage.ended = true;
        stage.current = None;
    }
}

impl Future for Playing {
    type Output = Played;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Played> {
        let mut outcome = lock(&self.slot);
        if let Some(played) = outcome.played {
            return Poll::Ready(played);
        }
        outcome.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The first word counts.
fn settle(slot: &Mutex<Outcome>, played: Played) {
    let mut outcome = lock(slot);
    if outcome.played.is_none() {
        outcome.played = Some(played);
        if let Some(waker) = outcome.waker.take() {
            waker.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice").field("due", &self.due).finish_non_exhaustive()
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("playing", &self.is_playing()).finish()
    }
}

impl fmt::Debug for Playing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playing").field("played", &lock(&self.slot).played).finish()
    }
}
