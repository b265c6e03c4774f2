//! Raw pictures as outgoing video: pulled in time from an iterator ([`Encoding`]), or pushed
//! by whoever has them ([`LiveSender`]).

use super::fitting::Fitting;
use super::{EncodeError, EncoderOptions};
use crate::i420::I420;
use crate::pattern::Pattern;
use crate::source::{Next, Source, SourceError};
use offhook_transport::media::{Codec, LocalTrack, TrackSender, TrackSpec, VideoWish, local};
use std::time::Duration;

/// A source that encodes the pictures of an iterator, one each time a frame is due.
///
/// The iterator is asked at that time and must not wait; a [`Pattern`] is one, a closure in
/// [`std::iter::from_fn`] another. When it ends, the source is over. Where smaller pictures or
/// fewer are wanted, each is scaled before it is encoded, and some are asked for and left out.
#[derive(Debug)]
pub struct Encoding<I> {
    pictures: I,
    encoder: Fitting,
    options: EncoderOptions,
    number: u64,
}

impl<I: Iterator<Item = I420> + Send> Encoding<I> {
    /// Encodes what `pictures` yields.
    ///
    /// # Errors
    /// When no encoder can be made.
    pub fn new(pictures: I, options: EncoderOptions) -> Result<Self, EncodeError> {
        Ok(Self { pictures, encoder: Fitting::new(options)?, options, number: 0 })
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

    fn want(&mut self, wish: Option<VideoWish>) {
        self.encoder.want(wish);
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
    encoder: Fitting,
    sender: TrackSender,
}

impl LiveSender {
    /// A track named `label`, and the end that pictures go into. Publish the track by
    /// reference; every session borrows it.
    ///
    /// # Errors
    /// When no encoder can be made.
    pub fn new(label: impl Into<String>, options: EncoderOptions) -> Result<(Self, LocalTrack), EncodeError> {
        let encoder = Fitting::new(options)?;
        let (sender, track) = local(TrackSpec { codec: Codec::H264, label: label.into() });
        Ok((Self { encoder, sender }, track))
    }

    /// Encodes and sends one picture, shown at `pts`; times must rise. While no connection
    /// takes the track the picture is not even encoded; where less is wanted of it, it is scaled,
    /// or left out ([`video_wanted`](TrackSender::video_wanted) of [`sender`](Self::sender) says so,
    /// to whoever would rather draw smaller).
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
        self.encoder.want(self.sender.video_wanted());
        let frame = self.encoder.encode(picture, pts)?;
        Ok(frame.is_some_and(|frame| self.sender.try_send(frame)))
    }

    /// The sending end, for its counters.
    pub fn sender(&self) -> &TrackSender {
        &self.sender
    }
}
