//! A raw picture: 8-bit planar YCbCr 4:2:0 with checked size. Scaling is in `i420/scale.rs`,
//! colour in `i420/convert.rs`, measuring how far two pictures differ in `i420/compare.rs`.
//!
//! Colours follow BT.601 in limited range, what standard-definition video without a colour
//! description means (ITU-T H.264 Annex E).

mod compare;
mod convert;
mod scale;
#[cfg(test)]
mod tests;

pub use compare::Signature;
#[cfg(feature = "stills")]
pub(crate) use convert::yuv_of;

use std::fmt;
use thiserror::Error;

/// The longer side of the largest picture, in pixels; the limit of H.264 level 5.1 codecs.
pub const MAX_LONG_SIDE: u32 = 3840;
/// The shorter side of the largest picture, in pixels.
pub const MAX_SHORT_SIDE: u32 = 2160;

/// A picture size or plane that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PictureError {
    /// Zero, odd, or larger than [`MAX_LONG_SIDE`] by [`MAX_SHORT_SIDE`].
    #[error(
        "a picture of {width}x{height} cannot be held; use even sides from 2x2 up to \
         {MAX_LONG_SIDE}x{MAX_SHORT_SIDE} (either way up)"
    )]
    Size {
        /// The width asked for.
        width: u32,
        /// The height asked for.
        height: u32,
    },
    /// The bytes given do not fill the planes exactly.
    #[error("I420 of this size takes {needed} bytes, {given} were given; check size and stride")]
    Length {
        /// Bytes that the size needs.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
}

/// One raw picture, planes without padding: stride equals width.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl I420 {
    /// A black picture.
    ///
    /// # Errors
    /// [`PictureError::Size`] for a side that is zero, odd or too long.
    pub fn black(width: u32, height: u32) -> Result<Self, PictureError> {
        let (luma, chroma) = plane_sizes(width, height)?;
        Ok(Self { width, height, y: vec![16; luma], u: vec![128; chroma], v: vec![128; chroma] })
    }

    /// A picture of these planes: `y` of width × height bytes, `u` and `v` of a quarter each.
    ///
    /// # Errors
    /// When the size cannot be, or a plane does not fit it exactly.
    pub fn from_planes(
        width: u32,
        height: u32,
        y: Vec<u8>,
        u: Vec<u8>,
        v: Vec<u8>,
    ) -> Result<Self, PictureError> {
        let (luma, chroma) = plane_sizes(width, height)?;
        if (y.len(), u.len(), v.len()) != (luma, chroma, chroma) {
            return Err(PictureError::Length {
                needed: luma + 2 * chroma,
                given: y.len() + u.len() + v.len(),
            });
        }
        Ok(Self { width, height, y, u, v })
    }

    /// A picture of the three planes one after the other, as raw video files have them.
    ///
    /// # Errors
    /// As [`from_planes`](I420::from_planes).
    pub fn from_packed(width: u32, height: u32, bytes: &[u8]) -> Result<Self, PictureError> {
        let (luma, chroma) = plane_sizes(width, height)?;
        if bytes.len() != luma + 2 * chroma {
            return Err(PictureError::Length { needed: luma + 2 * chroma, given: bytes.len() });
        }
        let (y, rest) = bytes.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        Ok(Self { width, height, y: y.to_vec(), u: u.to_vec(), v: v.to_vec() })
    }

    /// The three planes one after the other.
    pub fn to_packed(&self) -> Vec<u8> {
        [self.y.as_slice(), &self.u, &self.v].concat()
    }

    /// Can there be a picture of this size?
    ///
    /// # Errors
    /// [`PictureError::Size`] if not.
    pub fn check_size(width: u32, height: u32) -> Result<(), PictureError> {
        plane_sizes(width, height).map(|_| ())
    }

    /// Pixels in a row; even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows; even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma, one byte a pixel, 16 black to 235 white.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// Blue difference, one byte for 2 × 2 pixels, 128 is none.
    pub fn u(&self) -> &[u8] {
        &self.u
    }

    /// Red difference, one byte for 2 × 2 pixels, 128 is none.
    pub fn v(&self) -> &[u8] {
        &self.v
    }

    /// All three planes for writing: luma, blue difference, red difference.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        (&mut self.y, &mut self.u, &mut self.v)
    }

    /// Fills a rectangle with one colour; what lies outside the picture is cut off. Chroma is
    /// set for every 2 × 2 block whose first pixel the rectangle covers.
    pub fn fill_rect(&mut self, x: u32, y: u32, width: u32, height: u32, colour: [u8; 3]) {
        let (right, bottom) =
            (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        if x >= right || y >= bottom {
            return;
        }
        fill_plane(&mut self.y, self.width, (x, y, right, bottom), colour[0]);
        let half = (x.div_ceil(2), y.div_ceil(2), right.div_ceil(2), bottom.div_ceil(2));
        fill_plane(&mut self.u, self.width / 2, half, colour[1]);
        fill_plane(&mut self.v, self.width / 2, half, colour[2]);
    }
}

impl fmt::Debug for I420 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("I420")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

/// Bytes of the luma plane and of one chroma plane.
fn plane_sizes(width: u32, height: u32) -> Result<(usize, usize), PictureError> {
    let (long, short) = (width.max(height), width.min(height));
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    if short == 0 || !even || long > MAX_LONG_SIDE || short > MAX_SHORT_SIDE {
        return Err(PictureError::Size { width, height });
    }
    let luma = width as usize * height as usize;
    Ok((luma, luma / 4))
}

fn fill_plane(plane: &mut [u8], stride: u32, area: (u32, u32, u32, u32), value: u8) {
    let (left, top, right, bottom) = area;
    for row in plane.chunks_exact_mut(stride as usize).take(bottom as usize).skip(top as usize) {
        row[left as usize..right as usize].fill(value);
    }
}
