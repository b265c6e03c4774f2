//! Published tracks that a far side does not take on a link: which, and why. What is published the host
//! says; what the session makes of it is the host's as well.

use crate::media::Codec;

/// A track that is published and of which this link sends nothing, because the far side does not take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntakenTrack {
    /// Its label, as it was published.
    pub label: String,
    /// What it carries.
    pub codec: Codec,
    /// Why.
    pub why: Untaken,
}

/// Why a far side does not take a published track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Untaken {
    /// The answer to the offer has no codec of it (RFC 3264 §6.1): publish it in another one.
    Codec,
    /// The answer refuses its section, by port zero or by receiving nothing on it (RFC 3264 §6), or the
    /// description has no section left for it: publish less, or where media of its kind is taken.
    Section,
}
