//! The contact sheet: what was sent beside what came back, one pair per prompt. Layout only;
//! drawing is in `picture`, scaling in `i420`.

#[cfg(test)]
mod tests;

use crate::i420::{I420, PictureError};
use crate::picture::{Colour, Rgb};
use crate::text;

const PAPER: Colour = [250, 249, 246];
const INK: Colour = [28, 30, 34];
const FAINT: Colour = [120, 124, 132];
const RULE: Colour = [206, 204, 198];
const ACCENT: Colour = [196, 84, 28];

/// Around everything, and between pairs that stand side by side.
const MARGIN: u32 = 32;
/// Between one row of pairs and the next.
const BETWEEN: u32 = 24;
/// Between the two pictures of a pair.
const GAP: u32 = 8;
/// The width of one picture on the sheet.
const PICTURE: u32 = 336;
/// Letters: the title, the rest, and the foot.
const LARGE: u32 = 3;
const SMALL: u32 = 2;
const TINY: u32 = 1;

/// One prompt: the picture that was sent and the picture that came back.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The prompt, or whatever stands above the pair.
    pub label: String,
    /// A few words on the right of the label, like the time it took; may be empty.
    pub note: String,
    /// What was sent.
    pub sent: I420,
    /// What came back.
    pub returned: I420,
}

/// A page of pairs, dark on light. The same pairs give the same bytes.
#[derive(Clone, Debug)]
pub struct ContactSheet {
    title: String,
    subtitle: String,
    footer: String,
    pairs: Vec<Pair>,
}

impl ContactSheet {
    /// An empty sheet.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), footer: String::new(), pairs: Vec::new() }
    }

    /// A line at the foot of the page: where the pictures come from, and whose they are.
    #[must_use]
    pub fn footer(mut self, line: impl Into<String>) -> Self {
        self.footer = line.into();
        self
    }

    /// Adds a pair; only the first 64 are drawn.
    pub fn push(&mut self, pair: Pair) {
        self.pairs.push(pair);
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Draws the sheet: two pairs side by side when there are more than two.
    ///
    /// # Errors
    /// [`PictureError::Size`] for a picture so narrow or so low that it cannot be shown.
    pub fn draw(&self) -> Result<Rgb, PictureError> {
        let pairs = &self.pairs[..self.pairs.len().min(64)];
        let columns: u32 = if pairs.len() > 2 { 2 } else { 1 };
        let across = 2 * PICTURE + GAP;
        let tall = pairs.iter().map(|pair| shown(&pair.sent).max(shown(&pair.returned))).max().unwrap_or(0);
        let label = text::CELL * SMALL;
        let captions = label + 10;
        let cell = label + 12 + tall + 8 + captions;
        let head = MARGIN + text::CELL * LARGE + 12 + label + 20;
        let rows = (pairs.len() as u32).div_ceil(columns);
        let width = 2 * MARGIN + columns * across + (columns - 1) * MARGIN;
        let foot = if self.footer.is_empty() { 0 } else { text::CELL + 12 };
        let height = head + 2 + BETWEEN + rows * (cell + BETWEEN) + foot + MARGIN / 2;

        let mut sheet = Rgb::filled(width, height, PAPER);
        let room = width - 2 * MARGIN;
        sheet.text(MARGIN, MARGIN, LARGE, INK, &text::fitted(&self.title, LARGE, room));
        let below = MARGIN + text::CELL * LARGE + 12;
        sheet.text(MARGIN, below, SMALL, FAINT, &text::fitted(&self.subtitle, SMALL, room));
        sheet.fill_rect(MARGIN, head, room, 2, RULE);
        for (number, pair) in (0u32..).zip(pairs) {
            let x = MARGIN + (number % columns) * (across + MARGIN);
            let y = head + 2 + BETWEEN + (number / columns) * (cell + BETWEEN);
            draw_pair(&mut sheet, (x, y), number + 1, pair, tall)?;
        }
        if foot > 0 {
            let line = text::fitted(&self.footer, TINY, room);
            sheet.text(MARGIN, height - MARGIN / 2 - foot, TINY, FAINT, &line);
        }
        Ok(sheet)
    }
}

fn draw_pair(
    sheet: &mut Rgb,
    (x, y): (u32, u32),
    number: u32,
    pair: &Pair,
    tall: u32,
) -> Result<(), PictureError> {
    let across = 2 * PICTURE + GAP;
    let count = format!("{number} ");
    let lead = text::width(&count, SMALL);
    let note = text::fitted(&pair.note, SMALL, across / 2);
    let noted = text::width(&note, SMALL);
    sheet.text(x, y, SMALL, ACCENT, &count);
    let room = across - lead - noted - if noted > 0 { text::CELL * SMALL } else { 0 };
    sheet.text(x + lead, y, SMALL, INK, &text::fitted(&pair.label, SMALL, room));
    sheet.text(x + across - noted, y, SMALL, FAINT, &note);
    let top = y + text::CELL * SMALL + 12;
    for (column, (picture, caption)) in (0u32..).zip([(&pair.sent, "sent"), (&pair.returned, "returned")]) {
        let left = x + column * (PICTURE + GAP);
        // A thin frame, so that a white picture does not melt into the paper.
        let rows = shown(picture);
        sheet.fill_rect(left - 1, top - 1, PICTURE + 2, rows + 2, RULE);
        sheet.put(left, top, &Rgb::from(&picture.scaled(PICTURE, rows)?));
        sheet.text(left, top + tall + 8, SMALL, FAINT, caption);
    }
    Ok(())
}

/// How tall a picture is on the sheet: even, never more than two and a half times its width.
fn shown(picture: &I420) -> u32 {
    let rows = u64::from(PICTURE) * u64::from(picture.height()) / u64::from(picture.width());
    (u32::try_from(rows).unwrap_or(u32::MAX).min(PICTURE * 5 / 2) / 2 * 2).max(2)
}
