//! In which form a camera's pictures come: which is asked for first, which is taken of several,
//! and what becomes of bytes that are no picture. What the bytes mean is in `camera/layout.rs`
//! and `camera/jpeg.rs`.

use super::CameraOptions;
use super::jpeg;
use super::layout::Layout;
use crate::i420::{I420, PictureError};
use crate::rate::FrameRate;
use std::time::Duration;
use thiserror::Error;

/// What a picture is, by the kernel's four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Raw(Layout),
    /// A stream of JPEG pictures without their tables, as UVC cameras have it.
    MotionJpeg,
    /// JPEG pictures by themselves.
    Jpeg,
}

impl Format {
    /// In order of preference: as little to compute as there can be, and nothing to decode.
    pub(super) const ALL: [Self; 5] = [
        Self::Raw(Layout::Yu12),
        Self::Raw(Layout::Nv12),
        Self::Raw(Layout::Yuyv),
        Self::MotionJpeg,
        Self::Jpeg,
    ];

    pub(super) const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Raw(layout) => layout.fourcc(),
            Self::MotionJpeg => *b"MJPG",
            Self::Jpeg => *b"JPEG",
        }
    }

    /// The picture in `bytes`, which has to be of this size. A last odd row or column is left out.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn picture(self, bytes: &[u8], width: u32, height: u32, stride: u32) -> Result<I420, Damage> {
        match self {
            Self::Raw(layout) => layout.picture(bytes, width, height, stride).map_err(Damage::Raw),
            Self::MotionJpeg | Self::Jpeg => jpeg::picture(bytes, width, height),
        }
    }
}

/// Why what a camera gave is no picture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Damage {
    /// The driver says so.
    #[error("its driver says that it is damaged")]
    Told,
    #[error("it is empty")]
    Empty,
    /// Too few bytes, or a size that cannot be.
    #[error(transparent)]
    Raw(PictureError),
    #[error("it does not begin as JPEG does")]
    NoJpeg,
    #[error("its header says {}x{}, where {}x{} was agreed upon", said.0, said.1, agreed.0, agreed.1)]
    Size { said: (u32, u32), agreed: (u32, u32) },
    #[error("its colours are neither YCbCr nor grey")]
    Colours,
    /// In the decoder's words.
    #[error("{0}")]
    Jpeg(String),
}

/// What a driver answered when it was asked for a format, a size and a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) format: Format,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frame_rate: FrameRate,
}

/// How far an answer is from what was wished: the size counts first, then the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Distance {
    pixels: u32,
    slower: Duration,
}

impl Distance {
    /// Nothing is missing.
    pub(super) const NONE: Self = Self { pixels: 0, slower: Duration::ZERO };
}

impl Given {
    /// A rate that is a twentieth too slow is that rate: drivers count in whole units of many sizes.
    pub(super) fn distance(&self, wanted: &CameraOptions) -> Distance {
        let slower = self.frame_rate.interval().saturating_sub(wanted.frame_rate.interval());
        let slower = if slower > wanted.frame_rate.interval() / 20 { slower } else { Duration::ZERO };
        let pixels = self.width.abs_diff(wanted.width).saturating_add(self.height.abs_diff(wanted.height));
        Distance { pixels, slower }
    }
}

/// Asks for one format after the other until an answer leaves nothing to wish for; otherwise the
/// nearest answer, and the earlier one of those that are as near. Not every driver gives what it
/// lists: a format that fails is passed over, unless all do.
///
/// # Errors
/// The first failure; `None` where there was nothing to ask for.
pub(super) fn nearest<E>(
    known: impl IntoIterator<Item = Format>,
    wanted: &CameraOptions,
    mut ask: impl FnMut(Format) -> Result<Given, E>,
) -> Result<Given, Option<E>> {
    let (mut best, mut failure) = (None::<Given>, None);
    for format in known {
        let given = match ask(format) {
            Ok(given) => given,
            Err(error) => {
                failure = failure.or(Some(error));
                continue;
            }
        };
        if best.is_none_or(|best| given.distance(wanted) < best.distance(wanted)) {
            best = Some(given);
        }
        if given.distance(wanted) == Distance::NONE {
            break;
        }
    }
    best.ok_or(failure)
}
