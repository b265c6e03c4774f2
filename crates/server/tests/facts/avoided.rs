//! E4: a client that asks to avoid a node on which its links failed.

use crate::wire::{Member, Wire, builder, credential, join, migrate, refusal_of, server};
use offhook_server::{GoAwayCode, Mint, StartError};
use offhook_signaling::{ErrorCode, FromClient, FromServer, Join, Rejoin};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn avoiding(join: Join, nodes: &[&str]) -> Join {
    Join { avoid: nodes.iter().map(ToString::to_string).collect(), ..join }
}

// E4 (GetStream/stream-video-js#2287)
#[tokio::test]
async fn who_asks_to_avoid_a_node_that_knows_another_is_sent_there_with_a_ticket() {
    let other = server().await;
    let node = builder().node("fra-3").elsewhere(other.url()).start().await.expect("a port");
    let ada = Wire::enter(&node, "ada", 1).await;
    assert_eq!(ada.joined.node.as_deref(), Some("fra-3"));
    let rejoin = Rejoin {
        session_id: ada.joined.session_id.clone(),
        secret: ada.joined.resume_secret.clone(),
        must_exist: false,
    };
    let again = Join { epoch: 2, rejoin: Some(rejoin), ..ada.join.clone() };
    let mut wire = Wire::dial(&node).await;
    wire.say_once(&FromClient::Join(avoiding(again, &["fra-1", "fra-3"]))).await;
    let Ok(FromServer::GoAway(away)) = wire.next().await else { panic!("go_away was due") };
    assert_eq!((away.target.as_deref(), &away.reason), (Some(&*other.url()), &GoAwayCode::Unhealthy));
    assert_eq!(wire.next().await, Err(Some(CloseCode::Away)));
    let ticket = away.ticket.expect("a ticket");
    let member = Member { join: Join { epoch: 2, ..ada.join.clone() }, ..ada };
    let mut there = Wire::dial(&other).await;
    there.say(&FromClient::Migrate(migrate(&member, &ticket))).await;
    assert_eq!(there.joined().await.session_id, member.joined.session_id, "it keeps its id");
}

#[tokio::test]
async fn a_wish_to_avoid_another_node_or_the_only_one_changes_nothing() {
    let other = server().await;
    let node = builder().node("fra-3").elsewhere(other.url()).start().await.expect("a port");
    let alone = builder().node("fra-4").start().await.expect("a port");
    let nameless = builder().elsewhere(other.url()).start().await.expect("a port");
    Wire::enter_with(&node, avoiding(join("ada", 1), &["fra-1", "fra-33"])).await;
    let lonely = Wire::enter_with(&alone, avoiding(join("ada", 1), &["fra-4"])).await;
    assert_eq!(lonely.joined.node.as_deref(), Some("fra-4"));
    let unnamed = Wire::enter_with(&nameless, avoiding(join("ada", 1), &["fra-3"])).await;
    assert_eq!(unnamed.joined.node, None);
    assert_eq!(other.census().members, 0);
    // S9: whoever has no credential learns of no other server.
    let nobody = Join { credential: None, ..avoiding(join("eve", 2), &["fra-3"]) };
    assert_eq!(refusal_of(&node, &FromClient::Join(nobody)).await.0.code, ErrorCode::Unauthorized);
    // S7: no more names than the protocol has room for.
    let text = serde_json::json!({
        "type": "join", "ack": 0, "versions": {"min": 1, "max": 1}, "session": {"kind": "studio", "id": "1"},
        "instance": "0".repeat(32), "epoch": 1, "credential": credential(&Mint::user("ada")).expose(),
        "avoid": ["1", "2", "3", "4", "5"],
    });
    let mut wire = Wire::dial(&node).await;
    wire.raw(text.to_string().into()).await;
    assert_eq!(wire.refused().await.0.code, ErrorCode::ProtocolError);
}

#[tokio::test]
async fn a_node_by_a_name_that_cannot_be_told_is_not_started() {
    for name in ["", "two words", "l\u{fc}beck", &"x".repeat(129)] {
        let error = builder().node(name).start().await.expect_err("no member could be told");
        assert!(matches!(error, StartError::Name { what: "node", .. }), "{error}");
        assert!(error.to_string().contains("printable ASCII"), "the next step is in the text: {error}");
    }
    let error = builder().elsewhere("no url").start().await.expect_err("nobody could be sent there");
    assert!(matches!(error, StartError::Name { what: "elsewhere", .. }), "{error}");
}
