//! Credentials: a fixed one, or a provider that is asked. Secrets stay in the host; the
//! machine sees references only. When to ask is the machine's decision.

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;

/// What a credential is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To join: none was given, or this dial asks for one.
    Join,
    /// For presence, so that rings are heard: of the user, and of no session. The request names no
    /// session either.
    Presence,
    /// The one given is past its time.
    Renew,
    /// The one in use will soon be past its time.
    Refresh,
    /// To look at a session, or make one, without joining it.
    Look,
}

impl Purpose {
    /// The stable code, for logs and the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Presence => "presence",
            Self::Renew => "renew",
            Self::Refresh => "refresh",
            Self::Look => "look",
        }
    }
}

/// What a provider is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// What it is wanted for.
    pub purpose: Purpose,
    /// The kind of the session.
    pub kind: String,
    /// The id of the session within its kind.
    pub id: String,
    /// The instance that asks, as 32 hexadecimal digits: one for each `Session` value.
    pub instance: String,
}

/// Why a provider has no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It may have one later: the dial fails and is tried again as the policy says.
    #[error("no credential could be had now ({0}); it is asked for again")]
    Unavailable(String),
    /// It will have none: the session ends `Unauthorized`.
    #[error("no credential will be given ({0}); sign in again")]
    Denied(String),
}

/// Asked for a credential when one is wanted. At most one call is under way per session, and
/// it has five seconds by default (`Policy`); a call that takes longer is dropped.
pub(crate) type Provider =
    Arc<dyn Fn(CredentialRequest) -> BoxFuture<'static, Result<SecretString, ProviderError>> + Send + Sync>;

/// Where a session's credentials come from.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) fixed: Option<SecretString>,
    pub(crate) provider: Option<Provider>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("fixed", &self.fixed.as_ref().map(|_| "(secret)"))
            .field("provider", &self.provider.is_some())
            .finish()
    }
}

/// The one place where a credential is handed to a transport.
pub(crate) fn to_transport(secret: &SecretString) -> offhook_transport::Secret {
    offhook_transport::Secret::new(secret.expose_secret())
}
