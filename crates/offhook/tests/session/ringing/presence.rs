//! The connection that rings come over: lost, silent, refused, shut down; and rings that outlive it.

use super::*;
use crate::common::{nothing_left, tasks};
use offhook::transport::{DeclineCode, FaultKind, RefusedCode, RingEndCode, Secret};
use offhook::{
    Direction, EndReason, Join, JoinErrorKind, Network, PresenceError, PresenceState, Purpose, Ring,
};

// F22: presence lost while ringing keeps the ring, both ways
#[tokio::test(start_paused = true)]
async fn rings_outlive_the_connection_that_they_came_over() {
    let (client, remote, mut rings) = listening().await;
    let theirs = remote.rings("ada", room());
    let incoming = next(&mut rings).await;
    let outgoing = client.session("room", "8").ring(Ring::to(["eve"]));
    let ours = remote.placed(&ordered(&remote).await);
    settled().await;
    remote.drop_presence(FaultKind::Closed);
    soon(remote.present()).await;
    settled().await;
    assert_eq!(incoming.state(), CallingState::Ringing(Direction::Incoming));
    assert_eq!(outgoing.state(), CallingState::Ringing(Direction::Outgoing));
    // What happened meanwhile is asked for: one was taken, one taken back.
    remote.stall_presence(true);
    remote.drop_presence(FaultKind::Closed);
    remote.gone_unheard(&theirs, RingEndCode::Cancelled);
    remote.taken_unheard(&ours, "eve");
    remote.stall_presence(false);
    shows(&incoming.controls(), CallingState::Left).await;
    assert_eq!(soon(incoming.leave()).await.reason(), EndReason::Cancelled);
    soon(remote.dial()).await.accept();
    drop(soon(outgoing.into_future()).await.expect("it was answered meanwhile"));
}

// F25
#[tokio::test(start_paused = true)]
async fn a_lost_word_costs_no_more_than_the_question_that_follows_the_silence() {
    let (client, remote, mut rings) = listening().await;
    let theirs = remote.ring_id();
    remote.ring(ring_of("ada", &theirs, None));
    let incoming = next(&mut rings).await;
    let began = remote.now();
    remote.gone_unheard(&theirs, RingEndCode::AnsweredElsewhere);
    shows(&incoming.controls(), CallingState::Left).await;
    assert!(
        remote.now().saturating_sub(began) <= Duration::from_secs(6),
        "{:?}",
        remote.now().saturating_sub(began)
    );
    assert_eq!(soon(incoming.leave()).await.reason(), EndReason::AnsweredElsewhere);

    let outgoing = client.session("room", "8").ring(Ring::to(["eve"]));
    let ours = remote.placed(&ordered(&remote).await);
    settled().await;
    remote.taken_unheard(&ours, "eve");
    soon(remote.dial()).await.accept();
    drop(soon(outgoing.into_future()).await.expect("a lost accept does not ring for ever"));
}

// F25: a decline that was lost is said again, a ring that is declined does not come back
#[tokio::test(start_paused = true)]
async fn a_decline_that_was_said_into_a_dead_link_is_said_on_the_next() {
    let (_client, remote, mut rings) = listening().await;
    let id = remote.rings("ada", room());
    let ring = next(&mut rings).await;
    remote.stall_presence(true);
    remote.drop_presence(FaultKind::Closed);
    settled().await;
    drop(ring.decline(offhook::Decline::Unwanted));
    settled().await;
    assert_eq!(words(&remote), [], "there is no link");
    remote.stall_presence(false);
    assert_eq!(said(&remote).await, RingAction::Decline { ring: id.clone(), why: DeclineCode::Declined });
    remote.gone(&id, RingEndCode::Declined);
    settled().await;
    assert_eq!(words(&remote).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_presence_is_found_dead_and_made_anew() {
    let (client, remote, mut rings) = listening().await;
    remote.silence_presence(true);
    let began = remote.now();
    soon(remote.presence_dial()).await;
    remote.silence_presence(false);
    assert!(
        remote.now().saturating_sub(began) < Duration::from_secs(8),
        "{:?}",
        remote.now().saturating_sub(began)
    );
    soon(client.present()).await.expect("it is up again");
    remote.rings("ada", room());
    drop(next(&mut rings).await);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_said_to_be_gone_is_not_dialled_and_its_return_is() {
    let (client, remote, _rings) = listening().await;
    client.network(Network::Down);
    settled().await;
    assert_eq!(client.presence(), PresenceState::Offline);
    tokio::time::advance(Duration::from_secs(600)).await;
    settled().await;
    assert_eq!(client.presence(), PresenceState::Offline, "nothing was tried for ten minutes");
    client.network(Network::Up);
    soon(client.present()).await.expect("at once");
    assert_eq!(remote.census().presences, 1);
}

// Bad input: a credential of somebody else, or of nobody
#[tokio::test(start_paused = true)]
async fn a_presence_that_is_refused_for_good_ends_the_streams_and_says_why() {
    let (client, remote) = by_hand();
    remote.refuse_presence(Some(RefusedCode::Unauthorized));
    let mut rings = client.incoming();
    assert!(soon(rings.next()).await.is_none());
    let refused = Err(PresenceError::Refused(JoinErrorKind::Unauthorized));
    assert_eq!(soon(client.present()).await, refused);
    assert_eq!(client.presence(), PresenceState::Refused);
    // Listening anew is a new wish.
    remote.refuse_presence(None);
    drop(rings);
    let mut rings = client.incoming();
    soon(client.present()).await.expect("the far side lets it in now");
    remote.rings("ada", room());
    drop(next(&mut rings).await);
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_of_presence_is_asked_for_once() {
    let (transport, remote) = offhook::mock::pair();
    let hand = remote.clone();
    let client = Client::new(transport).credential("old").provider(move |request| {
        assert_eq!((request.purpose, request.kind.as_str()), (Purpose::Renew, ""));
        hand.refuse_presence(None);
        async { Ok("new".into()) }
    });
    remote.refuse_presence(Some(RefusedCode::Expired));
    let _rings = client.incoming();
    let first = soon(remote.presence_dial()).await;
    assert_eq!(first.credential, Some(Secret::new("old")));
    let second = soon(remote.presence_dial()).await;
    assert_eq!(second.credential, Some(Secret::new("new")));
    assert_eq!((first.device, first.epoch.0 + 1), (second.device, second.epoch.0));
    soon(client.present()).await.expect("the new one is good");
}

#[tokio::test(start_paused = true)]
async fn rings_that_came_before_anybody_listened_are_there_for_the_first_who_does() {
    let (client, remote) = by_hand();
    let ours = client.session("room", "8").ring(Ring::to(["eve"]));
    remote.placed(&ordered(&remote).await);
    remote.rings("ada", room());
    settled().await;
    let mut rings = client.incoming();
    assert_eq!(next(&mut rings).await.caller().user, "ada");
    drop(ours);
}

// F12 of presence: shut down, nothing is left, and what the leaves had to say was said
#[tokio::test(start_paused = true)]
async fn a_shutdown_takes_rings_back_and_leaves_nothing_behind() {
    let before = tasks();
    let (client, remote, mut rings) = listening().await;
    remote.rings("ada", room());
    let incoming = next(&mut rings).await;
    let outgoing = client.session("room", "8").ring(Ring::to(["eve"]));
    let ours = remote.placed(&ordered(&remote).await);
    settled().await;
    soon(client.shutdown()).await;
    assert_eq!(words(&remote).last(), Some(&RingAction::Cancel { ring: ours }));
    assert!(soon(rings.next()).await.is_none());
    assert_eq!(soon(incoming.leave()).await.reason(), EndReason::LeftByUser);
    drop((outgoing, rings));
    nothing_left(&remote, before).await;
    assert_eq!(remote.census().presences, 0);
}

#[tokio::test(start_paused = true)]
async fn presence_goes_when_nobody_listens_or_rings_any_more() {
    let before = tasks();
    let (client, remote, rings) = listening().await;
    let other = client.incoming();
    drop(rings);
    settled().await;
    assert_eq!(client.presence(), PresenceState::Up, "one listener is enough");
    remote.rings("ada", room());
    settled().await;
    drop(other);
    nothing_left(&remote, before).await;
    assert_eq!(client.presence(), PresenceState::Off);
    assert_eq!(remote.census().presences, 0);
    assert_eq!(words(&remote), [], "what nobody took stops ringing here and is not declined");
    assert_eq!(client.present().await, Err(PresenceError::Off));
}

// The handle of a phase that a ring was left in at every await point: nothing hangs, nothing is left.
#[tokio::test(start_paused = true)]
async fn an_accept_polled_any_number_of_times_and_dropped_leaves_nothing_behind() {
    for polls in 0..12 {
        let before = tasks();
        let (client, remote, mut rings) = listening().await;
        let id = remote.rings("ada", room());
        let accepting = next(&mut rings).await.accept(Join::new());
        settled().await;
        remote.taken(&id, "me");
        crate::common::poll_times(accepting, polls).await;
        soon(client.shutdown()).await;
        drop(rings);
        nothing_left(&remote, before).await;
        assert_eq!(remote.census().presences, 0, "{polls} polls");
    }
}
