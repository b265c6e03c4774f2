//! Plays a source into a track in real time. It keeps time and nothing else: frames come from
//! `source`, who may send them is the gate's and the taps' affair.

mod keys;
mod stop;
#[cfg(test)]
mod tests;

pub use stop::PumpStop;

use crate::source::{Next, Source, SourceError};
use keys::KeyBudget;
use offhook_transport::media::{Gate, GateLevel, TrackSender, VideoWish};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A frame later than this is not caught up with: the machine slept or was stopped, and a
/// burst of old pictures helps nobody. The schedule moves instead.
const MAX_LATE: Duration = Duration::from_millis(500);

/// How often a pump that nobody takes frames from looks whether that changed. It bounds what
/// the pump adds to the time to the first frame.
const IDLE: Duration = Duration::from_millis(10);

/// Why a pump came to its end.
#[derive(Debug)]
pub enum PumpEnd {
    /// The source has no more frames.
    Over,
    /// [`PumpStop::stop`] was called.
    Stopped,
    /// The gate was closed for good: the session was left.
    Closed,
    /// The source failed.
    Failed(SourceError),
}

/// Plays a source into a track in real time.
///
/// Each frame is due at the start plus its own time, so small delays do not add up. A source
/// is read only while some connection takes the track, and only at the moment its frame is
/// due. It is told at what size and rate the track is wanted. When the track wants a key frame the source is asked for one, at most four times in
/// any second, however often the far side asks.
pub struct Pump {
    source: Box<dyn Source>,
    sender: TrackSender,
    gate: Option<Gate>,
    stop: PumpStop,
    keys: KeyBudget,
    /// What the source was told of the size and rate that are wanted.
    wish: Option<VideoWish>,
    /// Unset while idle.
    schedule: Option<Schedule>,
    played: u64,
}

/// The one fixed point that all due times are counted from.
#[derive(Clone, Copy)]
struct Schedule {
    at: Instant,
    /// The source's own time at that moment.
    offset: Duration,
}

/// What one look at the source came to.
enum Tick {
    Played,
    Idle,
    End(PumpEnd),
}

impl Pump {
    /// Joins a source to the sending end of a track.
    pub fn new(source: impl Source + 'static, sender: TrackSender) -> Self {
        Self {
            source: Box::new(source),
            sender,
            gate: None,
            stop: PumpStop::new(),
            keys: KeyBudget::default(),
            wish: None,
            schedule: None,
            played: 0,
        }
    }

    /// Reads and sends only inside this gate: once [`Gate::close`] has returned no frame is
    /// being read, and none will be (R4). `close` may have to wait for the one being read: a
    /// few microseconds for a clip, the encoding of one picture for a pattern or raw frames.
    #[must_use]
    pub fn gated(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// A handle that ends [`run`](Pump::run) from elsewhere.
    pub fn stopper(&self) -> PumpStop {
        self.stop.clone()
    }

    /// The sending end of the track, for its counters.
    pub fn sender(&self) -> &TrackSender {
        &self.sender
    }

    /// Frames read from the source so far.
    pub fn played(&self) -> u64 {
        self.played
    }

    /// The source, to be published again or closed, as large as it was made. The track ends.
    pub fn into_source(mut self) -> Box<dyn Source> {
        self.source.want(None);
        self.source
    }

    /// Plays until the source is over or fails, the gate closes, or a [`PumpStop`] says so.
    /// Needs a tokio runtime with time.
    ///
    /// # Drop
    /// Dropping the future stops playing at once; the source stays in the pump.
    ///
    /// # Cancel safety
    /// No frame is lost; a second call goes on where the first was dropped.
    pub async fn run(&mut self) -> PumpEnd {
        self.schedule = None;
        let mut idle = false;
        loop {
            let now = Instant::now();
            let wake = if idle { now + IDLE } else { self.due(now) };
            if !self.stop.during(sleep_until(wake)).await {
                return PumpEnd::Stopped;
            }
            idle = match self.tick() {
                Tick::Played => false,
                Tick::Idle => true,
                Tick::End(end) => return end,
            };
        }
    }

    /// When the next frame is due. If that is long past, or nothing was due before, the
    /// schedule is laid anew so that it is now.
    fn due(&mut self, now: Instant) -> Instant {
        let offset = self.source.next_due();
        let planned = self.schedule.map(|from| from.at + offset.saturating_sub(from.offset));
        if let Some(due) = planned.filter(|due| now.saturating_duration_since(*due) <= MAX_LATE) {
            return due;
        }
        self.schedule = Some(Schedule { at: now, offset });
        now
    }

    fn tick(&mut self) -> Tick {
        if self.gate.as_ref().is_some_and(|gate| gate.level() == GateLevel::Closed) {
            return Tick::End(PumpEnd::Closed);
        }
        if !self.sender.is_tapped() {
            self.schedule = None;
            return Tick::Idle;
        }
        // Back from idling, this moment is when the next frame is due.
        self.schedule.get_or_insert_with(|| Schedule { at: Instant::now(), offset: self.source.next_due() });
        let ticked = match self.gate.clone() {
            Some(gate) => gate.pass(|| self.play()),
            None => Some(self.play()),
        };
        ticked.unwrap_or_else(|| {
            self.schedule = None;
            Tick::Idle
        })
    }

    fn play(&mut self) -> Tick {
        let wish = self.sender.video_wanted();
        if std::mem::replace(&mut self.wish, wish) != wish {
            self.source.want(wish);
        }
        let key = self.keys.grant(Instant::now(), self.sender.key_frame_wanted());
        match self.source.next_frame(key) {
            Ok(Next::Frame(frame)) => {
                self.played += 1;
                self.sender.try_send(frame);
                Tick::Played
            }
            Ok(Next::Nothing) => {
                self.keys.give_back(key);
                Tick::Played
            }
            Ok(Next::Over) => Tick::End(PumpEnd::Over),
            Err(error) => Tick::End(PumpEnd::Failed(error)),
        }
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump")
            .field("track", self.sender.spec())
            .field("played", &self.played)
            .finish_non_exhaustive()
    }
}
