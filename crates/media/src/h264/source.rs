//! Raw pictures as outgoing video: pulled in time from an iterator ([`Encoding`]), or pushed
//! by whoever has them ([`LiveSender`]).

use super::{EncodeError, Encoder, EncoderOptions};
use crate::i420::I420;
use crate::pattern::Pattern;
use crate::source::{Next, Source, SourceError};
use offhook_transport::media::{Codec, LocalTrack, TrackSender, TrackSpec, local};
use std::time::Duration;

/// A source that encodes the pictures of an iterator, one each time a frame is due.
///
/// The iterator is asked at that time and must not wait; a [`Pattern`] is one, a closure in
/// [`std::iter::from_fn`] another. When it ends, the source is over.
#[derive(Debug)]
pub struct Encoding<I> {
    pictures: I,
    encoder: Encoder,
    options: EncoderOptions,
    number: u64,
}

impl<I: Iterator<Item = I420> + Send> Encoding<I> {
    /// Encodes what `pictures` yields.
    ///
    /// # Errors
    /// When no encoder can be made.
    pub fn new(pictures: I, options: EncoderOptions) -> Result<Self, EncodeError> {
        Ok(Self { pictures, encoder: Encoder::new(options)?, options, number: 0 })
    }
}

impl Encoding<Pattern> {
    /// The test pattern as a source.
    ///
    /// # Errors
    /// For a size that cannot be encoded, or when no encoder can be made.
    pub fn pattern(width: u32, height: u32, options: EncoderOptions) -> Result<Self, EncodeError> {
        Self::new(Pattern::new(width, height)?, options)
    }
}

impl<I: Iterator<Item = I420> + Send> Source for Encoding<I> {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn next_due(&self) -> Duration {
        self.options.frame_rate.due(self.number)
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let Some(picture) = self.pictures.next() else { return Ok(Next::Over) };
        let pts = self.next_due();
        self.number += 1;
        if key {
            self.encoder.force_key_frame();
        }
        Ok(self.encoder.encode(&picture, pts)?.map_or(Next::Nothing, Next::Frame))
    }
}

/// A track fed by whoever has pictures: a renderer, a camera's callback.
///
/// No pump is needed; each picture is encoded and sent as it is pushed, on the calling thread.
/// Dropping it ends the track.
#[derive(Debug)]
pub struct LiveSender {
    encoder: Encoder,
    sender: TrackSender,
}

impl LiveSender {
    /// A track named `label`, and the end that pictures go into. Publish the track by
    /// reference; every session borrows it.
    ///
    /// # Errors
    /// When no encoder can be made.
    pub fn new(label: impl Into<String>, options: EncoderOptions) -> Result<(Self, LocalTrack), EncodeError> {
        let encoder = Encoder::new(options)?;
        let (sender, track) = local(TrackSpec { codec: Codec::H264, label: label.into() });
        Ok((Self { encoder, sender }, track))
    }

    /// Encodes and sends one picture, shown at `pts`; times must rise. While no connection
    /// takes the track the picture is not even encoded.
    ///
    /// True if at least one connection took it.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn push(&mut self, picture: &I420, pts: Duration) -> Result<bool, EncodeError> {
        if !self.sender.is_tapped() {
            return Ok(false);
        }
        if self.sender.key_frame_wanted() {
            self.encoder.force_key_frame();
        }
        let frame = self.encoder.encode(picture, pts)?;
        Ok(frame.is_some_and(|frame| self.sender.try_send(frame)))
    }

    /// The sending end, for its counters.
    pub fn sender(&self) -> &TrackSender {
        &self.sender
    }
}
