//! What is dropped, where and when (F04, F12; A16, B18, D1): every public future polled n
//! times and then dropped; handles dropped on threads, while unwinding, without a runtime.
//!
//! The bugs named here: A16 ReviewStage/luke#12.

use crate::common::*;
use offhook::mock::What;
use offhook::transport::media::Kind;
use offhook::{CallingState, EndReason, Event, Join};
use std::time::Duration;

/// A join that is polled n times and dropped, for n up to where it is ready, leaves nothing.
#[tokio::test(start_paused = true)]
async fn a_join_dropped_after_any_number_of_polls_leaves_nothing() {
    let mut polls = 0;
    loop {
        let (client, remote) = studio();
        let before = tasks();
        let session = idle(&client);
        let events = session.events();
        let joining = session.join(Join::new().prompt("sepia").publish(offhook::Clip::sample()));
        // Time passes between the polls, so that the join gets on.
        let mut joining = Box::pin(joining);
        let mut ready = false;
        for _ in 0..polls {
            let polled = tokio::time::timeout(Duration::from_millis(7), joining.as_mut()).await;
            if let Ok(joined) = polled {
                drop(joined);
                ready = true;
                break;
            }
        }
        drop(joining);
        let last = all(events).await.pop();
        let expected = if ready { EndReason::Dropped } else { EndReason::Cancelled };
        assert!(
            matches!(&last, Some(Event::Ended(ended)) if ended.reason == expected || ended.reason == EndReason::Dropped),
            "after {polls}: {last:?}"
        );
        nothing_left(&remote, before).await;
        if ready {
            assert!(polls > 5, "it takes some steps");
            return;
        }
        polls += 1;
    }
}

/// D1 livekit/rust-sdks#1334: a cancelled leave still leaves, and frees everything.
#[tokio::test(start_paused = true)]
async fn a_leave_dropped_after_any_number_of_polls_still_leaves() {
    for polls in 0..8 {
        let (client, remote) = studio();
        let before = tasks();
        let session = joined_studio(&client, Join::new()).await;
        let controls = session.controls();
        let ready = poll_times(session.leave(), polls).await;
        assert_eq!(controls.state(), CallingState::Left, "after {polls} polls, ready: {ready}");
        nothing_left(&remote, before).await;
    }
}

/// B18 livekit/agents#5035: what is dropped halfway hangs nothing, and the wish stands.
#[tokio::test(start_paused = true)]
async fn commands_dropped_after_any_number_of_polls_still_take_effect() {
    for polls in 0..5 {
        let (client, remote) = studio();
        let session = joined_studio(&client, Join::new().publish(offhook::Clip::sample())).await;
        poll_times(session.set_prompt("stands"), polls).await;
        poll_times(session.mute(Kind::Audio), polls).await;
        poll_times(session.send("topic", "payload"), polls).await;
        poll_times(session.remote_video(), polls).await;
        let arrived = remote.saw(|seen| match &seen.what {
            What::Action(action) => matches!(
                &**action,
                offhook::transport::Action::Apply { desired, .. }
                    if desired.prompt.as_ref().is_some_and(|prompt| prompt.text == "stands")
            ),
            _ => false,
        });
        tokio::time::timeout(Duration::from_secs(5), arrived).await.expect("the wish stands");
        let ended = session.ended();
        poll_times(ended, polls).await;
        client.shutdown().await;
        nothing_left(&remote, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_leaves_with_that_reason() {
    let (client, remote) = studio();
    let before = tasks();
    let session = joined_studio(&client, Join::new()).await;
    let (events, controls) = (session.events(), session.controls());
    drop(session);
    assert_eq!(controls.state(), CallingState::Left);
    let last = all(events).await.pop();
    assert!(matches!(last, Some(Event::Ended(ended)) if ended.reason == EndReason::Dropped));
    nothing_left(&remote, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_dropped_on_a_thread_without_a_runtime_leaves() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let events = session.events();
    std::thread::spawn(move || drop(session)).join().expect("no panic");
    assert!(matches!(all(events).await.pop(), Some(Event::Ended(_))));
    nothing_left(&remote, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_dropped_while_unwinding_leaves() {
    let (client, remote) = studio();
    let before = tasks();
    let session = joined_studio(&client, Join::new()).await;
    let events = session.events();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _held = session;
        panic!("the application's own");
    }));
    assert!(unwound.is_err());
    assert!(
        matches!(all(events).await.pop(), Some(Event::Ended(ended)) if ended.reason == EndReason::Dropped)
    );
    nothing_left(&remote, before).await;
}

/// The runtime goes first: whoever still looks learns of it, nothing hangs, nothing panics.
#[test]
fn a_session_outlives_its_runtime_as_left_with_host_gone() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("built")
    };
    let (client, remote) = studio();
    let first = runtime();
    let (session, pending) = first.block_on(async {
        let session = joined_studio(&client, Join::new()).await;
        (session, client.session("studio", "pending").join(Join::new()))
    });
    let events = session.events();
    drop(first);
    assert_eq!(session.state(), CallingState::Left);
    let second = runtime();
    second.block_on(async {
        assert_eq!(pending.await.expect_err("its host is gone").kind(), offhook::JoinErrorKind::HostGone);
        assert!(session.set_prompt("nobody").await.is_err());
        let mut left = session.leave().await;
        assert_eq!(left.reason(), EndReason::HostGone);
        left.released().await;
        let seen = all(events).await;
        assert!(
            matches!(&seen[..], [.., Event::Error(_), Event::Ended(_)]),
            "the error comes before the ending"
        );
    });
    assert_eq!(remote.open_connections(), 0);
}

#[test]
fn an_idle_session_can_be_dropped_without_a_runtime() {
    let (client, remote) = by_hand();
    drop(idle(&client));
    let leaving = idle(&client).leave();
    drop(leaving);
    assert!(remote.log().is_empty());
    assert!(client.sessions().is_empty());
}
