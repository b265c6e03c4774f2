//! What the tests share: a client on a scripted far side, and ways to wait for facts.

use futures_util::{Stream, StreamExt};
use offhook::mock::{MockDial, MockTransport, Remote, pair};
use offhook::transport::media::{Codec, EncodedFrame};
use offhook::{CallingState, Client, Event, Idle, Join, Joined, Session, StateSeen};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// A client whose far side is a hand.
pub(crate) fn by_hand() -> (Client, Remote) {
    let (transport, remote) = pair();
    (Client::new(transport).seed(7), remote)
}

/// A client whose far side behaves by itself.
pub(crate) fn studio() -> (Client, Remote) {
    let (transport, remote) = MockTransport::studio(7);
    (Client::new(transport).seed(7), remote)
}

pub(crate) fn idle(client: &Client) -> Session<Idle> {
    client.session("studio", "7")
}

/// A joined session and the hand that holds its link.
pub(crate) async fn joined(client: &Client, remote: &Remote) -> (Session<Joined>, MockDial) {
    let joining = idle(client).join(Join::new());
    let dial = remote.dial().await;
    dial.accept();
    (joining.await.expect("the hand accepts"), dial)
}

/// A joined session on a far side that behaves by itself.
pub(crate) async fn joined_studio(client: &Client, join: Join) -> Session<Joined> {
    idle(client).join(join).await.expect("the studio lets everybody in")
}

/// Waits until the stream of states shows this one; what was seen before it comes back.
pub(crate) async fn until(
    states: &mut (impl Stream<Item = StateSeen> + Unpin),
    wanted: CallingState,
) -> Vec<CallingState> {
    let mut seen = Vec::new();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(600), states.next()).await;
        let state = next.expect("in ten minutes").expect("before the end").state();
        if state == wanted {
            return seen;
        }
        seen.push(state);
    }
}

/// Waits for the first event that fits.
pub(crate) async fn event<T>(
    events: &mut (impl Stream<Item = Event> + Unpin),
    mut fits: impl FnMut(&Event) -> Option<T>,
) -> T {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(600), events.next()).await;
        let event = next.expect("in ten minutes").expect("before the end");
        if let Some(found) = fits(&event) {
            return found;
        }
    }
}

/// Everything until the end of the stream.
pub(crate) async fn all<T>(stream: impl Stream<Item = T>) -> Vec<T> {
    let collected = stream.collect::<Vec<_>>();
    tokio::time::timeout(Duration::from_secs(600), collected).await.expect("it ends")
}

/// Polls a future `n` times, letting everything else run in between; true if it was ready.
pub(crate) async fn poll_times(future: impl Future, n: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..n {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Tasks of this runtime that are alive.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until nothing is left: no task but those there were, no connection over there.
pub(crate) async fn nothing_left(remote: &Remote, tasks_before: usize) {
    tokio::time::timeout(Duration::from_secs(5), async {
        while tasks() > tasks_before || remote.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} tasks and {:?} are left", tasks() - tasks_before, remote.census()));
}

pub(crate) fn frame(n: u64, key: bool) -> EncodedFrame {
    EncodedFrame {
        codec: Codec::H264,
        data: n.to_be_bytes().to_vec().into(),
        pts: Duration::from_millis(40 * n),
        key,
    }
}

pub(crate) fn number(frame: &EncodedFrame) -> u64 {
    u64::from_be_bytes(frame.data[..8].try_into().expect("made by `frame`"))
}
