//! Where a user may be there only once, the newcomer takes the place; the same instance never
//! replaces itself with a word.

use crate::wire::{Member, Wire, builder, desired, join, pong, refusal_of, settled};
use offhook_server::{EndCode, Limits, Server};
use offhook_signaling::{ErrorCode, FromClient, FromServer, Instance, Join, LeaveCode, Party};

async fn once() -> Server {
    let limits = Limits { members: 2, ..Limits::default() };
    builder().limits(limits).one_instance_per_user().start().await.expect("a port")
}

async fn replaced(member: &mut Member) -> (EndCode, Party, bool) {
    let (said, _) = member.wire.rest().await;
    let Some(FromServer::Ended(ended)) = said.last() else { panic!("an ending was due: {said:?}") };
    (ended.reason.clone(), ended.by.clone(), ended.may_retry)
}

// F18, S19
#[tokio::test]
async fn another_instance_of_the_same_user_ends_the_first_with_a_word() {
    let server = once().await;
    let mut bob = Wire::enter(&server, "bob", 9).await;
    let mut first = Wire::enter(&server, "ada", 1).await;
    // Also where the session is full: it takes the place of the one that goes.
    let mut second = Wire::enter(&server, "ada", 2).await;
    assert_eq!(replaced(&mut first).await, (EndCode::Replaced, Party::User, false));
    let left = bob.wire.until("the first to leave", |message| match message {
        FromServer::MemberLeft(left) => Some(left),
        _ => None,
    });
    let left = left.await;
    assert_eq!((left.instance, left.reason), (Instance(1), LeaveCode::Left));
    pong(&mut second, 1).await;
    pong(&mut bob, 1).await;
    assert_eq!(server.census().members, 2);
}

// E22: no wait for the own ghost, whichever instance it had.
#[tokio::test]
async fn a_ghost_is_replaced_as_well_and_hears_it_when_it_comes_back() {
    let server = once().await;
    let ghost = Wire::enter(&server, "ada", 1).await;
    let resume = ghost.resume(2, &ghost.joined.resume_secret);
    ghost.wire.lose();
    let mut member = Wire::enter(&server, "ada", 2).await;
    settled("the ghost is gone", || server.census().members == 1).await;
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Ended(ended)) = wire.next().await else { panic!("`ended` was due") };
    assert_eq!(ended.reason, EndCode::Replaced);
    pong(&mut member, 1).await;
}

#[tokio::test]
async fn the_same_instance_replaces_itself_without_a_word_and_a_refused_join_replaces_nobody() {
    let server = once().await;
    let mut first = Wire::enter(&server, "ada", 1).await;
    let bad = Join { desired: desired(1, Some("zorblax")), ..join("ada", 2) };
    let (error, _) = refusal_of(&server, &FromClient::Join(bad)).await;
    assert_eq!(error.code, ErrorCode::InitialStateRefused);
    pong(&mut first, 1).await;
    let mut again = Wire::enter_with(&server, Join { epoch: 2, ..join("ada", 1) }).await;
    let (said, _) = first.wire.rest().await;
    assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
    pong(&mut again, 1).await;
}
