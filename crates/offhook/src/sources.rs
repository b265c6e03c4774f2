//! The user's own media on its way into a session: sources that were taken over, tracks that
//! were borrowed. Pacing is `offhook_media::Pump`'s; here is who owns what, how it is given back
//! (R17, D18), and what becomes of a track whose source gives no more. Who is told is `host`'s affair.
//!
//! The bugs named here: D18 openai/openai-agents-js#1586.

use crate::error::PublishError;
use crate::event::SourceEnd;
use crate::shared::lock;
use offhook_media::{Lack, Next, Publication, Pump, PumpEnd, Source, SourceError};
use offhook_transport::media::{
    Codec, EncodedFrame, Gate, GateLevel, Kind, LocalTrack, TrackSender, TrackSpec, VideoWish, local,
};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One track of a session, and where its frames come from.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// The session's own track. Muting it mutes nothing else, and it ends with the session.
    pub(crate) track: LocalTrack,
    pub(crate) origin: Origin,
}

/// Whose the frames are.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// A source that was taken over. It can be swapped, and taken back.
    Taken(Arc<Slot>),
    /// A track of the user's, that is only listened to.
    Borrowed(LocalTrack),
}

/// What has to run for a track to carry anything.
pub(crate) enum Feeder {
    /// Paces whatever source is in the slot.
    Pump(Pump, Arc<Slot>),
    /// Copies the handles of a borrowed track's frames, never their bytes.
    Relay(LocalTrack, TrackSender),
}

/// A feeder whose source gives no more. Run again it waits for another source.
pub(crate) struct Rested {
    pub(crate) feeder: Feeder,
    pub(crate) slot: Arc<Slot>,
    pub(crate) why: SourceEnd,
}

impl Track {
    /// Makes the session's own track of a publication, muted gate first.
    pub(crate) fn new(label: String, publication: Publication) -> (Self, Feeder) {
        match publication {
            Publication::Taken(source) => {
                let slot = Arc::new(Slot::new(source));
                let (sender, track) = local(TrackSpec { codec: slot.codec, label });
                let feeder = Feeder::Pump(Pump::new(Swappable(slot.clone()), sender), slot.clone());
                (Self { track, origin: Origin::Taken(slot) }, feeder)
            }
            Publication::Borrowed(theirs) => {
                let (sender, track) = local(TrackSpec { codec: theirs.spec().codec, label });
                let feeder = Feeder::Relay(theirs.clone(), sender);
                (Self { track, origin: Origin::Borrowed(theirs) }, feeder)
            }
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.track.spec().label
    }

    pub(crate) fn kind(&self) -> Kind {
        self.track.spec().kind()
    }

    /// Is this what is fed from there?
    pub(crate) fn is_fed_from(&self, slot: &Arc<Slot>) -> bool {
        match &self.origin {
            Origin::Taken(own) => Arc::ptr_eq(own, slot),
            Origin::Borrowed(_) => false,
        }
    }

    /// What was published, to be published again. A source that was unpublished is not there any more.
    pub(crate) fn give_back(&self) -> Option<Publication> {
        match &self.origin {
            Origin::Taken(slot) => slot.take().map(Publication::Taken),
            Origin::Borrowed(theirs) => Some(Publication::Borrowed(theirs.clone())),
        }
    }
}

impl Feeder {
    /// Runs until the source or track is over, or the gate is closed. What it gives is to be run again:
    /// its source is spent, and another may take its place.
    pub(crate) async fn run(self, gate: Gate) -> Option<Rested> {
        match self {
            Self::Pump(pump, slot) => {
                if !slot.is_fed_again().await {
                    return None;
                }
                let mut pump = pump.gated(gate);
                let end = pump.run().await;
                tracing::debug!(?end, "a source came to its end");
                let why = match end {
                    PumpEnd::Over => SourceEnd::Over,
                    PumpEnd::Failed(error) => SourceEnd::Failed(Arc::new(error)),
                    PumpEnd::Stopped | PumpEnd::Closed => return None,
                };
                Some(Rested { feeder: Self::Pump(pump, slot.clone()), slot, why })
            }
            Self::Relay(theirs, sender) => {
                let mut tap = theirs.tap();
                while let Some(frame) = tap.next().await {
                    if sender.key_frame_wanted() {
                        tap.want_key_frame();
                    }
                    tap.want_video(sender.video_wanted());
                    if gate.pass(|| sender.try_send(frame)).is_none() && gate.level() == GateLevel::Closed {
                        break;
                    }
                }
                None
            }
        }
    }
}

impl fmt::Debug for Feeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pump(..) => "Pump",
            Self::Relay(..) => "Relay",
        })
    }
}

/// Holds a source that was taken over, so that it can be swapped in mid-stream and taken back
/// at any moment. Once `take` has returned, nothing reads the source any more.
pub(crate) struct Slot {
    codec: Codec,
    state: Mutex<Held>,
    /// Rung when another source is in here, or none any more.
    changed: Notify,
}

/// Why a source is not put in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unswapped {
    /// The track carries another codec.
    OtherCodec,
    /// The track was unpublished.
    Gone,
}

impl Unswapped {
    /// As whoever asked for it is told.
    pub(crate) fn told(self, label: &str) -> PublishError {
        match self {
            Self::OtherCodec => PublishError::OtherCodec,
            Self::Gone => PublishError::NoSuchTrack(label.to_owned()),
        }
    }
}

struct Held {
    source: Option<Box<dyn Source>>,
    /// Added to the source's times, so that they never fall over a swap.
    offset: Duration,
    /// When the next frame was due, when it was last known.
    due: Duration,
    /// The next frame is the first of its source.
    fresh: bool,
    /// Since when the source gives no more: it failed, or is over.
    spent: Option<Instant>,
    /// The size and rate that the far side wants, for whichever source is in here.
    wish: Option<VideoWish>,
}

impl Slot {
    fn new(source: Box<dyn Source>) -> Self {
        let codec = source.codec();
        let held = Held {
            offset: Duration::ZERO,
            due: source.next_due(),
            fresh: true,
            spent: None,
            wish: None,
            source: Some(source),
        };
        Self { codec, state: Mutex::new(held), changed: Notify::new() }
    }

    /// Takes the source out; the track it fed runs dry.
    pub(crate) fn take(&self) -> Option<Box<dyn Source>> {
        let taken = lock(&self.state).source.take();
        self.changed.notify_one();
        // As it was made: where it is published next, other things may be wanted.
        taken.map(as_made)
    }

    /// Puts another source in the place of the present one, whatever became of that, and gives it back.
    /// The next frame is asked to be a key frame; times go on without a step back, and by as much as
    /// nothing came since the present one was spent.
    pub(crate) fn swap(
        &self,
        mut source: Box<dyn Source>,
    ) -> Result<Option<Box<dyn Source>>, (Unswapped, Box<dyn Source>)> {
        let mut held = lock(&self.state);
        if held.source.is_none() {
            return Err((Unswapped::Gone, source));
        }
        if source.codec() != self.codec {
            return Err((Unswapped::OtherCodec, source));
        }
        let rested = held.spent.take().map_or(Duration::ZERO, |since| since.elapsed());
        held.due = held.due.max(held.next_due()).saturating_add(rested);
        held.offset = held.due.saturating_sub(source.next_due());
        held.fresh = true;
        source.want(held.wish);
        let before = held.source.replace(source);
        drop(held);
        self.changed.notify_one();
        Ok(before.map(as_made))
    }

    /// Does the source in here give no more?
    pub(crate) fn is_spent(&self) -> bool {
        let held = lock(&self.state);
        held.source.is_some() && held.spent.is_some()
    }

    /// Waits for a source that is not spent; false if none will come. For the one feeder.
    async fn is_fed_again(&self) -> bool {
        loop {
            {
                let held = lock(&self.state);
                if held.source.is_none() || held.spent.is_none() {
                    return held.source.is_some();
                }
            }
            self.changed.notified().await;
        }
    }
}

fn as_made(mut source: Box<dyn Source>) -> Box<dyn Source> {
    source.want(None);
    source
}

impl Held {
    fn next_due(&self) -> Duration {
        self.source.as_ref().map_or(self.due, |source| source.next_due().saturating_add(self.offset))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// A source that looks into its slot for each frame.
struct Swappable(Arc<Slot>);

impl Source for Swappable {
    fn codec(&self) -> Codec {
        self.0.codec
    }

    fn next_due(&self) -> Duration {
        lock(&self.0.state).next_due()
    }

    fn lack(&self) -> Option<Lack> {
        lock(&self.0.state).source.as_ref().and_then(|source| source.lack())
    }

    fn want(&mut self, wish: Option<VideoWish>) {
        let mut held = lock(&self.0.state);
        held.wish = wish;
        if let Some(source) = &mut held.source {
            source.want(wish);
        }
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let mut held = lock(&self.0.state);
        let (offset, fresh) = (held.offset, held.fresh);
        let Some(source) = &mut held.source else { return Ok(Next::Over) };
        let next = source.next_frame(key || fresh);
        if matches!(next, Ok(Next::Over) | Err(_)) {
            held.spent = Some(Instant::now());
        }
        held.due = held.next_due();
        Ok(match next? {
            Next::Frame(frame) => {
                held.fresh = false;
                Next::Frame(EncodedFrame { pts: frame.pts.saturating_add(offset), ..frame })
            }
            Next::Nothing => Next::Nothing,
            Next::Over => Next::Over,
        })
    }
}

#[cfg(test)]
#[path = "sources/tests.rs"]
mod tests;
