//! The application's end of what is received.

use super::{EncodedFrame, Hub, Kind, Queue, TrackId};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The application's end of one received kind of media, or of one member's track. It goes on over
/// every recovery.
#[derive(Debug)]
pub struct TrackReceiver {
    hub: Arc<Hub>,
    queue: Arc<Queue>,
    kind: Kind,
    /// Whose track; none for what the far side sends of its own.
    of: Option<TrackId>,
}

impl TrackReceiver {
    pub(super) fn new(hub: Arc<Hub>, queue: Arc<Queue>, kind: Kind, of: Option<TrackId>) -> Self {
        Self { hub, queue, kind, of }
    }

    /// The next frame; `None` when the session is over, or the member's track is gone for good.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](TrackReceiver::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.queue.poll(cx)
    }

    /// Asks the far side for a picture that can be decoded by itself.
    pub fn want_key_frame(&self) {
        self.hub.want_key(self.of.as_ref());
    }

    /// Audio or video.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whose track it is; `None` for what the far side sends of its own.
    pub fn of(&self) -> Option<&TrackId> {
        self.of.as_ref()
    }

    /// Frames lost here because the reader was slow, or waiting for a key frame.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Is it over? Frames already received can still be read.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}
