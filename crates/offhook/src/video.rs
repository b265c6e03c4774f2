//! The far side's video, still encoded; with the feature `h264` also as pictures.

use futures_core::Stream;
use offhook_transport::media::{EncodedFrame, TrackReceiver};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The video that the far side sends. One handle for the whole session: it goes on over every
/// recovery, and ends when the session does.
///
/// A reader that is slow loses the oldest frames, and then waits for a key frame (R16).
///
/// # Drop
/// Stops receiving; other handles go on.
#[derive(Debug)]
pub struct RemoteVideo {
    track: TrackReceiver,
}

impl RemoteVideo {
    pub(crate) const fn new(track: TrackReceiver) -> Self {
        Self { track }
    }

    /// The next frame, as it came; `None` when the session is over.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        self.track.next().await
    }

    /// Asks the far side for a picture that can be decoded by itself.
    pub fn want_key_frame(&self) {
        self.track.want_key_frame();
    }

    /// Frames lost here because the reader was slow, or waiting for a key frame.
    pub fn dropped(&self) -> u64 {
        self.track.dropped()
    }

    /// The frames as pictures, H.264 decoded in process, where they are asked for.
    #[cfg(feature = "h264")]
    pub fn decoded(self) -> offhook_media::DecodedFrames {
        offhook_media::DecodedFrames::new(self.track)
    }

    /// The track below.
    pub fn into_track(self) -> TrackReceiver {
        self.track
    }
}

impl Stream for RemoteVideo {
    type Item = EncodedFrame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.track.poll_next(cx)
    }
}
