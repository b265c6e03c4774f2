//! The machine's own sound (feature `audio`): a [`Microphone`] is a source of Opus, a [`Speaker`]
//! plays a received track. Which device is meant, and how it is held, is in `audio/device.rs`;
//! what flows between its callback and the rest in `audio/ring.rs`.
//!
//! A device is opened, and closed again, on a thread of its own: dropping a handle waits for
//! nothing, and the thread ends as soon as the system lets go of the device.

mod device;
mod hearing;
mod microphone;
mod resample;
mod ring;
mod speaker;
#[cfg(test)]
mod tests;

pub use device::{microphones, speakers};
pub use hearing::Heard;
pub use microphone::{Microphone, Spoken};
pub use speaker::Speaker;
