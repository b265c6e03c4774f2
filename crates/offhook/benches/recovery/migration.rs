//! A move to another server of the same key: how long no picture comes.

use crate::ms;
use crate::place::{Place, Wanted};
use offhook::{CallingState, Event};
use offhook_server::{GoAwayCode, Server, Signer};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the old server waits: far longer than a move takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// The longest gap and how long the move took, in milliseconds; none if it did not succeed.
pub(crate) async fn play(round_trip: Duration) -> Option<(f64, f64)> {
    let key = Signer::new(*b"one key for two servers of a bench");
    let other = Server::builder().signer(key.clone()).start().await.ok()?;
    let wanted = Wanted { round_trip, key: Some(key), direct: true, ..Wanted::default() };
    let place = Place::set(wanted).await?;
    let measured = moved(&place, &other).await;
    place.strike().await;
    other.shutdown().await;
    measured
}

async fn moved(place: &Place, other: &Server) -> Option<(f64, f64)> {
    let began = Instant::now();
    place.server.go_away(None, Some(&other.url()), DEADLINE, GoAwayCode::Rebalance).await;
    let finished = place.event(began, |event| match event {
        Event::MigrationFinished { moved } => Some(*moved),
        _ => None,
    });
    let (at, moved) = finished.await?;
    // The switch comes with the new link's first key frame, after it has carried.
    sleep(Duration::from_secs(2)).await;
    let there = other.census().members == 1 && place.session.state() == CallingState::Joined;
    (moved && there).then(|| (place.longest_gap(began), ms(at - began)))
}
