//! Access units to raw pictures. Bytes come from the far side: whatever they are, the answer
//! is a picture or a typed error.

use crate::annexb;
use crate::i420::{I420, PictureError};
use offhook_transport::media::{Codec, EncodedFrame};
use openh264::OpenH264API;
use openh264::decoder::{self as native, DecodedYUV};
use openh264::formats::YUVSource;
use std::fmt;
use thiserror::Error;

/// The largest access unit that is decoded, in bytes: four times what level 5.1 allows a
/// second at 60 pictures.
pub const MAX_UNIT: usize = 4 << 20;

/// Why an access unit gave no picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not H.264.
    #[error("the frame is {0:?}, this decodes H.264; choose H.264 for the track")]
    OtherCodec(Codec),
    /// Pictures before it are missing; what comes cannot be decoded until a key frame.
    #[error("pictures are missing; ask the far side for a key frame")]
    NeedsKeyFrame,
    /// It is larger than any honest one, or says that its picture is.
    #[error("the access unit is too large ({bytes} bytes); the far side may not send such")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Its headers describe a picture that cannot be held here.
    #[error("the coded picture cannot be held: {0}")]
    Picture(#[from] PictureError),
    /// Its headers cannot be read.
    #[error("the access unit's headers cannot be read; ask the far side for a key frame")]
    Headers,
    /// The codec found it damaged.
    #[error("the access unit is damaged ({0}); ask the far side for a key frame")]
    Damaged(#[source] openh264::Error),
}

/// An H.264 decoder. After any error, and at first, it takes nothing but a key frame.
///
/// # Drop
/// Frees the codec's memory.
pub struct Decoder {
    native: native::Decoder,
    /// The codec was given damaged data: it is made anew at the next key frame, so that
    /// nothing of it is left behind.
    spoilt: bool,
    waiting: bool,
}

impl Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when the codec cannot be made, for want of memory.
    pub fn new() -> Result<Self, DecodeError> {
        Ok(Self { native: make()?, spoilt: false, waiting: true })
    }

    /// Does it take nothing but a key frame now?
    pub fn needs_key_frame(&self) -> bool {
        self.waiting
    }

    /// Tells it that pictures were lost, so that it waits for the next key frame.
    pub fn lost_pictures(&mut self) {
        self.waiting = true;
    }

    /// [`decode`](Decoder::decode) for a frame of a track.
    ///
    /// # Errors
    /// Also [`DecodeError::OtherCodec`].
    pub fn decode_frame(&mut self, frame: &EncodedFrame) -> Result<Option<I420>, DecodeError> {
        match frame.codec {
            Codec::H264 => self.decode(&frame.data),
            other => Err(DecodeError::OtherCodec(other)),
        }
    }

    /// Decodes one access unit in Annex B. `None` when it was whole and held no picture, like
    /// parameter sets alone.
    ///
    /// # Errors
    /// After any error the decoder waits for a key frame.
    pub fn decode(&mut self, unit: &[u8]) -> Result<Option<I420>, DecodeError> {
        if unit.len() > MAX_UNIT {
            self.waiting = true;
            return Err(DecodeError::TooLarge { bytes: unit.len() });
        }
        let key = annexb::is_key(unit);
        if self.waiting && !key {
            return Err(DecodeError::NeedsKeyFrame);
        }
        if let Err(error) = check_sizes(unit) {
            self.waiting = true;
            return Err(error);
        }
        if self.spoilt {
            self.native = make()?;
            self.spoilt = false;
        }
        let decoded = match self.native.decode(unit) {
            Ok(Some(picture)) => copy(&picture).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(DecodeError::Damaged(error)),
        };
        match &decoded {
            Ok(Some(_)) => self.waiting = false,
            // A key frame without its picture is no start to build on.
            Ok(None) => self.waiting |= key,
            Err(_) => (self.waiting, self.spoilt) = (true, true),
        }
        decoded
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

fn make() -> Result<native::Decoder, DecodeError> {
    let config = native::DecoderConfig::new().debug(false);
    native::Decoder::with_api_config(OpenH264API::from_source(), config).map_err(DecodeError::Damaged)
}

/// The codec allocates what the headers ask for; so they are read before it sees them.
fn check_sizes(unit: &[u8]) -> Result<(), DecodeError> {
    for sps in annexb::every_sps(unit) {
        let sps = sps.ok_or(DecodeError::Headers)?;
        I420::check_size(sps.width, sps.height)?;
    }
    Ok(())
}

fn copy(picture: &DecodedYUV<'_>) -> Result<I420, DecodeError> {
    let (width, height) = picture.dimensions();
    let (luma, blue, red) = picture.strides();
    let plane = |bytes: &[u8], stride: usize, columns: usize, rows: usize| -> Vec<u8> {
        bytes.chunks(stride.max(1)).take(rows).flat_map(|row| row.iter().take(columns)).copied().collect()
    };
    Ok(I420::from_planes(
        u32::try_from(width).unwrap_or(u32::MAX),
        u32::try_from(height).unwrap_or(u32::MAX),
        plane(picture.y(), luma, width, height),
        plane(picture.u(), blue, width / 2, height / 2),
        plane(picture.v(), red, width / 2, height / 2),
    )?)
}
