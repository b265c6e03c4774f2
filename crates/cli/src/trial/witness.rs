//! The witness: says from decoded pixels which prompt a returned picture was painted with.
//!
//! It knows every picture of the clip that is sent, and what each prompt makes of it. A
//! returned picture is compared with all of them, small, and goes to the prompt whose nearest
//! picture is nearest. So a prompt counts as seen only if the picture that came back is that
//! prompt's picture, and no other's.

#[cfg(test)]
mod tests;

use offhook_media::h264::Decoder;
use offhook_media::{Clip, I420};
use offhook_server::studio::{PromptError, Recipe};

/// Pictures are compared at this size.
const SMALL: (u32, u32) = (80, 46);
/// A returned picture further than this from every picture known is nobody's.
const FAR: f64 = 24.0;
/// So much further than the best one the next prompt must be, for a verdict without doubt.
const CLEAR: f64 = 1.5;

/// One prompt's pictures.
struct Gallery {
    prompt: String,
    pictures: Vec<I420>,
}

/// Knows what every prompt makes of every picture.
pub(crate) struct Witness {
    originals: Vec<I420>,
    galleries: Vec<Gallery>,
}

/// What a returned picture is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// Which prompt, by its place in the list; `None` is nobody's.
    pub(crate) prompt: Option<usize>,
    /// Which picture of the clip.
    pub(crate) picture: usize,
    /// Mean difference of a sample to that picture, 0 to 255.
    pub(crate) distance: f64,
    /// The same to the nearest picture of any other prompt.
    pub(crate) rival: f64,
    /// The pictures of the clip that it may be as well: they are no further, but for noise.
    pub(crate) near: Vec<usize>,
}

impl Verdict {
    /// The prompt, if it is that one beyond doubt: a picture half one and half the other, as a
    /// decoder makes it from what was lost, is nobody's.
    pub(crate) fn certain(&self) -> Option<usize> {
        self.prompt.filter(|_| self.distance * CLEAR + 2.0 < self.rival)
    }
}

/// A witness that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WitnessError {
    #[error("the clip has no picture that can be decoded; use --pattern or another file")]
    NoPicture,
    #[error("the prompt `{0}` is not one the studio paints: {1}")]
    Prompt(String, PromptError),
    #[error("the clip cannot be decoded ({0}); use --pattern or another file")]
    Decode(#[from] offhook_media::h264::DecodeError),
    #[error(transparent)]
    Picture(#[from] offhook_media::PictureError),
}

impl Witness {
    /// Decodes the clip and paints it with every prompt; `tick` is told the share done.
    /// Computes for a second or so: not for an async thread.
    pub(crate) fn prepare(
        clip: &Clip,
        prompts: &[&str],
        mut tick: impl FnMut(f32),
    ) -> Result<Self, WitnessError> {
        let mut decoder = Decoder::new()?;
        let mut originals = Vec::new();
        for frame in clip.frames() {
            originals.extend(decoder.decode_frame(frame)?);
        }
        if originals.is_empty() {
            return Err(WitnessError::NoPicture);
        }
        let mut galleries = Vec::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let recipe =
                Recipe::read(prompt).map_err(|error| WitnessError::Prompt((*prompt).into(), error))?;
            let mut pictures = Vec::with_capacity(originals.len());
            for (at, original) in originals.iter().enumerate() {
                let mut picture = original.clone();
                recipe.apply(&mut picture);
                pictures.push(picture.scaled(SMALL.0, SMALL.1)?);
                tick((index * originals.len() + at) as f32 / (prompts.len() * originals.len()) as f32);
            }
            galleries.push(Gallery { prompt: (*prompt).into(), pictures });
        }
        Ok(Self { originals, galleries })
    }

    /// Which prompt painted this picture?
    pub(crate) fn judge(&self, returned: &I420) -> Result<Verdict, WitnessError> {
        let small = returned.scaled(SMALL.0, SMALL.1)?;
        let (mut best, mut rival) = (None, f64::MAX);
        for (index, gallery) in self.galleries.iter().enumerate() {
            let all = gallery.pictures.iter().map(|picture| picture.mean_abs_difference(&small));
            let all: Vec<f64> = all.collect::<Result<_, _>>()?;
            let nearest = all.iter().copied().fold(f64::MAX, f64::min);
            match &best {
                Some((_, least, _)) if *least <= nearest => rival = rival.min(nearest),
                _ => {
                    rival = best.map_or(f64::MAX, |(_, least, _)| least);
                    best = Some((index, nearest, all));
                }
            }
        }
        let (index, distance, all) = best.ok_or(WitnessError::NoPicture)?;
        let near: Vec<usize> = (0..all.len()).filter(|at| all[*at] <= distance * 1.2 + 0.5).collect();
        let picture = all.iter().position(|of| *of <= distance).unwrap_or_default();
        Ok(Verdict { prompt: (distance <= FAR).then_some(index), picture, distance, rival, near })
    }

    /// The picture as it was sent.
    pub(crate) fn original(&self, picture: usize) -> &I420 {
        &self.originals[picture.min(self.originals.len() - 1)]
    }

    /// The prompt at a place in the list.
    pub(crate) fn prompt(&self, index: usize) -> &str {
        &self.galleries[index].prompt
    }
}
