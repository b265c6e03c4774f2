//! What is said with a ring, and who rings: values. Placing and taking one is in
//! `session/ringing.rs`, the stream of those that come in is in `incoming.rs`.

use crate::join::Join;
use std::time::Duration;

/// The longest words about a ring that are sent, in bytes.
pub(crate) const MAX_METADATA: usize = 512;

/// Whom to ring, and how to join when somebody accepts.
///
/// # Drop
/// Sources that its [`Join`] publishes are dropped with it.
#[derive(Debug, Default)]
#[must_use = "a ring does nothing until a session rings with it"]
pub struct Ring {
    pub(crate) users: Vec<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) name: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) join: Join,
}

impl Ring {
    /// Rings these users. The first who accepts ends the ring for the others.
    pub fn to<U: Into<String>>(users: impl IntoIterator<Item = U>) -> Self {
        Self { users: users.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Rings for so long, in place of the policy's 30 s; zero is for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The name to show to them.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Words of the application's own for those who are rung, at most 512 bytes in one line.
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// How to join when somebody accepts.
    pub fn join(mut self, join: Join) -> Self {
        self.join = join;
        self
    }
}

/// Who rings. Name and metadata are the caller's own words: escape them before they are shown on a
/// terminal, and trust neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user, as the far side knows them.
    pub user: String,
    /// The name they want to be shown by.
    pub name: Option<String>,
    /// Their application's own words.
    pub metadata: Option<String>,
}
