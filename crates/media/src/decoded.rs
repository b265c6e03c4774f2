//! A received track as pictures. Decoding runs where the pictures are asked for: about 1 ms of
//! computing a picture at 640 × 360, 2 ms at 1280 × 720, so a reader on a busy
//! single-threaded runtime belongs on a thread of its own.

#[cfg(test)]
mod tests;

use crate::h264::{DecodeError, Decoder};
use crate::i420::I420;
use offhook_transport::media::TrackReceiver;
use std::time::Duration;

/// After how many undecodable frames a key frame is asked for again: a second, about. The
/// first wish may have been lost with the packets it was about.
const ASK_AGAIN: u32 = 25;

/// Turns a received track into pictures.
pub trait DecodedExt {
    /// The track's pictures, H.264 decoded in process.
    fn decoded(self) -> DecodedFrames;
}

impl DecodedExt for TrackReceiver {
    fn decoded(self) -> DecodedFrames {
        DecodedFrames::new(self)
    }
}

/// One decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The picture.
    pub picture: I420,
    /// When it is to be shown, counted from the start of its stream.
    pub pts: Duration,
    /// Was it a key frame?
    pub key: bool,
}

/// The pictures of a received track; it goes on over every recovery.
///
/// Frames that cannot be decoded are passed over and counted, and the far side is asked for a
/// key frame. Nothing is queued here: what a slow reader misses the track drops, oldest first.
#[derive(Debug)]
pub struct DecodedFrames {
    track: TrackReceiver,
    decoder: Option<Decoder>,
    since_asked: u32,
    undecodable: u64,
    last_error: Option<DecodeError>,
}

impl DecodedFrames {
    /// Decodes what this track receives, from its next key frame on.
    pub fn new(track: TrackReceiver) -> Self {
        Self { track, decoder: None, since_asked: 0, undecodable: 0, last_error: None }
    }

    /// The next picture; `None` when the session is over.
    ///
    /// # Cancel safety
    /// No picture is lost: it waits only for frames, a frame taken is decoded at once.
    pub async fn next(&mut self) -> Option<Decoded> {
        loop {
            let frame = self.track.next().await?;
            match self.decode(&frame) {
                Ok(Some(picture)) => {
                    self.since_asked = 0;
                    return Some(Decoded { picture, pts: frame.pts, key: frame.key });
                }
                Ok(None) => {}
                Err(error) => self.missed(error),
            }
        }
    }

    /// At most `count` pictures.
    pub fn take(self, count: usize) -> TakeFrames {
        TakeFrames { frames: self, left: count }
    }

    /// Frames that gave no picture: damaged, in another codec, or waiting for a key frame.
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }

    /// Why the last of them did not.
    pub fn last_error(&self) -> Option<&DecodeError> {
        self.last_error.as_ref()
    }

    /// The track itself, still encoded.
    pub fn into_track(self) -> TrackReceiver {
        self.track
    }

    fn decode(
        &mut self,
        frame: &offhook_transport::media::EncodedFrame,
    ) -> Result<Option<I420>, DecodeError> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            // Made at the first frame, so that making the stream cannot fail.
            empty => empty.insert(Decoder::new()?),
        };
        decoder.decode_frame(frame)
    }

    fn missed(&mut self, error: DecodeError) {
        self.undecodable += 1;
        // No key frame turns one codec into another.
        let hopeless = matches!(error, DecodeError::OtherCodec(_));
        if !hopeless && self.since_asked == 0 {
            self.track.want_key_frame();
        }
        self.since_asked = (self.since_asked + 1) % ASK_AGAIN;
        self.last_error = Some(error);
    }
}

/// The first pictures of a received track; made by [`DecodedFrames::take`].
#[derive(Debug)]
pub struct TakeFrames {
    frames: DecodedFrames,
    left: usize,
}

impl TakeFrames {
    /// The next picture; `None` when the session is over or enough were taken.
    ///
    /// # Cancel safety
    /// As [`DecodedFrames::next`].
    pub async fn next(&mut self) -> Option<Decoded> {
        if self.left == 0 {
            return None;
        }
        let frame = self.frames.next().await?;
        self.left -= 1;
        Some(frame)
    }

    /// All of the track again.
    pub fn into_inner(self) -> DecodedFrames {
        self.frames
    }
}
