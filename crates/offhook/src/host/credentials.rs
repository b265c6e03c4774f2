//! The application's credential provider: asked when the machine says so, one call at a time.

use super::Host;
use crate::credential::{CredentialRequest, ProviderError};
use crate::translate;
use futures_util::FutureExt;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::Input;
use secrecy::SecretString;

impl Host {
    pub(super) fn ask_provider(&mut self, why: lifecycle::CredentialWhy) {
        let name = &self.shared.identity.name;
        let request = CredentialRequest {
            purpose: translate::purpose(why),
            kind: name.kind.clone(),
            id: name.id.clone(),
            instance: self.instance.to_string(),
        };
        self.provider = self.config.credentials.provider.as_ref().map(|ask| {
            let call = ask(request);
            // A provider that panics must not take the session with it.
            std::panic::AssertUnwindSafe(call)
                .catch_unwind()
                .map(|answer| {
                    answer.unwrap_or_else(|_| Err(ProviderError::Denied("the provider panicked".into())))
                })
                .boxed()
        });
        if self.provider.is_none() {
            self.provider =
                Some(Box::pin(async { Err(ProviderError::Denied("there is no provider".into())) }));
        }
    }

    pub(super) fn provided(&mut self, answer: Result<SecretString, ProviderError>) {
        self.provider = None;
        match answer {
            Ok(secret) => {
                let credential = self.contents.credential(secret);
                self.feed(Input::CredentialRefreshed { credential });
            }
            Err(ProviderError::Denied(why)) => {
                tracing::warn!(parent: &self.span, %why, "no credential will be given");
                self.feed(Input::CredentialDenied);
            }
            // The machine's own deadline for the provider decides what becomes of the dial.
            Err(ProviderError::Unavailable(why)) => {
                tracing::warn!(parent: &self.span, %why, "no credential could be had now");
            }
        }
    }
}
