//! How much of its time a painter spends, and whether it has to paint smaller to keep up. Pure: it
//! is told what each picture cost and at what time of the stream it is shown, and reads no clock.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// So much of the stream is judged at a time.
const SPAN: Duration = Duration::from_secs(1);
/// More than this share of the time is too much: the next picture waits behind this one.
const TOO_MUCH: f64 = 0.95;
/// A busy moment of the machine is no reason yet; so many spans are.
const TOO_MUCH_FOR: u32 = 3;
/// At less than this share there would be time for four times the pixels, and some to spare.
const LITTLE: f64 = 0.2;
/// For so many spans, at first. Each time that it proves wrong, twice as long.
const LITTLE_FOR: u32 = 5;
const LITTLE_FOR_MOST: u32 = 80;
/// A picture is not made smaller than this on its shorter side: it leaves some out, then.
const SMALLEST: u32 = 360;

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As before.
    GoOn,
    /// Half as wide and half as high from here on, by what it said of its time.
    Smaller,
    /// Twice as wide and twice as high.
    Larger,
}

/// The shorter side that it keeps up with.
#[derive(Clone, Copy)]
struct Lines {
    most: u32,
    /// That of the picture which was too much.
    full: u32,
}

/// What a painter spends.
pub(super) struct Effort {
    lines: Option<Lines>,
    /// Where the span began, in the time of the stream.
    since: Option<Duration>,
    spent: Duration,
    too_much: u32,
    little: u32,
    wait: u32,
    /// Was it made larger, and not yet proven to keep up?
    trying: bool,
}

impl Effort {
    pub(super) const fn new() -> Self {
        Self {
            lines: None,
            since: None,
            spent: Duration::ZERO,
            too_much: 0,
            little: 0,
            wait: LITTLE_FOR,
            trying: false,
        }
    }

    /// The size to paint a picture of this size at: halved until it is not too large. Whoever sends a
    /// smaller one meanwhile, because it was told, is painted as it comes.
    pub(super) fn size(&self, width: u32, height: u32) -> (u32, u32) {
        let (mut wide, mut high) = (width, height);
        while self.most().is_some_and(|most| wide.min(high) > most) {
            (wide, high) = (even(wide / 2), even(high / 2));
        }
        (wide, high)
    }

    /// The longest that the shorter side may be; `None` while it keeps up with whatever comes.
    pub(super) fn most(&self) -> Option<u32> {
        self.lines.map(|lines| lines.most)
    }

    /// A picture of this size, shown at `at`, took `spent`, whether it was painted or left out.
    pub(super) fn note(&mut self, at: Duration, spent: Duration, (width, height): (u32, u32)) -> Verdict {
        let since = *self.since.get_or_insert(at);
        // A stream that begins again, or has a hole in it, says nothing of the time between.
        let Some(span) = at.checked_sub(since).filter(|span| *span <= SPAN * 3) else {
            (self.since, self.spent) = (Some(at), spent);
            (self.too_much, self.little) = (0, 0);
            return Verdict::GoOn;
        };
        self.spent += spent;
        if span < SPAN {
            return Verdict::GoOn;
        }
        let share = self.spent.as_secs_f64() / span.as_secs_f64();
        (self.since, self.spent) = (Some(at), Duration::ZERO);
        self.too_much = if share > TOO_MUCH { self.too_much + 1 } else { 0 };
        self.little = if share < LITTLE { self.little + 1 } else { 0 };
        let painted = self.size(width, height);
        let shorter = painted.0.min(painted.1);
        if self.too_much >= TOO_MUCH_FOR && shorter / 2 >= SMALLEST {
            if std::mem::take(&mut self.trying) {
                self.wait = (self.wait * 2).min(LITTLE_FOR_MOST);
            }
            let full = self.lines.map_or(shorter, |lines| lines.full);
            self.lines = Some(Lines { most: shorter / 2, full });
            (self.too_much, self.little) = (0, 0);
            return Verdict::Smaller;
        }
        if let Some(lines) = self.lines.filter(|_| self.little >= self.wait) {
            let most = lines.most * 2;
            self.lines = (most < lines.full).then_some(Lines { most, ..lines });
            self.trying = true;
            (self.too_much, self.little) = (0, 0);
            return Verdict::Larger;
        }
        Verdict::GoOn
    }
}

const fn even(side: u32) -> u32 {
    side & !1
}
