//! Sessions by (kind, id) without joining them: an optional trait.

use crate::{Secret, SessionRef};
use async_trait::async_trait;

/// Looks sessions up and makes them, where the far side keeps such a list.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Loads what is there.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] where nothing is.
    async fn get(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
    ) -> Result<SessionInfo, DirectoryError>;

    /// Loads it, or makes it first. Two at once get the same one.
    ///
    /// # Errors
    /// As the variants of [`DirectoryError`] say.
    async fn get_or_create(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
    ) -> Result<SessionInfo, DirectoryError>;
}

/// What a far side tells of a session that one has not joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The far side's id of it.
    pub session: String,
    /// How many are in it.
    pub members: u32,
}

/// A look-up that did not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DirectoryError {
    /// There is no such session.
    #[error("no such session; make it with get_or_create, or check kind and id")]
    NotFound,
    /// The credential does not allow it.
    #[error("the credential does not allow this; ask for one with the right grants")]
    NotPermitted,
    /// The far side was not reached.
    #[error("the far side was not reached ({0}); try again when the network is back")]
    Unreachable(#[source] crate::Fault),
}
