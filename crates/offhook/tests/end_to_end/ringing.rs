//! Rings over real sockets: two clients and the server between them, and the session that follows.

use crate::far_side::*;
use futures_util::StreamExt;
use offhook::{
    CallingState, Client, Clip, Decline, Direction, EndReason, Incoming, IncomingRings, Join, JoinErrorKind,
    PresenceError, Rejection, Ring, RingBack, RingRefusal, Ringing, Session, WebRtc,
};
use offhook_server::{Mint, Server};
use std::time::{Duration, Instant};

/// A client of this user that listens for rings.
pub(crate) async fn listening(server: &Server, user: &str) -> (Client, IncomingRings) {
    let client = client(server, user);
    let rings = client.incoming();
    soon("presence", client.present()).await.expect("the server lets this user in");
    (client, rings)
}

pub(crate) async fn next(rings: &mut IncomingRings) -> Session<Ringing<Incoming>> {
    soon("a ring", rings.next()).await.expect("presence goes on")
}

async fn over(session: &offhook::Controls) {
    let Some(mut states) = session.states() else { return };
    soon("the end", async { while states.next().await.is_some() {} }).await;
}

async fn nothing_left(server: Server) {
    assert!(
        holds(|| {
            let census = server.census();
            (census.members, census.rings, census.presences) == (0, 0, 0)
        })
        .await,
        "{:?}",
        server.census()
    );
    server.shutdown().await;
}

// F20, F21
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_is_accepted_has_both_in_the_session_with_media() {
    let server = server().await;
    let (ada, _adas) = listening(&server, "ada").await;
    let (bob, mut rings) = listening(&server, "bob").await;
    let began = Instant::now();
    let ring = Ring::to(["bob"]).name("Ada").metadata("about the boat");
    let outgoing = idle(&ada).ring(ring.join(Join::new().prompt("sepia").publish(Clip::sample())));
    assert_eq!(outgoing.state(), CallingState::Ringing(Direction::Outgoing));
    let incoming = next(&mut rings).await;
    assert_eq!(incoming.caller().user, "ada");
    assert_eq!(incoming.caller().name.as_deref(), Some("Ada"));
    assert_eq!(incoming.caller().metadata.as_deref(), Some("about the boat"));
    let accepting = incoming.accept(Join::new().viewer());
    let (caller, callee) =
        soon("the session", async { tokio::join!(outgoing.into_future(), accepting) }).await;
    println!("ring to joined on both sides: {:?}", began.elapsed());
    let (caller, callee) = (caller.expect("it is answered"), callee.expect("it is accepted"));
    assert_eq!(caller.id(), callee.id(), "one session");
    let mut video = soon("the video", caller.remote_video()).await.expect("it has media");
    soon("a frame", video.next()).await.expect("media flows");
    assert_eq!(server.census().members, 2);
    drop(soon("the leave", caller.leave()).await);
    drop(soon("the leave", callee.leave()).await);
    drop(rings);
    soon("the shutdown", async { tokio::join!(ada.shutdown(), bob.shutdown()) }).await;
    nothing_left(server).await;
}

// F20, F22
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declined_busy_cancelled_and_not_answered_are_told_apart_on_both_sides() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (bob, mut rings) = listening(&server, "bob").await;
    for (why, reason) in [(Decline::Unwanted, EndReason::Declined), (Decline::Busy, EndReason::Busy)] {
        let outgoing = idle(&ada).ring(Ring::to(["bob"]));
        let incoming = next(&mut rings).await;
        drop(soon("the decline", incoming.decline(why)).await);
        let failed = soon("the answer", outgoing.into_future()).await.expect_err("bob says no");
        assert_eq!(failed.reason(), reason);
    }
    let outgoing = idle(&ada).ring(Ring::to(["bob"]));
    let incoming = next(&mut rings).await;
    drop(soon("the cancel", outgoing.cancel()).await);
    over(&incoming.controls()).await;
    assert_eq!(soon("the end", incoming.leave()).await.reason(), EndReason::Cancelled);

    let outgoing = idle(&ada).ring(Ring::to(["bob"]).timeout(Duration::from_millis(400)));
    let incoming = next(&mut rings).await;
    let failed = soon("the timeout", outgoing.into_future()).await.expect_err("nobody answers");
    assert_eq!(failed.reason(), EndReason::NotAnswered);
    over(&incoming.controls()).await;
    assert_eq!(soon("the end", incoming.leave()).await.reason(), EndReason::NotAnswered);

    let outgoing = idle(&ada).ring(Ring::to(["bob"]));
    let incoming = next(&mut rings).await;
    assert_eq!(server.end_rings("studio/7"), 1);
    let failed = soon("the end", outgoing.into_future()).await.expect_err("the session ended");
    assert_eq!(failed.reason(), EndReason::EndedBeforePickup);
    over(&incoming.controls()).await;
    assert_eq!(soon("the end", incoming.leave()).await.reason(), EndReason::EndedBeforePickup);
    drop((rings, bob));
    nothing_left(server).await;
}

// F22: accept and cancel in the same moment, at every stage of the caller's join
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_ring_that_is_given_up_in_the_same_moment_is_not_left_alone() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (bob, mut rings) = listening(&server, "bob").await;
    for round in 0..30 {
        let outgoing = idle(&ada).ring(Ring::to(["bob"]));
        let mut states = outgoing.states();
        let incoming = next(&mut rings).await;
        let accepting = incoming.accept(Join::new());
        let mut seen = Vec::new();
        if round % 3 > 0 {
            // The answer is there, and she is on her way in.
            soon("the answer", async {
                while seen.last() != Some(&CallingState::Joining) {
                    seen.extend(states.next().await.map(|seen| seen.state()));
                }
            })
            .await;
        }
        let cancelling = outgoing.cancel();
        if round % 3 == 1 {
            drop(cancelling);
        } else {
            drop(soon("the cancel", cancelling).await);
        }
        seen.extend(soon("her states", states.map(|seen| seen.state()).collect::<Vec<_>>()).await);
        match soon("the accept", accepting).await {
            Ok(session) if seen.contains(&CallingState::Joined) => drop(session),
            Ok(session) => {
                let what = format!("the end of a session without anybody, round {round}, she saw {seen:?}");
                let left = soon(&what, session.ended()).await;
                assert_eq!(left.reason(), EndReason::Closed, "round {round}");
            }
            Err(failed) => {
                let RingBack::Left(left) = *failed.back else { panic!("round {round}: it rings on") };
                let over = JoinErrorKind::Rejected { code: Rejection::EndedBeforeJoin };
                assert!(matches!(left.reason(), EndReason::Cancelled | EndReason::JoinFailed(_)));
                assert!(left.reason() == EndReason::Cancelled || failed.kind == over, "{:?}", failed.kind);
            }
        }
    }
    drop((rings, bob));
    nothing_left(server).await;
}

// F22: several are rung
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_are_rung_all_must_decline_and_one_may_accept() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (_bob, mut bobs) = listening(&server, "bob").await;
    let (_eve, mut eves) = listening(&server, "eve").await;
    let outgoing = idle(&ada).ring(Ring::to(["bob", "eve"]));
    drop(soon("the decline", next(&mut bobs).await.decline(Decline::Unwanted)).await);
    let last = next(&mut eves).await;
    assert_eq!(outgoing.state(), CallingState::Ringing(Direction::Outgoing));
    drop(soon("the decline", last.decline(Decline::Unwanted)).await);
    let failed = soon("the answer", outgoing.into_future()).await.expect_err("nobody wants to");
    assert_eq!(failed.reason(), EndReason::DeclinedByAll);

    let outgoing = idle(&ada).ring(Ring::to(["bob", "eve"]));
    let (first, other) = (next(&mut bobs).await, next(&mut eves).await);
    let accepting = first.accept(Join::new());
    let (caller, callee) =
        soon("the session", async { tokio::join!(outgoing.into_future(), accepting) }).await;
    drop((caller.expect("bob answers"), callee.expect("bob accepts")));
    over(&other.controls()).await;
    assert_eq!(soon("the end", other.leave()).await.reason(), EndReason::AnsweredElsewhere);
    drop((bobs, eves));
    nothing_left(server).await;
}

// F26, and two devices that accept in the same millisecond
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_devices_the_first_accept_wins_and_the_others_hear_of_it() {
    let server = server().await;
    let ada = client(&server, "ada");
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(listening(&server, "bob").await);
    }
    let outgoing = idle(&ada).ring(Ring::to(["bob"]));
    let mut ringing = Vec::new();
    for (_, rings) in &mut devices {
        ringing.push(next(rings).await);
    }
    let third = ringing.pop().expect("three devices");
    let accepting: Vec<_> = ringing.into_iter().map(|ring| ring.accept(Join::new())).collect();
    let results = soon("both accepts", futures_util::future::join_all(accepting)).await;
    let mut joined = 0;
    for result in results {
        match result {
            Ok(session) => {
                joined += 1;
                drop(session);
            }
            Err(failed) => match *failed.back {
                RingBack::Left(left) => assert_eq!(left.reason(), EndReason::AnsweredElsewhere),
                RingBack::Ringing(ring) => panic!("it rings on: {ring:?}"),
            },
        }
    }
    assert_eq!(joined, 1, "one of two has it");
    over(&third.controls()).await;
    assert_eq!(soon("the end", third.leave()).await.reason(), EndReason::AnsweredElsewhere);
    drop(soon("the caller", outgoing.into_future()).await.expect("it is answered"));
    drop(devices);
    nothing_left(server).await;
}

// F23
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_a_session_is_busy_to_everybody_else_when_that_was_asked_for() {
    let server = server().await;
    let ada = client(&server, "ada");
    let bob = client(&server, "bob").decline_when_busy();
    let rings = bob.incoming();
    soon("presence", bob.present()).await.expect("the server lets this user in");
    let session = joined(&bob, "elsewhere").await;
    let failed = soon("the answer", idle(&ada).ring(Ring::to(["bob"])).into_future()).await;
    assert_eq!(failed.expect_err("bob is busy").reason(), EndReason::Busy);
    drop(soon("the leave", session.leave()).await);
    drop(rings);
    nothing_left(server).await;
}

// F24
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_ring_each_other_at_once_end_in_one_session_that_both_agree_on() {
    for _ in 0..4 {
        let server = server().await;
        let (ada, mut adas) = listening(&server, "ada").await;
        let (bob, mut bobs) = listening(&server, "bob").await;
        let from_ada = ada.session("studio", "a").ring(Ring::to(["bob"])).answered();
        let from_bob = bob.session("studio", "b").ring(Ring::to(["ada"])).answered();
        // Each takes what comes out of its stream; the loser's may be over before it is taken.
        let take = async |rings: &mut IncomingRings| {
            loop {
                let ring = next(rings).await;
                match ring.accept(Join::new()).await {
                    Ok(session) => return session,
                    Err(failed) => assert!(matches!(*failed.back, RingBack::Left(_)), "{failed:?}"),
                }
            }
        };
        // One of ours ends in glare, and then theirs comes in.
        let side = async |ours: offhook::Answering, rings: &mut IncomingRings| match ours.await {
            Ok(session) => (session, true),
            Err(failed) => {
                assert!(matches!(failed.reason(), EndReason::Glare { .. }), "{:?}", failed.reason());
                (take(rings).await, false)
            }
        };
        let both = async { tokio::join!(side(from_ada, &mut adas), side(from_bob, &mut bobs)) };
        let ((at_ada, adas_won), (at_bob, bobs_won)) = soon("one session", both).await;
        assert_ne!(adas_won, bobs_won, "exactly one survives");
        assert_eq!(at_ada.id(), at_bob.id(), "and both are in it");
        drop((at_ada, at_bob, adas, bobs));
        nothing_left(server).await;
    }
}

// Bad input: oneself, nobody, unknown, and a credential that is none
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_rung_ends_with_its_reason_and_a_bad_credential_hears_nothing() {
    let server = server().await;
    let ada = client(&server, "ada");
    let nobody: [&str; 0] = [];
    let long = "x".repeat(400);
    for (users, why) in [
        (vec!["ada"], RingRefusal::Oneself),
        (nobody.to_vec(), RingRefusal::Nobody),
        (vec!["nobody-like-that"], RingRefusal::UnknownUser),
        (vec![""], RingRefusal::Other),
        (vec![long.as_str()], RingRefusal::Other),
    ] {
        let failed = soon("the refusal", idle(&ada).ring(Ring::to(users.clone())).into_future()).await;
        assert_eq!(failed.expect_err("nobody rings").reason(), EndReason::RingRefused(why), "{users:?}");
    }
    let bound = server.mint(&Mint::user("bob").session("studio", "7")).expect("its key signs");
    let bob = Client::new(WebRtc::new(server.url())).credential(bound.expose().to_owned());
    let mut rings = bob.incoming();
    let refused = soon("the refusal", bob.present()).await;
    assert_eq!(refused, Err(PresenceError::Refused(JoinErrorKind::NotPermitted)));
    assert!(soon("the end of the stream", rings.next()).await.is_none());
    drop(rings);
    nothing_left(server).await;
}

// F25: a server that is gone for a moment; the ring was its, and is asked about
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_of_a_server_that_shut_down_does_not_ring_for_ever() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (bob, mut rings) = listening(&server, "bob").await;
    let outgoing = idle(&ada).ring(Ring::to(["bob"]).timeout(Duration::from_secs(2)));
    let incoming = next(&mut rings).await;
    server.shutdown().await;
    let failed = soon("the deadline", outgoing.into_future()).await.expect_err("nobody is there");
    assert_eq!(failed.reason(), EndReason::NotAnswered);
    over(&incoming.controls()).await;
    assert_eq!(soon("the end", incoming.leave()).await.reason(), EndReason::NotAnswered);
    drop(rings);
    soon("the shutdown", async { tokio::join!(ada.shutdown(), bob.shutdown()) }).await;
}
