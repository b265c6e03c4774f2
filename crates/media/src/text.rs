//! Letters as pixels, from the public-domain 8 × 8 font. It says which pixels a text covers;
//! where they go is the caller's affair.

use font8x8::UnicodeFonts;

/// Pixels of one letter's cell, unscaled, either way.
pub(crate) const CELL: u32 = 8;

/// How wide a text is, in pixels.
pub(crate) fn width(text: &str, scale: u32) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX).saturating_mul(CELL * scale)
}

/// Calls `put(x, y)` with the corner of each `scale` × `scale` dot of the text, counted from
/// the text's own corner. A character the font lacks is shown as a question mark.
pub(crate) fn draw(text: &str, scale: u32, mut put: impl FnMut(u32, u32)) {
    for (number, letter) in (0u32..).zip(text.chars()) {
        let left = number * CELL * scale;
        for (row, bits) in (0u32..).zip(glyph(letter)) {
            for column in (0..CELL).filter(|column| bits >> column & 1 == 1) {
                put(left + column * scale, row * scale);
            }
        }
    }
}

/// The text, shortened with an ellipsis so that it is at most `room` pixels wide.
pub(crate) fn fitted(text: &str, scale: u32, room: u32) -> String {
    if width(text, scale) <= room {
        return text.to_owned();
    }
    let fit = (room / (CELL * scale)) as usize;
    let kept: String = text.chars().take(fit.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

fn glyph(letter: char) -> [u8; 8] {
    let found = font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter));
    found.or_else(|| font8x8::BASIC_FONTS.get('?')).unwrap_or_default()
}
