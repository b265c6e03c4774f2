//! Who was removed stays out, whatever it comes back with; and hears why (S4, E8).

use crate::wire::{Wire, builder, credential, empty, join, pong, refusal_of, server, settled, studio};
use offhook_server::{AssetsFailed, EndCode, Loading, Mint};
use offhook_signaling::{Credential, ErrorCode, FromClient, FromServer, Join, Rejoin, SessionRef};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_kick_while_away_is_heard_at_the_resume_and_holds_for_the_person() {
    let server = server().await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let resume = ada.resume(2, &ada.joined.resume_secret);
    let rejoin = Rejoin {
        session_id: ada.joined.session_id.clone(),
        secret: ada.joined.resume_secret.clone(),
        must_exist: false,
    };
    ada.wire.lose();
    assert!(server.end("studio/1", "ada", EndCode::Kicked).await, "she is away, and inside");
    settled("she is out", || server.census().members == 1).await;

    // A stranger who knows but her names is told nothing.
    let guess =
        offhook_signaling::Resume { secret: offhook_signaling::Secret::new("guess"), ..resume.clone() };
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Resume(guess)).await;
    assert!(matches!(wire.next().await, Ok(FromServer::ResumeRefused(_))));
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Ended(ended)) = wire.next().await else { panic!("`ended` was due") };
    assert_eq!((ended.reason, ended.may_retry), (EndCode::Kicked, false));

    // A fresh credential, another device, a rejoin: still the same person.
    for again in [join("ada", 1), join("ada", 7), Join { rejoin: Some(rejoin), ..join("ada", 1) }] {
        let again = Join { epoch: 9, ..again };
        assert_eq!(refusal_of(&server, &FromClient::Join(again)).await.0.code, ErrorCode::NotPermitted);
    }
    let elsewhere = SessionRef { id: "2".into(), ..studio() };
    Wire::enter_with(&server, Join { session: elsewhere, ..join("ada", 8) }).await;
    pong(&mut bob, 1).await;
}

#[tokio::test]
async fn a_kick_of_somebody_who_is_not_there_keeps_it_out_as_well() {
    let server = server().await;
    assert!(!server.end("studio/1", "ada", EndCode::Kicked).await, "nobody to end");
    let (error, _) = refusal_of(&server, &FromClient::Join(join("ada", 1))).await;
    assert_eq!(error.code, ErrorCode::NotPermitted);
    assert!(error.text.contains("owner"), "the next step: {}", error.text);
    empty(&server).await;
}

#[tokio::test]
async fn a_kick_ends_after_its_life() {
    let server = builder().kick_life(Duration::from_millis(1)).start().await.expect("a port");
    server.end("studio/1", "ada", EndCode::Kicked).await;
    tokio::time::timeout(crate::wire::PATIENCE, async {
        loop {
            let mut wire = Wire::dial(&server).await;
            wire.say_once(&FromClient::Join(join("ada", 1))).await;
            match wire.next().await {
                Ok(FromServer::Error(error)) => assert_eq!(error.code, ErrorCode::NotPermitted),
                _ => return,
            }
        }
    })
    .await
    .expect("it is over at last");
}

// Not only kicks: whatever was said into a dead link is said again to the one it was for.
#[tokio::test]
async fn an_ending_that_nobody_heard_is_heard_at_the_rejoin() {
    let server = server().await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let rejoin = Rejoin {
        session_id: ada.joined.session_id.clone(),
        secret: ada.joined.resume_secret.clone(),
        must_exist: false,
    };
    ada.wire.lose();
    assert!(server.end("studio/1", "ada", EndCode::IdleTimeout).await);
    empty(&server).await;
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Join(Join { epoch: 2, rejoin: Some(rejoin), ..join("ada", 1) })).await;
    let Ok(FromServer::Ended(ended)) = wire.next().await else { panic!("`ended` was due") };
    assert_eq!(ended.reason, EndCode::IdleTimeout);
    // A new join is a new session.
    Wire::enter_with(&server, Join { epoch: 3, ..join("ada", 1) }).await;
}

// S4, E8: a kick is out of one session. The user's others go on, on the very same credential.
#[tokio::test]
async fn a_kick_out_of_one_session_leaves_the_users_others_alone() {
    let server = server().await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let of = |id: &str| SessionRef { id: id.into(), ..studio() };
    let credential = ada.join.credential.clone();
    let mut other = Wire::enter_with(
        &server,
        Join { session: of("2"), credential: credential.clone(), ..join("ada", 2) },
    )
    .await;
    assert!(server.end("studio/1", "ada", EndCode::Kicked).await);
    let (error, _) = refusal_of(&server, &FromClient::Join(Join { epoch: 2, ..ada.join.clone() })).await;
    assert_eq!(error.code, ErrorCode::NotPermitted);
    assert!(error.text.contains("removed from this session"), "{}", error.text);
    // Shown again in band where she is still in, and at the door of a third.
    let again = Credential { credential: credential.clone().expect("it came with one") };
    other.wire.say(&FromClient::Credential(again)).await;
    let refreshed = other.wire.until("the answer", |message| match message {
        FromServer::CredentialRefreshed(_) => Some(true),
        FromServer::Error(_) => Some(false),
        _ => None,
    });
    assert!(refreshed.await, "the credential is good for her other session");
    Wire::enter_with(&server, Join { session: of("3"), credential, ..join("ada", 3) }).await;
    pong(&mut other, 1).await;
}

// S4: one that is of this session alone is taken away with it, and the refusal says why.
#[tokio::test]
async fn a_credential_of_one_session_is_revoked_by_a_kick_and_its_bearer_told_why() {
    let server = builder().kick_life(Duration::ZERO).start().await.expect("a port");
    let of_one = credential(&Mint::user("ada").session("studio", "1"));
    let ada = Join { credential: Some(of_one), ..join("ada", 1) };
    let mut member = Wire::enter_with(&server, ada.clone()).await;
    assert!(server.end("studio/1", "ada", EndCode::Kicked).await);
    member.wire.rest().await;
    let (error, _) = refusal_of(&server, &FromClient::Join(Join { epoch: 2, ..ada })).await;
    assert_eq!(error.code, ErrorCode::NotPermitted);
    assert!(error.text.contains("removed from this session"), "{}", error.text);
    // The kick is over: with a fresh one she is in.
    Wire::enter_with(&server, Join { epoch: 3, ..join("ada", 1) }).await;
}

// E8, F57: whoever is removed while it is on its way in is not in.
#[tokio::test]
async fn who_is_kicked_while_the_join_waits_for_assets_is_not_let_in() {
    let gate = Arc::new(Semaphore::new(0));
    let opens = gate.clone();
    let loader = move |loading: Loading| {
        let opens = opens.clone();
        async move {
            loading.progress("nearly", 90);
            opens.acquire().await.expect("it is not closed").forget();
            Ok::<(), AssetsFailed>(())
        }
    };
    let server = builder().assets(loader).start().await.expect("a port");
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Join(join("bob", 2))).await;
    wire.until("the loading", |message| match message {
        FromServer::Progress(progress) => (progress.text.as_deref() == Some("nearly")).then_some(()),
        _ => None,
    })
    .await;
    assert!(!server.end("studio/1", "bob", EndCode::Kicked).await, "he is not in yet");
    gate.add_permits(1);
    let refusal = wire.until("the refusal", |message| match message {
        FromServer::Error(error) => Some(error),
        FromServer::Joined(_) => panic!("he was removed, and is in"),
        _ => None,
    });
    let refusal = refusal.await;
    assert_eq!(refusal.code, ErrorCode::NotPermitted);
    assert!(refusal.text.contains("removed from this session"), "{}", refusal.text);
    wire.rest().await;
    empty(&server).await;
}
