//! A director steers the conversation (F59): required and not there, gone, and what it may do.

use crate::wire::{Member, Wire, builder, credential, join, refusal_of, studio};
use offhook_server::{Grants, Mint, Server};
use offhook_signaling::{
    Conclude, EndCode, Ended, ErrorCode, FromClient, FromServer, Look, Make, Party, Profile, Prompt,
    Settings, Steer, Steered, Versions,
};
use std::time::Duration;

fn backend() -> Look {
    let credential = credential(&Mint::user("backend").grants(Grants::DIRECTOR));
    Look { versions: Versions::OURS, session: studio(), credential: Some(credential) }
}

/// A server with a session that needs a director.
async fn directed() -> Server {
    let server = builder().director_grace(Duration::from_millis(200)).start().await.expect("a port");
    let Look { versions, session, credential } = backend();
    let settings = Settings { director_required: true, max_members: None };
    let profile = Profile { settings, ..Profile::default() };
    let mut wire = Wire::dial(&server).await;
    wire.say(&FromClient::GetOrCreate(Make { versions, session, credential, profile })).await;
    assert!(matches!(wire.next().await, Ok(FromServer::Session(_))));
    server
}

async fn director(server: &Server) -> Wire {
    let mut wire = Wire::dial(server).await;
    wire.say(&FromClient::Direct(backend())).await;
    match wire.next().await {
        Ok(FromServer::Session(info)) => assert!(info.directed),
        other => panic!("the session was due: {other:?}"),
    }
    wire
}

async fn ended(member: &mut Member) -> Ended {
    let ended = member.wire.until("the end", |message| match message {
        FromServer::Ended(ended) => Some(ended),
        _ => None,
    });
    ended.await
}

async fn steered(wire: &mut Wire, steer: Steer) -> Steered {
    wire.say(&FromClient::Steer(steer)).await;
    let answer = wire.until("the answer", |message| match message {
        FromServer::Steered(steered) => Some(steered),
        _ => None,
    });
    answer.await
}

// F59
#[tokio::test]
async fn a_session_that_needs_a_director_lets_nobody_in_without_one() {
    let server = directed().await;
    let (error, _) = refusal_of(&server, &FromClient::Join(join("ada", 1))).await;
    assert_eq!(error.code, ErrorCode::ControlFailed);
    let _director = director(&server).await;
    Wire::enter(&server, "ada", 1).await;
}

// F59
#[tokio::test]
async fn it_ends_for_everybody_when_the_director_stays_away_past_the_grace() {
    let server = directed().await;
    let first = director(&server).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    // One that is followed by another within the grace is not missed.
    let second = director(&server).await;
    drop(first.lose());
    crate::wire::pong(&mut ada, 1).await;
    drop(second.lose());
    let ended = ended(&mut ada).await;
    assert_eq!((ended.reason, ended.by), (EndCode::ControlLost, Party::Director));
    crate::wire::empty(&server).await;
}

// F59
#[tokio::test]
async fn a_director_speaks_to_everybody_and_ends_the_conversation() {
    let server = directed().await;
    let mut backend = director(&server).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let prompt = |text: &str| Some(Prompt { text: text.into(), enhance: false });
    let good = Steer { id: 1, prompt: prompt("sepia"), text: Some("slow down".into()) };
    assert_eq!(steered(&mut backend, good).await, Steered { id: 1, members: 2, refused: None });
    for member in [&mut ada, &mut bob] {
        let said = member.wire.until("the director's words", |message| match message {
            FromServer::Message(relay) => Some(relay),
            _ => None,
        });
        let said = said.await;
        assert_eq!((said.topic.as_str(), said.from), ("director", None));
        assert_eq!(said.data, serde_json::json!({ "text": "slow down" }));
    }
    let bad = steered(&mut backend, Steer { id: 2, prompt: prompt("zorblax"), text: None }).await;
    assert!(bad.members == 0 && bad.refused.is_some_and(|text| text.contains("sepia")));
    backend.say(&FromClient::Conclude(Conclude { text: "the lesson is over".into() })).await;
    for member in [&mut ada, &mut bob] {
        let ended = ended(member).await;
        assert_eq!((ended.reason, ended.text.as_str()), (EndCode::ConversationEnded, "the lesson is over"));
    }
}

// F59
#[tokio::test]
async fn nobody_directs_without_a_directors_credential_nor_a_session_that_is_not_there() {
    let server = directed().await;
    let user = Look { credential: Some(credential(&Mint::user("eve"))), ..backend() };
    let refused = refusal_of(&server, &FromClient::Direct(user.clone())).await.0.code;
    assert_eq!(refused, ErrorCode::NotPermitted);
    let mut watcher = Wire::dial(&server).await;
    watcher.say(&FromClient::Watch(user)).await;
    let answer = steered(&mut watcher, Steer { id: 7, prompt: None, text: Some("me!".into()) }).await;
    assert!(answer.members == 0 && answer.refused.is_some(), "a watcher only watches");
    let other = offhook_signaling::SessionRef { id: "none".into(), ..studio() };
    let nowhere = Look { session: other, ..backend() };
    assert_eq!(refusal_of(&server, &FromClient::Direct(nowhere)).await.0.code, ErrorCode::NotFound);
}
