//! Many sessions that lose the same server at once, and one whose network flaps: nobody comes
//! back as a herd, what the far side asks for is waited for, and budgets hold (R11, E2, E10, E11).
//!
//! The bugs named here: A13 livekit/client-sdk-js#253; E2 GetStream/stream-video-js#1706; E10
//! django/channels#568; E11 BasedHardware/omi#5520.

use crate::common::*;
use futures_util::StreamExt;
use futures_util::future::join_all;
use offhook::mock::{Faults, MockTransport, Remote, Studio, What, pair};
use offhook::transport::{FaultKind, Plan, Plane, RefusedCode};
use offhook::{CallingState, Client, Event, Join, Joined, Network, Policy, Session};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MANY: usize = 1_000;

/// So many users, each with a client and a jitter of their own, on one far side.
async fn users(transport: &MockTransport) -> Vec<Session<Joined>> {
    let joins = (0..MANY).map(|n| {
        let client = Client::new(transport.clone()).seed(n as u64);
        client.session("studio", n.to_string()).join(Join::new())
    });
    join_all(joins).await.into_iter().map(|joined| joined.expect("the studio lets everybody in")).collect()
}

/// When each of them was back, and by which plan, from now on.
async fn all_back(sessions: &[Session<Joined>], remote: &Remote) -> Vec<(Duration, offhook::Plan)> {
    let began = remote.now();
    let waits = sessions.iter().map(|session| async move {
        let mut events = session.events();
        let plan = event(&mut events, |event| match event {
            Event::Recovered { plan, .. } => Some(*plan),
            Event::StateChanged(CallingState::ReconnectingFailed) => panic!("its budget is spent"),
            _ => None,
        });
        let plan = plan.await;
        (remote.now().saturating_sub(began), plan)
    });
    join_all(waits).await
}

/// The most that came back within any one second.
fn most_in_a_second(back: &[(Duration, offhook::Plan)]) -> usize {
    let mut at: Vec<_> = back.iter().map(|(at, _)| *at).collect();
    at.sort_unstable();
    let within = |from: usize| at[from..].iter().take_while(|t| t.saturating_sub(at[from]) < SECOND).count();
    (0..at.len()).map(within).max().unwrap_or_default()
}

fn quiet_studio() -> (MockTransport, Remote) {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).without_ticks());
    (transport, remote)
}

/// E10: a server that says that it restarts.
#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_come_back_to_a_restarted_server_spread_out() {
    let (transport, remote) = quiet_studio();
    let sessions = users(&transport).await;
    remote.restart();
    let back = all_back(&sessions, &remote).await;
    assert!(back.iter().all(|(_, plan)| *plan == offhook::Plan::Rejoin));
    let most = most_in_a_second(&back);
    assert!(most <= MANY / 5, "{most} of {MANY} in one second");
    let last = back.iter().map(|(at, _)| *at).max().expect("a thousand");
    assert!(last <= 10 * SECOND, "the last after {last:?}");
}

/// E10: a server that dies and comes back three seconds later, and remembers nobody. Everybody
/// asks it at once whether it does; what is spread is what costs it something.
#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_come_back_to_a_crashed_server_spread_out() {
    let (transport, remote) = quiet_studio();
    let sessions = users(&transport).await;
    remote.cut();
    remote.restart();
    let hand = remote.clone();
    let repair = async move {
        tokio::time::sleep(3 * SECOND).await;
        hand.restore();
    };
    let (back, ()) = tokio::join!(all_back(&sessions, &remote), repair);
    let most = most_in_a_second(&back);
    assert!(most <= MANY / 5, "{most} of {MANY} in one second");
    let last = back.iter().map(|(at, _)| *at).max().expect("a thousand");
    assert!(last <= 20 * SECOND, "the last after {last:?}");
}

/// E11: everybody is told "not before five seconds", and nobody is earlier, nor all the same instant.
#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_wait_as_long_as_they_are_told() {
    let (transport, remote) = quiet_studio();
    let sessions = users(&transport).await;
    let all = u32::try_from(MANY).expect("a thousand");
    remote.faults(Faults::default().refuse(all, RefusedCode::RateLimited, Some(5 * SECOND)));
    remote.cut();
    remote.restore();
    let back = all_back(&sessions, &remote).await;
    let first = back.iter().map(|(at, _)| *at).min().expect("a thousand");
    assert!(first >= 5 * SECOND, "back after {first:?}");
    let most = most_in_a_second(&back);
    assert!(most <= MANY / 4, "{most} of {MANY} in one second");
}

/// How often the far side was asked, by plan, from each dial on for two minutes at most.
fn most_rejoins_in_two_minutes(remote: &Remote) -> usize {
    let log = remote.log();
    let rejoins = log
        .iter()
        .filter(|seen| matches!(&seen.what, What::Dial(dial) if matches!(dial.plan, Plan::Rejoin { .. })));
    let at: Vec<_> = rejoins.map(|seen| seen.at).collect();
    let within =
        |from: usize| at[from..].iter().take_while(|t| t.saturating_sub(at[from]) < 120 * SECOND).count();
    (0..at.len()).map(within).max().unwrap_or_default()
}

fn dials(remote: &Remote) -> usize {
    remote.log().iter().filter(|seen| matches!(seen.what, What::Dial(_))).count()
}

/// R11, E1: a link that is lost every second for ten minutes. It may fail; it may not storm.
#[tokio::test(start_paused = true)]
async fn a_link_that_flaps_for_ten_minutes_stays_within_the_budgets() {
    let (transport, remote) = pair();
    // Without ticks, so that the far side's own log holds all of it.
    remote.auto(Studio::seeded(1).without_ticks().answering_in(Duration::from_millis(5)));
    let session = Client::new(transport).seed(3).session("studio", "7").join(Join::new()).await.expect("in");
    let mut failed = false;
    for _ in 0..600 {
        if let Some(dial) = remote.newest() {
            dial.lose(Plane::Signaling, FaultKind::Closed);
            dial.lose(Plane::Media, FaultKind::IceSilent);
        }
        tokio::time::sleep(SECOND).await;
        failed |= session.state() == CallingState::ReconnectingFailed;
    }
    assert!(failed, "links that never hold are no recovery");
    let most = most_rejoins_in_two_minutes(&remote);
    assert!((1..=10).contains(&most), "{most} rejoins in two minutes");
    assert!(dials(&remote) < 60, "{} dials", dials(&remote));
    // And when it holds again, one wish is enough.
    session.controls().retry();
    until(&mut session.states(), CallingState::Joined).await;
}

/// R10, R11: a network that is said to come and go every second for ten minutes grants one dial at
/// once per ten seconds.
#[tokio::test(start_paused = true)]
async fn a_network_that_flaps_for_ten_minutes_grants_a_dial_per_ten_seconds() {
    let (transport, remote) = quiet_studio();
    let policy = Policy { offline: None, ..Policy::default() };
    let client = Client::new(transport).seed(3).policy(policy);
    let session = client.session("studio", "7").join(Join::new()).await.expect("in");
    let controls = session.controls();
    for _ in 0..300 {
        controls.network(Network::Down);
        remote.cut();
        tokio::time::sleep(SECOND).await;
        controls.network(Network::Up);
        tokio::time::sleep(Duration::from_millis(10)).await;
        remote.restore();
        tokio::time::sleep(Duration::from_millis(990)).await;
    }
    assert!(most_rejoins_in_two_minutes(&remote) <= 10 + 12, "the budget, and one per grant");
    assert!(dials(&remote) < 400, "{} dials in ten minutes", dials(&remote));
    controls.network(Network::Up);
    if session.state() == CallingState::ReconnectingFailed {
        controls.retry();
    }
    until(&mut session.states(), CallingState::Joined).await;
}

/// A13, E2: signaling and media lost in one tick, the network said to be gone and back: one outage,
/// one series of dials, told once.
#[tokio::test(start_paused = true)]
async fn alarms_that_ring_together_make_one_attempt() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    dial.lose(Plane::Media, FaultKind::IceFailed);
    let next = remote.dial().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(remote.try_dial().is_none(), "two alarms, one dial");
    next.accept();
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    session.controls().network(Network::Down);
    session.controls().network(Network::Up);
    tokio::time::sleep(20 * SECOND).await;
    let mut outages = 0;
    let leaving = session.leave();
    while let Some(event) = events.next().await {
        outages += usize::from(event == Event::StateChanged(CallingState::Reconnecting));
    }
    assert!(outages <= 1, "one outage for one offline and online");
    drop(leaving);
}
