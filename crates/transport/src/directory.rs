//! Sessions by (kind, id) without joining them: an optional trait. What is found is in
//! `directory/info.rs`.

mod info;
#[cfg(test)]
mod tests;

pub use info::{Attendee, Invited, InvitedAs, Profile, SessionInfo, SessionNews, Settings};

use crate::{Secret, SessionRef};
use async_trait::async_trait;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

/// Looks sessions up and makes them, where the far side keeps such a list.
///
/// No member is made by any of this, and no media; each call is by itself.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Loads what is there.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] where nothing is.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing behind.
    async fn get(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
    ) -> Result<SessionInfo, DirectoryError>;

    /// Loads it, or makes it first. Two at once get the same one, as the first of them made it.
    ///
    /// # Errors
    /// As the variants of [`DirectoryError`] say.
    ///
    /// # Cancel safety
    /// Dropped, it may have been made all the same; asking again finds it.
    async fn get_or_create(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
        profile: &Profile,
    ) -> Result<SessionInfo, DirectoryError>;

    /// Makes it.
    ///
    /// # Errors
    /// [`DirectoryError::AlreadyExists`] where there is one.
    ///
    /// # Cancel safety
    /// As [`get_or_create`](Self::get_or_create).
    async fn create(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
        profile: &Profile,
    ) -> Result<SessionInfo, DirectoryError>;

    /// Looks on. Returns at once; the first poll does the I/O, dropping it ends it.
    fn watch(&self, session: &SessionRef, credential: Option<&Secret>) -> Box<dyn Watching>;
}

/// A look at a session that one has not joined. Yields [`SessionNews::Now`] first, then every
/// change; ends after an error, and after [`SessionNews::Gone`]. A slow reader misses steps that
/// were undone in between, and never where things stand.
///
/// # Drop
/// Ends it; sockets and tasks are gone within a second.
pub trait Watching: Send + 'static {
    /// The next thing that is seen.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<SessionNews, DirectoryError>>>;
}

impl dyn Watching {
    /// [`poll_next`](Watching::poll_next) as a future.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn next(&mut self) -> Option<Result<SessionNews, DirectoryError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// A look-up that did not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DirectoryError {
    /// There is no such session, or no such kind.
    #[error("no such session; make it with get_or_create, or check kind and id")]
    NotFound,
    /// There is one already.
    #[error("a session of this kind and id is there already; get it, or take another id")]
    AlreadyExists,
    /// The credential does not allow it.
    #[error("the credential does not allow this; ask for one with the right grants")]
    NotPermitted,
    /// The credential is missing, wrong, or for somebody else.
    #[error("the credential is not taken; sign in again")]
    Unauthorized,
    /// The credential is past its time; a fresh one would do.
    #[error("the credential is past its time; ask for a fresh one")]
    Expired,
    /// A name, or what is said of the session, is not as the far side takes it.
    #[error("this cannot be asked for ({}); change it and ask again", .0.escape_debug())]
    BadRequest(String),
    /// The far side has as many as it takes.
    #[error("the far side has no room for this now; try again later")]
    Busy {
        /// When, if it said so.
        retry_after: Option<Duration>,
    },
    /// The far side has no such list, or speaks another language.
    #[error("this far side has no directory; join by kind and id, or update the older side")]
    NotSupported,
    /// The far side was not reached.
    #[error("the far side was not reached ({0}); try again when the network is back")]
    Unreachable(#[source] crate::Fault),
}

impl DirectoryError {
    /// The stable code, for logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::NotPermitted => "not_permitted",
            Self::Unauthorized => "unauthorized",
            Self::Expired => "expired",
            Self::BadRequest(_) => "bad_request",
            Self::Busy { .. } => "busy",
            Self::NotSupported => "not_supported",
            Self::Unreachable(_) => "unreachable",
        }
    }

    /// May the same question be answered later without anybody changing anything?
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable(_) => true,
            Self::NotFound
            | Self::AlreadyExists
            | Self::NotPermitted
            | Self::Unauthorized
            | Self::Expired
            | Self::BadRequest(_)
            | Self::NotSupported => false,
        }
    }
}
