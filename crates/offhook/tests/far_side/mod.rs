//! What the end-to-end tests share: a server of their own, clients of it, and bounded waits for
//! facts. Nothing here waits for a length of time.
#![allow(dead_code, reason = "each binary uses a part of it")]

use futures_util::{Stream, StreamExt};
use offhook::{Client, Clip, Event, Idle, Join, Joined, Session, Source, WebRtc};
use offhook_media::{Next, SourceError};
use offhook_server::{Limits, Mint, Server};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// No wait in these tests is longer: a fact that has not come by then does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a free port of loopback.
pub(crate) async fn server() -> Server {
    Server::builder().limits(Limits::default()).start().await.expect("loopback has a free port")
}

/// A client of it, as this user.
pub(crate) fn client(server: &Server, user: &str) -> Client {
    let credential = server.mint(&Mint::user(user)).expect("its key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned())
}

pub(crate) fn idle(client: &Client) -> Session<Idle> {
    client.session("studio", "7")
}

/// A session that sends the sample clip.
pub(crate) async fn joined(client: &Client, id: &str) -> Session<Joined> {
    let joining = client.session("studio", id).join(Join::new().prompt("sepia").publish(Clip::sample()));
    soon("the join", joining).await.expect("the server is there and lets this user in")
}

/// Awaits something that must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Waits for the first event that fits.
pub(crate) async fn event<T>(
    what: &str,
    events: &mut (impl Stream<Item = Event> + Unpin),
    mut fits: impl FnMut(&Event) -> Option<T>,
) -> T {
    soon(what, async {
        loop {
            let event = events.next().await.expect("not before the end");
            if let Some(found) = fits(&event) {
                return found;
            }
        }
    })
    .await
}

/// Looks again and again until a fact holds; for counters that tell nobody when they change.
/// False if it never did.
pub(crate) async fn holds(mut fact: impl FnMut() -> bool) -> bool {
    let mut look = interval(Duration::from_millis(5));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timeout(PATIENCE, async {
        while !fact() {
            look.tick().await;
        }
    })
    .await
    .is_ok()
}

/// The sample clip, with a count of how often it is read and a sign of whether it still lives.
pub(crate) struct Watched {
    clip: Clip,
    reads: Arc<AtomicU64>,
    _alive: Arc<()>,
}

/// What is known of a [`Watched`] clip from outside.
pub(crate) struct Watcher {
    reads: Arc<AtomicU64>,
    alive: Weak<()>,
}

impl Watched {
    pub(crate) fn new() -> (Self, Watcher) {
        let (reads, alive) = (Arc::<AtomicU64>::default(), Arc::new(()));
        let watcher = Watcher { reads: reads.clone(), alive: Arc::downgrade(&alive) };
        (Self { clip: Clip::sample(), reads, _alive: alive }, watcher)
    }
}

impl Watcher {
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.strong_count() > 0
    }
}

impl Source for Watched {
    fn codec(&self) -> offhook::transport::media::Codec {
        self.clip.codec()
    }

    fn next_due(&self) -> Duration {
        self.clip.next_due()
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.clip.next_frame(key)
    }
}
