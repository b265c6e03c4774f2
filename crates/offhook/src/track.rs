//! The tracks of the other members: what is known of one, and the handle of one. Which there are the
//! host keeps (`host/tracks.rs`).

use futures_core::Stream;
use offhook_transport::media::{EncodedFrame, Kind, TrackId, TrackReceiver};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A track that another member publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInfo {
    /// Whose it is, and what they call it: the same over every recovery of theirs and of this session.
    pub id: TrackId,
    /// Audio or video.
    pub kind: Kind,
    /// Is it muted by its publisher? Nothing comes of it then.
    pub muted: bool,
    /// Does it wait for a place? A far side sends a session only so many tracks at once, the reference
    /// server 32, those first that were published first. Nothing comes of one that waits; it comes by
    /// itself when there is a place, and a handle that was taken before has it.
    pub waits: bool,
}

/// A track of another member. One handle for as long as the member publishes it: it goes on over every
/// recovery, of this session and of the publisher's, and ends when the track is gone for good or the
/// session is over (F41, F62).
///
/// A reader that is slow loses the oldest frames, and then waits for a key frame (R16).
///
/// # Drop
/// Stops receiving; other handles go on.
#[derive(Debug)]
pub struct RemoteTrack {
    id: TrackId,
    track: TrackReceiver,
}

impl RemoteTrack {
    pub(crate) const fn new(id: TrackId, track: TrackReceiver) -> Self {
        Self { id, track }
    }

    /// Whose it is, and what they call it.
    pub const fn id(&self) -> &TrackId {
        &self.id
    }

    /// Audio or video.
    pub fn kind(&self) -> Kind {
        self.track.kind()
    }

    /// The next frame, as it came; `None` when the track is gone for good, or the session over.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        self.track.next().await
    }

    /// Asks its publisher for a picture that can be decoded by itself.
    pub fn want_key_frame(&self) {
        self.track.want_key_frame();
    }

    /// Frames lost here because the reader was slow, or waiting for a key frame.
    pub fn dropped(&self) -> u64 {
        self.track.dropped()
    }

    /// The frames as pictures, H.264 decoded in process, where they are asked for. Of sound there are
    /// none.
    #[cfg(feature = "h264")]
    pub fn decoded(self) -> offhook_media::DecodedFrames {
        offhook_media::DecodedFrames::new(self.track)
    }

    /// The track below.
    pub fn into_track(self) -> TrackReceiver {
        self.track
    }
}

impl Stream for RemoteTrack {
    type Item = EncodedFrame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.track.poll_next(cx)
    }
}
