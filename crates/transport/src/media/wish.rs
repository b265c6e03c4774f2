//! The size and rate at which a far side wants to be sent video, and what follows for a picture
//! of another size. Who scales is the source; who carries the wish to it is the track (`local.rs`).

#[cfg(test)]
mod tests;

use crate::fault::coded;
use std::fmt;

/// Narrower or lower no encoder takes a picture: a macroblock (H.264).
const SMALLEST: u32 = 16;
/// No side is longer at any level of H.264.
const LARGEST: u32 = 16_384;
/// The highest rate of pictures that means anything to anybody.
const FASTEST: u32 = 240;

/// The largest picture and the highest rate that somebody has a use for (F58).
///
/// Both orientations are meant, so that it is kept lying: a picture that stands upright is compared with
/// the sides exchanged. It is a wish and no limit: what cannot be scaled is sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VideoWish {
    width: u32,
    height: u32,
    fps: u32,
}

impl VideoWish {
    /// At most `width` by `height` pixels, at most `fps` pictures a second. `None` for what nobody
    /// can mean: a side below 16 or above 16,384 pixels, a rate of zero or above 240.
    pub const fn new(width: u32, height: u32, fps: u32) -> Option<Self> {
        if width < SMALLEST || height < SMALLEST || width > LARGEST || height > LARGEST {
            return None;
        }
        if fps == 0 || fps > FASTEST {
            return None;
        }
        let (width, height) = if width >= height { (width, height) } else { (height, width) };
        Some(Self { width, height, fps })
    }

    /// Pixels in a row, at most; the longer side.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Rows, at most; the shorter side.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Pictures a second, at most.
    pub const fn fps(self) -> u32 {
        self.fps
    }

    /// The size at which a picture of `width` by `height` is to be sent: its own if that is not too
    /// large, otherwise the largest that is wished for, of the same shape, both sides even. Never
    /// larger than the picture; the shorter side of a very long one never below 16.
    pub fn fit(self, width: u32, height: u32) -> (u32, u32) {
        let (long, short) = (self.width, self.height);
        let (most_wide, most_high) = if width >= height { (long, short) } else { (short, long) };
        if width <= most_wide && height <= most_high {
            return (width, height);
        }
        let (w, h) = (u64::from(width), u64::from(height));
        let (by_width, by_height) = (u64::from(most_wide) * h, u64::from(most_high) * w);
        // The side that is too long by more is the one that counts.
        let (wide, high) = if by_width <= by_height {
            (u64::from(most_wide), by_width / w)
        } else {
            (by_height / h, u64::from(most_high))
        };
        let side = |side: u64, of: u32| {
            let even = u32::try_from(side).unwrap_or(of) & !1;
            even.max(SMALLEST).min(of)
        };
        (side(wide, width), side(high, height))
    }

    /// What satisfies both: of each the more.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            width: self.width.max(other.width),
            height: self.height.max(other.height),
            fps: self.fps.max(other.fps),
        }
    }
}

/// As people write it: `1280x720@30`.
impl fmt::Display for VideoWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, self.fps)
    }
}

coded! {
    /// What keeps a wish from being larger; the words of the W3C's `qualityLimitationReason`
    /// (webrtc-stats, `RTCQualityLimitationReason`).
    LimitedBy {
        /// Nothing: it is what the far side works best with.
        None = "none",
        /// Its machine does not keep up with more.
        Cpu = "cpu",
        /// Its network does not carry more.
        Bandwidth = "bandwidth",
        /// Something else, or something that this version has no word for.
        Other = "other",
    }
}

/// What a far side wants, and why it is not more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VideoWanted {
    /// How much.
    pub wish: VideoWish,
    /// What keeps it from being more.
    pub limited_by: LimitedBy,
}
