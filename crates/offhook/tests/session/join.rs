//! Joining: how it succeeds, fails, gives back, and is given up (F02, F03, F04, F06, F07, F08,
//! F09, F13, F53).
//!
//! The bugs named here: C20 openai/openai-agents-js#949.

use crate::common::*;
use futures_util::StreamExt;
use offhook::mock::What;
use offhook::transport::{Capabilities, Capability, FaultKind, Plane, Progress, RefusalItem, RefusedCode};
use offhook::{
    Back, CallingState, Client, ConnectionState, EndReason, Event, Join, JoinErrorKind, Session, StateItem,
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn building_a_session_does_no_io_and_spawns_nothing() {
    let (client, remote) = by_hand();
    let before = tasks();
    let session = idle(&client);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(session.state(), CallingState::Idle);
    assert_eq!((tasks(), remote.log().len()), (before, 0));
    let left = session.leave().await;
    assert_eq!((left.reason(), tasks(), remote.log().len()), (EndReason::LeftByUser, before, 0));
}

/// F02.
#[tokio::test(start_paused = true)]
async fn a_join_yields_a_session_that_knows_its_id() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    assert_eq!(session.state(), CallingState::Joined);
    assert!(session.is_connected());
    assert_eq!(session.id().as_deref(), Some(dial.a_welcome().session.as_str()));
    assert!(!session.resumed());
    let left = session.leave().await;
    assert_eq!(left.summary().session.as_deref(), Some(dial.a_welcome().session.as_str()));
}

/// `join` acts when called: the dial is under way although nobody polls the future.
#[tokio::test(start_paused = true)]
async fn a_join_begins_when_it_is_called() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    assert_eq!(joining.state(), CallingState::Joining);
    assert_eq!(joining.connection_state(), ConnectionState::Connecting);
    dial.accept();
    assert!(joining.await.is_ok());
}

/// F03, C20: joined only once the initial prompt is acked; and it goes with the dial.
#[tokio::test(start_paused = true)]
async fn a_join_carries_the_prompt_and_waits_for_its_ack() {
    let (client, remote) = by_hand();
    let mut joining = idle(&client).join(Join::new().model("lucid").prompt("sepia"));
    let dial = remote.dial().await;
    assert_eq!(dial.seen().desired.prompt.as_ref().map(|prompt| prompt.text.as_str()), Some("sepia"));
    assert_eq!(dial.seen().model.as_deref(), Some("lucid"));
    dial.answer();
    dial.up(dial.a_welcome());
    dial.carried(Plane::Signaling);
    dial.carried(Plane::Media);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut joining).await;
    assert!(early.is_err(), "both planes carry, and the prompt is not acked");
    dial.ack(dial.seen().revision);
    assert!(joining.await.is_ok());
}

/// F03, F08.
#[tokio::test(start_paused = true)]
async fn a_refused_initial_prompt_is_a_typed_error_with_the_far_sides_words() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new().prompt("forbidden"));
    remote.dial().await.refuse_initial(RefusalItem::Prompt, "no such filter");
    let error = joining.await.expect_err("it was refused");
    assert_eq!(error.kind(), JoinErrorKind::InitialStateRefused { item: StateItem::Prompt });
    assert_eq!((error.code(), error.text()), ("initial_state_refused", Some("no such filter")));
    assert!(error.to_string().contains("no such filter"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_gives_the_session_back_and_it_can_join_again() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new().prompt("forbidden"));
    remote.dial().await.refuse_initial(RefusalItem::Prompt, "no");
    let (back, join) = joining.await.expect_err("refused").into_parts();
    let session = back.idle().expect("as it was before");
    assert_eq!(session.state(), CallingState::Idle);
    let joining = session.join(join.prompt("allowed"));
    let dial = remote.dial().await;
    assert_eq!(dial.seen().desired.prompt.as_ref().map(|prompt| prompt.text.as_str()), Some("allowed"));
    dial.accept();
    joining.await.expect("accepted").leave().await.released().await;
}

/// A second join does not bring back what the first one asked for.
#[tokio::test(start_paused = true)]
async fn what_a_failed_join_asked_for_is_not_carried_by_the_next() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new().prompt("forbidden"));
    remote.dial().await.refuse(RefusedCode::NotPermitted);
    let session = joining.await.expect_err("refused").into_parts().0.idle().expect("idle");
    let joining = session.join(Join::new());
    assert_eq!(remote.dial().await.seen().desired.prompt, None);
    drop(joining);
}

/// F09: every attempt with its error; three dials are all a join makes.
#[tokio::test(start_paused = true)]
async fn a_join_that_fails_names_every_attempt() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let hand = async {
        for _ in 0..3 {
            remote.dial().await.fail(FaultKind::Unreachable);
        }
    };
    let (joined, ()) = tokio::join!(joining, hand);
    let error = joined.expect_err("nothing answers");
    assert_eq!(error.kind(), JoinErrorKind::ServerUnreachable);
    assert!(error.is_retryable());
    let codes: Vec<_> =
        error.attempts().iter().filter_map(|attempt| attempt.error).map(|e| e.code()).collect();
    assert_eq!(codes, ["unreachable"; 3]);
}

/// R12: what trying again cannot change stops at once.
#[tokio::test(start_paused = true)]
async fn a_fatal_refusal_is_not_tried_again() {
    for (code, kind) in [
        (RefusedCode::Unauthorized, JoinErrorKind::Unauthorized),
        (RefusedCode::NotFound, JoinErrorKind::NotFound),
        (RefusedCode::Unsupported, JoinErrorKind::NotSupported),
    ] {
        let (client, remote) = by_hand();
        let joining = idle(&client).join(Join::new());
        remote.dial().await.refuse(code);
        assert_eq!(joining.await.expect_err("refused").kind(), kind);
        assert!(remote.try_dial().is_none());
    }
}

/// F07.
#[tokio::test(start_paused = true)]
async fn a_busy_far_side_is_a_typed_error_at_once_and_waiting_is_opt_in() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let again = Some(Duration::from_secs(9));
    remote.dial().await.refuse_with(RefusedCode::Busy, again, Some(3), "full");
    let error = joining.await.expect_err("full");
    assert_eq!(error.kind(), JoinErrorKind::Busy { retry_after: again, queue_position: Some(3) });

    let joining = idle(&client).join(Join::new().wait_in_queue(Duration::from_secs(120)));
    let dial = remote.dial().await;
    assert!(dial.seen().wait_in_queue);
    dial.queue(2);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(joining.state(), CallingState::Joining, "queue time counts against no deadline");
    assert_eq!(joining.progress_now().queue_position(), Some(2));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(joining.await.expect_err("the queue did not move").kind(), JoinErrorKind::QueueTimedOut);
}

/// F06.
#[tokio::test(start_paused = true)]
async fn progress_can_be_watched_before_the_join_and_is_monotone() {
    let (client, remote) = by_hand();
    let session = idle(&client);
    let watched = session.progress();
    let joining = session.join(Join::new());
    let owned = joining.progress();
    let hand = async {
        let dial = remote.dial().await;
        for progress in [
            Progress::Searching { queue_position: None, eta: None },
            Progress::Preparing { text: None, percent: None },
            Progress::Connecting,
        ] {
            tokio::time::sleep(Duration::from_millis(10)).await;
            dial.progress(progress);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        dial.accept();
    };
    let (joined, (), watched, owned) = tokio::join!(joining, hand, all(watched), all(owned));
    let percents: Vec<_> = watched.iter().map(|progress| progress.percent()).collect();
    assert_eq!(percents.first(), Some(&0), "before the join");
    assert!(percents.is_sorted());
    assert_eq!(percents.last(), Some(&100));
    assert_eq!(owned.last().map(|progress| progress.current_step()), Some(4));
    drop(joined);
}

/// F53: a viewer that publishes is refused before any I/O.
#[tokio::test(start_paused = true)]
async fn a_viewer_that_publishes_is_not_permitted_and_nothing_is_dialled() {
    let (client, remote) = by_hand();
    let join = Join::new().viewer().publish(offhook::Clip::sample());
    let error = idle(&client).join(join).await.expect_err("a viewer only receives");
    assert_eq!(error.kind(), JoinErrorKind::NotPermitted);
    assert_eq!(remote.log().len(), 0);
    let (back, _) = error.into_parts();
    let joining = back.idle().expect("untouched").join(Join::new().viewer());
    assert!(remote.dial().await.seen().viewer);
    drop(joining);
}

#[tokio::test(start_paused = true)]
async fn a_join_that_the_transport_cannot_serve_fails_before_any_io() {
    let (transport, remote) = offhook::mock::pair();
    let poor = Capabilities::NONE.with(Capability::SignalingPlane).with(Capability::MediaPlane);
    let client = Client::new(transport.capable_of(poor));
    for join in [Join::new().prompt("sepia"), Join::new().wait_in_queue(Duration::from_secs(1))] {
        let error = idle(&client).join(join).await.expect_err("not supported");
        assert_eq!(error.kind(), JoinErrorKind::NotSupported);
    }
    assert_eq!(remote.log().len(), 0);
}

#[test]
fn a_join_without_a_runtime_is_a_typed_error_and_gives_everything_back() {
    let (client, remote) = by_hand();
    let mut joining = idle(&client).join(Join::new().model("kept"));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = std::pin::Pin::new(&mut joining).poll(&mut cx) else {
        panic!("it is known at once");
    };
    assert_eq!(error.kind(), JoinErrorKind::NoRuntime);
    assert!(matches!(error.into_parts(), (Back::Idle(_), _)));
    assert!(remote.log().is_empty());
    assert!(Session::builder(offhook::mock::pair().0).build("studio", "7").is_err());
}

/// F04: cancelling gives back what was put in, and nothing is sent afterwards.
#[tokio::test(start_paused = true)]
async fn a_cancelled_join_gives_the_session_and_its_sources_back() {
    let (client, remote) = by_hand();
    let before = tasks();
    let joining = idle(&client).join(Join::new().publish(offhook::Clip::sample()).prompt("sepia"));
    let dial = remote.dial().await;
    dial.answer();
    let (back, join) = joining.cancel().await;
    let session = back.idle().expect("it had not carried");
    assert_eq!(session.state(), CallingState::Idle);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(dial.is_closed());
    assert!(!remote.log().iter().any(|seen| matches!(seen.what, What::Action(_))), "nothing was sent");
    // The same source, published again.
    let joining = session.join(join);
    let dial = remote.dial().await;
    assert_eq!(dial.seen().publishes.len(), 1);
    dial.accept();
    joining.await.expect("accepted").leave().await.released().await;
    nothing_left(&remote, before).await;
}

/// R6: a join that is dropped ends `Left`, `Cancelled`, for whoever still looks.
#[tokio::test(start_paused = true)]
async fn a_dropped_join_ends_cancelled() {
    let (client, remote) = by_hand();
    let session = idle(&client);
    let events = session.events();
    let joining = session.join(Join::new());
    remote.dial().await.answer();
    drop(joining);
    let last = all(events).await.pop();
    assert!(matches!(last, Some(Event::Ended(ended)) if ended.reason == EndReason::Cancelled));
    nothing_left(&remote, 0).await;
}

/// F13, J4 (VapiAI/client-sdk-web#70, daily-co/daily-js#229): a leave nobody awaited, followed at
/// once by a new join.
#[tokio::test(start_paused = true)]
async fn a_hang_up_followed_at_once_by_a_new_join_works() {
    let (client, remote) = studio();
    let before = tasks();
    for _ in 0..5 {
        let session = joined_studio(&client, Join::new()).await;
        drop(session.leave());
    }
    client.shutdown().await;
    nothing_left(&remote, before).await;
}

#[tokio::test(start_paused = true)]
async fn the_example_of_the_readme_reads_as_promised() {
    let (client, _remote) = studio();
    let joining =
        idle(&client).join(Join::new().model("studio").prompt("sepia").publish(offhook::Clip::sample()));
    let steps = tokio::spawn(joining.progress().map(|step| step.to_string()).collect::<Vec<_>>());
    let session = joining.await.expect("the studio lets everybody in");
    session.set_prompt("posterize").await.expect("the studio knows every prompt");
    let mut video = session.remote_video().await.expect("joined");
    assert!(video.next().await.is_some());
    let left = session.leave().await;
    assert_eq!(left.reason(), EndReason::LeftByUser);
    assert!(steps.await.expect("it ends").last().is_some_and(|step| step.contains("100 %")));
    assert!(video.next().await.is_none() || video.next().await.is_none(), "the handle ends with the session");
}

use std::future::Future;
