//! A picture in another size. A source is scaled while it is live, so this is done twice over a line
//! rather than once over a square: first rows are added up, then columns.

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
}

fn scale_plane(plane: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    if from == to {
        return plane.to_vec();
    }
    let columns = Taps::of(from.0, to.0);
    let rows = Taps::of(from.1, to.1);
    let stride = from.0 as usize;
    let total = rows.total * columns.total;
    let mut out = Vec::with_capacity(to.0 as usize * to.1 as usize);
    let mut line = vec![0u32; stride];
    for row in &rows.all {
        line.fill(0);
        for (source, &weight) in plane[row.first * stride..].chunks_exact(stride).zip(&row.weights) {
            // The weights add up to twice a side of a picture at most: the sum is far below 2³².
            line.iter_mut().zip(source).for_each(|(sum, &sample)| *sum += u32::from(sample) * weight);
        }
        out.extend(columns.all.iter().map(|column| {
            let samples = line[column.first..].iter().zip(&column.weights);
            let sum: u64 = samples.map(|(&sample, &weight)| u64::from(sample) * u64::from(weight)).sum();
            ((sum + total / 2) / total) as u8
        }));
    }
    out
}

/// Which source samples one destination sample is made of, and how much of each.
struct Tap {
    first: usize,
    weights: Vec<u32>,
}

/// Of every destination sample along one side. The weights of each add up to `total`.
struct Taps {
    all: Vec<Tap>,
    total: u64,
}

impl Taps {
    /// Positions are exact: everything is counted in units of 1 / `to` of a source sample.
    fn of(from: u32, to: u32) -> Self {
        let shrinks = to < from;
        let tap = |at| if shrinks { Self::averaged(at, from, to) } else { Self::between(at, from, to) };
        let total = if shrinks { from } else { 2 * to };
        Self { all: (0..to).map(tap).collect(), total: total.into() }
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
            return Tap { first: from as usize - 1, weights: vec![2 * to] };
        }
        Tap { first: first as usize, weights: vec![2 * to - far, far] }
    }
}
