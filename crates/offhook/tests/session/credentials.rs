//! Credentials: shown, asked for, refreshed, and never seen (F39, F76; S2, S3).

use crate::common::*;
use offhook::transport::{Action, CredentialWhy, FaultKind, Plan, Plane, RefusedCode, Secret};
use offhook::{CallingState, Client, EndReason, Event, Join, JoinErrorKind, ProviderError, Purpose};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// A client whose provider counts its calls and answers after `after`.
fn counted(after: Duration) -> (Client, offhook::mock::Remote, Arc<Mutex<Vec<Purpose>>>) {
    let (transport, remote) = offhook::mock::pair();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let client = Client::new(transport).seed(7).provider(move |request| {
        seen.lock().expect("not poisoned").push(request.purpose);
        async move {
            tokio::time::sleep(after).await;
            Ok("fresh".into())
        }
    });
    (client, remote, asked)
}

/// F39, R7: an expired credential is replaced once in an outage, whoever asks how often; the next
/// dial shows the fresh one.
#[tokio::test(start_paused = true)]
async fn an_expired_credential_is_replaced_by_one_call_and_the_next_dial_shows_it() {
    let (client, remote, asked) = counted(Duration::from_millis(300));
    let (session, dial) = joined(&client, &remote).await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    next.answer();
    for _ in 0..5 {
        next.need_credential(CredentialWhy::Missing);
    }
    next.need_credential(CredentialWhy::Expired);
    let fresh = loop {
        if let Action::Credential(secret) = &*next.action().await.expect("open") {
            break secret.clone();
        }
    };
    assert_eq!(fresh, Secret::new("fresh"));
    next.fail(FaultKind::Unreachable);
    let again = remote.dial().await;
    assert_eq!(again.seen().credential, Some(Secret::new("fresh")));
    again.accept();
    until(&mut session.states(), CallingState::Joined).await;
    assert_eq!(asked.lock().expect("not poisoned").len(), 1, "one call for one outage");
}

/// F39: a second expired answer in one outage is fatal; the reason says so, its error comes first.
#[tokio::test(start_paused = true)]
async fn a_second_expired_answer_in_one_outage_ends_the_session_unauthorized() {
    let (client, remote, asked) = counted(Duration::from_millis(300));
    let (session, dial) = joined(&client, &remote).await;
    let events = session.events();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    for _ in 0..2 {
        let next = remote.dial().await;
        next.refuse(RefusedCode::Expired);
    }
    let ended = session.ended().await;
    assert_eq!(ended.reason(), EndReason::Unauthorized);
    assert_eq!(asked.lock().expect("not poisoned").as_slice(), [Purpose::Renew]);
    let told = all(events).await;
    let [.., Event::Error(_), Event::Ended(_)] = &told[..] else { panic!("{:?}", told.last()) };
}

/// F39: a provider that takes longer than five seconds costs the dial, not the session.
#[tokio::test(start_paused = true)]
async fn a_provider_that_takes_longer_than_five_seconds_fails_the_dial_and_not_the_session() {
    let (client, remote, _) = counted(Duration::from_secs(6));
    let (session, dial) = joined(&client, &remote).await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    next.answer();
    next.need_credential(CredentialWhy::Missing);
    let asked = remote.now();
    next.closed().await;
    assert_eq!(
        remote.now().saturating_sub(asked),
        Duration::from_secs(5),
        "the dial's own deadline waits meanwhile"
    );
    let again = remote.dial().await;
    again.accept();
    until(&mut session.states(), CallingState::Joined).await;
}

/// F39, §6: a refresh in band at 80 % of a credential's time changes no state, asks once, and the
/// fresh one is handed over on the living link; the next dial shows it.
#[tokio::test(start_paused = true)]
async fn a_refresh_in_band_changes_nothing_but_the_credential() {
    let (client, remote, asked) = counted(Duration::from_millis(300));
    let (session, dial) = joined(&client, &remote).await;
    let mut states = session.states();
    dial.need_credential(CredentialWhy::Refresh);
    dial.need_credential(CredentialWhy::Refresh);
    let fresh = loop {
        if let Action::Credential(secret) = &*dial.action().await.expect("open") {
            break secret.clone();
        }
    };
    assert_eq!(fresh, Secret::new("fresh"));
    assert_eq!(asked.lock().expect("not poisoned").as_slice(), [Purpose::Refresh]);
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    assert_eq!(next.seen().credential, Some(Secret::new("fresh")));
    next.accept();
    assert_eq!(until(&mut states, CallingState::Reconnecting).await, [CallingState::Joined]);
}

/// F39, F35: a credential that expires in the midst of a resume is replaced there, and the resume
/// goes on.
#[tokio::test(start_paused = true)]
async fn a_credential_that_expires_in_the_midst_of_a_resume_is_replaced_there() {
    let (client, remote, _) = counted(Duration::from_secs(3));
    let (session, dial) = joined(&client, &remote).await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    assert!(matches!(next.plan(), Plan::Resume { .. }));
    next.answer();
    next.need_credential(CredentialWhy::Expired);
    while !matches!(&*next.action().await.expect("open"), Action::Credential(_)) {}
    next.accept();
    until(&mut session.states(), CallingState::Joined).await;
    assert!(remote.try_dial().is_none(), "it was the same dial");
}
