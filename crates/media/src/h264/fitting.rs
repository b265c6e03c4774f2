//! Pictures made as small and as rare as they are wanted, on their way into the encoder (F58).
//! Who wants what is the track's affair; what is left out here is never encoded.

#[cfg(test)]
mod tests;

use super::{EncodeError, Encoder, EncoderOptions};
use crate::i420::I420;
use offhook_transport::media::{EncodedFrame, VideoWish};
use std::time::Duration;

/// Times that fall by more than this are those of a stream that began again.
const AFRESH: Duration = Duration::from_secs(1);

/// An encoder, and what is wanted of it.
///
/// The bit rate stays what it was made with, so that what is lost in size is won in quality.
#[derive(Debug)]
pub(crate) struct Fitting {
    encoder: Encoder,
    wish: Option<VideoWish>,
    /// When the next picture has its turn.
    next: Duration,
}

impl Fitting {
    /// Takes every picture as it is until something else is wanted.
    ///
    /// # Errors
    /// When no encoder can be made.
    pub(crate) fn new(options: EncoderOptions) -> Result<Self, EncodeError> {
        Ok(Self { encoder: Encoder::new(options)?, wish: None, next: Duration::ZERO })
    }

    pub(crate) fn want(&mut self, wish: Option<VideoWish>) {
        self.wish = wish;
    }

    /// Makes the next frame a key frame.
    pub(crate) fn force_key_frame(&mut self) {
        self.encoder.force_key_frame();
    }

    /// Encodes one picture, shown at `pts`. `None` for one that was left out: because fewer are
    /// wanted, or to hold the bit rate.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub(crate) fn encode(
        &mut self,
        picture: &I420,
        pts: Duration,
    ) -> Result<Option<EncodedFrame>, EncodeError> {
        let Some(wish) = self.wish else { return self.encoder.encode(picture, pts) };
        if !self.has_its_turn(wish, pts) {
            return Ok(None);
        }
        let size = (picture.width(), picture.height());
        let (width, height) = wish.fit(size.0, size.1);
        if (width, height) == size {
            self.encoder.encode(picture, pts)
        } else {
            self.encoder.encode(&picture.scaled(width, height)?, pts)
        }
    }

    /// On average as many as are wanted. One may be early by half its time, so that a source of just
    /// this rate loses none to the unsteadiness of its clock.
    fn has_its_turn(&mut self, wish: VideoWish, pts: Duration) -> bool {
        let each = Duration::from_secs(1) / wish.fps();
        // What was not used in a pause is not made up for.
        if pts + AFRESH < self.next || pts > self.next + each {
            self.next = pts;
        }
        let has = pts + each / 2 >= self.next;
        if has {
            self.next += each;
        }
        has
    }
}
