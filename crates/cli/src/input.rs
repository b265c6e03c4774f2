//! What is sent: the clip compiled in, a file, or the test pattern, always as a clip of H.264,
//! because that is what the studio paints.

use crate::args::Input;
use offhook::transport::media::Codec;
use offhook_media::h264::{EncodeError, Encoder, EncoderOptions};
use offhook_media::{Clip, ClipError, FrameRate, Pattern, PictureError};

/// Pictures of the pattern before it begins again: five seconds.
const PATTERN_PICTURES: u64 = 125;

/// An input that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error(transparent)]
    Clip(#[from] ClipError),
    #[error("the test pattern cannot be drawn: {0}")]
    Picture(#[from] PictureError),
    #[error("the test pattern cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
}

/// Opens what the arguments name.
pub(crate) fn open(input: &Input) -> Result<Clip, InputError> {
    match (&input.input, input.pattern) {
        (Some(path), _) => Ok(Clip::open(path)?.require(Codec::H264)?),
        (None, true) => pattern(),
        (None, false) => Ok(Clip::sample()),
    }
}

fn pattern() -> Result<Clip, InputError> {
    let pattern = Pattern::new(640, 360)?;
    let options = EncoderOptions { key_every: Some(50), ..EncoderOptions::default() };
    let mut encoder = Encoder::new(options)?;
    let mut stream = Vec::new();
    for number in 0..PATTERN_PICTURES {
        if let Some(frame) = encoder.encode(&pattern.frame(number), FrameRate::DEFAULT.due(number))? {
            stream.extend_from_slice(&frame.data);
        }
    }
    Ok(Clip::from_bytes("the test pattern", stream.into())?)
}
