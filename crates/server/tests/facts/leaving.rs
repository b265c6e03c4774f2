//! Every way out: by the member, by the owner, by the end of the server.

use crate::wire::{PATIENCE, Wire, builder, empty, refusal_of, server};
use offhook_server::{EndCode, Limits};
use offhook_signaling::{Ended, ErrorCode, FromClient, FromServer, Goodbye, GoodbyeCode, Join, Party};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn endings(said: &[FromServer]) -> Vec<&Ended> {
    let mut endings = Vec::new();
    for message in said {
        if let FromServer::Ended(ended) = message {
            endings.push(ended);
        }
    }
    endings
}

// F10, H2
#[tokio::test]
async fn a_goodbye_is_answered_and_frees_the_slot_at_once() {
    let server = builder().limits(Limits { members: 1, ..Limits::default() }).start().await.expect("a port");
    for number in 1..=3 {
        let mut member = Wire::enter(&server, "ada", number).await;
        member.wire.say(&crate::wire::goodbye()).await;
        let (said, code) = member.wire.rest().await;
        let ended = endings(&said);
        assert_eq!(ended.len(), 1);
        assert_eq!((&ended[0].reason, &ended[0].by), (&EndCode::LeftByUser, &Party::User));
        assert!(matches!(said.last(), Some(FromServer::Ended(_))), "nothing after the ending: {said:?}");
        assert_eq!(code, Some(CloseCode::Normal));
    }
    empty(&server).await;
}

// The session goes on elsewhere: its old link has no ending.
#[tokio::test]
async fn a_superseded_link_is_closed_without_an_ending() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    member.wire.say(&FromClient::Goodbye(Goodbye { reason: GoodbyeCode::Superseded })).await;
    let (said, _) = member.wire.rest().await;
    assert!(endings(&said).is_empty(), "{said:?}");
    empty(&server).await;
}

// F18, C3
#[tokio::test]
async fn the_owner_ends_a_member_for_any_reason_and_it_is_told_exactly_once() {
    let server = server().await;
    for (number, reason) in EndCode::KNOWN.iter().enumerate() {
        let reason = EndCode::from(*reason);
        // One each: who is kicked stays out.
        let user = &*format!("ada {number}");
        let mut member = Wire::enter(&server, user, 1 + number as u128).await;
        let mut other = Wire::enter(&server, "bob", 1_000 + number as u128).await;
        // Twice at once, as two alarms would.
        let (one, two) = tokio::join!(
            server.end("studio/1", user, reason.clone()),
            server.end("studio/1", user, reason.clone())
        );
        assert!(one || two);
        let (said, _) = member.wire.rest().await;
        let ended = endings(&said);
        assert_eq!(ended.len(), 1, "{reason}");
        assert_eq!((&ended[0].reason, &ended[0].by), (&reason, &Party::Server));
        assert!(matches!(said.last(), Some(FromServer::Ended(_))));
        // Nobody else was meant.
        other.wire.say(&crate::wire::goodbye()).await;
        let (said, _) = other.wire.rest().await;
        assert_eq!(endings(&said)[0].reason, EndCode::LeftByUser);
    }
    empty(&server).await;
    assert!(!server.end("studio/1", "ada", EndCode::Closed).await, "there is nobody to end");
}

// S4, E8
#[tokio::test]
async fn who_was_kicked_does_not_come_back_on_the_same_credential() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    let resume = member.resume(2, &member.joined.resume_secret);
    assert!(server.end("studio/1", "ada", EndCode::Kicked).await);
    member.wire.rest().await;
    for instance in [1, 2] {
        let again = Join { epoch: 9, instance: offhook_signaling::Instance(instance), ..member.join.clone() };
        let (error, _) = refusal_of(&server, &FromClient::Join(again)).await;
        assert_eq!(error.code, ErrorCode::NotPermitted);
    }
    // Its end may not have heard it: who comes to resume hears it then.
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Resume(resume)).await;
    let (said, code) = wire.rest().await;
    let ended = endings(&said);
    assert_eq!((said.len(), &ended[0].reason, ended[0].may_retry), (1, &EndCode::Kicked, false));
    assert_eq!(code, Some(CloseCode::Normal));
}

// Group D
#[tokio::test]
async fn a_shutdown_tells_everybody_inside_that_they_may_come_again() {
    let server = server().await;
    let mut members = Vec::new();
    for number in 1..=5 {
        members.push(Wire::enter(&server, "ada", number).await);
    }
    let listens_no_more = server.address();
    let told = async {
        let mut all = Vec::new();
        for member in &mut members {
            all.push(member.wire.rest().await);
        }
        all
    };
    let ((), all) = tokio::join!(server.shutdown(), told);
    for (said, code) in all {
        let ended = endings(&said);
        assert_eq!(ended.len(), 1);
        assert!(ended[0].reason == EndCode::ServerShutdown && ended[0].may_retry, "{ended:?}");
        assert_eq!(code, Some(CloseCode::Normal));
    }
    assert!(TcpStream::connect(listens_no_more).await.is_err());
}

// D1: no socket that is stuck holds the server up, and none outlives it.
#[tokio::test]
async fn a_shutdown_waits_for_nobody_who_is_stuck() {
    let server = server().await;
    let address = server.address();
    let mut half_open = TcpStream::connect(address).await.expect("it listens");
    let mut half_said = TcpStream::connect(address).await.expect("it listens");
    half_said.write_all(b"GET /health HTT").await.expect("a connection");
    let mut at_the_door = Wire::dial(&server).await;
    // A member whose client reads nothing any more, not even the close.
    let stuck = Wire::enter(&server, "ada", 1).await;
    timeout(PATIENCE, server.shutdown()).await.expect("bounded");
    for line in [&mut half_open, &mut half_said] {
        let mut rest = Vec::new();
        // Closed or reset: over in any case.
        let _ = timeout(PATIENCE, line.read_to_end(&mut rest)).await.expect("the line is over");
    }
    let (error, _) = at_the_door.refused().await;
    assert_eq!(error.code, ErrorCode::ShuttingDown);
    assert!(error.retry_after_ms.is_some());
    drop(stuck);
}

// RFC 6455 section 5.5.1; and a closed socket is loss, whatever the code.
#[tokio::test]
async fn a_close_is_answered_with_a_close_and_ends_nobody() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    crate::wire::pong(&mut member, 1).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    member.wire.raw(tokio_tungstenite::tungstenite::Message::Close(Some(frame))).await;
    let (said, code) = member.wire.rest().await;
    assert_eq!(code, Some(CloseCode::Normal));
    assert!(endings(&said).is_empty());
    assert_eq!(server.census().members, 1);
}
