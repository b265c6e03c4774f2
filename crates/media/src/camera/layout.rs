//! What a camera's bytes mean: raw pictures as Video4Linux lays them out, row by row with
//! padding, to planes.

use crate::i420::{I420, PictureError};

/// How samples lie in memory (the kernel's names in `v4l2-pix-format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Luma and chroma of two pixels in four bytes, packed; chroma for each row.
    Yuyv,
    /// A plane of luma, then one of both chromas, interleaved.
    Nv12,
    /// Three planes.
    Yu12,
}

impl Layout {
    pub(super) const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Yuyv => *b"YUYV",
            Self::Nv12 => *b"NV12",
            Self::Yu12 => *b"YU12",
        }
    }

    /// Bytes in a row without padding.
    const fn row(self, width: usize) -> usize {
        match self {
            Self::Yuyv => width * 2,
            Self::Nv12 | Self::Yu12 => width,
        }
    }

    /// The picture in `bytes`, whose rows are `stride` bytes apart (0: no padding). A last odd
    /// row or column is left out.
    ///
    /// # Errors
    /// For a size that cannot be, or fewer bytes than it takes.
    pub(super) fn picture(
        self,
        bytes: &[u8],
        width: u32,
        height: u32,
        stride: u32,
    ) -> Result<I420, PictureError> {
        let mut picture = I420::black(width & !1, height & !1)?;
        let rows = height as usize;
        let stride = (stride as usize).max(self.row(width as usize));
        let needed = match self {
            Self::Yuyv => stride * rows,
            Self::Nv12 => stride * (rows + rows.div_ceil(2)),
            Self::Yu12 => stride * rows + (stride / 2) * rows.div_ceil(2) * 2,
        };
        if bytes.len() < needed {
            return Err(PictureError::Length { needed, given: bytes.len() });
        }
        let columns = picture.width() as usize;
        let (y, u, v) = picture.planes_mut();
        match self {
            Self::Yuyv => packed(bytes, stride, columns, (y, u, v)),
            Self::Nv12 => {
                plane(bytes, stride, columns, y);
                let chroma = bytes[stride * rows..].chunks_exact(stride);
                for ((row, u), v) in
                    chroma.zip(u.chunks_exact_mut(columns / 2)).zip(v.chunks_exact_mut(columns / 2))
                {
                    for ((pair, u), v) in row.chunks_exact(2).zip(u).zip(v) {
                        (*u, *v) = (pair[0], pair[1]);
                    }
                }
            }
            Self::Yu12 => {
                plane(bytes, stride, columns, y);
                let chroma = &bytes[stride * rows..];
                plane(chroma, stride / 2, columns / 2, u);
                plane(&chroma[(stride / 2) * rows.div_ceil(2)..], stride / 2, columns / 2, v);
            }
        }
        Ok(picture)
    }
}

fn plane(bytes: &[u8], stride: usize, columns: usize, out: &mut [u8]) {
    for (row, out) in bytes.chunks_exact(stride).zip(out.chunks_exact_mut(columns)) {
        out.copy_from_slice(&row[..columns]);
    }
}

/// Chroma of two rows is averaged into one.
fn packed(bytes: &[u8], stride: usize, columns: usize, (y, u, v): (&mut [u8], &mut [u8], &mut [u8])) {
    let rows = bytes.chunks_exact(stride * 2).zip(y.chunks_exact_mut(columns * 2));
    let chroma = u.chunks_exact_mut(columns / 2).zip(v.chunks_exact_mut(columns / 2));
    for ((pair, y), (u, v)) in rows.zip(chroma) {
        let (above, below) = pair.split_at(stride);
        let (y_above, y_below) = y.split_at_mut(columns);
        let average = |a: u8, b: u8| (u16::from(a) + u16::from(b)).div_ceil(2) as u8;
        for at in 0..columns / 2 {
            let (a, b) = (&above[at * 4..][..4], &below[at * 4..][..4]);
            (y_above[at * 2], y_above[at * 2 + 1]) = (a[0], a[2]);
            (y_below[at * 2], y_below[at * 2 + 1]) = (b[0], b[2]);
            (u[at], v[at]) = (average(a[1], b[1]), average(a[3], b[3]));
        }
    }
}
