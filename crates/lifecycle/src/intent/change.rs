//! The parts of the desired state, with their contents, and a change of some of them.

use crate::{StateItem, TrackRef};
use std::sync::Arc;

/// What a prompt asks the far side to make of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prompt {
    /// The text, as the user gave it.
    pub text: Arc<str>,
    /// May the far side rewrite the text before it is used?
    pub enhance: bool,
}

/// A reference image: carried as its hash; the bytes are sent only to a far side that lacks them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Image {
    /// SHA-256 of `bytes`. The host computes it; nothing here looks into either.
    pub sha256: [u8; 32],
    /// The encoded image.
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({:02x}{:02x}…, {} bytes)", self.sha256[0], self.sha256[1], self.bytes.len())
    }
}

/// One part of the desired state, with its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The prompt.
    Prompt(Prompt),
    /// The reference image; `None` clears it.
    Image(Option<Image>),
    /// Whether one of the user's tracks carries silence.
    Muted(TrackRef, bool),
    /// Whether one of the user's tracks is published.
    Published(TrackRef, bool),
    /// Whether one of the far side's tracks is wanted.
    Subscribed(TrackRef, bool),
}

/// Which part an [`Entry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// The prompt.
    Prompt,
    /// The reference image.
    Image,
    /// The mute level of a track.
    Muted(TrackRef),
    /// A track of ours.
    Published(TrackRef),
    /// A track of theirs.
    Subscribed(TrackRef),
}

impl Entry {
    /// Which part it is.
    pub const fn item(&self) -> Item {
        match self {
            Self::Prompt(_) => Item::Prompt,
            Self::Image(_) => Item::Image,
            Self::Muted(track, _) => Item::Muted(*track),
            Self::Published(track, _) => Item::Published(*track),
            Self::Subscribed(track, _) => Item::Subscribed(*track),
        }
    }
}

impl Item {
    pub(super) const fn is_named_by(self, refused: StateItem) -> bool {
        match refused {
            StateItem::Prompt => matches!(self, Self::Prompt),
            StateItem::Image => matches!(self, Self::Image),
            StateItem::Muted => matches!(self, Self::Muted(_)),
            StateItem::Model | StateItem::Other => false,
        }
    }
}

/// One change: a part not named is a part not touched (F51).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    pub(super) entries: Vec<Entry>,
}

impl Change {
    /// A change of nothing, to be added to.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this. A later entry for the same part replaces an earlier one.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.entries.retain(|known| known.item() != entry.item());
        self.entries.push(entry);
        self
    }

    /// And this prompt.
    #[must_use]
    pub fn prompt(self, text: impl Into<Arc<str>>, enhance: bool) -> Self {
        self.with(Entry::Prompt(Prompt { text: text.into(), enhance }))
    }

    /// And this image.
    #[must_use]
    pub fn image(self, image: Image) -> Self {
        self.with(Entry::Image(Some(image)))
    }

    /// And no image any more.
    #[must_use]
    pub fn clear_image(self) -> Self {
        self.with(Entry::Image(None))
    }

    /// And this mute level of a track.
    #[must_use]
    pub fn muted(self, track: TrackRef, muted: bool) -> Self {
        self.with(Entry::Muted(track, muted))
    }

    /// What it changes.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Does it change nothing?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
