//! The picture for README and crate page: places laid out by hand, edges from the walk.

use super::tables::moves;
use super::{Walked, drawn};
use crate::{Direction, State};
use std::fmt::Write;

const WIDE: i32 = 124;
const HIGH: i32 = 40;

/// The machine as an SVG picture. Endings, which every state has, are drawn faint.
pub fn svg(walked: &Walked) -> String {
    let mut text = String::from(concat!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 980 470\" font-family=\"sans-serif\" font-size=\"14\">\n",
        "<title>The life of a session, drawn from the walk over the real machine</title>\n",
        "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" ",
        "orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" fill=\"context-stroke\"/></marker></defs>\n",
        "<rect width=\"980\" height=\"470\" fill=\"#fff\"/>\n",
    ));
    let pairs = moves(walked, drawn);
    for (from, to) in pairs.keys() {
        let ending = to.is_over() || *to == State::Idle;
        let back = pairs.contains_key(&(*to, *from)) && !ending;
        line(&mut text, *from, *to, ending, back);
    }
    for state in State::ALL {
        if drawn(state) == state {
            node(&mut text, state);
        }
    }
    text.push_str("</svg>\n");
    text
}

const fn place(state: State) -> (i32, i32) {
    match state {
        State::Idle => (80, 120),
        State::Ringing(Direction::Incoming | Direction::Outgoing) => (80, 260),
        State::Joining => (280, 190),
        State::Live => (500, 120),
        State::Migrating => (500, 30),
        State::Reconnecting => (700, 120),
        State::Offline => (880, 190),
        State::Failed => (700, 260),
        State::Leaving => (500, 370),
        State::Left => (280, 430),
    }
}

const fn colours(state: State) -> (&'static str, &'static str) {
    match state {
        State::Idle => ("#eef1f4", "#5b6b7a"),
        State::Ringing(_) | State::Joining => ("#e3eefc", "#2563b0"),
        State::Live | State::Migrating => ("#e2f5e6", "#1e7a3a"),
        State::Reconnecting | State::Offline => ("#fdf1dc", "#9a6207"),
        State::Failed => ("#fce4e1", "#b3261e"),
        State::Leaving | State::Left => ("#eceaf0", "#4a4458"),
    }
}

fn node(text: &mut String, state: State) {
    let ((x, y), (fill, ink)) = (place(state), colours(state));
    let name = match state {
        State::Ringing(_) => "ringing",
        other => other.name(),
    };
    let _ = writeln!(
        text,
        "<rect x=\"{}\" y=\"{}\" width=\"{WIDE}\" height=\"{HIGH}\" rx=\"9\" fill=\"{fill}\" stroke=\"{ink}\" stroke-width=\"1.6\"/>\
         <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\" font-weight=\"600\">{name}</text>",
        x - WIDE / 2,
        y - HIGH / 2,
        y + 5,
    );
}

/// From border to border; a pair that goes both ways is drawn as two lines side by side.
fn line(text: &mut String, from: State, to: State, faint: bool, beside: bool) {
    let ((x1, y1), (x2, y2)) = (place(from), place(to));
    let (dx, dy) = (f64::from(x2 - x1), f64::from(y2 - y1));
    let length = dx.hypot(dy).max(1.0);
    let (nx, ny) = if beside { (-dy / length * 6.0, dx / length * 6.0) } else { (0.0, 0.0) };
    let (sx, sy) = border(dx, dy);
    let (ax, ay) = (f64::from(x1) + sx + nx, f64::from(y1) + sy + ny);
    let (bx, by) = (f64::from(x2) - sx + nx, f64::from(y2) - sy + ny);
    let (_, ink) = colours(from);
    let (width, opacity) = if faint { (1.0, 0.28) } else { (1.8, 0.95) };
    let _ = writeln!(
        text,
        "<line x1=\"{ax:.0}\" y1=\"{ay:.0}\" x2=\"{bx:.0}\" y2=\"{by:.0}\" stroke=\"{ink}\" \
         stroke-width=\"{width}\" stroke-opacity=\"{opacity}\" marker-end=\"url(#a)\"/>",
    );
}

/// Where a line from the middle in this direction leaves the box.
fn border(dx: f64, dy: f64) -> (f64, f64) {
    let (half_wide, half_high) = (f64::from(WIDE) / 2.0, f64::from(HIGH) / 2.0);
    let scale = (half_wide / dx.abs().max(0.001)).min(half_high / dy.abs().max(0.001));
    (dx * scale, dy * scale)
}
