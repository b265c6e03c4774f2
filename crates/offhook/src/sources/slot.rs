//! The place of a source that was taken over: another can be put into it in mid-stream, and what is in
//! it be taken back at any moment. Pacing is the pump's.

use crate::shared::lock;
use offhook_media::{Lack, Next, Source, SourceError};
use offhook_transport::media::{Codec, EncodedFrame, VideoWish};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Holds a source that was taken over, so that it can be swapped in mid-stream and taken back
/// at any moment. Once `take` has returned, nothing reads the source any more.
pub(crate) struct Slot {
    pub(super) codec: Codec,
    state: Mutex<Held>,
    /// Another source was put in, or the last one taken out.
    changed: Notify,
}

/// Why a source was not put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The track carries another codec.
    OtherCodec,
    /// What was in there was taken back.
    Empty,
}

struct Held {
    source: Option<Box<dyn Source>>,
    /// The source's own time at which it was put in, and what time that was here: its times are counted from
    /// there, so that they neither fall nor jump over a swap, however much it was played before.
    from: Duration,
    at: Duration,
    /// When the next frame was due, when it was last known.
    due: Duration,
    /// The next frame is the first of its source.
    fresh: bool,
    /// Nothing more comes of it: it was over, or it broke.
    over: bool,
    /// It panicked: nothing of it is called any more.
    broken: bool,
    /// The size and rate that the far side wants, for whichever source is in here.
    wish: Option<VideoWish>,
}

impl Slot {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        let (codec, due) = (source.codec(), source.next_due());
        let source = Some(source);
        let (fresh, over, broken, wish) = (true, false, false, None);
        let held = Held { source, from: due, at: due, due, fresh, over, broken, wish };
        Self { codec, state: Mutex::new(held), changed: Notify::new() }
    }

    /// Did what is in here come to its end?
    pub(super) fn is_over(&self) -> bool {
        let held = lock(&self.state);
        held.over && held.source.is_some()
    }

    /// Waits until there is a source that is not over. False when there will be none, for it was taken back.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn next_source(&self) -> bool {
        loop {
            {
                let held = lock(&self.state);
                if held.source.is_none() || !held.over {
                    return held.source.is_some();
                }
            }
            self.changed.notified().await;
        }
    }

    /// Takes the source out; the track it fed runs dry.
    pub(crate) fn take(&self) -> Option<Box<dyn Source>> {
        // As it was made: where it is published next, other things may be wanted.
        let mut held = lock(&self.state);
        let broken = held.broken;
        let taken = held.source.take().map(|source| if broken { source } else { as_made(source) });
        drop(held);
        self.changed.notify_one();
        taken
    }

    /// Puts another source in the place of the present one, and gives that back. The next
    /// frame is asked to be a key frame; times go on without a step back. It plays also where the one before
    /// it was over, or broke.
    pub(crate) fn swap(&self, mut source: Box<dyn Source>) -> Result<Option<Box<dyn Source>>, Refused> {
        let mut held = lock(&self.state);
        if held.source.is_none() {
            return Err(Refused::Empty);
        }
        if source.codec() != self.codec {
            return Err(Refused::OtherCodec);
        }
        held.due = held.due.max(held.next_due());
        (held.from, held.at) = (source.next_due(), held.due);
        source.want(held.wish);
        (held.fresh, held.over) = (true, false);
        let broken = std::mem::take(&mut held.broken);
        let before = held.source.replace(source);
        let before = before.map(|source| if broken { source } else { as_made(source) });
        drop(held);
        self.changed.notify_one();
        Ok(before)
    }
}

fn as_made(mut source: Box<dyn Source>) -> Box<dyn Source> {
    source.want(None);
    source
}

impl Held {
    /// Calls into the source. One that panics must not take its track with it: it is broken from there on,
    /// and the next may have its place.
    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Source) -> T) -> Option<T> {
        if self.broken {
            return None;
        }
        let source = self.source.as_mut()?;
        // Nothing of it is called again, so that nobody sees what it left half done.
        let called = catch_unwind(AssertUnwindSafe(|| call(&mut **source)));
        self.broken = called.is_err();
        called.ok()
    }

    /// When a frame is due here that is due then by the source's own time.
    fn here(&self, theirs: Duration) -> Duration {
        self.at.saturating_add(theirs.saturating_sub(self.from))
    }

    fn next_due(&mut self) -> Duration {
        let theirs = self.call(|source| source.next_due());
        theirs.map_or(self.due, |theirs| self.here(theirs))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// A source that looks into its slot for each frame.
pub(super) struct Swappable(pub(super) Arc<Slot>);

impl Source for Swappable {
    fn codec(&self) -> Codec {
        self.0.codec
    }

    fn next_due(&self) -> Duration {
        lock(&self.0.state).next_due()
    }

    fn lack(&self) -> Option<Lack> {
        lock(&self.0.state).call(|source| source.lack()).flatten()
    }

    fn want(&mut self, wish: Option<VideoWish>) {
        let mut held = lock(&self.0.state);
        held.wish = wish;
        held.call(|source| source.want(wish));
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let mut held = lock(&self.0.state);
        if held.source.is_none() {
            return Ok(Next::Over);
        }
        let key = key || held.fresh;
        let next = held.call(|source| source.next_frame(key)).unwrap_or(Err(SourceError::Panicked));
        held.over = matches!(next, Ok(Next::Over) | Err(_));
        let next = next?;
        held.due = held.next_due();
        Ok(match next {
            Next::Frame(frame) => {
                held.fresh = false;
                Next::Frame(EncodedFrame { pts: held.here(frame.pts), ..frame })
            }
            Next::Nothing => Next::Nothing,
            Next::Over => Next::Over,
        })
    }
}
