//! Pictures with left and right changed over (F60), as a mirror shows them: an adapter for whatever
//! yields raw pictures, with a switch. What encodes and sends them knows nothing of it.

#[cfg(test)]
mod tests;

use crate::i420::I420;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A switch: are pictures mirrored? It holds for every [`Mirrored`] that was made with it, from the
/// next picture on. Cloning shares it; at first it is off.
///
/// The far side is told nothing and agrees to nothing: size, codec and track stay as they are. What
/// the user sees of themselves and what is published are two pictures, and each may have a switch of
/// its own, or none: people want to see themselves as in a mirror, and others want to read what is
/// written on the wall behind them.
///
/// ```
/// use offhook_media::{Mirror, MirroredExt, Pattern};
///
/// let published = Mirror::new();
/// let mut pictures = Pattern::new(320, 180)?
///     .inspect(|picture| drop(picture.clone().mirrored()))     // the self-view: always as in a mirror
///     .mirrored(&published);                                   // to be encoded and sent: as the switch says
/// let as_it_is = pictures.next();
/// published.set(true);
/// assert_eq!(pictures.next(), Some(Pattern::new(320, 180)?.frame(1).mirrored()));
/// # drop(as_it_is); Ok::<(), offhook_media::PictureError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mirror(Arc<AtomicBool>);

impl Mirror {
    /// A switch that is off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mirrors from the next picture on, or does not.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    /// Is it on?
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// One picture, as the switch says now: for whoever has pictures one by one, and for a self-view.
    #[must_use]
    pub fn apply(&self, mut picture: I420) -> I420 {
        if self.is_on() {
            picture.mirror();
        }
        picture
    }
}

/// Makes the pictures of an iterator mirrored ones.
pub trait MirroredExt: Iterator<Item = I420> + Sized {
    /// The same pictures, mirrored while the switch is on.
    fn mirrored(self, by: &Mirror) -> Mirrored<Self> {
        Mirrored { pictures: self, by: by.clone() }
    }
}

impl<I: Iterator<Item = I420>> MirroredExt for I {}

/// Pictures, mirrored while their switch is on; made by [`MirroredExt::mirrored`]. With the feature `h264`
/// an `Encoding` makes a source of them.
#[derive(Clone, Debug)]
pub struct Mirrored<I> {
    pictures: I,
    by: Mirror,
}

impl<I> Mirrored<I> {
    /// The pictures as they are.
    pub fn into_inner(self) -> I {
        self.pictures
    }
}

impl<I: Iterator<Item = I420>> Iterator for Mirrored<I> {
    type Item = I420;

    fn next(&mut self) -> Option<I420> {
        self.pictures.next().map(|picture| self.by.apply(picture))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pictures.size_hint()
    }
}

impl I420 {
    /// Changes left and right over, in place. Twice is as it was.
    pub fn mirror(&mut self) {
        let width = self.width() as usize;
        let (y, u, v) = self.planes_mut();
        y.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        // Half a width may be odd; the middle of such a row stays where it is.
        for plane in [u, v] {
            plane.chunks_exact_mut(width / 2).for_each(<[u8]>::reverse);
        }
    }

    /// The picture with left and right changed over.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        self.mirror();
        self
    }
}
