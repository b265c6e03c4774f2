//! The timeline: rows of bars (states, faults, pictures) and marks, over one axis of seconds. Drawn from the run's own log, never from what should have happened.

#[cfg(test)]
mod tests;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// A stretch of time with a name.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A moment with a name.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) name: String,
    pub(crate) at: f64,
}

/// Everything that is drawn. Seconds since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    pub(crate) title: String,
    pub(crate) end: f64,
    pub(crate) rows: Vec<Row>,
    pub(crate) events: Vec<Mark>,
}

/// A row of bars.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) paint: Paint,
    pub(crate) spans: Vec<Span>,
}

/// What the colours of a row mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    /// Each state its own, by how well the session is.
    State,
    /// Something is wrong.
    Trouble,
    /// The far side does something.
    Turn,
    /// Something was asked for.
    Wish,
    /// Each name its own, in the order of their coming.
    Each,
}

/// Wide enough for half a minute; longer runs get more, so that a second stays legible.
const WIDTH: i32 = 1200;
const WIDEST: i32 = 6000;
const A_SECOND: f64 = 32.0;
const LEFT: i32 = 110;
const RIGHT: i32 = 30;
const TOP: i32 = 64;
const ROW: i32 = 64;
const BAR: i32 = 40;
/// Labels of marks that would overlap go to the next of these.
const LANES: usize = 6;
const LANE: i32 = 20;
const INK: RGBColor = RGBColor(28, 30, 34);
const FAINT: RGBColor = RGBColor(150, 152, 158);
const PAPER: RGBColor = RGBColor(250, 249, 246);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Timeline {
    /// Draws it into an SVG file.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| std::io::Error::other(error.to_string()))?;
        std::fs::write(path, svg)
    }

    fn draw(&self, svg: &mut String) -> DrawResult {
        let size = (self.width() as u32, (self.axis_at() + 46) as u32);
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        area.fill(&PAPER)?;
        let title = ("sans-serif", 20).into_font().color(&INK);
        area.draw(&Text::new(self.title.as_str(), (24, 18), title))?;
        self.axis(&area)?;
        for (place, name) in self.rows.iter().map(|row| row.name).chain(["events"]).enumerate() {
            let top = row_at(place);
            let style = ("sans-serif", 14).into_font().color(&FAINT).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(name, (LEFT - 14, top + BAR / 2), style))?;
        }
        for (place, row) in self.rows.iter().enumerate() {
            self.bars(&area, &row.spans, row_at(place), |name| match row.paint {
                Paint::State => state_colour(name),
                Paint::Trouble => RGBColor(176, 58, 46),
                Paint::Turn => RGBColor(150, 88, 40),
                Paint::Wish => RGBColor(96, 84, 128),
                Paint::Each => paint_colour(&row.spans, name),
            })?;
        }
        self.marks(&area)?;
        area.present()?;
        Ok(())
    }

    fn width(&self) -> i32 {
        (f64::from(LEFT + RIGHT) + self.end * A_SECOND).clamp(f64::from(WIDTH), f64::from(WIDEST)) as i32
    }

    fn axis_at(&self) -> i32 {
        row_at(self.rows.len()) + LANES as i32 * LANE + 8
    }

    fn x(&self, at: f64) -> i32 {
        let width = f64::from(self.width() - LEFT - RIGHT);
        LEFT + (at.clamp(0.0, self.end) / self.end.max(0.001) * width).round() as i32
    }

    fn axis(&self, area: &Area<'_>) -> DrawResult {
        let axis = self.axis_at();
        area.draw(&PathElement::new([(LEFT, axis), (self.x(self.end), axis)], INK.stroke_width(1)))?;
        let most = f64::from(self.width()) / 50.0;
        let step = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0]
            .into_iter()
            .find(|step| self.end / step <= most)
            .unwrap_or(300.0);
        let mut at = 0.0;
        while at <= self.end {
            let x = self.x(at);
            area.draw(&PathElement::new([(x, TOP), (x, axis + 5)], FAINT.mix(0.25).stroke_width(1)))?;
            let style = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(format!("{at} s"), (x, axis + 9), style))?;
            at += step;
        }
        Ok(())
    }

    fn bars(
        &self,
        area: &Area<'_>,
        spans: &[Span],
        top: i32,
        colour: impl Fn(&str) -> RGBColor,
    ) -> DrawResult {
        for span in spans {
            let (from, to) = (self.x(span.from), self.x(span.to).max(self.x(span.from) + 2));
            let fill = colour(&span.name);
            area.draw(&Rectangle::new([(from, top), (to, top + BAR)], fill.filled()))?;
            // Seven pixels a letter is what this size needs.
            if to - from > span.name.chars().count() as i32 * 7 {
                let style =
                    ("sans-serif", 13).into_font().color(&WHITE).pos(Pos::new(HPos::Center, VPos::Center));
                area.draw(&Text::new(span.name.as_str(), ((from + to) / 2, top + BAR / 2), style))?;
            }
        }
        Ok(())
    }

    fn marks(&self, area: &Area<'_>) -> DrawResult {
        let top = row_at(self.rows.len());
        let mut lanes = [0; LANES];
        for mark in &self.events {
            let x = self.x(mark.at);
            let width = mark.name.chars().count() as i32 * 7 + 14;
            let near_end = x + width > self.width() - 8;
            let from = if near_end { x - width } else { x };
            let lane = lanes.iter().position(|&busy| busy <= from).unwrap_or(lanes.len() - 1);
            lanes[lane] = from + width;
            let y = top + lane as i32 * LANE + 8;
            area.draw(&PathElement::new([(x, top - 6), (x, y + 6)], INK.mix(0.35).stroke_width(1)))?;
            area.draw(&Circle::new((x, y), 3, INK.filled()))?;
            let (side, at) = if near_end { (HPos::Right, x - 7) } else { (HPos::Left, x + 7) };
            let style = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(side, VPos::Center));
            area.draw(&Text::new(mark.name.as_str(), (at, y), style))?;
        }
        Ok(())
    }
}

/// Where a row's bars begin.
fn row_at(place: usize) -> i32 {
    TOP + place as i32 * ROW
}

/// From "it is so from here on" to stretches of time.
pub(crate) fn spans(changes: Vec<(f64, String)>, end: f64) -> Vec<Span> {
    let ends: Vec<f64> = changes.iter().skip(1).map(|(at, _)| *at).chain([end]).collect();
    changes.into_iter().zip(ends).map(|((from, name), to)| Span { name, from, to }).collect()
}

fn state_colour(name: &str) -> RGBColor {
    match name {
        "Joined" => RGBColor(46, 125, 80),
        "Joining" | "Migrating" => RGBColor(52, 101, 164),
        "Reconnecting" => RGBColor(204, 122, 0),
        "Offline" | "ReconnectingFailed" => RGBColor(176, 58, 46),
        _ => RGBColor(120, 124, 132),
    }
}

/// Each prompt its own colour, in the order of their coming.
const PALETTE: [RGBColor; 9] = [
    RGBColor(110, 114, 122),
    RGBColor(150, 96, 60),
    RGBColor(60, 128, 140),
    RGBColor(86, 88, 150),
    RGBColor(140, 70, 120),
    RGBColor(110, 124, 50),
    RGBColor(160, 112, 30),
    RGBColor(64, 112, 84),
    RGBColor(92, 72, 72),
];

fn paint_colour(spans: &[Span], name: &str) -> RGBColor {
    let mut known: Vec<&str> = Vec::new();
    for span in spans {
        if !known.contains(&span.name.as_str()) {
            known.push(&span.name);
        }
    }
    let place = known.iter().position(|known| *known == name).unwrap_or_default();
    PALETTE[place % PALETTE.len()]
}
