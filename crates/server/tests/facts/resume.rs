//! A lost socket goes on where it was: nothing lost, nothing twice, nobody else let in.

use crate::wire::{Member, Wire, builder, empty, pong, refusal_of, server};
use offhook_server::{Limits, Server};
use offhook_signaling::{
    ErrorCode, FromClient, FromServer, Ping, Relay, Reliability, Resume, ResumeRefusal, Resumed, Secret,
};
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A new link that says `resume`; the first thing that it hears.
pub(crate) async fn try_resume(
    server: &Server,
    frames: Reliability<FromClient>,
    resume: Resume,
) -> (Wire, FromServer) {
    let mut wire = Wire::dial(server).await;
    wire.frames = frames;
    wire.say_once(&FromClient::Resume(resume)).await;
    let first = wire.next().await.expect("an answer");
    (wire, first)
}

/// Loses the link and comes back; C17: `resumed` is the first frame.
async fn come_back(server: &Server, member: Member, epoch: u64, secret: &Secret) -> (Member, Resumed) {
    let resume = member.resume(epoch, secret);
    let Member { wire, join, joined } = member;
    let (wire, first) = try_resume(server, wire.lose(), resume).await;
    let FromServer::Resumed(resumed) = first else { panic!("`resumed` was due first: {first:?}") };
    assert_eq!(resumed.epoch, epoch);
    (Member { wire, join, joined }, resumed)
}

async fn why_not(server: &Server, resume: Resume) -> ResumeRefusal {
    let (mut wire, first) = try_resume(server, Reliability::new(), resume).await;
    let FromServer::ResumeRefused(refused) = first else { panic!("a refusal was due: {first:?}") };
    assert_eq!(wire.next().await, Err(Some(CloseCode::Policy)));
    refused.why
}

fn relay(id: u64) -> FromClient {
    let (topic, data) = ("count".into(), serde_json::json!(id));
    FromClient::Message(Relay { id, from: None, to: Vec::new(), topic, data })
}

async fn relayed(wire: &mut Wire) -> u64 {
    wire.until("a message", |message| match message {
        FromServer::Message(relay) => Some(relay.id),
        _ => None,
    })
    .await
}

// C17, S19
#[tokio::test]
async fn the_secret_changes_and_the_one_before_is_good_until_the_first_frame_on_the_new_link() {
    let server = server().await;
    let member = Wire::enter(&server, "ada", 1).await;
    let first = member.joined.resume_secret.clone();
    // Twice in a row the answer is lost: the client knows but the first secret.
    let (member, second) = come_back(&server, member, 2, &first).await;
    assert_ne!(second.secret, first);
    let (member, third) = come_back(&server, member, 3, &first).await;
    let (mut member, fourth) = come_back(&server, member, 4, &first).await;
    assert!(third.secret != second.secret && fourth.secret != third.secret);
    // Now it has the newest: every older one is void, those it never saw as well.
    pong(&mut member, 1).await;
    for old in [&first, &second.secret, &third.secret] {
        assert_eq!(why_not(&server, member.resume(9, old)).await, ResumeRefusal::BadSecret);
    }
    pong(&mut member, 2).await;
    come_back(&server, member, 5, &fourth.secret).await;
}

// S19: a session's id and instance are no secrets.
#[tokio::test]
async fn a_stranger_without_the_secret_resumes_nothing_and_disturbs_nobody() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    for guess in ["x", "", &"0".repeat(64)] {
        if guess.is_empty() {
            continue;
        }
        let resume = member.resume(2, &Secret::new(guess));
        assert_eq!(why_not(&server, resume).await, ResumeRefusal::BadSecret);
    }
    let elsewhere = Resume { session_id: "another".into(), ..member.resume(2, &member.joined.resume_secret) };
    assert_eq!(why_not(&server, elsewhere).await, ResumeRefusal::Unknown);
    pong(&mut member, 1).await;
}

// S19: a late copy of an own resume does not evict the live link.
#[tokio::test]
async fn a_resume_of_an_old_epoch_is_stale_and_the_live_link_stays() {
    let server = server().await;
    let member = Wire::enter(&server, "ada", 1).await;
    let secret = member.joined.resume_secret.clone();
    let (mut member, resumed) = come_back(&server, member, 5, &secret).await;
    for epoch in [1, 4, 5] {
        let resume = FromClient::Resume(member.resume(epoch, &resumed.secret));
        assert_eq!(refusal_of(&server, &resume).await.0.code, ErrorCode::StaleEpoch);
    }
    pong(&mut member, 1).await;
}

// F36, F7: both ways.
#[tokio::test]
async fn what_was_not_seen_is_replayed_exactly_once_and_in_order() {
    let server = server().await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    // Ada's end saw nothing of this: her socket is dead already, whatever the server believes.
    for id in 1..=3 {
        bob.wire.say(&relay(id)).await;
    }
    pong(&mut bob, 1).await;
    let secret = ada.joined.resume_secret.clone();
    let (mut ada, resumed) = come_back(&server, ada, 2, &secret).await;
    for id in 1..=3 {
        assert_eq!(relayed(&mut ada.wire).await, id);
    }

    // The other way: Ada does not know that hers arrived, and says it again.
    ada.wire.say(&relay(10)).await;
    assert_eq!(relayed(&mut bob.wire).await, 10);
    let (mut ada, resumed) = come_back(&server, ada, 3, &resumed.secret).await;
    assert_eq!(resumed.last_seen, 1);
    let again = offhook_signaling::encode(Some(1), 0, &relay(10)).expect("a frame");
    ada.wire.raw(tokio_tungstenite::tungstenite::Message::text(again)).await;
    ada.wire.say(&relay(11)).await;
    assert_eq!(relayed(&mut bob.wire).await, 11, "10 did not come twice");
}

#[tokio::test]
async fn an_end_that_saw_what_was_never_sent_breaks_the_protocol() {
    let server = server().await;
    let member = Wire::enter(&server, "ada", 1).await;
    let resume = Resume { last_seen: 999, ..member.resume(2, &member.joined.resume_secret) };
    let (error, code) = refusal_of(&server, &FromClient::Resume(resume)).await;
    assert_eq!((error.code, code), (ErrorCode::ProtocolError, CloseCode::Protocol));
}

// H1: the slot is freed at the window's end and two seconds.
#[tokio::test]
async fn when_the_window_is_over_the_place_is_gone() {
    let server = builder().resume_window(Duration::ZERO).start().await.expect("a port");
    let member = Wire::enter(&server, "ada", 1).await;
    let resume = member.resume(2, &member.joined.resume_secret);
    member.wire.lose();
    empty(&server).await;
    assert_eq!(why_not(&server, resume).await, ResumeRefusal::Unknown);
}

// F36: what is kept is bounded, and a stream with a hole in it does not go on.
#[tokio::test]
async fn more_than_is_kept_for_a_replay_is_said_to_be_lost_and_a_rejoin_goes_on() {
    let limits = Limits { frames_per_second: 100_000, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let resume = ada.resume(2, &ada.joined.resume_secret);
    let join = ada.join.clone();
    ada.wire.lose();
    for id in 1..=400 {
        bob.wire.say(&relay(id)).await;
        pong(&mut bob, id).await;
    }
    assert_eq!(why_not(&server, resume).await, ResumeRefusal::ReplayLost);
    let back = Wire::enter_with(&server, offhook_signaling::Join { epoch: 3, ..join }).await;
    assert_eq!(back.joined.snapshot.roster.len(), 2);
}

// S15: any frame that was captured and is sent again changes nothing.
#[tokio::test]
async fn a_captured_frame_that_is_sent_again_is_a_no_op() {
    let server = server().await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let mut captured = Vec::new();
    for message in [relay(1), crate::wire::apply(1, 2, "sepia"), crate::wire::apply(2, 3, "edges"), relay(2)]
    {
        let text = ada.wire.frames.frame(&message).expect("a frame");
        captured.push(text.clone());
        ada.wire.raw(tokio_tungstenite::tungstenite::Message::text(text)).await;
    }
    pong(&mut ada, 1).await;
    assert_eq!((relayed(&mut bob.wire).await, relayed(&mut bob.wire).await), (1, 2));
    for frame in captured {
        ada.wire.raw(tokio_tungstenite::tungstenite::Message::text(frame)).await;
    }
    ada.wire.say(&FromClient::Ping(Ping { id: 9 })).await;
    let answers = ada.wire.until("the pong", |message| match message {
        FromServer::Acked(_) | FromServer::Refused(_) => Some("answered again"),
        FromServer::Pong(Ping { id: 9 }) => Some("nothing"),
        _ => None,
    });
    assert_eq!(answers.await, "nothing");
    ada.wire.say(&relay(3)).await;
    assert_eq!(relayed(&mut bob.wire).await, 3, "none came twice");
    // On a link of its own it is the beginning of nothing.
    let first = FromClient::Join(ada.join.clone());
    assert_eq!(refusal_of(&server, &first).await.0.code, ErrorCode::StaleEpoch);
}

/// The one who gives a dial up holds the secret it resumed with, and comes again (F30).
#[tokio::test]
async fn a_resume_that_is_given_up_politely_is_no_leave() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    for epoch in 2..4 {
        let secret = member.joined.resume_secret.clone();
        (member, _) = come_back(&server, member, epoch, &secret).await;
        // Before a word was said on the new link.
        let Member { mut wire, join, joined } = member;
        wire.socket.close(None).await.expect("it is open");
        wire.rest().await;
        member = Member { wire, join, joined };
    }
    assert_eq!(server.census().members, 1);
}
