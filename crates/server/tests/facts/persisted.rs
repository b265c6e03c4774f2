//! Tokens that outlive the resume window (F02): another process takes the session up again under
//! the same id, or is told that nothing is left.

use crate::moderation::with;
use crate::wire::{Member, Wire, builder, credential, empty, goodbye, join, pong, refusal_of, settled};
use offhook_server::{Builder, EndCode, Grants, Mint};
use offhook_signaling::{EndForAll, ErrorCode, FromClient, FromServer, Join, LeaveCode, Rejoin, Secret};
use std::time::Duration;

/// A window so short that a test sees its end; the slot goes two seconds after it.
fn forgetful() -> Builder {
    builder().resume_window(Duration::ZERO)
}

/// What another process would say with the token of this one.
fn with_token(member: &Member, epoch: u64) -> Join {
    let rejoin = Rejoin {
        session_id: member.joined.session_id.clone(),
        secret: member.joined.resume_secret.clone(),
        must_exist: true,
    };
    Join { epoch, rejoin: Some(rejoin), ..member.join.clone() }
}

// F02
#[tokio::test]
async fn a_token_is_good_past_the_window_for_as_long_as_the_owner_says() {
    let server = forgetful().persist(Duration::from_secs(600)).start().await.expect("a port");
    let mut member = Wire::enter(&server, "ada", 7).await;
    let token = with_token(&member, 2);
    crate::wire::pong(&mut member, 1).await;
    drop(member.wire.lose());
    settled("its slot is free", || server.census().members == 0).await;
    // Of somebody else, or with another secret, it opens nothing.
    let foreign = Join { credential: Some(credential(&Mint::user("eve"))), ..token.clone() };
    assert_eq!(refusal_of(&server, &FromClient::Join(foreign)).await.0.code, ErrorCode::NoSessionToResume);
    let mut guessed = token.clone();
    guessed.rejoin.as_mut().expect("a rejoin").secret = Secret::new("0".repeat(64));
    assert_eq!(refusal_of(&server, &FromClient::Join(guessed)).await.0.code, ErrorCode::NoSessionToResume);
    assert_eq!(server.census().members, 0, "who was refused left no trace");
    // An older dial than the one that was here is stale.
    let stale = Join { epoch: 1, ..token.clone() };
    assert_eq!(refusal_of(&server, &FromClient::Join(stale)).await.0.code, ErrorCode::StaleEpoch);
    let id = member.joined.session_id;
    let again = Wire::enter_with(&server, token).await;
    assert!(again.joined.resumed);
    assert_eq!(again.joined.session_id, id, "the same session");
}

// F02
#[tokio::test]
async fn without_that_or_after_a_goodbye_there_is_no_session_to_resume() {
    for (server, says_goodbye) in
        [(forgetful(), false), (forgetful().persist(Duration::from_secs(600)), true)]
    {
        let server = server.start().await.expect("a port");
        let mut member = Wire::enter(&server, "ada", 7).await;
        let token = with_token(&member, 2);
        if says_goodbye {
            member.wire.say(&goodbye()).await;
        }
        drop(member.wire.lose());
        empty(&server).await;
        assert_eq!(refusal_of(&server, &FromClient::Join(token)).await.0.code, ErrorCode::NoSessionToResume);
        let fresh = Wire::enter(&server, "ada", 8).await;
        assert!(!fresh.joined.resumed);
    }
    let _ = join("ada", 1);
}

// F02
#[tokio::test]
async fn a_token_does_not_open_a_session_that_was_made_anew_since() {
    let server = forgetful().persist(Duration::from_secs(600)).start().await.expect("a port");
    let mut member = Wire::enter(&server, "ada", 7).await;
    let token = with_token(&member, 2);
    crate::wire::pong(&mut member, 1).await;
    drop(member.wire.lose());
    settled("its slot is free", || server.census().members == 0).await;
    let bob = Wire::enter(&server, "bob", 8).await;
    assert_ne!(bob.joined.session_id, member.joined.session_id);
    assert_eq!(refusal_of(&server, &FromClient::Join(token)).await.0.code, ErrorCode::NoSessionToResume);
}

// F02, F64: what is kept of somebody is ended with the session, and who comes with the token hears it.
#[tokio::test]
async fn a_token_does_not_take_up_what_was_ended_for_all_meanwhile() {
    let server = forgetful().persist(Duration::from_secs(600)).start().await.expect("a port");
    let mut ada = Wire::enter_with(&server, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    pong(&mut bob, 1).await;
    let token = with_token(&bob, 9);
    bob.wire.lose();
    // Its slot is free before she would be taken for away.
    pong(&mut ada, 1).await;
    let left = ada.wire.until("he left", |message| match message {
        FromServer::MemberLeft(left) => Some(left.reason),
        _ => None,
    });
    assert_eq!(left.await, LeaveCode::Lost);
    ada.wire.say(&FromClient::EndForAll(EndForAll { id: 1 })).await;
    ada.wire.rest().await;
    settled("everybody is out", || server.census().members == 0).await;
    let answer = async |first: Join| {
        let mut wire = Wire::dial(&server).await;
        wire.say_once(&FromClient::Join(first)).await;
        wire.next().await.expect("an answer")
    };
    let foreign = Join { credential: Some(credential(&Mint::user("eve"))), ..token.clone() };
    let mut guessed = foreign.clone();
    guessed.rejoin.as_mut().expect("a rejoin").secret = Secret::new("0".repeat(64));
    match answer(guessed).await {
        FromServer::Error(error) => assert_eq!(error.code, ErrorCode::NoSessionToResume),
        other => panic!("without the secret nothing is told: {other:?}"),
    }
    match answer(token).await {
        FromServer::Ended(ended) => assert_eq!(ended.reason, EndCode::EndedForAll),
        other => panic!("`ended` was due: {other:?}"),
    }
}

// F02, F14: the owner's word finds who is away for longer than the window, too.
#[tokio::test]
async fn an_end_by_the_owner_finds_what_is_kept_of_its_member() {
    let server = forgetful().persist(Duration::from_secs(600)).start().await.expect("a port");
    let mut bob = Wire::enter(&server, "bob", 2).await;
    pong(&mut bob, 1).await;
    let token = with_token(&bob, 9);
    bob.wire.lose();
    settled("his slot is free", || server.census().members == 0).await;
    assert!(!server.end("studio/2", "bob", EndCode::OutOfCredit).await, "nothing of him is there");
    assert!(server.end("studio/1", "bob", EndCode::OutOfCredit).await);
    assert!(!server.end("studio/1", "bob", EndCode::OutOfCredit).await, "once");
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Join(token)).await;
    match wire.next().await {
        Ok(FromServer::Ended(ended)) => assert_eq!(ended.reason, EndCode::OutOfCredit),
        other => panic!("`ended` was due: {other:?}"),
    }
}
