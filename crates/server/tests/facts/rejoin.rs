//! The same client again: it takes its own place back, and no twin of it is seen.

use crate::wire::{Member, Wire, join, refusal_of, server};
use offhook_server::Server;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Instance, Join, Ping, Rejoin};

fn rejoin(member: &Member, epoch: u64) -> Join {
    let rejoin = Rejoin {
        session_id: member.joined.session_id.clone(),
        secret: member.joined.resume_secret.clone(),
        must_exist: false,
    };
    Join { epoch, rejoin: Some(rejoin), ..member.join.clone() }
}

async fn again(server: &Server, member: &Member, epoch: u64) -> Member {
    Wire::enter_with(server, rejoin(member, epoch)).await
}

// E22, H4
#[tokio::test]
async fn a_rejoin_replaces_its_own_ghost_under_the_same_session_id() {
    let server = server().await;
    let mut watcher = Wire::enter(&server, "bob", 2).await;
    let first = Wire::enter(&server, "ada", 1).await;
    let mut last = again(&server, &first, 2).await;
    for epoch in 3..=6 {
        last = again(&server, &last, epoch).await;
        assert_eq!(last.joined.session_id, first.joined.session_id);
        assert!(last.joined.resumed);
        let of_ada = last.joined.snapshot.roster.iter().filter(|member| member.user == "ada");
        assert_eq!(of_ada.count(), 1, "no twin in the roster");
    }
    assert_eq!(server.census().members, 2);
    // What the others saw: one came, and it changed; nobody left before the goodbye.
    last.wire.say(&crate::wire::goodbye()).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&"left") {
        seen.push(
            watcher
                .wire
                .until("news of Ada", |message| match message {
                    FromServer::MemberJoined(_) => Some("came"),
                    FromServer::MemberUpdated(_) => Some("changed"),
                    FromServer::MemberLeft(left) if left.instance == Instance(1) => Some("left"),
                    _ => None,
                })
                .await,
        );
    }
    seen.dedup();
    assert_eq!(seen, ["came", "changed", "left"]);
}

// H5
#[tokio::test]
async fn a_late_goodbye_of_the_ghost_does_not_reach_the_new_link() {
    let server = server().await;
    let mut ghost = Wire::enter(&server, "ada", 1).await;
    let mut alive = again(&server, &ghost, 2).await;
    // Written into a link that was replaced; whether it still goes out is nobody's business.
    let late = ghost.wire.frames.frame(&crate::wire::goodbye()).expect("a frame");
    let _ = futures_util::SinkExt::send(
        &mut ghost.wire.socket,
        tokio_tungstenite::tungstenite::Message::text(late),
    )
    .await;
    let (said, _) = ghost.wire.rest().await;
    assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "it is not over: {said:?}");
    alive.wire.say(&FromClient::Ping(Ping { id: 1 })).await;
    alive.wire.until("a pong", |message| (message == FromServer::Pong(Ping { id: 1 })).then_some(())).await;
    assert_eq!(server.census().members, 1);
}

// S19
#[tokio::test]
async fn a_join_of_an_old_epoch_is_stale_and_changes_nothing() {
    let server = server().await;
    let mut member = Wire::enter_with(&server, Join { epoch: 7, ..join("ada", 1) }).await;
    for epoch in [1, 6, 7] {
        let (error, _) = refusal_of(&server, &FromClient::Join(Join { epoch, ..join("ada", 1) })).await;
        assert_eq!(error.code, ErrorCode::StaleEpoch);
    }
    member.wire.say(&FromClient::Ping(Ping { id: 1 })).await;
    member.wire.until("a pong", |message| (message == FromServer::Pong(Ping { id: 1 })).then_some(())).await;
}

// S19
#[tokio::test]
async fn another_user_does_not_take_over_an_instance() {
    let server = server().await;
    let _member = Wire::enter(&server, "ada", 1).await;
    let thief = Join { epoch: 2, ..join("eve", 1) };
    assert_eq!(refusal_of(&server, &FromClient::Join(thief)).await.0.code, ErrorCode::NotPermitted);
}

// F02
#[tokio::test]
async fn a_session_that_is_gone_is_refused_or_made_anew_as_asked() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    member.wire.say(&crate::wire::goodbye()).await;
    member.wire.rest().await;
    crate::wire::empty(&server).await;
    let mut back = rejoin(&member, 2);
    if let Some(rejoin) = &mut back.rejoin {
        rejoin.must_exist = true;
    }
    let (error, _) = refusal_of(&server, &FromClient::Join(back.clone())).await;
    assert_eq!(error.code, ErrorCode::NoSessionToResume);
    if let Some(rejoin) = &mut back.rejoin {
        rejoin.must_exist = false;
    }
    let anew = Wire::enter_with(&server, back).await;
    assert!(!anew.joined.resumed, "it was made anew, and says so");
}
