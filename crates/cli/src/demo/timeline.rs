//! The timeline: states as bars, prompts, faults and pictures as marks, over one axis of
//! seconds. Drawn from the run's own log, never from what should have happened.

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
    pub(crate) states: Vec<Span>,
    pub(crate) network: Vec<Span>,
    pub(crate) painted: Vec<Span>,
    pub(crate) events: Vec<Mark>,
}

const SIZE: (u32, u32) = (1200, 430);
const LEFT: i32 = 110;
const RIGHT: i32 = 30;
const ROWS: [(&str, i32); 4] = [("state", 64), ("network", 128), ("picture", 192), ("events", 256)];
const BAR: i32 = 40;
const AXIS: i32 = 384;
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
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&PAPER)?;
        let title = ("sans-serif", 20).into_font().color(&INK);
        area.draw(&Text::new(self.title.as_str(), (24, 18), title))?;
        self.axis(&area)?;
        for (name, top) in ROWS {
            let style = ("sans-serif", 14).into_font().color(&FAINT).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(name, (LEFT - 14, top + BAR / 2), style))?;
        }
        self.bars(&area, &self.states, ROWS[0].1, state_colour)?;
        self.bars(&area, &self.network, ROWS[1].1, |_| RGBColor(176, 58, 46))?;
        self.bars(&area, &self.painted, ROWS[2].1, |name| paint_colour(&self.painted, name))?;
        self.marks(&area)?;
        area.present()?;
        Ok(())
    }

    fn x(&self, at: f64) -> i32 {
        let width = f64::from(SIZE.0 as i32 - LEFT - RIGHT);
        LEFT + (at.clamp(0.0, self.end) / self.end.max(0.001) * width).round() as i32
    }

    fn axis(&self, area: &Area<'_>) -> DrawResult {
        area.draw(&PathElement::new([(LEFT, AXIS), (self.x(self.end), AXIS)], INK.stroke_width(1)))?;
        let step = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0]
            .into_iter()
            .find(|step| self.end / step <= 20.0)
            .unwrap_or(300.0);
        let mut at = 0.0;
        while at <= self.end {
            let x = self.x(at);
            area.draw(&PathElement::new([(x, ROWS[0].1), (x, AXIS + 5)], FAINT.mix(0.25).stroke_width(1)))?;
            let style = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(format!("{at} s"), (x, AXIS + 9), style))?;
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
        // Labels that would overlap go to the next of the lanes.
        let mut lanes = [0; 6];
        for mark in &self.events {
            let x = self.x(mark.at);
            let width = mark.name.chars().count() as i32 * 7 + 14;
            let near_end = x + width > SIZE.0 as i32 - 8;
            let from = if near_end { x - width } else { x };
            let lane = lanes.iter().position(|&busy| busy <= from).unwrap_or(lanes.len() - 1);
            lanes[lane] = from + width;
            let y = ROWS[3].1 + lane as i32 * 20 + 8;
            area.draw(&PathElement::new([(x, ROWS[3].1 - 6), (x, y + 6)], INK.mix(0.35).stroke_width(1)))?;
            area.draw(&Circle::new((x, y), 3, INK.filled()))?;
            let (side, at) = if near_end { (HPos::Right, x - 7) } else { (HPos::Left, x + 7) };
            let style = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(side, VPos::Center));
            area.draw(&Text::new(mark.name.as_str(), (at, y), style))?;
        }
        Ok(())
    }
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
const PALETTE: [RGBColor; 6] = [
    RGBColor(110, 114, 122),
    RGBColor(150, 96, 60),
    RGBColor(60, 128, 140),
    RGBColor(86, 88, 150),
    RGBColor(140, 70, 120),
    RGBColor(110, 124, 50),
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
