//! A moving test pattern: colour bars, a bouncing box, a grey ramp and the frame's number.
//! Raw pictures only; `h264` turns them into a source.

#[cfg(test)]
mod tests;

use crate::i420::{I420, PictureError};
use crate::text;

/// The bars of ITU-R BT.471 at 75 %, left to right: white, yellow, cyan, green, magenta, red,
/// blue.
const BARS: [[u8; 3]; 7] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
];
const BLACK: [u8; 3] = [16, 128, 128];
const WHITE: [u8; 3] = [235, 128, 128];
const ORANGE: [u8; 3] = [140, 60, 190];

/// A moving test pattern. Frame `n` is the same picture always and everywhere.
///
/// As an iterator it yields frame 0, 1, 2 … without end.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Everything that does not move, drawn once.
    still: I420,
    next: u64,
}

impl Pattern {
    /// A pattern of this size.
    ///
    /// # Errors
    /// [`PictureError::Size`] for a size that cannot be.
    pub fn new(width: u32, height: u32) -> Result<Self, PictureError> {
        let mut still = I420::black(width, height)?;
        let bars = height * 2 / 3 / 2 * 2;
        for (number, colour) in (0u32..).zip(BARS) {
            let (left, right) = (number * width / 7 / 2 * 2, (number + 1) * width / 7 / 2 * 2);
            still.fill_rect(left, 0, right - left, bars, colour);
        }
        // The last bar takes what rounding left over.
        let covered = width / 2 * 2;
        still.fill_rect(6 * width / 7 / 2 * 2, 0, covered, bars, BARS[6]);
        let ramp = bars + (height - bars) / 2;
        for column in 0..width {
            let luma = 16 + (column * 219 / width.max(1)) as u8;
            still.fill_rect(column, bars, 1, ramp - bars, [luma, 128, 128]);
        }
        Ok(Self { still, next: 0 })
    }

    /// Frame number `number`, whichever frames were asked for before.
    pub fn frame(&self, number: u64) -> I420 {
        let mut picture = self.still.clone();
        let (width, height) = (picture.width(), picture.height());
        let side = (height / 6).max(2) / 2 * 2;
        let bars = height * 2 / 3;
        let x = bounce(number.wrapping_mul(4), width.saturating_sub(side)) / 2 * 2;
        let y = bounce(number.wrapping_mul(2), bars.saturating_sub(side)) / 2 * 2;
        picture.fill_rect(x, y, side, side, BLACK);
        let rim = (side / 10).max(2);
        picture.fill_rect(
            x + rim,
            y + rim,
            side.saturating_sub(2 * rim),
            side.saturating_sub(2 * rim),
            ORANGE,
        );
        let scale = (height / 90).max(1);
        let label = format!("offhook {number:06}");
        let (left, top) = (text::CELL * scale, height.saturating_sub(text::CELL * scale * 5 / 4));
        text::draw(&label, scale, |dx, dy| picture.fill_rect(left + dx, top + dy, scale, scale, WHITE));
        picture
    }
}

impl Iterator for Pattern {
    type Item = I420;

    fn next(&mut self) -> Option<I420> {
        let picture = self.frame(self.next);
        self.next = self.next.wrapping_add(1);
        Some(picture)
    }
}

/// A point that runs to `end` and back, for ever.
fn bounce(way: u64, end: u32) -> u32 {
    let end = u64::from(end);
    if end == 0 {
        return 0;
    }
    let at = way % (2 * end);
    // Never above `end`, which came from a u32.
    at.min(2 * end - at) as u32
}
