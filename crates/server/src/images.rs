//! Images that clients sent, by session and hash, and how one is put together from its pieces.
//! Who asks for which is `member/images.rs`; what one looks like is `studio/reference.rs`.

#[cfg(test)]
mod tests;

use crate::studio::Reference;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use offhook_media::Still;
use offhook_signaling::limits;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Images of one session that are kept. With one more the one goes that was not asked for longest;
/// whoever asks for it again is asked for its bytes again.
const OF_A_SESSION: usize = 4;
/// Bytes of all images of all sessions that are kept, in the same way: of their files, and of what they are
/// decoded to, which a small file can be much smaller than.
const IN_ALL: usize = 256 * 1024 * 1024;
/// Images that are decoded at once: each may take 100 MiB while it is.
const AT_ONCE: usize = 2;

/// The images of all sessions.
#[derive(Debug)]
pub(crate) struct Images {
    kept: Mutex<Shelf>,
    decoders: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// By `kind/id`, and hash.
    images: HashMap<(String, String), Kept>,
    bytes: usize,
    /// Counts what is asked for.
    asked: u64,
}

#[derive(Debug)]
struct Kept {
    file: Bytes,
    reference: Reference,
    asked: u64,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.file.len() + self.reference.bytes()
    }
}

impl Default for Images {
    fn default() -> Self {
        Self { kept: Mutex::default(), decoders: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Images {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The image of this hash, if the session has it.
    pub(crate) fn find(&self, session: &str, sha256: &str) -> Option<Reference> {
        let mut shelf = self.lock();
        shelf.asked += 1;
        let asked = shelf.asked;
        let kept = shelf.images.get_mut(&(session.to_owned(), sha256.to_owned()))?;
        kept.asked = asked;
        Some(kept.reference.clone())
    }

    /// Keeps an image for as long as the session lasts, or until there are too many.
    pub(crate) fn keep(&self, session: &str, sha256: &str, file: Bytes, reference: Reference) {
        let mut shelf = self.lock();
        shelf.asked += 1;
        let kept = Kept { file, reference, asked: shelf.asked };
        shelf.bytes += kept.bytes();
        let name = (session.to_owned(), sha256.to_owned());
        if let Some(before) = shelf.images.insert(name.clone(), kept) {
            shelf.bytes -= before.bytes();
        }
        while shelf.images.keys().filter(|(of, _)| of == session).count() > OF_A_SESSION {
            shelf.drop_oldest(&name, |(of, _)| of == session);
        }
        while shelf.bytes > IN_ALL && shelf.images.len() > 1 {
            shelf.drop_oldest(&name, |_| true);
        }
    }

    /// The session is over.
    pub(crate) fn forget(&self, session: &str) {
        let mut shelf = self.lock();
        let before = shelf.images.len();
        shelf.images.retain(|(of, _), _| of != session);
        if shelf.images.len() != before {
            shelf.bytes = shelf.images.values().map(|kept| kept.bytes()).sum();
        }
    }

    /// What a session has, for another server.
    pub(crate) fn of(&self, session: &str) -> Vec<(String, Bytes)> {
        let shelf = self.lock();
        let of_session = shelf.images.iter().filter(|((of, _), _)| of == session);
        of_session.map(|((_, sha256), kept)| (sha256.clone(), kept.file.clone())).collect()
    }

    /// Reads a whole file, on a thread of its own. Few are read at once, so this may wait.
    ///
    /// # Errors
    /// In words for the one who sent it.
    ///
    /// # Cancel safety
    /// A file that is being read is read to its end, for nobody.
    pub(crate) async fn read(&self, sha256: String, file: Bytes) -> Result<Reference, String> {
        let gone = || "the server is going down; try again".to_owned();
        let turn = self.decoders.clone().acquire_owned().await.map_err(|_| gone())?;
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let is = crate::hex::encode(&Sha256::digest(&file));
            if is != sha256 {
                return Err("the image is not what its hash says; hash the bytes that are sent".to_owned());
            }
            let still = Still::decode(&file).map_err(|error| error.to_string())?;
            Ok(Reference::new(&sha256, still))
        });
        reading.await.map_err(|_| "the image cannot be read here; save it anew".to_owned())?
    }
}

impl Shelf {
    fn drop_oldest(&mut self, except: &(String, String), among: impl Fn(&(String, String)) -> bool) {
        let others = self.images.iter().filter(|(name, _)| *name != except && among(name));
        let Some(oldest) = others.min_by_key(|(_, kept)| kept.asked).map(|(name, _)| name.clone()) else {
            return;
        };
        if let Some(gone) = self.images.remove(&oldest) {
            self.bytes -= gone.bytes();
        }
    }
}

/// Why a piece is none of this image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPiece {
    #[error("an image has at most {} bytes; send a smaller one", limits::IMAGE_BYTES)]
    TooLarge,
    #[error("the image is empty; send the bytes of a PNG or JPEG file")]
    Empty,
    #[error("a piece of the image does not fit the others; send it from its beginning")]
    DoesNotFit,
    #[error("a piece of the image is not base64; encode it as RFC 4648 says")]
    NotBase64,
}

/// An image as far as it has arrived.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) sha256: String,
    total: Option<usize>,
    bytes: Vec<u8>,
}

impl Assembly {
    pub(crate) fn new(sha256: &str) -> Self {
        Self { sha256: sha256.to_owned(), total: None, bytes: Vec::new() }
    }

    /// Takes the next piece. One that came before changes nothing, and neither does one that comes
    /// too early. Memory grows with what arrives, never with what is announced.
    pub(crate) fn take(&mut self, offset: u64, total: u64, piece: &str) -> Result<u64, BadPiece> {
        if total > limits::IMAGE_BYTES {
            return Err(BadPiece::TooLarge);
        }
        let total = usize::try_from(total).map_err(|_| BadPiece::TooLarge)?;
        if total == 0 {
            return Err(BadPiece::Empty);
        }
        if *self.total.get_or_insert(total) != total {
            return Err(BadPiece::DoesNotFit);
        }
        let piece = STANDARD.decode(piece).map_err(|_| BadPiece::NotBase64)?;
        if piece.is_empty() {
            return Err(BadPiece::Empty);
        }
        if usize::try_from(offset) == Ok(self.bytes.len()) {
            if self.bytes.len() + piece.len() > total {
                return Err(BadPiece::DoesNotFit);
            }
            self.bytes.extend_from_slice(&piece);
        }
        Ok(self.bytes.len() as u64)
    }

    /// The whole file, once it is all here.
    pub(crate) fn whole(&mut self) -> Option<Bytes> {
        (self.total == Some(self.bytes.len())).then(|| Bytes::from(std::mem::take(&mut self.bytes)))
    }
}
