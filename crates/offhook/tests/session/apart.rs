//! What must not touch one another: one session and the next, a call and a recovery, an event of
//! now and one of before, one member and the others (A1, A14, A19, B21, C11, C12, F38).
//!
//! The bugs named here: A1 livekit/client-sdk-js#538; A19 GetStream/stream-video-android#1789; B27
//! GetStream/Vision-Agents#202; C12 livekit/client-sdk-js#320.

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::{MockDial, What};
use offhook::transport::{
    Action, FaultKind, GoAwayHint, GoAwayReason, MemberChange, Plane, Revision, Secret,
};
use offhook::{CallingState, Event, Join, Member, SetError};
use std::time::Duration;

fn member(id: &str) -> Member {
    Member { id: id.into(), name: id.into(), away: false, tracks: Vec::new() }
}

fn hint() -> GoAwayHint {
    GoAwayHint {
        url: Some("wss://other.example".into()),
        ticket: Some(Secret::new("one-use")),
        deadline: Some(Duration::from_secs(30)),
        reason: GoAwayReason::Rebalance,
    }
}

/// Lets a dial in with these people inside.
fn welcome(dial: &MockDial, roster: &[&str]) {
    let mut up = dial.a_welcome();
    up.roster = roster.iter().map(|id| member(id)).collect();
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
}

/// A1: a leave that nobody awaits, and at once a join: the goodbye is said on the old connection and
/// on no other.
#[tokio::test(start_paused = true)]
async fn the_goodbye_of_one_session_never_reaches_the_next() {
    let (client, remote) = by_hand();
    for round in 0..20 {
        let (old, old_dial) = joined(&client, &remote).await;
        drop(old.leave());
        let joining = idle(&client).join(Join::new());
        let dial = remote.dial().await;
        assert_ne!(old_dial.seen().instance, dial.seen().instance);
        dial.accept();
        let new = joining.await.expect("the hand accepts");
        old_dial.closed().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(new.state(), CallingState::Joined, "round {round}");
        let goodbyes = remote.log().iter().filter(|seen| is_goodbye(&seen.what)).count();
        assert_eq!(goodbyes, 2 * round + 1, "one for the one that left");
        assert!(!dial.is_closed());
        new.leave().await.released().await;
    }
}

fn is_goodbye(what: &What) -> bool {
    matches!(what, What::Action(action) | What::Lost(action) if **action == Action::Goodbye)
}

/// A14, F38: called at every moment of a recovery, each is applied by the link that comes, or ends
/// typed. None hangs, and none is applied twice as two wishes.
#[tokio::test(start_paused = true)]
async fn a_call_at_any_moment_of_a_recovery_completes_or_fails_typed() {
    for moment in 0..6 {
        let (client, remote) = by_hand();
        let (session, dial) = joined(&client, &remote).await;
        let early = (moment == 0).then(|| session.set_prompt("moment 0"));
        dial.lose(Plane::Signaling, FaultKind::Closed);
        let next = remote.dial().await;
        let late = |at: u64| (moment == at).then(|| session.set_prompt(format!("moment {at}")));
        let at_dial = late(1);
        next.answer();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let at_answer = late(2);
        next.up(next.a_welcome());
        tokio::time::sleep(Duration::from_millis(1)).await;
        let at_up = late(3);
        next.carried(Plane::Signaling);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let at_carried = late(4);
        // Whatever is asked for on the new link is acked there.
        let answering = async {
            loop {
                next.ack(next_apply(&remote).await);
            }
        };
        let call = [early, at_dial, at_answer, at_up, at_carried].into_iter().flatten().next();
        let call = call.unwrap_or_else(|| session.set_prompt("after it"));
        tokio::select! {
            outcome = tokio::time::timeout(Duration::from_secs(600), call) => {
                let outcome = outcome.expect("it does not hang");
                assert!(matches!(outcome, Ok(_) | Err(SetError::Unconfirmed { .. })), "{moment}: {outcome:?}");
            }
            () = answering => {}
        }
        assert_eq!(session.state(), CallingState::Joined);
    }
}

/// The newest revision that was asked for.
async fn next_apply(remote: &offhook::mock::Remote) -> Revision {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    loop {
        look.tick().await;
        let log = remote.log();
        let applies = log.iter().rev().find_map(|seen| match &seen.what {
            What::Action(action) => match &**action {
                Action::Apply { revision, .. } => Some(*revision),
                _ => None,
            },
            _ => None,
        });
        if let Some(revision) = applies {
            return revision;
        }
    }
}

/// A19, B21: others come and go, lose their links, and are all gone in the end: in no state is that a
/// reason for this session to do anything.
#[tokio::test(start_paused = true)]
async fn an_empty_roster_and_the_losses_of_others_change_nothing_here() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    // Nobody there yet, also before it is joined.
    let mut up = dial.a_welcome();
    up.roster = Vec::new();
    dial.answer();
    dial.up(up);
    dial.member(MemberChange::Left(member("nobody")));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(joining.state(), CallingState::Joining);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
    let session = joining.await.expect("an empty room is a room");
    let mut events = session.events();
    let others = async |dial: &MockDial, events: &mut offhook::Events| {
        dial.member(MemberChange::Joined(member("bob")));
        dial.member(MemberChange::Updated(Member { away: true, ..member("bob") }));
        dial.member(MemberChange::Left(member("bob")));
        event(events, |event| matches!(event, Event::MemberLeft(_)).then_some(())).await;
    };
    others(&dial, &mut events).await;
    assert_eq!(session.state(), CallingState::Joined);
    dial.go_away(hint());
    let next = remote.dial().await;
    assert_eq!(session.state(), CallingState::Migrating);
    others(&dial, &mut events).await;
    assert_eq!(session.state(), CallingState::Migrating);
    next.accept();
    dial.closed().await;
    next.lose(Plane::Media, FaultKind::IceSilent);
    event(&mut events, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    assert_eq!(session.state(), CallingState::Reconnecting);
    others(&next, &mut events).await;
    assert_eq!(session.state(), CallingState::Reconnecting);
    assert_eq!(session.leave().await.reason(), offhook::EndReason::LeftByUser, "nobody else ended it");
}

/// C11, C12: over a reconnect and a move each listener hears each thing once, and there are no more
/// listeners than there were.
#[tokio::test(start_paused = true)]
async fn nothing_is_told_twice_after_a_reconnect_or_a_move() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let first = remote.dial().await;
    welcome(&first, &["ann", "bob"]);
    let session = joining.await.expect("let in");
    let mut events = session.events();
    let twin = session.events();
    first.message("ann", "one", "");
    first.lose(Plane::Signaling, FaultKind::Closed);
    let second = remote.dial().await;
    welcome(&second, &["ann", "bob"]);
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    // The old link is not heard any more.
    first.message("ann", "late on the first", "");
    second.message("ann", "two", "");
    second.go_away(hint());
    let third = remote.dial().await;
    welcome(&third, &["ann", "bob"]);
    let moved = |event: &Event| matches!(event, Event::MigrationFinished { moved: true }).then_some(());
    event(&mut events, moved).await;
    second.message("ann", "late on the second", "");
    third.message("ann", "three", "");
    event(&mut events, |event| {
        matches!(event, Event::Message { topic, .. } if topic == "three").then_some(())
    })
    .await;
    let heard: Vec<Event> = all(twin.take_until(tokio::time::sleep(Duration::from_secs(1)))).await;
    let topics: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            Event::Message { topic, .. } => Some(topic.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(topics, ["one", "two", "three"]);
    let came = heard.iter().filter(|event| matches!(event, Event::MemberJoined(_))).count();
    assert_eq!(came, 0, "they were there before this listener, and all the time: {heard:?}");
    let states = heard.iter().filter(|e| matches!(e, Event::StateChanged(CallingState::Joined))).count();
    assert_eq!(states, 2, "once after the reconnect, once after the move: {heard:?}");
    assert!(events.next().now_or_never().is_none(), "the first has nothing left either");
}

/// B27: what is under way is not connected, and what is joined is.
#[tokio::test(start_paused = true)]
async fn connected_is_said_of_joined_and_moving_sessions_alone() {
    let (client, remote) = by_hand();
    let session = idle(&client);
    let controls = session.controls();
    assert!(!controls.is_connected(), "idle");
    let joining = session.join(Join::new());
    let dial = remote.dial().await;
    assert!(!controls.is_connected(), "dialling");
    dial.answer();
    dial.up(dial.a_welcome());
    dial.carried(Plane::Signaling);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(controls.state(), CallingState::Joining);
    assert!(!controls.is_connected(), "let in, and half of it carries");
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
    let session = joining.await.expect("let in");
    assert!(controls.is_connected());
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    assert_eq!(controls.state(), CallingState::Reconnecting);
    assert!(!controls.is_connected(), "reconnecting");
    next.accept();
    let mut states = session.states();
    until(&mut states, CallingState::Joined).await;
    assert!(controls.is_connected());
    controls.network(offhook::Network::Down);
    until(&mut states, CallingState::Offline).await;
    assert!(!controls.is_connected(), "offline");
    let left = session.leave();
    assert!(!controls.is_connected(), "leaving");
    drop(left.await);
}
