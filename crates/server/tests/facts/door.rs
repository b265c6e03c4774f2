//! Who is not let in, and what they are told. Nobody who is refused leaves a trace inside (S9).

use crate::wire::{
    PATIENCE, Wire, builder, credential, desired, empty, join, refusal_of, server, signer, studio,
};
use offhook_server::{Limits, Mint, Signer};
use offhook_signaling::{
    ErrorCode, Feature, FromClient, FromServer, Instance, Item, Join, Ping, Secret, SessionRef, Versions,
};
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

async fn refused(join: Join) -> offhook_signaling::Error {
    let server = server().await;
    let (error, code) = refusal_of(&server, &FromClient::Join(join)).await;
    assert_eq!(code, CloseCode::Policy);
    assert!(!error.text.is_empty(), "a refusal says what to do");
    // S9
    empty(&server).await;
    error
}

// S9
#[tokio::test]
async fn a_join_without_a_credential_is_refused() {
    let error = refused(Join { credential: None, ..join("ada", 1) }).await;
    assert_eq!(error.code, ErrorCode::Unauthorized);
}

// S4
#[tokio::test]
async fn an_expired_credential_is_told_apart_from_a_wrong_one() {
    let expired = credential(&Mint::user("ada").life(Duration::ZERO));
    assert_eq!(
        refused(Join { credential: Some(expired), ..join("ada", 1) }).await.code,
        ErrorCode::CredentialExpired
    );
    let foreign = Signer::new(*b"another key").mint(&Mint::user("ada")).expect("a token");
    for wrong in [foreign.expose(), "no token at all", "a.b.c", ""] {
        if wrong.is_empty() {
            continue;
        }
        let spoilt = wrong.replace(' ', "_");
        let error = refused(Join { credential: Some(Secret::new(&*spoilt)), ..join("ada", 1) }).await;
        assert_eq!(error.code, ErrorCode::Unauthorized);
        assert!(!error.text.contains(&spoilt), "the text never repeats it");
    }
}

#[tokio::test]
async fn a_credential_for_another_session_is_refused() {
    let other = credential(&Mint::user("ada").session("studio", "2"));
    assert_eq!(
        refused(Join { credential: Some(other), ..join("ada", 1) }).await.code,
        ErrorCode::NotPermitted
    );
}

// S4
#[tokio::test]
async fn a_session_credential_belongs_to_the_instance_that_showed_it_first() {
    let server = server().await;
    let credential = Some(credential(&Mint::user("ada").session("studio", "1")));
    let first = Join { credential: credential.clone(), ..join("ada", 1) };
    let member = Wire::enter_with(&server, first.clone()).await;
    let replayed = FromClient::Join(Join { instance: Instance(2), ..first.clone() });
    assert_eq!(refusal_of(&server, &replayed).await.0.code, ErrorCode::Unauthorized);
    // Its own retry is no replay.
    let again = Wire::enter_with(&server, Join { epoch: 2, ..first }).await;
    assert_eq!(again.joined.session_id, member.joined.session_id);
}

#[tokio::test]
async fn a_user_credential_opens_any_number_of_sessions() {
    let server = server().await;
    let credential = Some(credential(&Mint::user("ada")));
    for number in 1..=3 {
        let session = SessionRef { kind: "studio".into(), id: number.to_string() };
        let join = Join { session, credential: credential.clone(), ..join("ada", number) };
        Wire::enter_with(&server, join).await;
    }
    assert_eq!(server.census().sessions, 3);
}

#[tokio::test]
async fn without_a_common_version_the_spoken_ones_are_named() {
    let versions = Versions::new(90, 99).expect("a range");
    let error = refused(Join { versions, ..join("ada", 1) }).await;
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert_eq!(error.supported, Some(Versions::OURS));
}

#[tokio::test]
async fn a_required_feature_that_is_missing_is_named_with_those_that_are_there() {
    let error = refused(Join { requires: vec![Feature::Data], ..join("ada", 1) }).await;
    assert_eq!(error.code, ErrorCode::FeatureMissing);
    assert!(error.text.contains("data") && error.known.contains(&"prompt".to_owned()), "{error:?}");
}

// F58
#[tokio::test]
async fn an_unknown_model_is_refused_with_the_known_ones() {
    let error = refused(Join { model: Some("dreamer".into()), ..join("ada", 1) }).await;
    assert_eq!(error.code, ErrorCode::UnknownModel);
    assert_eq!(error.known, ["studio", "echo", "room"]);
}

// F03
#[tokio::test]
async fn an_initial_prompt_that_cannot_be_painted_refuses_the_join_with_its_reason() {
    let error = refused(Join { desired: desired(1, Some("zorblax")), ..join("ada", 1) }).await;
    assert_eq!((error.code, error.item), (ErrorCode::InitialStateRefused, Some(Item::Prompt)));
    assert!(error.text.contains("sepia"), "the text says what would do: {}", error.text);
}

#[tokio::test]
async fn the_owner_says_how_long_a_prompt_may_be() {
    let server = builder().limits(Limits { prompt: 16, ..Limits::default() }).start().await.expect("a port");
    let long = Join { desired: desired(1, Some("sepia sepia sepia sepia")), ..join("ada", 1) };
    let (error, _) = refusal_of(&server, &FromClient::Join(long)).await;
    assert_eq!(error.code, ErrorCode::InitialStateRefused);
    assert!(error.text.contains("16 bytes"), "{}", error.text);
}

// F07
#[tokio::test]
async fn a_full_server_is_busy_and_says_when_to_come_again() {
    let limits = Limits { sessions: 1, members: 1, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let inside = Wire::enter(&server, "ada", 1).await;
    let other_session = Join { session: SessionRef { id: "2".into(), ..studio() }, ..join("bob", 2) };
    for late in [join("bob", 2), other_session] {
        let (error, code) = refusal_of(&server, &FromClient::Join(late)).await;
        assert_eq!((error.code, code), (ErrorCode::Busy, CloseCode::Policy));
        assert!(error.retry_after_ms.is_some_and(|after| after > 0));
    }
    assert_eq!(server.census().members, 1);
    drop(inside);
}

// S8
#[tokio::test]
async fn a_first_frame_that_does_not_come_in_time_ends_the_socket_with_a_word() {
    let limits = Limits { first_frame: Duration::from_secs(1), ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let mut wire = Wire::dial(&server).await;
    let (error, code) = wire.refused().await;
    assert_eq!((error.code, code), (ErrorCode::TooSlow, CloseCode::Policy));
    empty(&server).await;
}

#[tokio::test]
async fn a_link_begins_with_a_join_a_resume_a_migrate_or_a_presence() {
    let server = server().await;
    let ping = FromClient::Ping(Ping { id: 1 });
    assert_eq!(refusal_of(&server, &ping).await.0.code, ErrorCode::ProtocolError);
    empty(&server).await;
}

#[tokio::test]
async fn a_link_is_begun_only_once() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    let again = FromClient::Join(Join { epoch: 2, ..member.join.clone() });
    member.wire.say(&again).await;
    let refused = member.wire.until("the refusal", |message| match message {
        FromServer::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(refused.await, ErrorCode::ProtocolError);
}

// S19
#[tokio::test]
async fn a_credential_minted_by_the_server_itself_opens_it_and_no_other() {
    let (one, other) = (server().await, offhook_server::Server::builder().start().await.expect("a port"));
    let own = other.mint(&Mint::user("ada")).expect("a credential");
    let join = Join { credential: Some(Secret::new(own.expose())), ..join("ada", 1) };
    assert_eq!(refusal_of(&one, &FromClient::Join(join.clone())).await.0.code, ErrorCode::Unauthorized);
    let joined = Wire::enter_with(&other, join).await.joined;
    assert!(joined.expires_in_ms.is_some_and(|left| left > 500_000), "ten minutes, less the way here");
    let _ = (signer(), PATIENCE);
}
