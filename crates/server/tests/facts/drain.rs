//! A server that is emptied into another: the sessions are there before their members, nothing is
//! lost on the way, and nobody without the key learns or changes anything.

use crate::wire::{
    Member, PATIENCE, Wire, builder, credential, desired, empty, join, migrate, pong, refusal_of, server,
    settled,
};
use futures_util::{SinkExt, StreamExt};
use offhook_server::{DrainError, Drained, EndCode, GoAwayCode, Grants, Limits, Mint, Server, Signer};
use offhook_signaling::{
    Attendance, Desired, Ended, ErrorCode, FromClient, FromServer, GoAway, Instance, Join, Look, MediaKind,
    Migrate, Ping, Prompt, Rejoin, Relay, ResumeRefusal, Role, Secret, Steer, Track, Versions,
};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const LONG: Duration = Duration::from_secs(30);

async fn drain(old: &Server, new: &Server) -> Drained {
    old.drain(&new.url(), LONG, GoAwayCode::ShuttingDown).await.expect("a server of the same key")
}

async fn sent_away(member: &mut Member) -> GoAway {
    member
        .wire
        .until("go_away", |message| match message {
            FromServer::GoAway(go_away) => Some(go_away),
            _ => None,
        })
        .await
}

async fn arrive(new: &Server, member: &Member, ticket: &Secret) -> Member {
    let mut wire = Wire::dial(new).await;
    wire.say(&FromClient::Migrate(migrate(member, ticket))).await;
    let joined = wire.joined().await;
    Member { wire, join: member.join.clone(), joined }
}

fn rejoin(member: &Member, secret: &Secret) -> Join {
    let rejoin =
        Rejoin { session_id: member.joined.session_id.clone(), secret: secret.clone(), must_exist: true };
    Join { epoch: 5, rejoin: Some(rejoin), ..member.join.clone() }
}

fn camera() -> Track {
    Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid: None,
        width: None,
        height: None,
        codec: None,
        muted: false,
    }
}

// F32
#[tokio::test]
async fn a_drained_session_is_whole_on_the_other_server_before_anybody_arrives() {
    let (old, new) = (server().await, server().await);
    let named = Join {
        name: Some("Ada".into()),
        tracks: vec![camera()],
        desired: desired(6, Some("sepia")),
        ..join("ada", 1)
    };
    let mut ada = Wire::enter_with(&old, named).await;
    let mut bob = Wire::enter_with(&old, Join { viewer: true, ..join("bob", 2) }).await;
    let away = Wire::enter(&old, "dan", 3).await;
    away.wire.lose();
    assert_eq!(drain(&old, &new).await, Drained { moved: 3, stayed: 0 });
    assert_eq!((new.census().sessions, new.census().members), (1, 3));

    let told = sent_away(&mut ada).await;
    assert_eq!((told.target.as_deref(), &told.reason), (Some(&*new.url()), &GoAwayCode::ShuttingDown));
    let moved = arrive(&new, &ada, &told.ticket.expect("with a target comes a ticket")).await;
    assert_eq!(moved.joined.session_id, ada.joined.session_id, "F02: the session keeps its id");
    assert!(moved.joined.resumed);
    let mut roster = moved.joined.snapshot.roster.clone();
    roster.sort_by_key(|member| member.instance);
    let seen: Vec<_> = roster.iter().map(|member| (member.user.as_str(), &member.attendance)).collect();
    let (there, not_yet) = (&Attendance::Present, &Attendance::Away);
    assert_eq!(seen, [("ada", there), ("bob", not_yet), ("dan", not_yet)]);
    assert_eq!(roster[0].name.as_deref(), Some("Ada"));

    let ticket = sent_away(&mut bob).await.ticket.expect("a ticket");
    let bob = arrive(&new, &bob, &ticket).await;
    let of_bob = bob.joined.snapshot.roster.iter().find(|member| member.user == "bob");
    assert_eq!(of_bob.map(|member| &member.role), Some(&Role::Viewer), "he is what he was");
    assert!(!bob.joined.capabilities.publish);
    assert_eq!(new.census().members, 3, "no twin of anybody");
}

// What was asked for last is known there, also of those who are not there yet.
#[tokio::test]
async fn the_tracks_and_the_rights_of_those_who_are_still_under_way_are_known() {
    let (old, new) = (server().await, server().await);
    let ada = Wire::enter_with(&old, Join { tracks: vec![camera()], ..join("ada", 1) }).await;
    drain(&old, &new).await;
    let watcher = Wire::enter(&new, "bob", 2).await;
    let roster = &watcher.joined.snapshot.roster;
    let of_ada = roster.iter().find(|member| member.user == "ada").expect("she is expected");
    assert_eq!((of_ada.tracks.as_slice(), &of_ada.attendance), (&[camera()][..], &Attendance::Away));
    assert_eq!(watcher.joined.session_id, ada.joined.session_id);
    // S19: nobody else takes her place, and no older dial of hers does.
    let thief = Join { epoch: 9, ..join("eve", 1) };
    assert_eq!(refusal_of(&new, &FromClient::Join(thief)).await.0.code, ErrorCode::NotPermitted);
    let stale = Join { epoch: 1, ..join("ada", 1) };
    assert_eq!(refusal_of(&new, &FromClient::Join(stale)).await.0.code, ErrorCode::StaleEpoch);
}

// The rights of a resume token go along.
#[tokio::test]
async fn one_that_was_away_during_the_move_comes_back_on_its_old_secret() {
    let (old, new) = (server().await, server().await);
    let dan = Wire::enter(&old, "dan", 3).await;
    let secret = dan.joined.resume_secret.clone();
    let resume = dan.resume(5, &secret);
    let (with_it, without) = (rejoin(&dan, &secret), rejoin(&dan, &Secret::new("a-guess")));
    dan.wire.lose();
    drain(&old, &new).await;
    // Its media is elsewhere, so the link cannot go on; the session can.
    let mut wire = Wire::dial(&new).await;
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::ResumeRefused(refused)) = wire.next().await else { panic!("a refusal was due") };
    assert_eq!(refused.why, ResumeRefusal::Unknown);
    assert_eq!(refusal_of(&new, &FromClient::Join(without)).await.0.code, ErrorCode::NoSessionToResume);
    let back = Wire::enter_with(&new, with_it).await;
    assert!(back.joined.resumed);
    assert_eq!(new.census().members, 1);
}

#[tokio::test]
async fn who_wants_in_while_a_server_is_emptied_is_sent_to_the_other_with_a_ticket() {
    let (old, new) = (server().await, server().await);
    let ada = Wire::enter(&old, "ada", 1).await;
    drain(&old, &new).await;
    let again = rejoin(&ada, &ada.joined.resume_secret);
    for (join, known) in [(join("bob", 2), false), (again, true)] {
        let mut wire = Wire::dial(&old).await;
        wire.say_once(&FromClient::Join(join.clone())).await;
        let Ok(FromServer::GoAway(away)) = wire.next().await else { panic!("go_away was due") };
        assert_eq!(wire.next().await, Err(Some(CloseCode::Away)));
        let ticket = away.ticket.expect("a ticket");
        let member =
            Member { wire, join: Join { epoch: join.epoch + 1, ..join }, joined: ada.joined.clone() };
        let moved = arrive(&new, &member, &ticket).await;
        assert_eq!(moved.joined.session_id, ada.joined.session_id, "one session, one id");
        assert_eq!(moved.joined.resumed, known);
    }
    // S9: who has no credential is told nothing.
    let nobody = Join { credential: None, ..join("eve", 3) };
    assert_eq!(refusal_of(&old, &FromClient::Join(nobody)).await.0.code, ErrorCode::Unauthorized);
    assert_eq!(old.census().members, 1, "the link of the first, until its deadline");
}

// The old server closes a moved link without `ended`.
#[tokio::test]
async fn at_the_deadline_the_old_server_is_empty_and_nobody_heard_an_ending() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter(&old, "ada", 1).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    old.drain(&new.url(), Duration::from_millis(100), GoAwayCode::Rebalance).await.expect("handed over");
    for member in [&mut ada, &mut bob] {
        let (said, _) = member.wire.rest().await;
        assert!(said.iter().any(|message| matches!(message, FromServer::GoAway(_))), "{said:?}");
        assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
    }
    empty(&old).await;
    assert_eq!(new.census().members, 2);
}

// H1: a place that was kept for somebody is not kept for ever.
#[tokio::test]
async fn one_that_was_handed_over_and_never_comes_is_gone_after_its_window() {
    let (old, new) = (server().await, builder().resume_window(Duration::ZERO).start().await.expect("a port"));
    let _ada = Wire::enter(&old, "ada", 1).await;
    old.drain(&new.url(), Duration::from_millis(10), GoAwayCode::Rebalance).await.expect("handed over");
    assert_eq!(new.census().members, 1);
    empty(&new).await;
}

#[tokio::test]
async fn whom_the_other_server_has_no_room_for_stays_where_it_is() {
    let limits = Limits { members: 1, ..Limits::default() };
    let (old, new) = (server().await, builder().limits(limits).start().await.expect("a port"));
    let mut members = [Wire::enter(&old, "ada", 1).await, Wire::enter(&old, "bob", 2).await];
    assert_eq!(drain(&old, &new).await, Drained { moved: 1, stayed: 1 });
    assert_eq!(new.census().members, 1);
    let mut told = 0;
    for member in &mut members {
        member.wire.say(&FromClient::Ping(offhook_signaling::Ping { id: 7 })).await;
        let go_away = member.wire.until("a pong", |message| match message {
            FromServer::GoAway(_) => Some(1),
            FromServer::Pong(_) => Some(0),
            _ => None,
        });
        told += go_away.await;
    }
    assert_eq!(told, 1);
}

// E8
#[tokio::test]
async fn who_was_kicked_stays_out_after_the_move() {
    let (old, new) = (server().await, server().await);
    let _bob = Wire::enter(&old, "bob", 2).await;
    let _ada = Wire::enter(&old, "ada", 1).await;
    assert!(old.end("studio/1", "ada", EndCode::Kicked).await);
    drain(&old, &new).await;
    let again = Join { credential: Some(credential(&Mint::user("ada"))), ..join("ada", 9) };
    assert_eq!(refusal_of(&new, &FromClient::Join(again)).await.0.code, ErrorCode::NotPermitted);
}

// A drain that cannot be leaves everything as it was.
#[tokio::test]
async fn a_drain_that_cannot_be_says_why_and_sends_nobody_away() {
    let server = server().await;
    let stranger = builder().signer(Signer::new(*b"another key")).start().await.expect("a port");
    let gone = {
        let gone = crate::wire::server().await;
        let url = gone.url();
        gone.shutdown().await;
        url
    };
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let drained = async |target: &str| server.drain(target, LONG, GoAwayCode::Rebalance).await;
    assert!(matches!(drained(&stranger.url()).await, Err(DrainError::NotTrusted)));
    assert!(matches!(drained(&server.url()).await, Err(DrainError::Itself)));
    assert!(matches!(drained(&gone).await, Err(DrainError::Unreachable(_))));
    for elsewhere in
        ["wss://127.0.0.1:1/session", "ws://media.example/session", "ws://10.0.0.7:80/", "no URL"]
    {
        let error = drained(elsewhere).await.expect_err("not on this machine");
        assert!(matches!(error, DrainError::NotHere), "{elsewhere}: {error}");
        assert!(error.to_string().contains("go_away"), "the next step is in the text: {error}");
    }
    let bob = Wire::enter(&server, "bob", 2).await;
    ada.wire.say(&FromClient::Ping(offhook_signaling::Ping { id: 7 })).await;
    ada.wire
        .until("a pong", |message| match message {
            FromServer::Pong(_) => Some(()),
            FromServer::GoAway(away) => panic!("nobody was to be sent away: {away:?}"),
            _ => None,
        })
        .await;
    assert_eq!(server.census().members, 2);
    empty(&stranger).await;
    drop(bob);
}

// S4, S15: the channel is for those who hold the key, and a word of theirs is good once.
#[tokio::test]
async fn nobody_without_the_key_hands_anything_over() {
    let server = server().await;
    let url = format!("ws://{}/handover", server.address());
    let own = credential(&Mint::user("ada"));
    let hello = |voucher: &str| format!(r#"{{"type":"hello","voucher":"{voucher}"}}"#);
    let member = r#"{"type":"keep_out","session":"studio/1","user":"ada","left_ms":600000}"#;
    for first in
        [hello(own.expose()), hello("a.b.c"), hello(""), member.to_owned(), "{".into(), "x".repeat(70_000)]
    {
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.expect("it listens");
        let _ = socket.send(Message::text(first)).await;
        let _ = socket.send(Message::text(member)).await;
        let end = timeout(PATIENCE, async {
            while let Some(Ok(message)) = socket.next().await {
                assert!(!matches!(message, Message::Text(_)), "it says nothing: {message}");
            }
        });
        end.await.expect("it hangs up");
    }
    // Nothing of it was believed.
    Wire::enter(&server, "ada", 1).await;
    let page = crate::wire::http(&server, "/handover", "Host: localhost\r\nOrigin: http://localhost").await;
    assert!(page.starts_with("HTTP/1.1 4"), "no page has business there: {page}");
}

// Nothing of a handover is left behind.
#[tokio::test]
async fn two_servers_that_moved_everybody_end_with_nothing_left() {
    let (old, new) = (server().await, server().await);
    let mut members = Vec::new();
    for number in 1..=6_u128 {
        let id = (number % 2).to_string();
        let session = offhook_signaling::SessionRef { kind: "studio".into(), id };
        members.push(Wire::enter_with(&old, Join { session, ..join("ada", number) }).await);
    }
    assert_eq!(drain(&old, &new).await, Drained { moved: 6, stayed: 0 });
    let mut moved = Vec::new();
    for member in &mut members {
        let ticket = sent_away(member).await.ticket.expect("a ticket");
        moved.push(arrive(&new, member, &ticket).await);
        let superseded = offhook_signaling::Goodbye { reason: offhook_signaling::GoodbyeCode::Superseded };
        member.wire.say(&FromClient::Goodbye(superseded)).await;
    }
    empty(&old).await;
    assert_eq!((new.census().sessions, new.census().members), (2, 6));
    for member in &mut moved {
        member.wire.say(&crate::wire::goodbye()).await;
        member.wire.rest().await;
    }
    empty(&new).await;
    settled("the handover is over", || old.census().tasks == 0).await;
}

// A used ticket stays used, whoever knows of the member.
#[tokio::test]
async fn a_ticket_of_a_drain_is_used_once() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter(&old, "ada", 1).await;
    drain(&old, &new).await;
    let ticket = sent_away(&mut ada).await.ticket.expect("a ticket");
    let _there = arrive(&new, &ada, &ticket).await;
    for (instance, epoch) in [(Instance(1), 9), (Instance(2), 9)] {
        let again = Migrate { instance, epoch, ..migrate(&ada, &ticket) };
        assert_eq!(refusal_of(&new, &FromClient::Migrate(again)).await.0.code, ErrorCode::TicketRefused);
    }
}

async fn ending(member: &mut Member) -> Ended {
    let ended = member.wire.until("the end", |message| match message {
        FromServer::Ended(ended) => Some(ended),
        _ => None,
    });
    ended.await
}

// F18: the time of a membership does not begin anew on another server, however it is sent there.
#[tokio::test]
async fn a_membership_has_its_longest_time_once_over_every_server() {
    let most = Duration::from_secs(4);
    let limited = async || builder().max_duration(most).start().await.expect("a port");
    for hands_over in [true, false] {
        let (old, new) = (limited().await, limited().await);
        let came = Instant::now();
        let mut ada = Wire::enter(&old, "ada", 1).await;
        crate::wire::wait_as_told(2_000).await;
        if hands_over {
            drain(&old, &new).await;
        } else {
            old.go_away(None, Some(&new.url()), LONG, GoAwayCode::Rebalance).await;
        }
        let ticket = sent_away(&mut ada).await.ticket.expect("a ticket");
        let mut ada = arrive(&new, &ada, &ticket).await;
        let arrived = Instant::now();
        assert_eq!(ending(&mut ada).await.reason, EndCode::MaxDuration);
        assert!(came.elapsed() + Duration::from_secs(1) >= most, "not before: {:?}", came.elapsed());
        let rest = arrived.elapsed();
        assert!(rest + Duration::from_millis(500) < most, "its time began anew: {rest:?} of {most:?}");
    }
}

// F32, S10: whatever a member says of itself within its frames, it is handed over, and with it everybody else.
#[tokio::test]
async fn a_member_of_whom_there_is_more_to_say_than_a_frame_holds_keeps_no_server_from_being_drained() {
    let (old, new) = (server().await, server().await);
    let longest = |n: usize| format!("{n:03}{}", "\"".repeat(125));
    let tracks = (0..56).map(|n| Track { track: longest(n), ..camera() }).collect();
    let prompt = |what: &str| Prompt { text: format!("{what} {}", "\"".repeat(8000)), enhance: false };
    let muted = (0..64).map(longest).collect();
    let desired = Desired { revision: 1, prompt: Some(prompt("sepia")), muted, ..Desired::default() };
    let large = Join { tracks, desired, ..join("mallory", 1) };
    let mallory = Wire::enter_with(&old, large).await;
    let mut director = Wire::dial(&old).await;
    let backend = credential(&Mint::user("backend").grants(Grants::DIRECTOR));
    let look =
        Look { versions: Versions::OURS, session: mallory.join.session.clone(), credential: Some(backend) };
    director.say(&FromClient::Direct(look)).await;
    director.say(&FromClient::Steer(Steer { id: 1, prompt: Some(prompt("edges")), text: None })).await;
    let steered = |message: FromServer| matches!(message, FromServer::Steered(_)).then_some(());
    director.until("the answer", steered).await;
    let _ada = Wire::enter(&old, "ada", 2).await;
    assert_eq!(drain(&old, &new).await, Drained { moved: 2, stayed: 0 });
}

// F63, F32: it is answered as relayed, so it is heard, and once.
#[tokio::test]
async fn a_message_to_one_who_is_on_the_way_is_heard_on_arriving() {
    let (old, new) = (server().await, server().await);
    let mut ada = Wire::enter(&old, "ada", 1).await;
    let mut bob = Wire::enter(&old, "bob", 2).await;
    drain(&old, &new).await;
    let ticket = sent_away(&mut ada).await.ticket.expect("a ticket");
    let mut ada = arrive(&new, &ada, &ticket).await;
    let relay = |id, to: &[u128], text: &str| {
        let to = to.iter().copied().map(Instance).collect();
        FromClient::Message(Relay { id, from: None, to, topic: "x".into(), data: text.into() })
    };
    ada.wire.say(&relay(5, &[2], "to bob")).await;
    let relayed = ada.wire.until("the answer", |message| match message {
        FromServer::Relayed(relayed) => Some(relayed.id),
        FromServer::NotRelayed(refused) => panic!("{refused:?}"),
        _ => None,
    });
    assert_eq!(relayed.await, 5);
    ada.wire.say(&relay(6, &[], "to all")).await;
    pong(&mut ada, 1).await;
    let ticket = sent_away(&mut bob).await.ticket.expect("a ticket");
    let mut bob = arrive(&new, &bob, &ticket).await;
    ada.wire.say(&relay(7, &[], "from here on")).await;
    pong(&mut ada, 2).await;
    bob.wire.say(&FromClient::Ping(Ping { id: 3 })).await;
    let mut heard = Vec::new();
    let until = |message: &FromServer| {
        if let FromServer::Message(relay) = message {
            heard.push(relay.data.as_str().unwrap_or_default().to_owned());
        }
        *message == FromServer::Pong(Ping { id: 3 })
    };
    bob.wire.next_until(until).await;
    assert_eq!(heard, ["to bob", "to all", "from here on"]);
}
