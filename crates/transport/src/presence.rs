//! Rings: an optional trait, for far sides that can call.

use crate::Secret;
use async_trait::async_trait;

/// The far side's name of one ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RingId(pub String);

/// A user's standing connection over which rings come and go.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Waits for the next thing about any ring of this user.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    async fn next(&self, credential: Option<&Secret>) -> Option<RingEvent>;
}

/// Something about a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingEvent {
    /// It rings here.
    Ringing {
        /// The ring.
        id: RingId,
        /// Who rings.
        from: String,
    },
    /// It does not ring here any more.
    Gone {
        /// The ring.
        id: RingId,
        /// Why, as a stable code.
        why: String,
    },
}
