//! One change of the desired state: what is named is changed, what is not named is not
//! touched, and all of it takes effect at once or not at all (F51).

use bytes::Bytes;
use offhook_transport::media::Kind;
use offhook_transport::{Image, Prompt};
use sha2::{Digest, Sha256};

/// The largest reference image, in bytes as encoded; as the native protocol has it.
pub(crate) const MAX_IMAGE: usize = 8 * 1024 * 1024;

/// A change of the desired state, for `Session<Joined>::set`.
///
/// ```
/// use offhook::Change;
/// let change = Change::new().prompt("sepia").clear_image();
/// # let _ = change;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub(crate) prompt: Option<Prompt>,
    pub(crate) image: Option<Option<Image>>,
    pub(crate) audio_muted: Option<bool>,
    pub(crate) video_muted: Option<bool>,
}

impl Change {
    /// Names nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The far side is to use this text as it stands: at most 8 KiB of UTF-8 ([`Prompt::BYTES`]), and a far
    /// side that takes less says how much with its refusal.
    #[must_use]
    pub fn prompt(mut self, text: impl Into<String>) -> Self {
        self.prompt = Some(Prompt { text: text.into(), enhance: false });
        self
    }

    /// As [`prompt`](Self::prompt), and the far side may enrich this text before a model sees it. One that
    /// enriches nothing, as the reference server's studio, takes it as it stands (F50).
    #[must_use]
    pub fn enhanced_prompt(mut self, text: impl Into<String>) -> Self {
        self.prompt = Some(Prompt { text: text.into(), enhance: true });
        self
    }

    /// A reference image: the bytes of a file, at most 8 MiB. Which formats, and how many pixels, is
    /// the far side's to say; the reference server takes PNG and JPEG, up to 8192 pixels a side and
    /// 16 million in all. It is named by its SHA-256, so a far side that has it already is not sent
    /// it again, also over resume, rejoin and a drain.
    ///
    /// An address is none: nobody fetches one, since whoever does can be made to ask anything of
    /// its own network. Fetch it in your application and give what it holds.
    #[must_use]
    pub fn image(mut self, encoded: impl Into<Bytes>) -> Self {
        let bytes = encoded.into();
        let sha256 = Sha256::digest(&bytes).into();
        self.image = Some(Some(Image { sha256, bytes }));
        self
    }

    /// A reference image by its SHA-256 alone. One of the last four that this session set by their
    /// bytes is sent again where the far side forgot it; any other the far side has to have, from this
    /// session or from others in it, or it refuses the change and says so. It has to have that one
    /// after every recovery as well: a server that was restarted meanwhile refuses the session.
    #[must_use]
    pub fn image_by_sha256(mut self, sha256: [u8; 32]) -> Self {
        self.image = Some(Some(Image { sha256, bytes: Bytes::new() }));
        self
    }

    /// No reference image from here on.
    #[must_use]
    pub fn clear_image(mut self) -> Self {
        self.image = Some(None);
        self
    }

    /// Mutes, or unmutes, everything of a kind that is published.
    #[must_use]
    pub const fn muted(mut self, kind: Kind, muted: bool) -> Self {
        match kind {
            Kind::Audio => self.audio_muted = Some(muted),
            Kind::Video => self.video_muted = Some(muted),
        }
        self
    }

    /// Does it name nothing?
    pub const fn is_empty(&self) -> bool {
        self.prompt.is_none()
            && self.image.is_none()
            && self.audio_muted.is_none()
            && self.video_muted.is_none()
    }

    pub(crate) fn mutes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.audio_muted == Some(true),
            Kind::Video => self.video_muted == Some(true),
        }
    }

    /// What can be seen to be wrong before anything is sent.
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        if self.prompt.as_ref().is_some_and(|prompt| prompt.text.len() > Prompt::BYTES) {
            return Err(Unfit::TooLarge { what: "prompt", limit: Prompt::BYTES });
        }
        let control = |prompt: &Prompt| prompt.text.char_indices().find(|(_, c)| !Prompt::allows(*c));
        if let Some((at, _)) = self.prompt.as_ref().and_then(control) {
            return Err(Unfit::Control { at });
        }
        if let Some(Some(image)) = &self.image {
            if image.sha256[..] == Sha256::digest(b"")[..] {
                return Err(Unfit::EmptyImage);
            }
            if is_address(&image.bytes) {
                return Err(Unfit::Address);
            }
            if image.bytes.len() > MAX_IMAGE {
                return Err(Unfit::TooLarge { what: "image", limit: MAX_IMAGE });
            }
        }
        Ok(())
    }
}

/// Does it begin as an address does, and as no picture?
fn is_address(bytes: &[u8]) -> bool {
    let begins =
        |with: &str| bytes.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with.as_bytes()));
    ["http://", "https://", "file:", "data:", "blob:", "ftp://"].into_iter().any(begins)
}

/// What is wrong with a change, before it goes anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A part is larger than it may be.
    #[error("the {what} is larger than {limit} bytes; send a smaller one")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// In bytes.
        limit: usize,
    },
    /// A control character in a prompt; line feed, carriage return and tab may be there.
    #[error("the prompt holds a control character at byte {at}; take it out")]
    Control {
        /// Where it begins, in bytes.
        at: usize,
    },
    /// An image without a byte in it.
    #[error("the image is empty; read it before it is set, or use clear_image")]
    EmptyImage,
    /// An address in the place of an image.
    #[error(
        "an image is given by its bytes and not by an address; fetch it in your application and give what it holds"
    )]
    Address,
}

#[cfg(test)]
#[path = "change/tests.rs"]
mod tests;
