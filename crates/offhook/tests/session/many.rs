//! Sessions beside one another know nothing of each other (F19).

use crate::common::*;
use futures_util::future::join_all;
use offhook::{AnySession, CallingState, EndReason, Join};

#[tokio::test(start_paused = true)]
async fn a_hundred_sessions_live_side_by_side() {
    let (client, remote) = studio();
    let before = tasks();
    let joins =
        (0..100).map(|n| client.session("studio", n.to_string()).join(Join::new().prompt(n.to_string())));
    let sessions: Vec<_> = join_all(joins).await.into_iter().map(|joined| joined.expect("joined")).collect();
    assert_eq!(client.sessions().len(), 100);
    let ids: std::collections::HashSet<_> = sessions.iter().map(|session| session.id()).collect();
    assert_eq!(ids.len(), 100, "each has an id of its own");
    // One of them is left, and the others do not notice.
    let mut sessions = sessions.into_iter();
    sessions.next().expect("a hundred").leave().await.released().await;
    for session in sessions.as_slice() {
        assert_eq!(session.state(), CallingState::Joined);
    }
    let settings = sessions.as_slice().iter().map(|session| session.set_prompt("again"));
    assert!(join_all(settings).await.iter().all(Result::is_ok));
    client.shutdown().await;
    nothing_left(&remote, before).await;
    for session in sessions {
        assert_eq!(session.leave().await.reason(), EndReason::LeftByUser);
    }
}

/// A field of a struct that goes through all phases.
#[tokio::test(start_paused = true)]
async fn any_session_holds_every_phase() {
    let (client, _remote) = studio();
    let mut held: AnySession = idle(&client).into();
    assert_eq!(held.state(), CallingState::Idle);
    held = held.join(Join::new()).expect("it is idle").await.expect("joined").into();
    assert!(held.joined().is_some_and(|session| session.is_connected()));
    held = held.leave().expect("it is joined").await.into();
    assert_eq!(held.state(), CallingState::Left);
    assert!(held.leave().is_err(), "it is given back");
}
