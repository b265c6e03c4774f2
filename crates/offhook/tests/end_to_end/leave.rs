//! Leaving for real: at once here, known there, and everything back (F10, F11, R4).

use crate::far_side::*;
use crate::ringing::{listening, next};
use futures_util::StreamExt;
use offhook::{CallingState, Clip, EndReason, Event, Join, Ring, SourceTrack, Who};
use offhook_server::{EndCode, Limits, Server};

/// F10, R4: what was read before is all that was ever read, and the server has nobody left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_leave_returned_nothing_more_of_the_user_is_read_or_sent() {
    let server = server().await;
    let client = client(&server, "ada");
    let (clip, watcher) = Watched::new();
    let session = idle(&client).join(Join::new().prompt("sepia").publish(clip));
    let session = soon("the join", session).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media");
    soon("a frame", video.next()).await.expect("media flows both ways");
    let mut events = session.events();

    let leaving = session.leave();
    let at_leave = watcher.reads();
    assert!(at_leave > 0);
    let mut left = leaving.await;
    assert_eq!((left.reason(), left.who()), (EndReason::LeftByUser, Who::User));
    assert_eq!(left.state(), CallingState::Left);
    soon("the end of the video", async { while video.next().await.is_some() {} }).await;
    soon("the release", left.released()).await;
    assert!(holds(|| server.census().members == 0).await, "the goodbye arrived: {:?}", server.census());
    assert_eq!(watcher.reads(), at_leave, "no frame was read after leave had returned");
    assert!(!watcher.is_alive(), "the source went with the session, though handles and listeners are held");
    let after: Vec<_> = soon("the end of the events", events.by_ref().collect::<Vec<_>>()).await;
    assert!(matches!(after.last(), Some(Event::Ended(_))), "{after:?}");
    assert!(!after.iter().any(|event| matches!(event, Event::Error(_))), "a plain leave reports none");
    server.shutdown().await;
}

/// F04: a join that is given up half way is over at once, and the far side learns of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_is_cancelled_gives_its_source_back_unread_and_can_begin_again() {
    let server = server().await;
    let client = client(&server, "ada");
    let (clip, watcher) = Watched::new();
    let joining = idle(&client).join(Join::new().prompt("sepia").publish(clip));
    let (back, join) = soon("the cancel", joining.cancel()).await;
    assert_eq!(watcher.reads(), 0);
    assert!(watcher.is_alive(), "it came back with the join");
    let idle = back.idle().expect("nothing was joined yet");
    let session = soon("the join", idle.join(join)).await.expect("the server is there");
    assert!(holds(|| watcher.reads() > 0).await);
    soon("the release", session.leave().await.released()).await;
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// F13: there is one place, and whoever hangs up and comes again at once has it; the camera stays open
/// all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_followed_at_once_by_a_join_finds_the_one_place_of_the_server_free() {
    let limits = Limits { sessions: 1, members: 1, ..Limits::default() };
    let server = Server::builder().limits(limits).start().await.expect("loopback has a free port");
    let client = client(&server, "ada");
    let (clip, watcher) = Watched::new();
    let (camera, mut pump) = SourceTrack::new("camera", clip);
    let pumping = tokio::spawn(async move { pump.run().await });
    for round in 0..10 {
        let joining = idle(&client).join(Join::new().prompt("sepia").publish(&camera));
        let session = soon("the join", joining).await;
        let session = session.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let mut video = session.remote_video().await.expect("it has media");
        soon("a frame", video.next()).await.expect("media flows both ways");
        // Nobody waits for it.
        drop(session.leave());
    }
    soon("the shutdown", client.shutdown()).await;
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    assert!(watcher.is_alive(), "the camera is its owner's");
    drop(camera);
    pumping.abort();
    server.shutdown().await;
}

/// F12: everything that a client has, in whatever state, and nothing else is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_what_is_joined_what_joins_and_what_rings() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (_bob, mut rings) = listening(&server, "bob").await;
    let (_adas, session) = (ada.incoming(), joined(&ada, "7").await);
    let joining = ada.session("studio", "8").join(Join::new().publish(Clip::sample()));
    let outgoing = ada.session("studio", "9").ring(Ring::to(["bob"])).answered();
    let incoming = next(&mut rings).await;
    soon("the shutdown", ada.shutdown()).await;
    assert!(ada.sessions().is_empty());
    assert_eq!(session.leave().await.reason(), EndReason::LeftByUser);
    if let Ok(late) = soon("the join", joining).await {
        assert_eq!(late.state(), CallingState::Left, "it came in before, and left all the same");
    }
    let failed = soon("the ring", outgoing).await.expect_err("it was given up");
    assert_eq!(failed.reason(), EndReason::LeftByUser);
    let mut states = incoming.states();
    soon("the end of the ring", async { while states.next().await.is_some() {} }).await;
    assert_eq!(incoming.leave().await.reason(), EndReason::Cancelled);
    let gone = holds(|| (server.census().members, server.census().rings) == (0, 0)).await;
    assert!(gone, "the goodbyes arrived: {:?}", server.census());
    drop(rings);
    server.shutdown().await;
}

/// F14, R3: who ended it is known, an ending that somebody wanted is no error, the end is the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_ends_the_session_and_says_so_in_order() {
    let server = server().await;
    let client = client(&server, "ada");
    let (clip, watcher) = Watched::new();
    let session = idle(&client).join(Join::new().prompt("sepia").publish(clip));
    let session = soon("the join", session).await.expect("the server is there");
    let events = session.events();
    assert!(server.end("studio/7", "ada", EndCode::Kicked).await, "there is somebody to kick");
    let mut left = soon("the kick", session.ended()).await;
    assert_eq!((left.reason(), left.who()), (EndReason::Kicked, Who::FarSide));
    assert!(!left.may_retry(), "asking again would not help");
    let at_end = watcher.reads();
    soon("the release", left.released()).await;
    assert_eq!(watcher.reads(), at_end);
    assert!(!watcher.is_alive(), "the source went with the session, though handles and listeners are held");
    let seen: Vec<_> = soon("the end of the events", events.collect::<Vec<_>>()).await;
    assert!(!seen.iter().any(|event| matches!(event, Event::Error(_))), "somebody wanted it: {seen:?}");
    assert_eq!(seen.iter().filter(|event| matches!(event, Event::Ended(_))).count(), 1);
    assert!(matches!(seen.last(), Some(Event::Ended(_))));
    server.shutdown().await;
}
