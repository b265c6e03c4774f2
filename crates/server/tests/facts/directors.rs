//! A director steers the conversation (F59): required and not there, gone, and what it may do.

use crate::wire::{
    Member, Wire, apply, builder, credential, goodbye, join, migrate, pong, refusal_of, settled, studio,
};
use futures_util::StreamExt;
use offhook_server::{GoAwayCode, Grants, Limits, Mint, Server};
use offhook_signaling::{
    Conclude, EndCode, Ended, ErrorCode, FromClient, FromServer, Look, Make, Party, Ping, Profile, Prompt,
    Settings, Steer, Steered, Versions,
};
use std::time::Duration;

fn backend() -> Look {
    let credential = credential(&Mint::user("backend").grants(Grants::DIRECTOR));
    Look { versions: Versions::OURS, session: studio(), credential: Some(credential) }
}

/// A server with a session that needs a director.
async fn directed() -> Server {
    directed_within(Duration::from_millis(200)).await
}

async fn directed_within(grace: Duration) -> Server {
    let server = builder().director_grace(grace).start().await.expect("a port");
    make_directed(&server).await;
    server
}

async fn make_directed(server: &Server) {
    let Look { versions, session, credential } = backend();
    let settings = Settings { director_required: true, max_members: None };
    let profile = Profile { settings, ..Profile::default() };
    let mut wire = Wire::dial(server).await;
    wire.say(&FromClient::GetOrCreate(Make { versions, session, credential, profile })).await;
    assert!(matches!(wire.next().await, Ok(FromServer::Session(_))));
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

// F59: whoever prompts, the same length is too long; and who is refused changes nothing.
#[tokio::test]
async fn a_directors_prompt_is_held_to_the_limit_of_a_members_and_a_refused_one_reaches_nobody() {
    let limits = Limits { prompt: 8, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut backend = director(&server).await;
    let long = format!("sepia{}", " ".repeat(4));
    ada.wire.say(&apply(5, 9, &long)).await;
    let of_a_member = ada.wire.until("the refusal", |message| match message {
        FromServer::Refused(refused) => Some(refused.text),
        _ => None,
    });
    let of_a_member = of_a_member.await;
    let steer = |id, text: &str| {
        let prompt = Some(Prompt { text: text.into(), enhance: false });
        Steer { id, prompt, text: Some(format!("words {id}")) }
    };
    let refused = steered(&mut backend, steer(1, &long)).await;
    assert_eq!(refused, Steered { id: 1, members: 0, refused: Some(of_a_member) });
    // One that fits is taken, on the same link; and the words beside the refused one were not said.
    let taken = steered(&mut backend, steer(2, &long[..8])).await;
    assert_eq!(taken, Steered { id: 2, members: 1, refused: None });
    let said = ada.wire.until("the director's words", |message| match message {
        FromServer::Message(relay) => Some(relay.data),
        _ => None,
    });
    assert_eq!(said.await, serde_json::json!({ "text": "words 2" }));
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

/// Moves a member after a drain.
async fn move_over(ada: &mut Member, new: &Server) -> Member {
    let ticket = ada.wire.until("go_away", |message| match message {
        FromServer::GoAway(away) => away.ticket,
        _ => None,
    });
    let ticket = ticket.await;
    let mut wire = Wire::dial(new).await;
    wire.say(&FromClient::Migrate(migrate(ada, &ticket))).await;
    let joined = wire.joined().await;
    Member { wire, join: ada.join.clone(), joined }
}

// F59, F32: one that does not follow is missed as one that is lost.
#[tokio::test]
async fn a_director_that_does_not_follow_a_drain_is_missed_and_one_that_does_is_not() {
    let grace = Duration::from_secs(2);
    for follows in [false, true] {
        let (old, new) = (directed().await, builder().director_grace(grace).start().await.expect("a port"));
        let _director = director(&old).await;
        let mut ada = Wire::enter(&old, "ada", 1).await;
        let long = Duration::from_secs(30);
        old.drain(&new.url(), long, GoAwayCode::ShuttingDown).await.expect("a server of the same key");
        let _followed = if follows { Some(director(&new).await) } else { None };
        let mut ada = move_over(&mut ada, &new).await;
        if follows {
            let went_on = tokio::time::timeout(grace * 2, ended(&mut ada)).await;
            assert!(went_on.is_err(), "it ended all the same: {went_on:?}");
        } else {
            let ended = ended(&mut ada).await;
            assert_eq!((ended.reason, ended.by), (EndCode::ControlLost, Party::Director));
        }
    }
}

// F59: a drain that came to nothing has sent the directors away all the same.
#[tokio::test]
async fn a_director_that_a_failed_drain_sent_away_is_missed_when_it_does_not_come_back() {
    const SESSIONS: usize = 60;
    let server = directed().await;
    let mut backend = director(&server).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    for number in 1..SESSIONS {
        let session = offhook_signaling::SessionRef { kind: "studio".into(), id: format!("more-{number}") };
        let Look { versions, credential, .. } = self::backend();
        let mut wire = Wire::dial(&server).await;
        let make = Make { versions, session, credential, profile: Profile::default() };
        wire.say(&FromClient::GetOrCreate(make)).await;
        assert!(matches!(wire.next().await, Ok(FromServer::Session(_))));
    }
    // One too few: most of them are taken, and then it is called off.
    let limits = offhook_server::Limits { kept_sessions: SESSIONS - 1, ..Default::default() };
    let full = builder().limits(limits).start().await.expect("a port");
    let target = full.url();
    let drain = server.drain(&target, Duration::from_secs(30), GoAwayCode::ShuttingDown);
    // It goes as it is told to, so that nobody directs when the drain comes to nothing.
    let goes = async { while let Some(Ok(_)) = backend.socket.next().await {} };
    let (drained, ()) = tokio::join!(drain, goes);
    assert!(matches!(drained, Err(offhook_server::DrainError::NoRoom)), "{drained:?}");
    assert_eq!(ended(&mut ada).await.reason, EndCode::ControlLost);
}

// F59
#[tokio::test]
async fn a_session_that_is_said_to_need_a_director_gets_the_grace_to_find_one() {
    let server = builder().director_grace(Duration::from_millis(200)).start().await.expect("a port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let settings = Settings { director_required: true, max_members: None };
    let profile = Profile { settings, ..Profile::default() };
    assert!(server.describe_session("studio", "1", profile));
    assert_eq!(ended(&mut ada).await.reason, EndCode::ControlLost);
}

// F59: whose session is over has no seat in the next of that name: it neither steers that, nor ends it by going.
#[tokio::test]
async fn a_director_of_a_session_that_is_over_is_none_of_the_next_of_its_name() {
    let server = builder().director_grace(Duration::from_millis(100)).start().await.expect("a port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    // It does not read, so that its link closes only when it is given up.
    let old = director(&server).await;
    ada.wire.say(&goodbye()).await;
    settled("the first session is over", || server.census().sessions == 0).await;
    make_directed(&server).await;
    let mut new = director(&server).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let there = server.census().tasks;
    drop(old);
    settled("the old link is gone", || server.census().tasks < there).await;
    let steer = Steer { id: 1, prompt: None, text: Some("go on".into()) };
    assert_eq!(steered(&mut new, steer).await.members, 1);
    // What it would be told of the session is told by now.
    new.say(&FromClient::Ping(Ping { id: 7 })).await;
    let mut undirected = 0;
    let told = |message: &FromServer| {
        undirected += usize::from(matches!(message, FromServer::Session(info) if !info.directed));
        *message == FromServer::Pong(Ping { id: 7 })
    };
    new.next_until(told).await;
    assert_eq!(undirected, 0, "its director is there");
    pong(&mut bob, 1).await;
}
