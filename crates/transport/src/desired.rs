//! The desired state as it goes on the wire: what the user last asked for.

use bytes::Bytes;

/// What a prompt asks the far side to make of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Prompt {
    /// The text, as the user gave it.
    pub text: String,
    /// May the far side rewrite the text before it is used?
    pub enhance: bool,
}

impl Prompt {
    /// The longest text, in bytes of UTF-8: 8 KiB. A far side may take less, and then says how much.
    pub const BYTES: usize = 8 * 1024;

    /// May this character be in a text? All may but control characters, of which line feed, carriage
    /// return and tab may.
    pub fn allows(c: char) -> bool {
        !c.is_control() || matches!(c, '\n' | '\r' | '\t')
    }
}

/// A reference image: named by its hash, so that a far side which has it need not be sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// SHA-256 of `bytes`.
    pub sha256: [u8; 32],
    /// The encoded image, sent in acked chunks only if asked for. Empty where it is named by its hash
    /// alone: then there is nothing to send, and a far side that asks is a refusal.
    pub bytes: Bytes,
}

/// Which of the published kinds are muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Muted {
    /// No audio goes out.
    pub audio: bool,
    /// No video goes out.
    pub video: bool,
}

/// Everything a recovered session must have. A field that is `None` was never set.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Desired {
    /// The last prompt that was not refused.
    pub prompt: Option<Prompt>,
    /// The last image that was not refused; `Some(None)` is "clear it".
    pub image: Option<Option<Image>>,
    /// Mute levels.
    pub muted: Muted,
}
