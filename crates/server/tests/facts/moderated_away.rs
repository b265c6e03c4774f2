//! What is done to members of a session that moves, on either server and whenever: nothing of it is lost
//! on the way (F64, F32, E8, S4).

use crate::moderation::{answer, camera, mute, with};
use crate::wire::{
    Member, PATIENCE, Wire, builder, join, migrate, pong, refusal_of, server, settled, signed,
};
use futures_util::StreamExt;
use offhook_server::{EndCode, GoAwayCode, Grants, Server};
use offhook_signaling::{
    EndForAll, Ended, ErrorCode, FromClient, FromServer, Instance, Join, Joined, Kick, Migrate,
    ModerationRefusal, Secret,
};
use std::time::Duration;
use tokio::time::timeout;

/// What a moderator mutes of such a one stays muted.
fn muted_for_good() -> Grants {
    Grants { unmute: false, ..Grants::default() }
}

/// Empties a server into another, and the tickets of those who are told to go.
async fn drained<const N: usize>(old: &Server, new: &Server, members: [&mut Member; N]) -> [Secret; N] {
    let drained = old.drain(&new.url(), Duration::from_secs(60), GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key").stayed, 0);
    let mut tickets = Vec::new();
    for member in members {
        let ticket = member.wire.until("go_away", |message| match message {
            FromServer::GoAway(go_away) => go_away.ticket,
            _ => None,
        });
        tickets.push(ticket.await);
    }
    tickets.try_into().expect("one each")
}

async fn arrive_with(new: &Server, migrate: Migrate) -> (Wire, Result<Joined, FromServer>) {
    let mut wire = Wire::dial(new).await;
    wire.say(&FromClient::Migrate(migrate)).await;
    loop {
        match wire.next().await.expect("an answer") {
            FromServer::Progress(_) => {}
            FromServer::Joined(joined) => return (wire, Ok(joined)),
            other => return (wire, Err(other)),
        }
    }
}

async fn arrive(new: &Server, member: &Member, ticket: &Secret) -> (Wire, Result<Joined, FromServer>) {
    arrive_with(new, migrate(member, ticket)).await
}

/// How a move that finds its session ended is answered.
async fn ended_at(new: &Server, member: &Member, ticket: &Secret) -> EndCode {
    match arrive(new, member, ticket).await.1 {
        Err(FromServer::Ended(ended)) => ended.reason,
        other => panic!("`ended` was due: {other:?}"),
    }
}

async fn ended(wire: &mut Wire) -> Ended {
    wire.until("ended", |message| match message {
        FromServer::Ended(ended) => Some(ended),
        _ => None,
    })
    .await
}

fn kick(id: u64, member: u128) -> FromClient {
    FromClient::Kick(Kick { id, member: Instance(member) })
}

// F64, F32, S4: what ended while somebody was under way is over for him as well.
#[tokio::test]
async fn an_end_for_all_on_the_target_is_heard_by_who_is_still_under_way() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let [of_ada, of_bob] = drained(&old, &new, [&mut ada, &mut bob]).await;
    let (mut wire, joined) = arrive(&new, &ada, &of_ada).await;
    joined.expect("she is let in");
    wire.say(&FromClient::EndForAll(EndForAll { id: 1 })).await;
    assert_eq!(ended(&mut wire).await.reason, EndCode::EndedForAll);
    assert_eq!(ended_at(&new, &bob, &of_bob).await, EndCode::EndedForAll);
    settled("the name is free", || new.census().sessions == 0).await;
    // A new join is a new session.
    let again = Wire::enter_with(&new, Join { epoch: 9, ..join("bob", 2) }).await;
    assert_ne!(again.joined.session_id, bob.joined.session_id);
}

// F32, S4
#[tokio::test]
async fn who_was_ended_by_the_owner_of_the_target_is_not_let_in_a_moment_later() {
    let (old, new) = (server().await, server().await);
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let [ticket] = drained(&old, &new, [&mut bob]).await;
    assert!(new.end("studio/1", "bob", EndCode::OutOfCredit).await, "he is expected there");
    assert_eq!(ended_at(&new, &bob, &ticket).await, EndCode::OutOfCredit);
}

// S4: a membership that begins anew has nothing to do with the one that ended.
#[tokio::test]
async fn a_ticket_of_a_membership_that_began_after_an_end_is_good() {
    let here = server().await;
    let mut stays = Wire::enter(&here, "ada", 1).await;
    let bob = Wire::enter(&here, "bob", 2).await;
    assert!(here.end("studio/1", "bob", EndCode::IdleTimeout).await);
    settled("he is out", || here.census().members == 1).await;
    let again = Wire::enter_with(&here, Join { epoch: 3, ..join("bob", 2) }).await;
    assert_eq!(again.joined.session_id, bob.joined.session_id, "the same session");
    pong(&mut stays, 1).await;
    // As if he had been sent away and is sent back.
    let ticket = |session_id: &str, jti: &str| {
        signed(&serde_json::json!({
            "sub": "bob", "aud": "offhook-move", "exp": crate::wire::now() + 50, "jti": jti,
            "target": here.address().to_string(),
            "pass": {
                "session": "studio/1", "session_id": session_id,
                "instance": Instance(2).to_string(),
                "grants": { "publish": true, "prompt": true },
                "credential": { "jti": "c", "exp": crate::wire::now() + 600 },
            },
        }))
    };
    let back = Migrate { epoch: 4, ..migrate(&again, &ticket(&again.joined.session_id, "one")) };
    arrive_with(&here, back).await.1.expect("nothing of this one has ended");
}

// F64: the newer device stays, whichever way the older one comes.
#[tokio::test]
async fn a_move_does_not_replace_the_device_that_replaced_its_place() {
    let once = async || builder().one_instance_per_user().start().await.expect("a port");
    let (old, new) = (once().await, once().await);
    let mut first = Wire::enter(&old, "ada", 1).await;
    let [ticket] = drained(&old, &new, [&mut first]).await;
    let mut second = Wire::enter(&new, "ada", 9).await;
    settled("the place of the first is gone", || new.census().members == 1).await;
    assert_eq!(ended_at(&new, &first, &ticket).await, EndCode::Replaced);
    pong(&mut second, 1).await;
}

// F64, E8, F32
#[tokio::test]
async fn a_kick_on_the_old_server_holds_on_the_new_one() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let mut cid = Wire::enter(&old, "cid", 3).await;
    let [of_ada, of_bob, of_cid] = drained(&old, &new, [&mut ada, &mut bob, &mut cid]).await;
    ada.wire.say(&kick(7, 2)).await;
    assert_eq!(answer(&mut ada, 7).await, Ok(()));
    // The owner is no worse off.
    assert!(old.end("studio/1", "cid", EndCode::Kicked).await);
    for (member, ticket) in [(&mut bob, &of_bob), (&mut cid, &of_cid)] {
        assert_eq!(ended(&mut member.wire).await.reason, EndCode::Kicked);
        match arrive(&new, member, ticket).await.1 {
            Err(FromServer::Error(error)) => assert_eq!(error.code, ErrorCode::NotPermitted),
            other => panic!("kept out: {other:?}"),
        }
        let anew = FromClient::Join(Join { epoch: 9, ..member.join.clone() });
        assert_eq!(refusal_of(&new, &anew).await.0.code, ErrorCode::NotPermitted);
    }
    let (_wire, joined) = arrive(&new, &ada, &of_ada).await;
    assert_eq!(joined.expect("she is let in").snapshot.roster.len(), 1, "nobody waits for them");
}

// F64, F32: whoever moved first is ended where he is, and his place is known to be over.
#[tokio::test]
async fn an_end_for_all_on_the_old_server_ends_those_who_moved_and_those_under_way() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let mut cid = Wire::enter(&old, "cid", 3).await;
    let [_, of_bob, of_cid] = drained(&old, &new, [&mut ada, &mut bob, &mut cid]).await;
    let (mut bobs, joined) = arrive(&new, &bob, &of_bob).await;
    joined.expect("he is let in");
    ada.wire.say(&FromClient::EndForAll(EndForAll { id: 7 })).await;
    assert_eq!(answer(&mut ada, 7).await, Ok(()));
    for wire in [&mut ada.wire, &mut cid.wire, &mut bobs] {
        assert_eq!(ended(wire).await.reason, EndCode::EndedForAll);
    }
    assert_eq!(ended_at(&new, &cid, &of_cid).await, EndCode::EndedForAll);
    settled("nobody is left", || new.census().members + old.census().members == 0).await;
}

// F32: also by a plan of its owner.
#[tokio::test]
async fn who_is_stopped_on_the_old_server_does_not_go_on_on_the_new_one() {
    let (old, new) = (server().await, server().await);
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let [ticket] = drained(&old, &new, [&mut bob]).await;
    let stopped = old.direct(None, offhook_server::Strategy::Stop, Duration::ZERO).await;
    assert_eq!(stopped, 1);
    assert_eq!(ended_at(&new, &bob, &ticket).await, EndCode::Closed);
}

// F64, F32, F60
#[tokio::test]
async fn a_mute_on_the_old_server_holds_on_the_new_one_and_so_does_its_taking_back() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let publishing =
        |user, instance| Join { tracks: vec![camera()], ..with(user, instance, muted_for_good()) };
    let mut bob = Wire::enter_with(&old, publishing("bob", 2)).await;
    let mut cid = Wire::enter_with(&old, publishing("cid", 3)).await;
    let [_, of_bob, of_cid] = drained(&old, &new, [&mut ada, &mut bob, &mut cid]).await;
    for (id, member, muted) in [(1, 2, true), (2, 3, true), (3, 3, false)] {
        ada.wire.say(&mute(id, member, muted)).await;
        assert_eq!(answer(&mut ada, id).await, Ok(()));
    }
    let muted = async |member: &Member, ticket: &Secret| {
        let moving = Migrate { tracks: vec![camera()], ..migrate(member, ticket) };
        let (_wire, joined) = arrive_with(&new, moving).await;
        let roster = joined.expect("let in").snapshot.roster;
        let own = roster.iter().find(|other| other.instance == member.join.instance).expect("himself");
        own.tracks[0].muted
    };
    assert!(muted(&bob, &of_bob).await, "muted there, and not by himself");
    assert!(!muted(&cid, &of_cid).await, "it was taken back");
}

// F64: `moderated` is said of what is so, and of nothing else.
#[tokio::test]
async fn what_cannot_be_passed_on_is_not_said_to_be_moderated() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    let mut cid = Wire::enter(&old, "cid", 3).await;
    drained(&old, &new, [&mut ada, &mut bob, &mut cid]).await;
    new.shutdown().await;
    let end_for_all = FromClient::EndForAll(EndForAll { id: 3 });
    for (id, request) in [(1, mute(1, 2, true)), (2, kick(2, 2)), (3, end_for_all)] {
        ada.wire.say(&request).await;
        assert_eq!(answer(&mut ada, id).await, Err(ModerationRefusal::Unreachable));
    }
    // What could be done is done.
    assert_eq!(ended(&mut bob.wire).await.reason, EndCode::Kicked);
    assert_eq!(ended(&mut cid.wire).await.reason, EndCode::EndedForAll);
    pong(&mut ada, 1).await;
    assert!(timeout(PATIENCE, old.end("studio/1", "ada", EndCode::Closed)).await.expect("in time"));
    while let Some(Ok(_)) = ada.wire.socket.next().await {}
}

// F64, E8: by identity, as kicks are: also of somebody who left, and of a session that nobody is in.
#[tokio::test]
async fn who_was_muted_for_good_or_kicked_and_left_before_the_move_is_so_after_it() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let publishing =
        Join { model: Some("room".into()), tracks: vec![camera()], ..with("bob", 2, muted_for_good()) };
    let mut bob = Wire::enter_with(&old, publishing.clone()).await;
    ada.wire.say(&mute(1, 2, true)).await;
    assert_eq!(answer(&mut ada, 1).await, Ok(()));
    ada.wire.say(&kick(2, 9)).await;
    assert_eq!(answer(&mut ada, 2).await, Err(ModerationRefusal::UnknownMember));
    assert!(!old.end("studio/1", "eve", EndCode::Kicked).await, "nobody of that name is there");
    for member in [&mut bob, &mut ada] {
        member.wire.say(&crate::wire::goodbye()).await;
        member.wire.rest().await;
    }
    settled("nobody is there", || old.census().sessions == 0).await;
    drained(&old, &new, []).await;
    let bob = Wire::enter_with(&new, Join { epoch: 5, ..publishing }).await;
    assert!(bob.joined.snapshot.roster[0].tracks[0].muted, "he may not undo it by leaving");
    assert_eq!(refusal_of(&new, &FromClient::Join(join("eve", 5))).await.0.code, ErrorCode::NotPermitted);
}
