//! Raw pictures to access units: low delay, one slice, no reordering, parameter sets in front
//! of every key frame.

use crate::i420::{I420, PictureError};
use crate::rate::FrameRate;
use offhook_transport::media::{Codec, EncodedFrame};
use openh264::encoder::{self as native, FrameType};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// The smallest side the encoder takes: one macroblock.
const MIN_SIDE: u32 = 16;

/// The codec leaves a picture out where its bits are used up, and each one left out gives it back the bits
/// of one. So it is given the same picture again until it is coded, more coarsely, so often at most: a key
/// frame is paid for by then.
const ATTEMPTS: u32 = 12;

/// How many times the bit rate may be used by that, beyond as much as two seconds of it at once. What costs
/// more with every picture, as noise does, would flood the path.
const MOST: f64 = 2.0;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderOptions {
    /// Bits a second to aim at; held to 50,000 to 50,000,000. Default 1,500,000, good for
    /// 640 × 360 at 25 frames a second.
    pub bitrate: u32,
    /// The rate pictures come at; the bit budget of one picture follows from it.
    pub frame_rate: FrameRate,
    /// A key frame at least every so many frames; `None`, the default, makes them only first
    /// and when asked: in a live session the far side asks.
    pub key_every: Option<u32>,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self { bitrate: 1_500_000, frame_rate: FrameRate::DEFAULT, key_every: None }
    }
}

/// Why a picture could not be encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Narrower or lower than a macroblock.
    #[error(
        "a picture of {width}x{height} is too small to encode; scale it to at least {MIN_SIDE}x{MIN_SIDE}"
    )]
    TooSmall {
        /// The picture's width.
        width: u32,
        /// The picture's height.
        height: u32,
    },
    /// There is no picture of this size.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The codec refused.
    #[error("the H.264 encoder failed ({0}); make a new one")]
    Codec(#[source] openh264::Error),
}

/// An H.264 encoder. Changing the size of the pictures begins a new coded sequence.
///
/// # Drop
/// Frees the codec's memory; there is nothing to flush.
pub struct Encoder {
    native: native::Encoder,
    key: bool,
    left_out: u64,
    bitrate: f64,
    /// Bits that were used beyond [`MOST`] times the bit rate, as of `at`.
    beyond: f64,
    at: Duration,
}

impl Encoder {
    /// An encoder; its first frame is a key frame.
    ///
    /// # Errors
    /// [`EncodeError::Codec`] when the codec cannot be made, for want of memory.
    pub fn new(options: EncoderOptions) -> Result<Self, EncodeError> {
        let bitrate = options.bitrate.clamp(50_000, 50_000_000);
        let config = native::EncoderConfig::new()
            .bitrate(native::BitRate::from_bps(bitrate))
            .max_frame_rate(native::FrameRate::from_hz(options.frame_rate.as_f64() as f32))
            .rate_control_mode(native::RateControlMode::Bitrate)
            // Without leave to skip, the codec says on stderr that it cannot hold a bit rate. `encode` sees to
            // it that nothing is left out for one key frame.
            .skip_frames(true)
            .usage_type(native::UsageType::CameraVideoRealTime)
            .profile(native::Profile::Baseline)
            .sps_pps_strategy(native::SpsPpsStrategy::ConstantId)
            .intra_frame_period(native::IntraFramePeriod::from_num_frames(options.key_every.unwrap_or(0)))
            .vui(native::VuiConfig::bt601())
            // More threads would mean more slices, and threads that outlive a session's census.
            .num_threads(1)
            .debug(false);
        let native = native::Encoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(EncodeError::Codec)?;
        Ok(Self {
            native,
            key: true,
            left_out: 0,
            bitrate: f64::from(bitrate),
            beyond: 0.0,
            at: Duration::ZERO,
        })
    }

    /// Makes the next frame a key frame.
    pub fn force_key_frame(&mut self) {
        self.key = true;
    }

    /// Encodes one picture, to be shown at `pts`; times must rise. A picture is coded more coarsely rather
    /// than left out, and the bit rate is passed for a second or two after a key frame. `None` only where
    /// that has taken more than twice the bit rate for a while, as noise does; never of a key frame that was
    /// asked for. [`left_out`](Self::left_out) counts them.
    ///
    /// # Errors
    /// When the picture is too small, or the codec fails.
    pub fn encode(&mut self, picture: &I420, pts: Duration) -> Result<Option<EncodedFrame>, EncodeError> {
        let (width, height) = (picture.width(), picture.height());
        if width < MIN_SIDE || height < MIN_SIDE {
            return Err(EncodeError::TooSmall { width, height });
        }
        let (columns, rows) = (width as usize, height as usize);
        let planes = YUVSlices::new(
            (picture.y(), picture.u(), picture.v()),
            (columns, rows),
            (columns, columns / 2, columns / 2),
        );
        // The codec counts milliseconds in a signed 64-bit number.
        let at = Timestamp::from_millis(pts.as_millis().min(i64::MAX as u128) as u64);
        if self.key {
            self.native.force_intra_frame();
        }
        let passed = pts.saturating_sub(std::mem::replace(&mut self.at, pts)).as_secs_f64();
        self.beyond = (self.beyond - MOST * self.bitrate * passed).max(0.0);
        let attempts = if self.beyond < MOST * self.bitrate { ATTEMPTS } else { 1 };
        for _ in 0..attempts {
            let stream = self.native.encode_at(&planes, at).map_err(EncodeError::Codec)?;
            let key = stream.frame_type() == FrameType::IDR;
            let data = stream.to_vec();
            if data.is_empty() {
                continue;
            }
            if key {
                self.key = false;
            }
            self.beyond += data.len() as f64 * 8.0;
            return Ok(Some(EncodedFrame { codec: Codec::H264, data: data.into(), pts, key }));
        }
        self.left_out += 1;
        Ok(None)
    }

    /// Pictures that were left out to hold the bit rate, so far.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("key", &self.key).finish_non_exhaustive()
    }
}
