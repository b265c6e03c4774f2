//! A session as the far side's list has it, without joining: one question with one answer, or a
//! stream. Decides nothing about the session: no state, no deadline of it is here.

use crate::credential::{CredentialRequest, ProviderError, Purpose, to_transport};
use crate::shared::Shared;
use futures_core::Stream;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use offhook_transport::{
    DirectoryError, Fault, FaultKind, Profile, Secret, SessionInfo, SessionNews, Watching,
};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What is asked.
pub(crate) enum Question {
    Get,
    GetOrCreate(Profile),
    Create(Profile),
}

/// Asks, with a fresh credential once if the first one is past its time.
pub(crate) async fn ask(shared: &Arc<Shared>, question: &Question) -> Result<SessionInfo, DirectoryError> {
    let credential = credential(shared, Purpose::Look).await?;
    match once(shared, question, credential.as_ref()).await {
        Err(DirectoryError::Expired) if shared.identity.config.credentials.provider.is_some() => {
            let fresh = credential_of_provider(shared, Purpose::Renew).await?;
            once(shared, question, Some(&fresh)).await
        }
        answer => answer,
    }
}

async fn once(
    shared: &Shared,
    question: &Question,
    credential: Option<&Secret>,
) -> Result<SessionInfo, DirectoryError> {
    let name = &shared.identity.name;
    let directory = shared.identity.config.transport.directory().ok_or(DirectoryError::NotSupported)?;
    match question {
        Question::Get => directory.get(name, credential).await,
        Question::GetOrCreate(profile) => directory.get_or_create(name, credential, profile).await,
        Question::Create(profile) => directory.create(name, credential, profile).await,
    }
}

/// The one that was given, or the provider's.
async fn credential(shared: &Arc<Shared>, purpose: Purpose) -> Result<Option<Secret>, DirectoryError> {
    let credentials = &shared.identity.config.credentials;
    match (&credentials.fixed, &credentials.provider) {
        (Some(fixed), _) => Ok(Some(to_transport(fixed))),
        (None, Some(_)) => credential_of_provider(shared, purpose).await.map(Some),
        (None, None) => Ok(None),
    }
}

/// Asks the provider, for as long as the policy allows.
async fn credential_of_provider(shared: &Arc<Shared>, purpose: Purpose) -> Result<Secret, DirectoryError> {
    let identity = &shared.identity;
    let Some(provider) = &identity.config.credentials.provider else {
        return Err(DirectoryError::Unauthorized);
    };
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(DirectoryError::Unreachable(Fault::new(FaultKind::Local)));
    }
    let call = provider(CredentialRequest {
        purpose,
        kind: identity.name.kind.clone(),
        id: identity.name.id.clone(),
        instance: identity.instance.to_string(),
    });
    // A provider that panics is one that gives nothing.
    let call = AssertUnwindSafe(call).catch_unwind();
    match tokio::time::timeout(identity.config.policy.credential, call).await {
        Ok(Ok(Ok(secret))) => Ok(to_transport(&secret)),
        Ok(Ok(Err(ProviderError::Denied(_))) | Err(_)) => Err(DirectoryError::Unauthorized),
        Ok(Ok(Err(ProviderError::Unavailable(_)))) | Err(_) => {
            Err(DirectoryError::Unreachable(Fault::new(FaultKind::TimedOut)))
        }
    }
}

/// A session of the far side as it changes: [`SessionNews::Now`] first, then each change, until it
/// is [`SessionNews::Gone`] or an error is the last that is seen. The socket of a watch is not
/// dialled again by itself: watch anew, and `Now` says what was missed.
///
/// A reader that is slow misses steps that were undone in between, and never where things stand.
///
/// # Drop
/// Ends it.
///
/// # Cancel safety
/// Nothing is lost when `next` is dropped.
#[must_use = "a watch does nothing until it is polled"]
pub struct RemoteWatch {
    shared: Arc<Shared>,
    way: Way,
}

enum Way {
    /// The provider is asked.
    Credential(BoxFuture<'static, Result<Option<Secret>, DirectoryError>>),
    Watching(Box<dyn Watching>),
    Over,
}

impl RemoteWatch {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let asked = shared.clone();
        let way = Way::Credential(Box::pin(async move { credential(&asked, Purpose::Look).await }));
        Self { shared, way }
    }
}

impl Stream for RemoteWatch {
    type Item = Result<SessionNews, DirectoryError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let this = &mut *self;
            match &mut this.way {
                Way::Credential(asked) => {
                    let credential = ready!(asked.as_mut().poll(cx));
                    let directory = this.shared.identity.config.transport.directory();
                    let begun = match (credential, directory) {
                        (Ok(credential), Some(directory)) => {
                            Ok(directory.watch(&this.shared.identity.name, credential.as_ref()))
                        }
                        (Ok(_), None) => Err(DirectoryError::NotSupported),
                        (Err(error), _) => Err(error),
                    };
                    match begun {
                        Ok(watching) => this.way = Way::Watching(watching),
                        Err(error) => {
                            this.way = Way::Over;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
                Way::Watching(watching) => {
                    let news = ready!(watching.poll_next(cx));
                    if !matches!(&news, Some(Ok(news)) if *news != SessionNews::Gone) {
                        this.way = Way::Over;
                    }
                    return Poll::Ready(news);
                }
                Way::Over => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for RemoteWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.shared.identity.name;
        write!(f, "RemoteWatch({}:{})", name.kind, name.id)
    }
}
