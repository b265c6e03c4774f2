//! From the words of a prompt to the filters it asks for, and what is painted over beside them.
//! Text that names none is refused, with the words that would do.

use super::filters::Filter;
use super::reference::Reference;

/// Filters that run one after the other; at most this many.
pub const MAX_CHAIN: usize = 3;

/// What a prompt asks for: no filter (the picture as it came) or up to [`MAX_CHAIN`] of them. With
/// a reference image, that lies in the picture before they run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recipe {
    filters: Vec<Filter>,
    reference: Option<Reference>,
    held: bool,
}

/// Why a prompt cannot be painted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No word of it is known.
    #[error("the studio does not know how to paint that; use one of: {}, or original", names())]
    Unknown,
    /// More filters than one picture bears.
    #[error("at most {MAX_CHAIN} filters at once; leave some out")]
    TooMany,
}

fn names() -> String {
    Filter::ALL.map(Filter::name).join(", ")
}

impl Recipe {
    /// Reads a prompt, in any case, with any words around: "make it SEPIA, and mirrored".
    ///
    /// # Errors
    /// As [`PromptError`] says; its text is for the person who wrote the prompt.
    pub fn read(text: &str) -> Result<Self, PromptError> {
        let mut filters: Vec<Filter> = Vec::new();
        let mut plain = false;
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let word = word.to_lowercase();
            plain |= matches!(word.as_str(), "original" | "none" | "plain");
            if let Some(filter) = known(&word)
                && !filters.contains(&filter)
            {
                filters.push(filter);
            }
        }
        match filters.len() {
            0 if plain => Ok(Self::default()),
            0 => Err(PromptError::Unknown),
            1..=MAX_CHAIN => Ok(Self { filters, ..Self::default() }),
            _ => Err(PromptError::TooMany),
        }
    }

    /// Does it leave the picture as it came?
    pub fn is_plain(&self) -> bool {
        self.filters.is_empty() && self.reference.is_none()
    }

    /// With this image, or with none.
    #[must_use]
    pub(crate) fn over(mut self, reference: Option<Reference>) -> Self {
        self.reference = reference;
        self
    }

    /// Nothing is to come of it: what is painted is handed to nobody.
    #[must_use]
    pub(crate) fn held(mut self) -> Self {
        self.held = true;
        self
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    pub(crate) fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// Repaints one picture.
    pub fn apply(&self, picture: &mut offhook_media::I420) {
        if let Some(reference) = &self.reference {
            reference.lay_into(picture);
        }
        self.filters.iter().for_each(|filter| filter.apply(picture));
    }
}

fn known(word: &str) -> Option<Filter> {
    let exact = Filter::ALL.into_iter().find(|filter| filter.name() == word);
    exact.or(match word {
        "grayscale" | "grey" | "gray" | "monochrome" => Some(Filter::Greyscale),
        "posterise" | "posterized" | "posterised" | "poster" => Some(Filter::Posterize),
        "edge" | "outline" | "outlines" | "sketch" => Some(Filter::Edges),
        "pixelated" | "pixels" | "mosaic" => Some(Filter::Pixelate),
        "inverted" | "negative" => Some(Filter::Invert),
        "mirrored" => Some(Filter::Mirror),
        "blurred" | "blurry" => Some(Filter::Blur),
        "upside" | "flipped" => Some(Filter::Flip),
        _ => None,
    })
}
