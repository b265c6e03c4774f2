//! Credentials: shown, asked for, refreshed, and never seen (F39, F76; S2, S3).

use crate::common::*;
use offhook::transport::{Action, CredentialWhy, Secret};
use offhook::{Client, Join, JoinErrorKind, ProviderError, Purpose};
use std::sync::{Arc, Mutex};

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_when_the_far_side_wants_a_credential() {
    let (transport, remote) = offhook::mock::pair();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let client = Client::new(transport).provider(move |request| {
        seen.lock().expect("not poisoned").push(request);
        async { Ok("fresh".into()) }
    });
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    dial.answer();
    dial.need_credential(CredentialWhy::Missing);
    let credential = loop {
        let action = dial.action().await.expect("open");
        if let Action::Credential(secret) = &*action {
            break secret.clone();
        }
    };
    assert_eq!(credential, Secret::new("fresh"));
    dial.accept();
    drop(joining.await.expect("let in"));
    let asked = asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].purpose, asked[0].kind.as_str(), asked[0].id.as_str()),
        (Purpose::Join, "studio", "7")
    );
    assert_eq!(asked[0].instance, dial.seen().instance.to_string());
}

#[tokio::test(start_paused = true)]
async fn without_a_provider_a_wanted_credential_ends_the_join_unauthorized() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    dial.answer();
    dial.need_credential(CredentialWhy::Missing);
    assert_eq!(joining.await.expect_err("none to give").kind(), JoinErrorKind::Unauthorized);
}

/// A provider that panics, or never answers, takes nothing with it.
#[tokio::test(start_paused = true)]
async fn a_provider_that_misbehaves_hangs_nothing() {
    let (transport, remote) = offhook::mock::pair();
    let client = Client::new(transport).provider(|_| async { panic!("the application's own") });
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    dial.answer();
    dial.need_credential(CredentialWhy::Missing);
    assert_eq!(joining.await.expect_err("denied").kind(), JoinErrorKind::Unauthorized);

    let (transport, remote) = offhook::mock::pair();
    let client = Client::new(transport)
        .provider(|_| std::future::pending::<Result<secrecy::SecretString, ProviderError>>());
    let joining = idle(&client).join(Join::new());
    let hand = async {
        loop {
            let dial = remote.dial().await;
            dial.answer();
            dial.need_credential(CredentialWhy::Missing);
        }
    };
    let error = tokio::select! {
        joined = joining => joined.expect_err("it never answers"),
        () = hand => unreachable!("endless"),
    };
    assert!(error.is_retryable(), "{error}");
}
