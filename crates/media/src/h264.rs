//! H.264 in process, by openh264 (BSD-2, built from its source). Constrained baseline both
//! ways. Everything here computes on the calling thread: per 640 × 360 picture about 1 ms to
//! decode and 2 to 4 ms to encode; at 1280 × 720 about 2 and 4 to 10.

mod decoder;
mod encoder;
mod fitting;
mod source;
#[cfg(test)]
mod tests;

pub use decoder::{DecodeError, Decoder, MAX_UNIT};
pub use encoder::{EncodeError, Encoder, EncoderOptions};
#[cfg(feature = "camera")]
pub(crate) use fitting::Fitting;
pub use source::{Encoding, LiveSender};
