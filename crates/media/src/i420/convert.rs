//! Colours: a picture's way to RGB and back (BT.601, limited range). Its size is in `scale.rs`.

use super::{I420, PictureError};

impl I420 {
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
