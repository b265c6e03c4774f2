//! Rings over the scripted transport: those that come in, those we place, and what ends them.

mod incoming;
mod outgoing;
mod presence;

use super::common::by_hand;
use futures_util::StreamExt;
use offhook::mock::Remote;
use offhook::transport::{RingAction, RingId, RingInfo, RingOrder, SessionRef};
use offhook::{CallingState, Client, Incoming, IncomingRings, Ringing, Session};
use std::time::Duration;

/// Longer than anything here takes, in virtual time.
const PATIENCE: Duration = Duration::from_secs(600);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in ten minutes")
}

fn room() -> SessionRef {
    SessionRef { kind: "room".into(), id: "7".into() }
}

/// A client that listens for rings, and its presence up.
async fn listening() -> (Client, Remote, IncomingRings) {
    let (client, remote) = by_hand();
    let rings = client.incoming();
    soon(client.present()).await.expect("the far side lets it in");
    soon(remote.presence_dial()).await;
    (client, remote, rings)
}

async fn next(rings: &mut IncomingRings) -> Session<Ringing<Incoming>> {
    soon(rings.next()).await.expect("presence goes on")
}

/// What the client says next about a ring.
async fn said(remote: &Remote) -> RingAction {
    soon(remote.ring_action()).await
}

async fn ordered(remote: &Remote) -> RingOrder {
    soon(remote.ring_order()).await
}

/// Everything but pings and questions that was ever said.
fn words(remote: &Remote) -> Vec<RingAction> {
    let log = remote.ring_log().into_iter();
    log.filter(|action| !matches!(action, RingAction::Ping | RingAction::Ask { .. })).collect()
}

/// Lets everything that is due now happen.
async fn settled() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Waits until a handle that can be looked at shows this state.
async fn shows(controls: &offhook::Controls, wanted: CallingState) {
    let mut states = controls.states().expect("somebody holds it");
    soon(async {
        while let Some(seen) = states.next().await {
            if seen.state() == wanted {
                return;
            }
        }
        panic!("it ended without {wanted:?}");
    })
    .await;
}

fn ring_of(user: &str, id: &RingId, expires_in: Option<Duration>) -> RingInfo {
    RingInfo {
        id: id.clone(),
        version: 1,
        session: room(),
        user: user.to_owned(),
        name: Some("Ada".into()),
        metadata: Some("about the boat".into()),
        placed_by: None,
        expires_in,
    }
}
