//! Still pictures out of files that strangers send: PNG and JPEG, judged by their headers before
//! anything is allocated for them. What is drawn with them is for others; writing is `picture.rs`.

#[cfg(test)]
mod tests;

use crate::i420::yuv_of;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use thiserror::Error;

/// Longest side of a file's picture that is decoded, in pixels.
pub const MAX_SIDE: u32 = 8192;
/// Most pixels of a file's picture that is decoded. With four bytes each, decoding takes 64 MiB.
pub const MAX_PIXELS: u64 = 16 * 1024 * 1024;
/// Memory that a decoder may ask for beside the picture itself: palettes, tables, lines.
const MAX_SCRATCH: u64 = 32 * 1024 * 1024;
/// Longest side that is kept, in pixels; a larger picture is made smaller.
pub const KEPT_SIDE: u32 = 512;

/// Why a file is no picture that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StillError {
    /// There is nothing in it.
    #[error("the image is empty; send the bytes of a PNG or JPEG file")]
    Empty,
    /// It begins like no file that is read here.
    #[error("this is neither PNG nor JPEG; convert the image to one of them")]
    Unknown,
    /// Its header names more pixels than are decoded here. Nothing was allocated for it.
    #[error(
        "an image of {width}x{height} is too large; make it at most {MAX_SIDE} pixels a side and {} million in all",
        MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// As its header says.
        width: u32,
        /// As its header says.
        height: u32,
    },
    /// It begins well and does not go on so.
    #[error("the image is damaged ({0}); save it anew")]
    Damaged(String),
}

/// A decoded still picture: luma, chroma and opacity, one byte each for every pixel (BT.601 in
/// limited range, as [`I420`](crate::I420)). At most [`KEPT_SIDE`] pixels a side.
#[derive(Clone, PartialEq, Eq)]
pub struct Still {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 4]>,
}

impl std::fmt::Debug for Still {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Still({}x{})", self.width, self.height)
    }
}

impl Still {
    /// Decodes a PNG or JPEG file: the first picture of it, the way up that its EXIF data says, and
    /// made smaller if it is larger than what is kept. Blocks, for large pictures up to a second;
    /// takes at most 100 MiB while it does.
    ///
    /// # Errors
    /// [`StillError`]. A header that names too many pixels is refused before any memory is taken.
    pub fn decode(file: &[u8]) -> Result<Self, StillError> {
        if file.is_empty() {
            return Err(StillError::Empty);
        }
        let format = image::guess_format(file).map_err(|_| StillError::Unknown)?;
        if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
            return Err(StillError::Unknown);
        }
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_PIXELS * 4 + MAX_SCRATCH);
        let mut reader = ImageReader::with_format(Cursor::new(file), format);
        // The sides are judged below, where they can be named.
        reader.no_limits();
        let damaged = |error: image::ImageError| StillError::Damaged(short(&error.to_string()));
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        // Sixteen bits a channel take twice the memory of eight.
        let bytes = decoder.total_bytes();
        if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS || bytes > MAX_PIXELS * 4 {
            return Err(StillError::TooLarge { width, height });
        }
        if pixels == 0 {
            return Err(StillError::Damaged("it has no pixels".into()));
        }
        decoder.set_limits(limits).map_err(damaged)?;
        let orientation = decoder.orientation().map_err(damaged)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        if width.max(height) > KEPT_SIDE {
            picture = picture.thumbnail(KEPT_SIDE, KEPT_SIDE);
        }
        picture.apply_orientation(orientation);
        let picture = picture.into_rgba8();
        let pixels = picture.pixels().map(|pixel| {
            let [red, green, blue, opacity] = pixel.0;
            let [y, u, v] = yuv_of([red, green, blue]);
            [y, u, v, opacity]
        });
        Ok(Self { width: picture.width(), height: picture.height(), pixels: pixels.collect() })
    }

    /// Pixels in a row, never zero.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, never zero.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma, the two chroma values and opacity at a place; places outside are those at the edge.
    pub fn at(&self, x: u32, y: u32) -> [u8; 4] {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        self.pixels[y as usize * self.width as usize + x as usize]
    }
}

/// A decoder's words, cut to what fits a refusal.
fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}
