//! RGB pictures to draw on and to keep as PNG.

#[cfg(test)]
mod tests;

use crate::i420::I420;
use crate::text;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Why a picture could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WritePictureError {
    /// The folder it should lie in does not exist.
    #[error("{} cannot be written: its folder does not exist; make it first", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// It may not be written there.
    #[error("{} cannot be written: permission denied; choose another folder or change its owner", path.display())]
    NotPermitted {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error("{} cannot be written: {source}; check the path and the space left on the disk", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A picture in red, green, blue, one byte each.
#[derive(Clone, PartialEq, Eq)]
pub struct Rgb {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Rgb {
    /// A picture in one colour. Sides are held to 1 to 16,384 pixels.
    pub fn filled(width: u32, height: u32, colour: Colour) -> Self {
        let (width, height) = (width.clamp(1, 16_384), height.clamp(1, 16_384));
        let pixels = colour.repeat(width as usize * height as usize);
        Self { width, height, pixels }
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Three bytes a pixel, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The colour at a place, if it is inside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<Colour> {
        let at = self.index(x, y)?;
        Some([self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]])
    }

    /// Fills a rectangle; what lies outside is cut off.
    pub fn fill_rect(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        let (right, bottom) =
            (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        for row in y..bottom {
            for column in x..right {
                if let Some(at) = self.index(column, row) {
                    self.pixels[at..at + 3].copy_from_slice(&colour);
                }
            }
        }
    }

    /// Puts a picture at a place; what lies outside is cut off.
    pub fn put(&mut self, x: u32, y: u32, picture: &Self) {
        let columns = picture.width.min(self.width.saturating_sub(x)) as usize * 3;
        for row in 0..picture.height {
            let (Some(to), Some(from)) = (self.index(x, y.saturating_add(row)), picture.index(0, row)) else {
                return;
            };
            self.pixels[to..to + columns].copy_from_slice(&picture.pixels[from..from + columns]);
        }
    }

    /// Writes a text with its upper left corner at a place, each dot `scale` pixels wide.
    /// Latin letters; others show as question marks.
    pub fn text(&mut self, x: u32, y: u32, scale: u32, colour: Colour, line: &str) {
        text::draw(line, scale, |dx, dy| {
            self.fill_rect(x.saturating_add(dx), y.saturating_add(dy), scale, scale, colour);
        });
    }

    /// The picture as a PNG file in memory. The same picture gives the same bytes.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory fails only for sizes and colours that `Rgb` cannot have.
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.pixels)?;
            writer.finish()
        });
        debug_assert!(written.is_ok(), "a picture in memory always encodes: {written:?}");
        bytes
    }

    /// Writes the picture as a PNG file, replacing one that is there. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<(), WritePictureError> {
        let path = path.as_ref();
        fs::write(path, self.to_png()).map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::NotFound => WritePictureError::NoFolder { path },
                io::ErrorKind::PermissionDenied => WritePictureError::NotPermitted { path },
                _ => WritePictureError::Io { path, source },
            }
        })
    }

    fn index(&self, x: u32, y: u32) -> Option<usize> {
        (x < self.width && y < self.height).then(|| (y as usize * self.width as usize + x as usize) * 3)
    }
}

impl From<&I420> for Rgb {
    fn from(picture: &I420) -> Self {
        Self { width: picture.width(), height: picture.height(), pixels: picture.to_rgb() }
    }
}

impl I420 {
    /// Writes a snapshot as a PNG file, replacing one that is there. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<(), WritePictureError> {
        Rgb::from(self).write_png(path)
    }
}

impl std::fmt::Debug for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rgb")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}
