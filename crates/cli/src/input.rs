//! What is sent: the clip compiled in, a file, or the test pattern, always as H.264, because that is
//! what the studio paints.

use crate::args::Input;
use offhook::transport::media::Codec;
use offhook_media::h264::{EncodeError, Encoder, EncoderOptions, Encoding};
use offhook_media::{Clip, ClipError, FrameRate, Pattern, PictureError, Source};

/// Pictures of the pattern before it begins again: five seconds.
const PATTERN_PICTURES: u64 = 125;
/// The size of the pattern.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;

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

/// Opens what the arguments name, to be sent for as long as a session lasts: the test pattern is drawn
/// and encoded as it goes, at the size and rate that the far side wants.
pub(crate) fn source(input: &Input) -> Result<Box<dyn Source>, InputError> {
    Ok(match (&input.input, input.pattern) {
        (None, true) => Box::new(Encoding::pattern(WIDTH, HEIGHT, EncoderOptions::default())?),
        _ => Box::new(open(input)?),
    })
}

fn pattern() -> Result<Clip, InputError> {
    let pattern = Pattern::new(WIDTH, HEIGHT)?;
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
