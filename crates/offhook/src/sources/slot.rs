//! The place of a source that was taken over: another can be put into it in mid-stream, and what is in
//! it be taken back at any moment. Pacing is the pump's.

use crate::shared::lock;
use offhook_media::{Lack, Next, Source, SourceError};
use offhook_transport::media::{Codec, EncodedFrame, VideoWish};
use std::fmt;
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
    /// Added to the source's times, so that they never fall over a swap.
    offset: Duration,
    /// When the next frame was due, when it was last known.
    due: Duration,
    /// The next frame is the first of its source.
    fresh: bool,
    /// Nothing more comes of it: it was over, or it broke.
    over: bool,
    /// The size and rate that the far side wants, for whichever source is in here.
    wish: Option<VideoWish>,
}

impl Slot {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        let (codec, due) = (source.codec(), source.next_due());
        let source = Some(source);
        let held = Held { source, offset: Duration::ZERO, due, fresh: true, over: false, wish: None };
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
        let taken = lock(&self.state).source.take().map(as_made);
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
        held.offset = held.due.saturating_sub(source.next_due());
        (held.fresh, held.over) = (true, false);
        source.want(held.wish);
        let before = held.source.replace(source).map(as_made);
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
pub(super) struct Swappable(pub(super) Arc<Slot>);

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
        held.over = matches!(next, Ok(Next::Over) | Err(_));
        let next = next?;
        held.due = held.next_due();
        Ok(match next {
            Next::Frame(frame) => {
                held.fresh = false;
                Next::Frame(EncodedFrame { pts: frame.pts.saturating_add(offset), ..frame })
            }
            Next::Nothing => Next::Nothing,
            Next::Over => Next::Over,
        })
    }
}
