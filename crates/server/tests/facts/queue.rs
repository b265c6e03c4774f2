//! Waiting for a place (F07): at once refused or waiting as asked, places that are live, no ghost,
//! a server that changes its mind. What a long line costs is in `tests/long_line.rs`.

use crate::wire::{Member, Wire, builder, empty, goodbye, join, refusal_of, studio};
use offhook_server::{EndCode, Limits, Server};
use offhook_signaling::{ErrorCode, FromClient, FromServer, Join, Joined, Offer, Sdp, SessionRef, examples};
use std::time::Duration;

async fn small(limits: Limits) -> Server {
    builder().limits(Limits { sessions: 1, members: 1, ..limits }).start().await.expect("a port")
}

fn waiting(user: &str, instance: u128) -> Join {
    Join { wait_in_queue: true, ..join(user, instance) }
}

/// Joins the line and says at which place.
async fn queue(server: &Server, join: Join) -> (Wire, u32) {
    let mut wire = Wire::dial(server).await;
    wire.say_once(&FromClient::Join(join)).await;
    let position = place(&mut wire).await;
    (wire, position)
}

/// The next place it is told of.
async fn place(wire: &mut Wire) -> u32 {
    wire.until("a place", |message| match message {
        FromServer::Queued(queued) => Some(queued.position),
        FromServer::Error(error) => panic!("refused: {error:?}"),
        _ => None,
    })
    .await
}

/// Its turn has come: it makes the offer that it is asked for.
async fn admitted(wire: &mut Wire) -> Joined {
    wire.until("its turn", |message| match message {
        FromServer::Admitted(_) => Some(()),
        _ => None,
    })
    .await;
    let offer = Offer { negotiation_id: 1, sdp: Sdp::new(examples::SDP), tracks: Vec::new() };
    wire.say_once(&FromClient::Offer(offer)).await;
    wire.joined().await
}

async fn leave(mut member: Member) {
    member.wire.say(&goodbye()).await;
    member.wire.rest().await;
}

// F07
#[tokio::test]
async fn who_does_not_wait_is_busy_with_the_length_of_the_line_and_who_does_moves_up() {
    let server = small(Limits::default()).await;
    let inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, first) = queue(&server, waiting("bob", 2)).await;
    let (mut cy, second) = queue(&server, waiting("cy", 3)).await;
    assert_eq!((first, second), (0, 1));
    let (error, _) = refusal_of(&server, &FromClient::Join(join("dan", 4))).await;
    assert_eq!((error.code, error.queue_position), (ErrorCode::Busy, Some(2)));
    assert!(error.retry_after_ms.is_some_and(|after| after > 0));
    assert_eq!(server.waiting("studio", "1"), 2);

    leave(inside).await;
    let joined = admitted(&mut bob).await;
    assert_eq!(joined.snapshot.roster.len(), 1);
    assert_eq!(place(&mut cy).await, 0, "the place is live");
    assert_eq!((server.waiting("studio", "1"), server.census().members), (1, 1));
}

// F07: cancelling in the queue, in good form or by a cut cable, leaves no ghost.
#[tokio::test]
async fn who_goes_while_it_waits_holds_nothing_up() {
    let server = small(Limits::default()).await;
    let inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, _) = queue(&server, waiting("bob", 2)).await;
    let (cy, _) = queue(&server, waiting("cy", 3)).await;
    let (mut dan, last) = queue(&server, waiting("dan", 4)).await;
    assert_eq!(last, 2);
    bob.say_once(&goodbye()).await;
    assert_eq!(place(&mut dan).await, 1);
    drop(cy.lose());
    assert_eq!(place(&mut dan).await, 0);
    leave(inside).await;
    admitted(&mut dan).await;
    dan.lose();
}

// F07: one that is admitted and says nothing more gives its place back.
#[tokio::test]
async fn an_admission_that_nobody_takes_up_goes_to_the_next() {
    let limits = Limits { first_frame: Duration::from_millis(300), ..Limits::default() };
    let server = small(limits).await;
    let inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, _) = queue(&server, waiting("bob", 2)).await;
    let (mut cy, _) = queue(&server, waiting("cy", 3)).await;
    leave(inside).await;
    let late = bob.until("the end of its chance", |message| match message {
        FromServer::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(late.await, ErrorCode::TooSlow);
    admitted(&mut cy).await;
}

// F07: the server changes its mind.
#[tokio::test]
async fn who_is_removed_while_it_waits_is_told_so_and_does_not_come_in() {
    let server = small(Limits::default()).await;
    let inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, _) = queue(&server, waiting("bob", 2)).await;
    server.end("studio/1", "bob", EndCode::Kicked).await;
    let ended = bob.until("the end", |message| match message {
        FromServer::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(ended.await, EndCode::Kicked);
    assert_eq!(
        refusal_of(&server, &FromClient::Join(waiting("bob", 2))).await.0.code,
        ErrorCode::NotPermitted
    );
    assert_eq!(server.waiting("studio", "1"), 0);
    leave(inside).await;
    empty(&server).await;
}

// F07
#[tokio::test]
async fn a_house_that_closes_sends_its_line_away() {
    let server = small(Limits::default()).await;
    let _inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, _) = queue(&server, waiting("bob", 2)).await;
    server.shutdown().await;
    let (said, _) = bob.rest().await;
    assert!(
        matches!(said.last(), Some(FromServer::Error(error)) if error.code == ErrorCode::ShuttingDown),
        "{said:?}"
    );
}

// F07
#[tokio::test]
async fn the_line_and_the_wait_in_it_are_bounded() {
    let limits = Limits { queue: 1, queue_wait: Duration::from_millis(300), ..Limits::default() };
    let server = small(limits).await;
    let _inside = Wire::enter(&server, "ada", 1).await;
    let (mut bob, _) = queue(&server, waiting("bob", 2)).await;
    let (error, _) = refusal_of(&server, &FromClient::Join(waiting("cy", 3))).await;
    assert_eq!((error.code, error.queue_position), (ErrorCode::Busy, Some(1)));
    let (error, _) = bob.refused().await;
    assert_eq!(error.code, ErrorCode::QueueTimedOut);
}

// F07: a line for the server's sessions; one whose session is opened by another walks in there.
#[tokio::test]
async fn who_waits_for_a_session_to_end_may_find_its_own_open() {
    let server = builder()
        .limits(Limits { sessions: 1, members: 2, ..Limits::default() })
        .start()
        .await
        .expect("a port");
    let inside = Wire::enter(&server, "ada", 1).await;
    let two = SessionRef { id: "2".into(), ..studio() };
    let (mut bob, _) = queue(&server, Join { session: two.clone(), ..waiting("bob", 2) }).await;
    let (mut cy, behind) = queue(&server, Join { session: two.clone(), ..waiting("cy", 3) }).await;
    assert_eq!(behind, 1);
    leave(inside).await;
    let first = admitted(&mut bob).await;
    let second = admitted(&mut cy).await;
    assert_eq!(first.session_id, second.session_id);
    assert_eq!((server.census().sessions, server.census().members), (1, 2));
}
