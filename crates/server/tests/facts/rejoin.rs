//! The same client again: it takes its own place back, and no twin of it is seen.

use crate::wire::{Member, Wire, join, refusal_of, server};
use offhook_server::Server;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Instance, Join, Offer, Ping, Rejoin, Sdp};

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

// The hole that was: an offer that cannot be used cost the whole membership.
#[tokio::test]
async fn a_rejoin_with_an_offer_that_is_not_usable_costs_its_link_and_nothing_else() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    for sdp in ["v=0", "no session description", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"] {
        let offer = Offer { negotiation_id: 2, sdp: Sdp::new(sdp), tracks: Vec::new() };
        let bad = Join { offer: Some(offer), ..rejoin(&member, 2) };
        let mut wire = Wire::dial(&server).await;
        wire.say_once(&FromClient::Join(bad)).await;
        let code = wire.until("the refusal", |message| match message {
            FromServer::Error(error) => Some(error.code),
            _ => None,
        });
        assert_eq!(code.await, ErrorCode::MediaFailed, "{sdp:?}");
        // The old link lives, and its epoch still is the newest.
        crate::wire::pong(&mut member, 1).await;
    }
    assert_eq!(again(&server, &member, 2).await.joined.session_id, member.joined.session_id);
}

// S19: the id of a session is no secret, and without the secret it is nobody's to come back to.
#[tokio::test]
async fn a_rejoin_that_must_find_its_session_needs_the_secret() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    let mut stolen = rejoin(&member, 2);
    if let Some(rejoin) = &mut stolen.rejoin {
        rejoin.must_exist = true;
        rejoin.secret = offhook_signaling::Secret::new("a-guess");
    }
    let (error, _) = refusal_of(&server, &FromClient::Join(stolen)).await;
    assert_eq!(error.code, ErrorCode::NoSessionToResume);
    crate::wire::pong(&mut member, 1).await;
}

// However many answers to a rejoin are lost, the secret that its client has still opens.
#[tokio::test]
async fn a_rejoin_whose_answer_was_lost_is_repeated_on_the_secret_before() {
    let server = server().await;
    let member = Wire::enter(&server, "ada", 1).await;
    for epoch in 2..=4 {
        let mut again = rejoin(&member, epoch);
        if let Some(rejoin) = &mut again.rejoin {
            rejoin.must_exist = true;
        }
        assert!(Wire::enter_with(&server, again).await.joined.resumed);
    }
    let mut newest = again(&server, &member, 5).await;
    crate::wire::pong(&mut newest, 1).await;
    // It spoke on the newest: the old secret is void.
    let (error, _) = {
        let mut late = rejoin(&member, 6);
        if let Some(rejoin) = &mut late.rejoin {
            rejoin.must_exist = true;
        }
        refusal_of(&server, &FromClient::Join(late)).await
    };
    assert_eq!(error.code, ErrorCode::NoSessionToResume);
}

// B8, C18, F10, F11
#[tokio::test]
async fn the_roster_after_a_rejoin_is_that_of_a_clean_join() {
    let server = server().await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let again = rejoin(&ada, 2);
    ada.wire.lose();
    // Meanwhile one leaves and another comes.
    bob.wire.say(&crate::wire::goodbye()).await;
    bob.wire.rest().await;
    let _eve = Wire::enter(&server, "eve", 3).await;
    let by_instance = |mut roster: Vec<offhook_signaling::Member>| {
        roster.sort_by_key(|member| member.instance);
        roster
    };
    let rejoined = Wire::enter_with(&server, again).await;
    let after_rejoin = by_instance(rejoined.joined.snapshot.roster.clone());
    let clean = Wire::enter(&server, "watcher", 9).await;
    let mut of_others = by_instance(clean.joined.snapshot.roster);
    of_others.retain(|member| member.instance != Instance(9));
    assert_eq!(after_rejoin, of_others);
    assert_eq!(after_rejoin.iter().map(|member| member.user.as_str()).collect::<Vec<_>>(), ["ada", "eve"]);
}
