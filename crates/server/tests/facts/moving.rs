//! Go-away: a ticket, another server, and an old link that goes without an ending.

use crate::wire::{Member, Wire, builder, credential, empty, join, migrate, now, refusal_of, server, signed};
use base64::Engine;
use offhook_server::{GoAwayCode, Grants, Mint, Server};
use offhook_signaling::{
    ErrorCode, FromClient, FromServer, GoAway, Instance, Join, MediaKind, Migrate, MuteMember, Role, Secret,
    SessionRef, Track,
};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

async fn sent_away(server: &Server, member: &mut Member, target: Option<&str>, deadline: Duration) -> GoAway {
    let told = server.go_away(Some("studio/1"), target, deadline, GoAwayCode::Rebalance).await;
    assert_eq!(told, 1);
    member
        .wire
        .until("go_away", |message| match message {
            FromServer::GoAway(go_away) => Some(go_away),
            _ => None,
        })
        .await
}

async fn refused(server: &Server, migrate: Migrate) -> ErrorCode {
    refusal_of(server, &FromClient::Migrate(migrate)).await.0.code
}

// F32, R13
#[tokio::test]
async fn a_ticket_opens_the_other_server_once_and_the_old_link_stays_until_it_is_let_go() {
    let (old, new) = (server().await, server().await);
    let mut member = Wire::enter(&old, "ada", 1).await;
    let away = sent_away(&old, &mut member, Some(&new.url()), LONG).await;
    assert_eq!(away.target.as_deref(), Some(&*new.url()));
    let ticket = away.ticket.expect("with a target comes a ticket");

    let mut wire = Wire::dial(&new).await;
    wire.say(&FromClient::Migrate(migrate(&member, &ticket))).await;
    let joined = wire.joined().await;
    assert_eq!(joined.snapshot.applied, Some(6), "the desired state came along");
    assert_eq!(joined.snapshot.roster[0].user, "ada");
    assert_eq!((old.census().members, new.census().members), (1, 1), "both until the new one carries");

    let used = Migrate { epoch: 9, ..migrate(&member, &ticket) };
    assert_eq!(refused(&new, used).await, ErrorCode::TicketRefused);
}

// S4, S19
#[tokio::test]
async fn a_ticket_is_for_one_instance_one_session_and_one_server() {
    let (old, new, third) = (server().await, server().await, server().await);
    let stranger =
        builder().signer(offhook_server::Signer::new(*b"another key")).start().await.expect("a port");
    let mut member = Wire::enter(&old, "ada", 1).await;
    let ticket = sent_away(&old, &mut member, Some(&new.url()), LONG).await.ticket.expect("a ticket");
    let good = migrate(&member, &ticket);
    let other_instance = Migrate { instance: Instance(2), ..good.clone() };
    let session = SessionRef { kind: "studio".into(), id: "2".into() };
    let other_session = Migrate { session, ..good.clone() };
    let no_ticket = Migrate { ticket: credential(&Mint::user("ada")), ..good.clone() };
    for bad in [other_instance, other_session, no_ticket] {
        assert_eq!(refused(&new, bad).await, ErrorCode::TicketRefused);
    }
    for server in [&old, &third, &stranger] {
        assert_eq!(refused(server, good.clone()).await, ErrorCode::TicketRefused);
    }
    // None of that used it up.
    let mut wire = Wire::dial(&new).await;
    wire.say(&FromClient::Migrate(good)).await;
    wire.joined().await;
    empty(&third).await;
}

#[tokio::test]
async fn a_ticket_is_no_credential() {
    let (old, new) = (server().await, server().await);
    let mut member = Wire::enter(&old, "ada", 1).await;
    let ticket = sent_away(&old, &mut member, Some(&new.url()), LONG).await.ticket.expect("a ticket");
    let join = offhook_signaling::Join { credential: Some(ticket), epoch: 2, ..member.join.clone() };
    assert_eq!(refusal_of(&new, &FromClient::Join(join)).await.0.code, ErrorCode::Unauthorized);
}

// Only `ended` ends a session, and this one has not ended.
#[tokio::test]
async fn at_the_deadline_the_old_link_is_closed_without_an_ending() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    let away = sent_away(&server, &mut member, None, Duration::from_millis(50)).await;
    assert_eq!((away.target, away.ticket), (None, None), "without a target there is nothing to show there");
    let (said, _) = member.wire.rest().await;
    assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
    empty(&server).await;
}

// A ticket alone keeps the session and who its bearer is.
#[tokio::test]
async fn a_ticket_keeps_the_sessions_id_and_what_its_bearer_is() {
    let (old, new) = (server().await, server().await);
    let named = Join { name: Some("Ada".into()), viewer: true, ..join("ada", 1) };
    let mut member = Wire::enter_with(&old, named).await;
    let ticket = sent_away(&old, &mut member, Some(&new.url()), LONG).await.ticket.expect("a ticket");
    let mut wire = Wire::dial(&new).await;
    wire.say(&FromClient::Migrate(migrate(&member, &ticket))).await;
    let joined = wire.joined().await;
    assert_eq!((&joined.session_id, joined.resumed), (&member.joined.session_id, true));
    let me = &joined.snapshot.roster[0];
    assert_eq!((me.name.as_deref(), &me.role), (Some("Ada"), &Role::Viewer));
    assert!(joined.expires_in_ms.is_some_and(|left| left > 500_000), "its credential lives on");
}

// S4: at most a minute, and no leeway after it.
#[tokio::test]
async fn a_ticket_past_its_time_is_refused() {
    let server = server().await;
    let member = Wire::enter(&server, "ada", 1).await;
    let ticket = |exp: u64, jti: &str| {
        signed(&serde_json::json!({
            "sub": "ada", "aud": "offhook-move", "exp": exp, "jti": jti,
            "target": server.address().to_string(),
            "pass": {
                "session": "studio/1", "session_id": member.joined.session_id,
                "instance": member.join.instance.to_string(),
                "grants": { "publish": true, "prompt": true },
                "credential": { "jti": "c", "exp": now() + 600 },
            },
        }))
    };
    let late = migrate(&member, &ticket(now() - 2, "one"));
    assert_eq!(refused(&server, late).await, ErrorCode::TicketRefused);
    // The same in time is good: it was the time that was refused.
    let mut wire = Wire::dial(&server).await;
    wire.say(&FromClient::Migrate(migrate(&member, &ticket(now() + 50, "two")))).await;
    wire.joined().await;
}

// E23, F32: the reason comes along, and nobody is told of an error.
#[tokio::test]
async fn every_reason_to_go_is_told_as_it_is() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    for reason in GoAwayCode::KNOWN {
        let reason = GoAwayCode::from(*reason);
        assert_eq!(server.go_away(None, None, LONG, reason.clone()).await, 1);
        let told = member.wire.until("go_away", |message| match message {
            FromServer::GoAway(away) => Some(away.reason),
            FromServer::Error(error) => panic!("no error: {error:?}"),
            _ => None,
        });
        assert_eq!(told.await, reason);
    }
}

/// What a ticket says of its bearer.
fn pass(ticket: &Secret) -> serde_json::Value {
    let body = ticket.expose().split('.').nth(1).expect("a signed token");
    let body = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).expect("base64");
    serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")["pass"].clone()
}

// F52: the numbers of a session's generations, and what they used, rise over each of its servers.
#[tokio::test]
async fn what_was_generated_is_counted_on_wherever_a_ticket_leads() {
    let third = server().await;
    let second = builder().node("second").elsewhere(third.url()).start().await.expect("a port");
    let ada = Wire::enter(&server().await, "ada", 1).await;
    let first = signed(&serde_json::json!({
        "sub": "ada", "aud": "offhook-move", "exp": now() + 50, "jti": "one",
        "target": second.address().to_string(),
        "pass": {
            "session": "studio/1", "session_id": ada.joined.session_id, "instance": ada.join.instance.to_string(),
            "grants": { "publish": true, "prompt": true }, "credential": { "jti": "c", "exp": now() + 600 },
            "generations": 3, "generated_ms": 5_000,
        },
    }));
    let mut wire = Wire::dial(&second).await;
    wire.say(&FromClient::Migrate(migrate(&ada, &first))).await;
    let joined = wire.joined().await;
    let mut ada = Member { wire, join: Join { epoch: 2, ..ada.join }, joined };
    let away = sent_away(&second, &mut ada, Some(&third.url()), LONG).await.ticket.expect("a ticket");
    // Its links here failed, too.
    let avoiding = Join { epoch: 3, avoid: vec!["second".into()], ..ada.join.clone() };
    let mut wire = Wire::dial(&second).await;
    wire.say_once(&FromClient::Join(avoiding)).await;
    let elsewhere = wire.until("go_away", |message| match message {
        FromServer::GoAway(away) => away.ticket,
        _ => None,
    });
    for ticket in [away, elsewhere.await] {
        let pass = pass(&ticket);
        assert_eq!((&pass["generations"], &pass["generated_ms"]), (&3.into(), &5_000.into()), "{pass}");
    }
}

// F64: what a moderator muted is muted wherever it is sent.
#[tokio::test]
async fn a_moderators_mute_goes_along_with_a_ticket() {
    let (old, new) = (server().await, server().await);
    let camera = Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid: None,
        width: None,
        height: None,
        codec: None,
        muted: false,
    };
    let with = |user: &str, instance, grants| {
        let credential = Some(credential(&Mint::user(user).grants(grants)));
        Join { credential, tracks: vec![camera.clone()], ..join(user, instance) }
    };
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    for (user, instance, unmute) in [("bob", 2, false), ("cy", 3, true)] {
        let grants = Grants { unmute, ..Grants::default() };
        let mut member = Wire::enter_with(&old, with(user, instance, grants)).await;
        let mute = MuteMember { id: 7, member: Instance(instance), kind: MediaKind::Video, muted: true };
        ada.wire.say(&FromClient::MuteMember(mute)).await;
        let is_muted = |message| matches!(message, FromServer::MutedBy(_)).then_some(());
        member.wire.until("the mute", is_muted).await;
        old.go_away(None, Some(&new.url()), LONG, GoAwayCode::Rebalance).await;
        let ticket = member.wire.until("go_away", |message| match message {
            FromServer::GoAway(away) => away.ticket,
            _ => None,
        });
        let ticket = ticket.await;
        let mut wire = Wire::dial(&new).await;
        let arrives = Migrate { tracks: vec![camera.clone()], ..migrate(&member, &ticket) };
        wire.say(&FromClient::Migrate(arrives)).await;
        let joined = wire.joined().await;
        let me = joined.snapshot.roster.iter().find(|member| member.user == user).expect("it is there");
        assert!(me.tracks[0].muted, "{user}");
        let told = wire.until("the mute", |message| match message {
            FromServer::MutedBy(muted) => Some((muted.moderator, muted.muted, muted.may_unmute)),
            _ => None,
        });
        assert_eq!(told.await, (Instance(1), true, unmute));
    }
}
