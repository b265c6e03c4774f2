//! Sizes and colours: scaling a picture, and its way to RGB and back (BT.601, limited range).

use super::{I420, PictureError, plane_sizes};

impl I420 {
    /// The picture in another size: averaged where it shrinks, bilinear where it grows.
    ///
    /// # Errors
    /// [`PictureError::Size`] for a size that cannot be.
    pub fn scaled(&self, width: u32, height: u32) -> Result<Self, PictureError> {
        plane_sizes(width, height)?;
        let (from, to) = ((self.width, self.height), (width, height));
        let (half_from, half_to) = ((from.0 / 2, from.1 / 2), (to.0 / 2, to.1 / 2));
        Ok(Self {
            width,
            height,
            y: scale_plane(&self.y, from, to),
            u: scale_plane(&self.u, half_from, half_to),
            v: scale_plane(&self.v, half_from, half_to),
        })
    }

    /// Red, green, blue, one byte each, row by row.
    pub fn to_rgb(&self) -> Vec<u8> {
        let width = self.width as usize;
        let mut rgb = Vec::with_capacity(width * self.height as usize * 3);
        for (row, line) in self.y.chunks_exact(width).enumerate() {
            let chroma = (row / 2) * (width / 2);
            for (column, &luma) in line.iter().enumerate() {
                let at = chroma + column / 2;
                rgb.extend_from_slice(&rgb_of(luma, self.u[at], self.v[at]));
            }
        }
        rgb
    }

    /// A picture of red, green, blue bytes, row by row; chroma is averaged over 2 × 2 pixels.
    ///
    /// # Errors
    /// When the size cannot be, or the bytes are not three a pixel.
    pub fn from_rgb(width: u32, height: u32, rgb: &[u8]) -> Result<Self, PictureError> {
        let mut picture = Self::black(width, height)?;
        if rgb.len() != picture.y.len() * 3 {
            return Err(PictureError::Length { needed: picture.y.len() * 3, given: rgb.len() });
        }
        let half = width as usize / 2;
        let mut sums = vec![(0u32, 0u32); picture.u.len()];
        for (at, pixel) in rgb.chunks_exact(3).enumerate() {
            let [luma, u, v] = yuv_of([pixel[0], pixel[1], pixel[2]]);
            picture.y[at] = luma;
            let (row, column) = (at / width as usize, at % width as usize);
            let sum = &mut sums[(row / 2) * half + column / 2];
            *sum = (sum.0 + u32::from(u), sum.1 + u32::from(v));
        }
        for (at, (u, v)) in sums.into_iter().enumerate() {
            picture.u[at] = ((u + 2) / 4) as u8;
            picture.v[at] = ((v + 2) / 4) as u8;
        }
        Ok(picture)
    }
}

/// One pixel's way to RGB, in 16-bit fixed point.
pub(crate) fn rgb_of(y: u8, u: u8, v: u8) -> [u8; 3] {
    let luma = 76_309 * (i32::from(y) - 16);
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    let narrow = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
    [narrow(luma + 104_597 * v), narrow(luma - 25_675 * u - 53_279 * v), narrow(luma + 132_201 * u)]
}

/// One pixel's way from RGB, in 16-bit fixed point.
pub(crate) fn yuv_of([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let narrow = |value: i32, offset: i32| (((value + 32_768) >> 16) + offset).clamp(0, 255) as u8;
    [
        narrow(16_829 * r + 33_039 * g + 6_416 * b, 16),
        narrow(-9_714 * r - 19_070 * g + 28_784 * b, 128),
        narrow(28_784 * r - 24_103 * g - 4_681 * b, 128),
    ]
}

fn scale_plane(plane: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    if from == to {
        return plane.to_vec();
    }
    let columns = Taps::of(from.0, to.0);
    let rows = Taps::of(from.1, to.1);
    let stride = from.0 as usize;
    let mut out = Vec::with_capacity(to.0 as usize * to.1 as usize);
    for row in &rows.0 {
        for column in &columns.0 {
            let mut sum = 0u64;
            for (dy, wy) in row.weights() {
                let line = dy * stride;
                for (dx, wx) in column.weights() {
                    sum += u64::from(plane[line + dx]) * u64::from(wy) * u64::from(wx);
                }
            }
            let total = u64::from(row.total()) * u64::from(column.total());
            out.push(((sum + total / 2) / total) as u8);
        }
    }
    out
}

/// Which source samples one destination sample is made of, and how much of each.
struct Tap {
    first: usize,
    weights: Vec<u32>,
}

impl Tap {
    fn weights(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.weights.iter().enumerate().map(|(step, &weight)| (self.first + step, weight))
    }

    fn total(&self) -> u32 {
        self.weights.iter().sum()
    }
}

struct Taps(Vec<Tap>);

impl Taps {
    /// Positions are exact: everything is counted in units of 1 / `to` of a source sample.
    fn of(from: u32, to: u32) -> Self {
        Self(
            (0..to)
                .map(|at| if to < from { Self::averaged(at, from, to) } else { Self::between(at, from, to) })
                .collect(),
        )
    }

    fn averaged(at: u32, from: u32, to: u32) -> Tap {
        let (start, end) = (at * from, (at + 1) * from);
        let first = start / to;
        let last = end.div_ceil(to);
        let weights = (first..last)
            .map(|sample| end.min((sample + 1) * to).saturating_sub(start.max(sample * to)))
            .collect();
        Tap { first: first as usize, weights }
    }

    fn between(at: u32, from: u32, to: u32) -> Tap {
        // The centre of sample `at`, in halves of 1 / `to`, less the centre of sample 0.
        let centre = ((2 * at + 1) * from).saturating_sub(to);
        let first = centre / (2 * to);
        let far = centre % (2 * to);
        if first + 1 >= from {
            return Tap { first: from as usize - 1, weights: vec![1] };
        }
        Tap { first: first as usize, weights: vec![2 * to - far, far] }
    }
}
