//! What one member's coming, going or dying does to the others, and to the session: as little as
//! can be.

use crate::wire::{Wire, empty, goodbye, join, pong, server};
use offhook_server::EndCode;
use offhook_signaling::{FromClient, FromServer, Instance, Join, LeaveCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

// B26 (livekit/livekit#4271): who stays when the others go has the same session as before, also for
// those who come later.
#[tokio::test]
async fn a_session_that_the_others_left_goes_on_for_the_one_who_stays() {
    let server = server().await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    for number in 2..5 {
        let mut other = Wire::enter(&server, "bob", number).await;
        assert_eq!(other.joined.session_id, ada.joined.session_id);
        other.wire.say(&goodbye()).await;
        other.wire.rest().await;
    }
    let mut left = 0;
    while left < 3 {
        left += ada.wire.until("a leaving", |m| matches!(m, FromServer::MemberLeft(_)).then_some(1)).await;
    }
    pong(&mut ada, 1).await;
    let late = Wire::enter(&server, "eve", 9).await;
    assert_eq!(late.joined.session_id, ada.joined.session_id);
}

// A22 (jitsi/jicofo#1119): the last one goes as the next one comes. The next is let in, into the old
// session or a new one, and the old one's end is not his.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leave_of_the_last_does_not_take_the_next_join_with_it() {
    let server = server().await;
    let mut last = Wire::enter(&server, "ada", 1).await;
    for number in 2..60_u128 {
        // The same person again in every third turn, whose own place is just being given up.
        let again = number.is_multiple_of(3);
        let epoch = u64::try_from(number).expect("small");
        let instance = if again { last.join.instance } else { Instance(number) };
        let next = Join { instance, epoch, ..join("ada", 1) };
        let mut wire = Wire::dial(&server).await;
        let bye = goodbye();
        let next = FromClient::Join(next);
        let (_, ()) = tokio::join!(last.wire.say(&bye), wire.say(&next));
        let FromClient::Join(join) = next else { unreachable!() };
        let joined = wire.joined().await;
        let mut here = crate::wire::Member { wire, join, joined };
        pong(&mut here, epoch).await;
        let mine = |m: &offhook_signaling::Member| m.instance == here.join.instance;
        assert!(here.joined.snapshot.roster.iter().any(mine), "turn {number}");
        last = here;
    }
    // The goodbye of the one before may be read a moment after the last one was let in.
    crate::wire::settled("the one before is gone", || server.census().members == 1).await;
    last.wire.say(&goodbye()).await;
    last.wire.rest().await;
    empty(&server).await;
}

// H7 (openai/openai-agents-js#684): whoever is attached hears it, whichever way somebody ends.
#[tokio::test]
async fn everybody_attached_is_told_of_an_ending() {
    let server = server().await;
    let mut watchers = [Wire::enter(&server, "bob", 2).await, Wire::enter(&server, "eve", 3).await];
    let told = async |watchers: &mut [crate::wire::Member], of: u128| {
        let mut reasons = Vec::new();
        for watcher in watchers {
            let left = watcher.wire.until("the ending", |message| match message {
                FromServer::MemberLeft(left) if left.instance == Instance(of) => Some(left.reason),
                _ => None,
            });
            reasons.push(left.await);
        }
        reasons
    };
    let mut left = Wire::enter(&server, "ada", 10).await;
    left.wire.say(&goodbye()).await;
    assert_eq!(told(&mut watchers, 10).await, [LeaveCode::Left, LeaveCode::Left]);
    let _kicked = Wire::enter(&server, "kim", 11).await;
    assert!(server.end("studio/1", "kim", EndCode::Kicked).await);
    assert_eq!(told(&mut watchers, 11).await, [LeaveCode::Kicked, LeaveCode::Kicked]);
    let _ended = Wire::enter(&server, "tom", 12).await;
    assert!(server.end("studio/1", "tom", EndCode::MaxDuration).await);
    assert_eq!(told(&mut watchers, 12).await, [LeaveCode::Left, LeaveCode::Left]);
    // One that goes before it knew that it was in has nothing to resume, so it is gone at once.
    let gone = Wire::enter(&server, "ann", 13).await;
    let mut socket = gone.wire.socket;
    let _ = socket.close(None).await;
    assert_eq!(told(&mut watchers, 13).await, [LeaveCode::Left, LeaveCode::Left]);
}

// H13: the old link is closed on a reconnect, so that nobody is left behind on it.
#[tokio::test]
async fn the_old_link_is_closed_when_the_new_one_is_let_in() {
    let server = server().await;
    let mut first = Wire::enter(&server, "ada", 1).await;
    pong(&mut first, 1).await;
    let resume = first.resume(2, &first.joined.resume_secret);
    let mut second = Wire::dial(&server).await;
    second.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Resumed(_)) = second.next().await else { panic!("`resumed` was due") };
    let (said, code) = first.wire.rest().await;
    assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
    assert_eq!(code, Some(CloseCode::Normal));
    let mut third = Wire::dial(&server).await;
    third.say_once(&FromClient::Join(Join { epoch: 3, ..first.join.clone() })).await;
    third.joined().await;
    let (said, code) = second.rest().await;
    assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
    assert_eq!((code, server.census().members), (Some(CloseCode::Normal), 1));
}
