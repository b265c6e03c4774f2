//! Rings that come in.

use super::*;
use crate::common::{nothing_left, tasks};
use offhook::transport::{DeclineCode, FaultKind, RingEndCode};
use offhook::{AcceptFailure, Decline, Direction, EndReason, Event, Join, JoinErrorKind, RingBack};

// F20
#[tokio::test(start_paused = true)]
async fn a_ring_comes_in_with_who_rings_and_is_joined_once_accepted() {
    let (client, remote, mut rings) = listening().await;
    let id = remote.ring_id();
    remote.ring(ring_of("ada", &id, Some(Duration::from_secs(20))));
    let ring = next(&mut rings).await;
    assert_eq!(ring.caller().user, "ada");
    assert_eq!(ring.caller().name.as_deref(), Some("Ada"));
    assert_eq!(ring.caller().metadata.as_deref(), Some("about the boat"));
    assert_eq!(ring.state(), CallingState::Ringing(Direction::Incoming));
    let mut states = ring.states();
    let accepting = ring.accept(Join::new().prompt("sepia"));
    let RingAction::Accept { ring, .. } = said(&remote).await else { panic!("it accepts") };
    assert_eq!(ring, id);
    let ticket = remote.taken(&id, "me");
    let dial = soon(remote.dial()).await;
    assert_eq!(dial.seen().session, room());
    assert_eq!(dial.seen().join_ticket.as_ref(), Some(&ticket), "the ticket stands for the credential");
    assert_eq!(dial.seen().desired.prompt.as_ref().map(|prompt| prompt.text.as_str()), Some("sepia"));
    dial.accept();
    let session = soon(accepting).await.expect("it is accepted");
    assert_eq!(session.state(), CallingState::Joined);
    let mut seen = Vec::new();
    while seen.last() != Some(&CallingState::Joined) {
        seen.push(soon(states.next()).await.expect("it goes on").state());
    }
    let ringing = CallingState::Ringing(Direction::Incoming);
    assert_eq!(seen, [ringing, CallingState::Joining, CallingState::Joined]);
    drop((session, client));
}

// F20, and declined twice: the handle is gone after the first
#[tokio::test(start_paused = true)]
async fn a_declined_ring_says_why_once_and_the_session_is_over_at_once() {
    let (_client, remote, mut rings) = listening().await;
    for (why, code) in [(Decline::Unwanted, DeclineCode::Declined), (Decline::Busy, DeclineCode::Busy)] {
        let id = remote.rings("ada", room());
        let leaving = next(&mut rings).await.decline(why);
        assert_eq!(soon(leaving).await.reason(), EndReason::Declined);
        assert_eq!(said(&remote).await, RingAction::Decline { ring: id.clone(), why: code });
        remote.gone(&id, RingEndCode::Declined);
    }
    settled().await;
    assert_eq!(words(&remote).len(), 2);
}

// F22, F26
#[tokio::test(start_paused = true)]
async fn what_ends_a_ring_over_there_ends_it_here_with_its_own_reason() {
    let (_client, remote, mut rings) = listening().await;
    for (why, reason) in [
        (RingEndCode::Cancelled, EndReason::Cancelled),
        (RingEndCode::Expired, EndReason::NotAnswered),
        (RingEndCode::AnsweredElsewhere, EndReason::AnsweredElsewhere),
        (RingEndCode::EndedBeforePickup, EndReason::EndedBeforePickup),
        (RingEndCode::Declined, EndReason::Declined),
        (RingEndCode::Unknown, EndReason::EndedBeforePickup),
    ] {
        let id = remote.rings("ada", room());
        let ring = next(&mut rings).await;
        remote.gone(&id, why);
        shows(&ring.controls(), CallingState::Left).await;
        assert_eq!(soon(ring.leave()).await.reason(), reason);
    }
    settled().await;
    assert_eq!(words(&remote), [], "nobody asked us to say anything");
}

// F22, B17: the deadline is one, and nothing that comes later changes what it decided.
#[tokio::test(start_paused = true)]
async fn a_ring_that_nobody_takes_is_not_answered_when_its_time_is_over_and_stays_so() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.ring_id();
    remote.ring(ring_of("ada", &id, Some(Duration::from_secs(8))));
    let ring = next(&mut rings).await;
    let controls = ring.controls();
    let began = remote.now();
    controls.suspended();
    controls.woken();
    shows(&controls, CallingState::Left).await;
    assert_eq!(remote.now().saturating_sub(began).as_secs(), 8, "a pause of this machine gives no more time");
    // Permuted: whatever is said about it now comes too late (B17).
    remote.taken(&id, "me");
    remote.gone(&id, RingEndCode::Cancelled);
    remote.ring(RingInfo { version: 9, ..ring_of("ada", &id, None) });
    settled().await;
    assert_eq!(soon(ring.leave()).await.reason(), EndReason::NotAnswered);
    assert!(remote.try_dial().is_none(), "nothing was joined");
    assert_eq!(words(&remote), [], "it stops ringing here and declines for nobody");
}

// F20: design, the drop rules
#[tokio::test(start_paused = true)]
async fn a_ring_that_is_dropped_stops_ringing_here_and_declines_for_nobody() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    drop(next(&mut rings).await);
    settled().await;
    assert_eq!(words(&remote), []);
    // Also after a new link showed it again: it was stopped here.
    remote.drop_presence(FaultKind::Closed);
    soon(remote.present()).await;
    settled().await;
    let other = remote.rings("eve", room());
    assert_eq!(next(&mut rings).await.caller().user, "eve");
    assert_ne!(id, other);
}

// F20: presence lost before the far side confirmed
#[tokio::test(start_paused = true)]
async fn an_accept_that_fails_before_it_is_confirmed_gives_the_ring_back() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    let ring = next(&mut rings).await;
    let mut events = ring.events();
    let accepting = ring.accept(Join::new().prompt("sepia"));
    said(&remote).await;
    remote.drop_presence(FaultKind::Closed);
    let failed = soon(accepting).await.expect_err("presence was lost");
    assert_eq!(failed.kind, JoinErrorKind::ServerUnreachable);
    let RingBack::Ringing(ring) = *failed.back else { panic!("the ring goes on") };
    let told = crate::common::event(&mut events, |event| match event {
        Event::AcceptFailed(why) => Some(*why),
        _ => None,
    });
    assert_eq!(told.await, AcceptFailure::PresenceLost);
    // The join comes back as it was, and the same ring can be taken again.
    soon(remote.present()).await;
    let accepting = ring.accept(*failed.join);
    assert!(matches!(said(&remote).await, RingAction::Accept { ring, .. } if ring == id));
    remote.taken(&id, "me");
    let dial = soon(remote.dial()).await;
    assert_eq!(dial.seen().desired.prompt.as_ref().map(|prompt| prompt.text.as_str()), Some("sepia"));
    dial.accept();
    drop(soon(accepting).await.expect("the second time it is confirmed"));
}

// F20: after the far side confirmed there is no ring to go back to
#[tokio::test(start_paused = true)]
async fn an_accept_that_fails_after_it_was_confirmed_ends_the_session() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    let accepting = next(&mut rings).await.accept(Join::new());
    said(&remote).await;
    remote.taken(&id, "me");
    soon(remote.dial()).await.refuse(offhook::transport::RefusedCode::NotPermitted);
    let failed = soon(accepting).await.expect_err("it is refused");
    assert_eq!(failed.kind, JoinErrorKind::NotPermitted);
    let RingBack::Left(left) = *failed.back else { panic!("it is over") };
    assert_eq!(left.reason(), EndReason::JoinFailed(JoinErrorKind::NotPermitted));
}

// F25: the far side confirmed after we had given up, and the word came with the question.
#[tokio::test(start_paused = true)]
async fn an_accept_that_was_confirmed_too_late_is_not_asked_for_twice() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.ring_id();
    remote.ring(ring_of("ada", &id, Some(Duration::from_secs(60))));
    let accepting = next(&mut rings).await.accept(Join::new());
    said(&remote).await;
    let failed = soon(accepting).await.expect_err("nobody confirms it within five seconds");
    let RingBack::Ringing(ring) = *failed.back else { panic!("the ring goes on") };
    remote.taken(&id, "me");
    settled().await;
    let accepting = ring.accept(Join::new());
    soon(remote.dial()).await.accept();
    drop(soon(accepting).await.expect("the ticket was there already"));
    assert_eq!(words(&remote).len(), 1, "one accept is enough");
}

// F20: cancelled while the accept is under way
#[tokio::test(start_paused = true)]
async fn an_accept_that_is_dropped_tells_the_caller_and_joins_nothing() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    let accepting = next(&mut rings).await.accept(Join::new());
    said(&remote).await;
    drop(accepting);
    assert_eq!(said(&remote).await, RingAction::Decline { ring: id.clone(), why: DeclineCode::Declined });
    remote.taken(&id, "me");
    settled().await;
    assert!(remote.try_dial().is_none());
}

// F22: accept against cancel, in both orders in flight
#[tokio::test(start_paused = true)]
async fn a_cancel_that_crosses_an_accept_ends_it_whichever_word_is_first() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    let accepting = next(&mut rings).await.accept(Join::new());
    said(&remote).await;
    remote.gone(&id, RingEndCode::Cancelled);
    remote.taken(&id, "me");
    let failed = soon(accepting).await.expect_err("the cancel came first");
    let RingBack::Left(left) = *failed.back else { panic!("it is over") };
    assert_eq!(left.reason(), EndReason::Cancelled);
    assert!(remote.try_dial().is_none());

    let id = remote.rings("ada", room());
    let accepting = next(&mut rings).await.accept(Join::new());
    said(&remote).await;
    remote.taken(&id, "me");
    remote.gone(&id, RingEndCode::Cancelled);
    soon(remote.dial()).await.accept();
    drop(soon(accepting).await.expect("the accept came first"));
}

// F20: what cannot be joined with is given back before a word is said
#[tokio::test(start_paused = true)]
async fn a_join_that_does_not_fit_a_ring_gives_the_ring_back_unasked() {
    let (_client, remote, mut rings) = listening().await;
    remote.rings("ada", room());
    let ring = next(&mut rings).await;
    let failed = soon(ring.accept(Join::new().wait_in_queue(Duration::from_secs(9)))).await;
    let failed = failed.expect_err("nobody waits in a queue for a ring");
    assert_eq!(failed.kind, JoinErrorKind::NotSupported);
    let RingBack::Ringing(ring) = *failed.back else { panic!("it rings on") };
    assert_eq!(ring.state(), CallingState::Ringing(Direction::Incoming));
    assert_eq!(words(&remote), []);
}

// F23
#[tokio::test(start_paused = true)]
async fn while_a_session_rings_or_goes_on_others_are_declined_as_busy() {
    let (client, remote) = by_hand();
    let client = client.decline_when_busy();
    let mut rings = client.incoming();
    soon(client.present()).await.expect("the far side lets it in");
    remote.rings("ada", room());
    let first = next(&mut rings).await;
    let second = remote.rings("eve", room());
    assert_eq!(said(&remote).await, RingAction::Decline { ring: second.clone(), why: DeclineCode::Busy });
    remote.gone(&second, RingEndCode::Busy);
    drop(soon(first.leave()).await);

    let (session, _dial) = crate::common::joined(&client, &remote).await;
    let third = remote.rings("eve", room());
    assert_eq!(said(&remote).await, RingAction::Decline { ring: third.clone(), why: DeclineCode::Busy });
    remote.gone(&third, RingEndCode::Busy);
    let mut left = soon(session.leave()).await;
    soon(left.released()).await;
    remote.rings("eve", room());
    assert_eq!(next(&mut rings).await.caller().user, "eve", "nobody is busy any more");
}

// F23
#[tokio::test(start_paused = true)]
async fn without_the_option_a_second_ring_rings_beside_the_first() {
    let (_client, remote, mut rings) = listening().await;
    remote.rings("ada", room());
    let first = next(&mut rings).await;
    remote.rings("eve", room());
    let second = next(&mut rings).await;
    assert_eq!((first.caller().user.as_str(), second.caller().user.as_str()), ("ada", "eve"));
    assert_eq!(words(&remote), []);
}

// A storm: more rings than anybody can answer
#[tokio::test(start_paused = true)]
async fn a_storm_of_rings_loses_none_and_leaves_nothing_behind() {
    let before = tasks();
    let (client, remote, mut rings) = listening().await;
    let ids: Vec<_> = (0..200).map(|n| remote.rings(&format!("user {n}"), room())).collect();
    let mut seen = Vec::new();
    for _ in &ids {
        let ring = next(&mut rings).await;
        seen.push(ring.caller().user.clone());
        drop(ring);
    }
    assert_eq!(seen, (0..200).map(|n| format!("user {n}")).collect::<Vec<_>>());
    ids.iter().for_each(|id| remote.gone(id, RingEndCode::Cancelled));
    soon(client.shutdown()).await;
    drop(rings);
    nothing_left(&remote, before).await;
    assert_eq!(remote.census().presences, 0);
}
