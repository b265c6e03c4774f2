//! What the system says of the network (F33), together with what the application says of it, and
//! with neither saying more than once.

use crate::common::*;
use offhook::mock::What;
use offhook::transport::{FaultKind, NetworkFact, Plan, Plane};
use offhook::{CallingState, Event, Fault, Join, Network};
use std::time::Duration;

fn fault(event: &Event) -> Option<(offhook::Plane, Fault)> {
    match event {
        Event::LinkLost { plane, fault } => Some((*plane, *fault)),
        _ => None,
    }
}

fn dials(remote: &offhook::mock::Remote) -> usize {
    remote.log().iter().filter(|seen| matches!(seen.what, What::Dial(_))).count()
}

/// F33: nobody but the system says it, and the new link is dialled in the same moment.
#[tokio::test(start_paused = true)]
async fn another_network_that_the_system_reports_is_resumed_over_at_once() {
    let (client, remote) = by_hand();
    let (session, _dial) = joined(&client, &remote).await;
    let mut events = session.events();
    let changed = remote.now();
    remote.network(NetworkFact::Changed);
    let next = remote.dial().await;
    assert_eq!(remote.now(), changed, "no silence was waited for");
    assert!(matches!(next.plan(), Plan::Resume { restart_ice: true, .. }), "{:?}", next.plan());
    let lost = [event(&mut events, fault).await, event(&mut events, fault).await];
    let both = [offhook::Plane::Signaling, offhook::Plane::Media];
    assert_eq!(lost, both.map(|plane| (plane, Fault::Unreachable)));
    next.accept();
    let recovered = |event: &Event| matches!(event, Event::Recovered { .. }).then_some(());
    event(&mut events, recovered).await;
    assert_eq!(session.state(), CallingState::Joined);
}

/// F33, R10: offline by the system's word, and back by it.
#[tokio::test(start_paused = true)]
async fn a_network_that_goes_is_offline_and_its_return_recovers_untold() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let mut states = session.states();
    remote.network(NetworkFact::Down);
    until(&mut states, CallingState::Offline).await;
    let before = dials(&remote);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(dials(&remote), before, "nothing is dialled without a network");
    remote.network(NetworkFact::Up);
    until(&mut states, CallingState::Reconnecting).await;
    until(&mut states, CallingState::Joined).await;
}

/// R10: the same fact from both sides, in whatever order, is one fact.
#[tokio::test(start_paused = true)]
async fn what_the_application_and_the_system_both_say_is_done_once() {
    for system_first in [true, false] {
        let (client, remote) = by_hand();
        let (session, _dial) = joined(&client, &remote).await;
        let controls = session.controls();
        let mut states = session.states();
        let say = async |fact, level| {
            if system_first {
                remote.network(fact);
                tokio::time::sleep(Duration::from_millis(20)).await;
                controls.network(level);
            } else {
                controls.network(level);
                tokio::time::sleep(Duration::from_millis(20)).await;
                remote.network(fact);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        say(NetworkFact::Down, Network::Down).await;
        say(NetworkFact::Up, Network::Up).await;
        let next = remote.dial().await;
        assert!(remote.try_dial().is_none(), "the return was dialled for twice");
        next.accept();
        let seen = until(&mut states, CallingState::Joined).await;
        assert_eq!(seen, [], "the current state comes first");
        let seen = until(&mut states, CallingState::Joined).await;
        assert_eq!(seen, [CallingState::Offline, CallingState::Reconnecting]);
        // What is known already changes nothing.
        say(NetworkFact::Up, Network::Up).await;
        assert_eq!((session.state(), remote.try_dial().is_none()), (CallingState::Joined, true));
    }
}

/// F33: the application said that there is none, and the system then sees another one.
#[tokio::test(start_paused = true)]
async fn another_network_that_the_system_sees_ends_an_offline_that_the_application_reported() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let mut states = session.states();
    session.controls().network(Network::Down);
    until(&mut states, CallingState::Offline).await;
    remote.network(NetworkFact::Changed);
    until(&mut states, CallingState::Joined).await;
}

/// R11: an interface that comes and goes all the time makes no storm of dials.
#[tokio::test(start_paused = true)]
async fn a_network_that_flaps_makes_no_storm_of_dials() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let before = dials(&remote);
    for _ in 0..100 {
        remote.network(NetworkFact::Down);
        tokio::time::sleep(Duration::from_millis(50)).await;
        remote.network(NetworkFact::Up);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let dialled = dials(&remote) - before;
    assert!((1..=15).contains(&dialled), "{dialled} dials in ten seconds");
    let mut states = session.states();
    until(&mut states, CallingState::Joined).await;
}

/// F33: a join that finds no network waits for it.
#[tokio::test(start_paused = true)]
async fn a_join_waits_for_the_network_that_the_system_reports() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    remote.network(NetworkFact::Down);
    dial.fail(FaultKind::Unreachable);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(remote.try_dial().is_none(), "nothing is dialled without a network");
    let back = remote.now();
    remote.network(NetworkFact::Up);
    remote.dial().await.accept();
    assert_eq!(remote.now(), back);
    let session = joining.await.expect("the hand accepts");
    assert_eq!(session.state(), CallingState::Joined);
}

/// D3: it listens as long as it lives, and no longer.
#[tokio::test(start_paused = true)]
async fn a_session_that_has_left_listens_no_more() {
    let (client, remote) = studio();
    assert_eq!(remote.census().watches, 0);
    let idle = idle(&client);
    assert_eq!(remote.census().watches, 0, "a session that does nothing hears nothing");
    let session = idle.join(Join::new()).await.expect("the studio lets everybody in");
    assert_eq!(remote.census().watches, 1);
    let mut left = session.leave().await;
    left.released().await;
    assert_eq!(remote.census().watches, 0);
    let session = joined_studio(&client, Join::new()).await;
    drop(session);
    remote.until(|census| census.watches == 0).await;
}

/// A link's own loss is still found by itself: the system says nothing of it.
#[tokio::test(start_paused = true)]
async fn a_loss_that_no_system_reports_is_found_all_the_same() {
    let (client, remote) = by_hand();
    let (_session, dial) = joined(&client, &remote).await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    assert!(matches!(remote.dial().await.plan(), Plan::Resume { restart_ice: false, .. }));
}
