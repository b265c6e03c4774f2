//! Frame rates as fractions, so that the thousandth frame is due exactly when it should be.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// A rate that cannot be: zero, or beyond what is useful here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{frames}/{seconds} frames a second cannot be; use something from 1 to 240")]
pub struct FrameRateError {
    /// The numerator given.
    pub frames: u32,
    /// The denominator given.
    pub seconds: u32,
}

/// Frames in a second, as a fraction; from 1 to 240.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    frames: u32,
    seconds: u32,
}

impl FrameRate {
    /// 25 frames a second: what is assumed where nothing says otherwise.
    pub const DEFAULT: Self = Self { frames: 25, seconds: 1 };

    /// `frames` in `seconds`; 30000 in 1001 is the American 29.97.
    ///
    /// # Errors
    /// For less than one or more than 240 frames a second.
    pub fn new(frames: u32, seconds: u32) -> Result<Self, FrameRateError> {
        let within = seconds > 0 && frames >= seconds && u64::from(frames) <= 240 * u64::from(seconds);
        if !within {
            return Err(FrameRateError { frames, seconds });
        }
        // In lowest terms, so that equal rates compare equal.
        let shared = greatest_common_divisor(frames, seconds);
        Ok(Self { frames: frames / shared, seconds: seconds / shared })
    }

    /// When frame `number` is due, counted from frame zero.
    pub fn due(self, number: u64) -> Duration {
        let nanos = u128::from(number) * u128::from(self.seconds) * 1_000_000_000 / u128::from(self.frames);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// From one frame to the next, rounded down to a nanosecond.
    pub fn interval(self) -> Duration {
        self.due(1)
    }

    /// Frames in a second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }
}

impl Default for FrameRate {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.as_f64())
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
