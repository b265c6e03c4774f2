//! A reference image as the studio shows it: laid into the lower right corner of the picture
//! before the prompt's filters run, so that they repaint it as they do everything else.

use offhook_media::{I420, Still};
use std::sync::Arc;

/// The image takes at most this part of the picture's width, and of its height.
const PART: u32 = 3;
/// It stays away from the edges by this part of the shorter side.
const INSET: u32 = 24;
/// Smallest side of the picture into which one is laid, in pixels; into a smaller one nothing is.
const SMALLEST: u32 = 16;

/// An image that is known here, by its hash.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    sha256: Arc<str>,
    still: Arc<Still>,
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

impl Eq for Reference {}

impl Reference {
    pub(crate) fn new(sha256: &str, still: Still) -> Self {
        Self { sha256: sha256.into(), still: Arc::new(still) }
    }

    /// Memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.still.width() as usize * self.still.height() as usize * 4
    }

    /// Where it lies in a picture of this size: left, top, width and height, all even. `None` where
    /// the picture is too small.
    fn place(&self, width: u32, height: u32) -> Option<(u32, u32, u32, u32)> {
        if width.min(height) < SMALLEST {
            return None;
        }
        let (most_wide, most_high) = (width / PART, height / PART);
        let (wide, high) = (u64::from(self.still.width()), u64::from(self.still.height()));
        // As wide as it may be, unless it is then too high.
        let by_width = u64::from(most_wide) * high / wide;
        let (w, h) = if by_width <= u64::from(most_high) {
            (most_wide, u32::try_from(by_width).unwrap_or(most_high))
        } else {
            let by_height = u64::from(most_high) * wide / high;
            (u32::try_from(by_height).unwrap_or(most_wide), most_high)
        };
        let even = |side: u32| (side & !1).max(2);
        let (w, h) = (even(w), even(h));
        let inset = width.min(height) / INSET;
        let left = width.saturating_sub(w + inset) & !1;
        let top = height.saturating_sub(h + inset) & !1;
        Some((left, top, w, h))
    }

    /// Lays it into the picture, as opaque as it is itself.
    pub(super) fn lay_into(&self, picture: &mut I420) {
        let (width, height) = (picture.width(), picture.height());
        let Some((left, top, w, h)) = self.place(width, height) else { return };
        let sample = |x: u32, y: u32| {
            let across = (2 * x + 1) * self.still.width() / (2 * w);
            let down = (2 * y + 1) * self.still.height() / (2 * h);
            self.still.at(across, down)
        };
        let (luma, blue, red) = picture.planes_mut();
        for y in 0..h {
            for x in 0..w {
                let [light, _, _, opacity] = sample(x, y);
                let at = (top + y) as usize * width as usize + (left + x) as usize;
                luma[at] = blend(luma[at], light, opacity);
            }
        }
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                let [_, u, v, opacity] = sample(2 * x, 2 * y);
                let at = (top / 2 + y) as usize * (width / 2) as usize + (left / 2 + x) as usize;
                blue[at] = blend(blue[at], u, opacity);
                red[at] = blend(red[at], v, opacity);
            }
        }
    }
}

fn blend(under: u8, over: u8, opacity: u8) -> u8 {
    let (under, over, opacity) = (u32::from(under), u32::from(over), u32::from(opacity));
    ((under * (255 - opacity) + over * opacity + 127) / 255) as u8
}
