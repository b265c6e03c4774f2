//! The studio's filters: what a prompt can make of a picture. Pure functions on I420; which
//! text asks for which filter is in `prompt.rs`.

use offhook_media::I420;

/// One way to repaint a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// No colour.
    Greyscale,
    /// Brown, as an old photograph.
    Sepia,
    /// Four levels of light and of colour.
    Posterize,
    /// Outlines, light on dark.
    Edges,
    /// Blocks of sixteen pixels.
    Pixelate,
    /// Dark is light and red is cyan.
    Invert,
    /// Left is right.
    Mirror,
    /// Out of focus.
    Blur,
    /// Black and white, nothing between.
    Ink,
    /// Green light amplifier.
    NightVision,
    /// Colours turned half around the wheel, light untouched.
    HueSwap,
    /// Upside down.
    Flip,
}

impl Filter {
    /// Every filter.
    pub const ALL: [Self; 12] = [
        Self::Greyscale,
        Self::Sepia,
        Self::Posterize,
        Self::Edges,
        Self::Pixelate,
        Self::Invert,
        Self::Mirror,
        Self::Blur,
        Self::Ink,
        Self::NightVision,
        Self::HueSwap,
        Self::Flip,
    ];

    /// The word that asks for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Greyscale => "greyscale",
            Self::Sepia => "sepia",
            Self::Posterize => "posterize",
            Self::Edges => "edges",
            Self::Pixelate => "pixelate",
            Self::Invert => "invert",
            Self::Mirror => "mirror",
            Self::Blur => "blur",
            Self::Ink => "ink",
            Self::NightVision => "nightvision",
            Self::HueSwap => "hueswap",
            Self::Flip => "flip",
        }
    }

    /// Repaints one picture.
    pub fn apply(self, picture: &mut I420) {
        match self {
            Self::Greyscale => tint(picture, 128, 128),
            Self::Sepia => tint(picture, 104, 152),
            Self::NightVision => {
                tint(picture, 84, 70);
                each(picture.planes_mut().0, |y| y.saturating_add(y / 4).saturating_add(12));
            }
            Self::Posterize => {
                each(picture.planes_mut().0, |y| (y / 64) * 64 + 32);
                chroma(picture, |c| (c / 48) * 48 + 24);
            }
            Self::Invert => {
                each(picture.planes_mut().0, |y| 255 - y);
                chroma(picture, |c| 255 - c);
            }
            Self::HueSwap => chroma(picture, |c| 255 - c),
            Self::Ink => {
                let mean = mean(picture.y());
                each(picture.planes_mut().0, |y| if y > mean { 235 } else { 16 });
                tint(picture, 128, 128);
            }
            Self::Edges => {
                edges(picture);
                tint(picture, 128, 128);
            }
            Self::Pixelate => planes(picture, |plane, width, halves| pixelate(plane, width, 16 / halves)),
            Self::Mirror => picture.mirror(),
            Self::Flip => planes(picture, |plane, width, _| flip(plane, width)),
            Self::Blur => planes(picture, |plane, width, halves| blur(plane, width, 6 / halves)),
        }
    }
}

fn each(plane: &mut [u8], change: impl Fn(u8) -> u8) {
    plane.iter_mut().for_each(|sample| *sample = change(*sample));
}

fn chroma(picture: &mut I420, change: impl Fn(u8) -> u8) {
    each(picture.planes_mut().1, &change);
    each(picture.planes_mut().2, &change);
}

fn tint(picture: &mut I420, u: u8, v: u8) {
    picture.planes_mut().1.fill(u);
    picture.planes_mut().2.fill(v);
}

/// Runs over the three planes with the width of each, and 1 for light, 2 for colour.
fn planes(picture: &mut I420, mut change: impl FnMut(&mut [u8], usize, usize)) {
    let width = picture.width() as usize;
    change(picture.planes_mut().0, width, 1);
    change(picture.planes_mut().1, width / 2, 2);
    change(picture.planes_mut().2, width / 2, 2);
}

fn mean(plane: &[u8]) -> u8 {
    let sum: u64 = plane.iter().map(|&sample| u64::from(sample)).sum();
    u8::try_from(sum / (plane.len() as u64).max(1)).unwrap_or(u8::MAX)
}

fn flip(plane: &mut [u8], width: usize) {
    let height = plane.len() / width;
    let (top, bottom) = plane.split_at_mut(height / 2 * width);
    let skip = if height % 2 == 1 { width } else { 0 };
    for (upper, lower) in top.chunks_exact_mut(width).zip(bottom[skip..].chunks_exact_mut(width).rev()) {
        upper.swap_with_slice(lower);
    }
}

fn pixelate(plane: &mut [u8], width: usize, size: usize) {
    let height = plane.len() / width;
    for top in (0..height).step_by(size) {
        let bottom = (top + size).min(height);
        for left in (0..width).step_by(size) {
            let right = (left + size).min(width);
            let rows = || (top..bottom).map(|row| row * width);
            let sum: usize = rows()
                .flat_map(|row| &plane[row + left..row + right])
                .map(|&sample| usize::from(sample))
                .sum();
            let mean = (sum / ((bottom - top) * (right - left))) as u8;
            for row in top..bottom {
                plane[row * width + left..row * width + right].fill(mean);
            }
        }
    }
}

/// Sobel over the light plane.
fn edges(picture: &mut I420) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let source = picture.y().to_vec();
    let out = picture.planes_mut().0;
    out.fill(16);
    for row in 1..height.saturating_sub(1) {
        let line = |offset: usize| &source[(row + offset - 1) * width..(row + offset) * width];
        let (above, here, below) = (line(0), line(1), line(2));
        for column in 1..width.saturating_sub(1) {
            let at = |line: &[u8], offset: usize| i32::from(line[column + offset - 1]);
            let across =
                at(above, 2) + 2 * at(here, 2) + at(below, 2) - at(above, 0) - 2 * at(here, 0) - at(below, 0);
            let down = at(below, 0) + 2 * at(below, 1) + at(below, 2)
                - at(above, 0)
                - 2 * at(above, 1)
                - at(above, 2);
            out[row * width + column] = (16 + (across.abs() + down.abs()) / 2).min(235) as u8;
        }
    }
}

/// A box blur with running sums: rows, then columns.
fn blur(plane: &mut [u8], width: usize, radius: usize) {
    let height = plane.len() / width;
    let mut line = Vec::new();
    for row in plane.chunks_exact_mut(width) {
        line.clear();
        line.extend_from_slice(row);
        running_mean(&line, radius, |at, value| row[at] = value);
    }
    for column in 0..width {
        line.clear();
        line.extend((0..height).map(|row| plane[row * width + column]));
        running_mean(&line, radius, |at, value| plane[at * width + column] = value);
    }
}

fn running_mean(line: &[u8], radius: usize, mut put: impl FnMut(usize, u8)) {
    let mut sum = 0usize;
    let mut from = 0;
    let mut to = 0;
    for at in 0..line.len() {
        while to < line.len() && to <= at + radius {
            sum += usize::from(line[to]);
            to += 1;
        }
        while from + radius < at {
            sum -= usize::from(line[from]);
            from += 1;
        }
        put(at, (sum / (to - from)) as u8);
    }
}
