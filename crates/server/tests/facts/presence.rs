//! Presence and rings on the wire: who is let in, what a ticket opens and how often, what a storm
//! does, and that nothing is left. The rules of rings without sockets are in the server's own tests.

use crate::wire::{
    Wire, builder, credential, empty, goodbye, join, pong, refusal_of, server, settled, studio,
};
use offhook_server::{EndCode, Limits, Mint, Server, Signer};
use offhook_signaling::{
    Accept, CancelRing, ErrorCode, FromClient, FromServer, Gone, Instance, Join, Party, PlaceRing, Presence,
    Present, Ring, RingEnd, RingRef, RingRefusal, Secret, SessionRef, Versions,
};
use std::time::Duration;

fn hello(user: &str, device: u128) -> Presence {
    Presence {
        versions: Versions::OURS,
        instance: Instance(device),
        epoch: 1,
        credential: Some(credential(&Mint::user(user))),
    }
}

/// A device of this user, and what stood when it came.
async fn device(server: &Server, user: &str, number: u128) -> (Wire, Present) {
    let mut wire = Wire::dial(server).await;
    wire.say(&FromClient::Presence(hello(user, number))).await;
    let present = wire.until("the snapshot", |message| match message {
        FromServer::Present(present) => Some(present),
        FromServer::Error(error) => panic!("refused: {error:?}"),
        _ => None,
    });
    let present = present.await;
    (wire, present)
}

fn order(instance: u128, users: &[&str]) -> FromClient {
    FromClient::Ring(PlaceRing {
        id: 1,
        session: studio(),
        instance: Instance(instance),
        users: users.iter().map(ToString::to_string).collect(),
        timeout_ms: 60_000,
        name: None,
        metadata: None,
    })
}

async fn placed(wire: &mut Wire, instance: u128, users: &[&str]) -> Result<Ring, RingRefusal> {
    wire.say(&order(instance, users)).await;
    wire.until("an answer to the order", |message| match message {
        FromServer::RingPlaced(placed) => Some(Ok(placed.ring)),
        FromServer::RingRefused(refused) => Some(Err(refused.why)),
        _ => None,
    })
    .await
}

async fn ticket(wire: &mut Wire) -> Secret {
    wire.until("a ticket", |message| match message {
        FromServer::Accepted(accepted) => Some(accepted.join_ticket),
        _ => None,
    })
    .await
}

async fn gone(wire: &mut Wire) -> Gone {
    let gone = |message| if let FromServer::Gone(gone) = message { Some(gone) } else { None };
    wire.until("the end of a ring", gone).await
}

fn accept(ring: &Ring, instance: u128) -> FromClient {
    FromClient::Accept(Accept { ring_id: ring.ring_id.clone(), instance: Instance(instance) })
}

/// A ring from ada to bob that bob took: both wires, and both tickets.
async fn taken(server: &Server) -> (Wire, Wire, Secret, Secret) {
    let (mut ada, _) = device(server, "ada", 1).await;
    let (mut bob, _) = device(server, "bob", 2).await;
    let ring = placed(&mut ada, 11, &["bob"]).await.expect("bob is here");
    bob.say(&accept(&ring, 22)).await;
    let (of_ada, of_bob) = (ticket(&mut ada).await, ticket(&mut bob).await);
    (ada, bob, of_ada, of_bob)
}

fn with_ticket(user: &str, instance: u128, ticket: &Secret) -> Join {
    Join { credential: None, join_ticket: Some(ticket.clone()), ..join(user, instance) }
}

// S4, S9
#[tokio::test]
async fn presence_is_for_a_user_whose_credential_names_no_session() {
    let server = server().await;
    let of = |credential| FromClient::Presence(Presence { credential, ..hello("ada", 1) });
    let foreign = Signer::new(*b"another key").mint(&Mint::user("ada")).expect("a token");
    let (mut ada, bob, of_ada, _) = taken(&server).await;
    for (shown, code) in [
        (None, ErrorCode::Unauthorized),
        (Some(credential(&Mint::user("ada").session("studio", "1"))), ErrorCode::NotPermitted),
        (Some(credential(&Mint::user("ada").life(Duration::ZERO))), ErrorCode::CredentialExpired),
        (Some(Secret::new(foreign.expose())), ErrorCode::Unauthorized),
        // A ticket to a session is no credential of a user.
        (Some(of_ada), ErrorCode::Unauthorized),
    ] {
        assert_eq!(refusal_of(&server, &of(shown)).await.0.code, code);
    }
    ada.say(&goodbye()).await;
    ada.rest().await;
    drop(bob);
    empty(&server).await;
}

// S4: the ticket is one-use, and of one instance
#[tokio::test]
async fn a_rings_ticket_opens_one_place_for_the_instance_that_it_names() {
    let server = server().await;
    let (ada, bob, of_ada, of_bob) = taken(&server).await;
    let refused = async |join: Join| refusal_of(&server, &FromClient::Join(join)).await.0.code;
    assert_eq!(refused(with_ticket("eve", 33, &of_ada)).await, ErrorCode::TicketRefused, "another instance");
    assert_eq!(
        refused(with_ticket("bob", 22, &of_ada)).await,
        ErrorCode::TicketRefused,
        "the other's ticket"
    );
    let elsewhere = SessionRef { kind: "studio".into(), id: "other".into() };
    let other = Join { session: elsewhere, ..with_ticket("ada", 11, &of_ada) };
    assert_eq!(refused(other).await, ErrorCode::TicketRefused, "another session");
    let eves = Some(credential(&Mint::user("eve")));
    let beside = Join { credential: eves, ..with_ticket("ada", 11, &of_ada) };
    assert_eq!(refused(beside).await, ErrorCode::Unauthorized, "beside a credential of another user");

    let mut first = Wire::enter_with(&server, with_ticket("ada", 11, &of_ada)).await;
    assert_eq!(first.joined.snapshot.roster[0].user, "ada", "the ticket says who it is");
    let second = Wire::enter_with(&server, with_ticket("bob", 22, &of_bob)).await;
    // The answer to a join may be lost with its link: the same instance may come again.
    let again = Join { epoch: 2, ..with_ticket("ada", 11, &of_ada) };
    let mut again = Wire::enter_with(&server, again).await;
    first.wire.rest().await;
    again.wire.say(&goodbye()).await;
    again.wire.rest().await;
    settled("ada is gone", || server.census().members == 1).await;
    let late = Join { epoch: 3, ..with_ticket("ada", 11, &of_ada) };
    assert_eq!(refused(late).await, ErrorCode::TicketRefused, "it was used");
    drop((second, ada, bob));
}

// E8: a kick is for the person, by whatever door they come
#[tokio::test]
async fn who_was_kicked_rings_nobody_into_the_session_and_no_ticket_helps() {
    let server = server().await;
    let (mut ada, bob, of_ada, _) = taken(&server).await;
    server.end("studio/1", "ada", EndCode::Kicked).await;
    let join = FromClient::Join(with_ticket("ada", 11, &of_ada));
    assert_eq!(refusal_of(&server, &join).await.0.code, ErrorCode::NotPermitted);
    assert_eq!(placed(&mut ada, 12, &["bob"]).await, Err(RingRefusal::NotPermitted));
    drop((ada, bob));
    empty(&server).await;
}

/// Ada takes the ring back after bob took it.
async fn gives_up(ada: &mut Wire, ring_id: &str) {
    let cancel = CancelRing { ring_id: ring_id.to_owned(), reason: RingEnd::Cancelled };
    ada.say(&FromClient::CancelRing(cancel)).await;
    assert_eq!(gone(ada).await.why, RingEnd::AnsweredElsewhere, "it was too late for that");
}

// F22: a caller who gives up just after the server took an accept leaves nobody alone
#[tokio::test]
async fn who_took_a_ring_whose_caller_does_not_come_is_not_left_waiting() {
    let server = server().await;
    let sent_away = async |join: Join| {
        let mut wire = Wire::dial(&server).await;
        wire.say(&FromClient::Join(join)).await;
        match wire.next().await {
            Ok(FromServer::Ended(ended)) => (ended.reason, ended.by, ended.may_retry),
            other => panic!("an ending was due: {other:?}"),
        }
    };
    let (mut ada, _) = device(&server, "ada", 1).await;
    let (mut bob, _) = device(&server, "bob", 2).await;
    let answered = async |ada: &mut Wire, bob: &mut Wire, ours: u128, theirs: u128| {
        let ring = placed(ada, ours, &["bob"]).await.expect("bob is here");
        bob.say(&accept(&ring, theirs)).await;
        (ring.ring_id, ticket(ada).await, ticket(bob).await)
    };
    // He is not in yet: there is nothing to come into.
    let (ring, of_ada, of_bob) = answered(&mut ada, &mut bob, 11, 21).await;
    gives_up(&mut ada, &ring).await;
    let over = (EndCode::Closed, Party::Member, false);
    assert_eq!(sent_away(with_ticket("bob", 21, &of_bob)).await, over);
    assert_eq!(sent_away(with_ticket("ada", 11, &of_ada)).await, over);

    // He is in: it is over.
    let (ring, _, of_bob) = answered(&mut ada, &mut bob, 12, 22).await;
    let mut inside = Wire::enter_with(&server, with_ticket("bob", 22, &of_bob)).await;
    gives_up(&mut ada, &ring).await;
    let (said, _) = inside.wire.rest().await;
    let Some(FromServer::Ended(ended)) = said.last() else { panic!("an ending was due: {said:?}") };
    assert_eq!((ended.reason.clone(), ended.by.clone(), ended.may_retry), over);
    settled("bob is gone", || server.census().members == 0).await;

    // Somebody else is there, or she is: nobody is alone, and nothing happens.
    let eve = Wire::enter(&server, "eve", 33).await;
    let (ring, _, of_bob) = answered(&mut ada, &mut bob, 13, 23).await;
    gives_up(&mut ada, &ring).await;
    let mut inside = Wire::enter_with(&server, with_ticket("bob", 23, &of_bob)).await;
    pong(&mut inside, 1).await;
    drop((eve, inside, bob, ada));
}

// F25
#[tokio::test]
async fn a_device_that_comes_back_takes_the_place_of_its_ghost_and_sees_what_stands() {
    let server = server().await;
    let (mut ada, _) = device(&server, "ada", 1).await;
    let (bob, _) = device(&server, "bob", 2).await;
    let ring = placed(&mut ada, 11, &["bob"]).await.expect("bob is here");
    // Its socket is not known to be dead over there.
    let mut newer = Wire::dial(&server).await;
    newer.say(&FromClient::Presence(Presence { epoch: 2, ..hello("bob", 2) })).await;
    let seen = newer.until("the snapshot", |message| match message {
        FromServer::Present(present) => Some(present.rings),
        _ => None,
    });
    let seen = seen.await;
    assert_eq!(seen.iter().map(|ring| &ring.ring_id).collect::<Vec<_>>(), [&ring.ring_id]);
    assert_eq!(server.census().presences, 2, "the ghost is gone");
    let stale = refusal_of(&server, &FromClient::Presence(hello("bob", 2))).await;
    assert_eq!(stale.0.code, ErrorCode::StaleEpoch);
    newer.say(&FromClient::RingState(RingRef { ring_id: ring.ring_id.clone() })).await;
    let again = newer.until("the ring as it stands", |message| match message {
        FromServer::Ring(ring) => Some(ring),
        _ => None,
    });
    assert_eq!(again.await.ring_id, ring.ring_id);
    assert_eq!(server.end_rings("studio/1"), 1);
    assert_eq!(gone(&mut newer).await.why, RingEnd::EndedBeforePickup);
    assert_eq!(gone(&mut ada).await.why, RingEnd::EndedBeforePickup);
    drop((ada, bob, newer));
    empty(&server).await;
    assert_eq!(server.census().rings, 0);
}

#[tokio::test]
async fn there_is_only_so_much_room_for_devices() {
    let limits = Limits { devices: 2, presences: 3, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a free port");
    let (one, _) = device(&server, "ada", 1).await;
    let (two, _) = device(&server, "ada", 2).await;
    let third = FromClient::Presence(hello("ada", 3));
    assert_eq!(refusal_of(&server, &third).await.0.code, ErrorCode::Busy);
    let (bob, _) = device(&server, "bob", 4).await;
    let late = refusal_of(&server, &FromClient::Presence(hello("eve", 5))).await;
    assert_eq!(late.0.code, ErrorCode::Busy);
    assert!(late.0.retry_after_ms.is_some());
    drop((one, two, bob));
    empty(&server).await;
}

#[tokio::test]
async fn what_belongs_on_a_sessions_link_is_a_protocol_error_on_this_one() {
    let server = server().await;
    for wrong in [FromClient::Join(join("ada", 1)), FromClient::Presence(hello("ada", 1))] {
        let (mut ada, _) = device(&server, "ada", 1).await;
        ada.say(&wrong).await;
        assert_eq!(ada.refused().await.0.code, ErrorCode::ProtocolError);
    }
    let (mut ada, _) = device(&server, "ada", 1).await;
    ada.raw(tokio_tungstenite::tungstenite::Message::text("{}")).await;
    assert_eq!(ada.refused().await.0.code, ErrorCode::ProtocolError);
    empty(&server).await;
}

// A storm, and E10 of presence
#[tokio::test]
async fn a_storm_of_rings_is_refused_in_the_server_and_hurts_nobody_else() {
    let limits = Limits { rings_per_minute: 5, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a free port");
    let (mut mal, _) = device(&server, "mal", 1).await;
    let (mut ada, _) = device(&server, "ada", 2).await;
    let (mut bob, _) = device(&server, "bob", 3).await;
    let mut refused = 0;
    for instance in 0..50 {
        refused += usize::from(placed(&mut mal, instance, &["bob"]).await == Err(RingRefusal::RateLimited));
    }
    assert_eq!(refused, 45);
    let ring = placed(&mut ada, 100, &["bob"]).await.expect("others ring as before");
    bob.say(&accept(&ring, 22)).await;
    ticket(&mut ada).await;
    ticket(&mut bob).await;
    server.shutdown().await;
    let (said, _) = ada.rest().await;
    assert!(
        matches!(said.last(), Some(FromServer::Error(error)) if error.code == ErrorCode::ShuttingDown),
        "{said:?}"
    );
}

// F20, F21: a thousand at once, and not one is lost
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rings_at_once_are_all_heard_answered_and_gone() {
    const CALLERS: usize = 100;
    const EACH: usize = 10;
    let limits = Limits { sockets_before_auth: 1_024, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a free port");
    let mut callees = Vec::new();
    let mut callers = Vec::new();
    for n in 0..CALLERS {
        callees.push(device(&server, &format!("callee {n}"), 1_000 + n as u128).await.0);
        callers.push(device(&server, &format!("caller {n}"), n as u128).await.0);
    }
    for (n, caller) in callers.iter_mut().enumerate() {
        for each in 0..EACH {
            // Each rings ten others, so that every device hears of ten.
            let to = format!("callee {}", (n + each) % CALLERS);
            caller.say(&order((n * EACH + each) as u128, &[&to])).await;
        }
    }
    settled("every ring stands", || server.census().rings == CALLERS * EACH).await;
    for (n, callee) in callees.iter_mut().enumerate() {
        for each in 0..EACH {
            let ring = |message| if let FromServer::Ring(ring) = message { Some(ring) } else { None };
            let ring = callee.until("a ring", ring).await;
            callee.say(&accept(&ring, (100_000 + n * EACH + each) as u128)).await;
        }
    }
    for wire in callers.iter_mut().chain(&mut callees) {
        for _ in 0..EACH {
            ticket(wire).await;
        }
    }
    assert_eq!(server.census().rings, 0);
    drop((callers, callees));
    empty(&server).await;
}

// F22: both sides hear the server's own clock
#[tokio::test]
async fn a_ring_expires_for_both_by_the_servers_clock() {
    let server = server().await;
    let (mut ada, _) = device(&server, "ada", 1).await;
    let (mut bob, _) = device(&server, "bob", 2).await;
    let FromClient::Ring(soon) = order(11, &["bob"]) else { unreachable!("it is an order") };
    ada.say(&FromClient::Ring(PlaceRing { timeout_ms: 150, ..soon })).await;
    assert_eq!(gone(&mut ada).await.why, RingEnd::Expired);
    assert_eq!(gone(&mut bob).await.why, RingEnd::Expired);
    drop((ada, bob));
    empty(&server).await;
}
