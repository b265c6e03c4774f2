//! Who was removed stays out, whatever it comes back with; and hears why (S4, E8).

use crate::wire::{Wire, builder, empty, join, pong, refusal_of, server, settled, studio};
use offhook_server::EndCode;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Join, Rejoin, SessionRef};
use std::time::Duration;

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
