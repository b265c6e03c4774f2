//! Who waits before the door: every connection from its first byte to a good first frame. There
//! is only so much room; with one more the one that waits longest goes, so that slow sockets
//! cannot keep those out who come with a credential in hand (S8).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::watch;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the door.
    Waiting,
    /// Its first frame was good.
    Admitted,
    /// Somebody else needs the room.
    Evicted,
}

/// The room before the door.
#[derive(Debug)]
pub(crate) struct Lobby {
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// By age: the first is the oldest.
    knocks: BTreeMap<u64, Weak<Knock>>,
}

/// One connection's place before the door; given back when it is dropped or admitted.
#[derive(Debug)]
pub(crate) struct Knock {
    number: u64,
    lobby: Arc<Lobby>,
    stage: watch::Sender<Stage>,
    talks: AtomicBool,
}

impl Lobby {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), waiting: Mutex::default() }
    }

    /// A place, if need be that of the one who has waited longest.
    pub(crate) fn knock(self: &Arc<Self>) -> Arc<Knock> {
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        let stage = watch::Sender::new(Stage::Waiting);
        let knock = Arc::new(Knock { number, lobby: self.clone(), stage, talks: AtomicBool::new(false) });
        waiting.knocks.insert(number, Arc::downgrade(&knock));
        let oldest = if waiting.knocks.len() > self.most { waiting.knocks.pop_first() } else { None };
        drop(waiting);
        // Outside the lock: the last share of a knock takes it.
        if let Some(oldest) = oldest.and_then(|(_, oldest)| oldest.upgrade()) {
            oldest.stage.send_replace(Stage::Evicted);
        }
        knock
    }

    /// Everybody goes: the house closes.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().knocks);
        for knock in all.into_values().filter_map(|knock| knock.upgrade()) {
            knock.stage.send_replace(Stage::Evicted);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Knock {
    /// Its first frame was good; from here on it lives as long as it likes.
    pub(crate) fn admit(&self) {
        self.lobby.lock().knocks.remove(&self.number);
        self.stage.send_replace(Stage::Admitted);
    }

    /// It is a WebSocket now: an eviction is told, and not only done.
    pub(crate) fn talks(&self) {
        self.talks.store(true, Ordering::Release);
    }

    pub(crate) fn can_be_told(&self) -> bool {
        self.talks.load(Ordering::Acquire)
    }

    /// Waits until it is no longer waiting.
    ///
    /// # Cancel safety
    /// A level: nothing is lost.
    pub(crate) async fn decided(&self) -> Stage {
        let mut stage = self.stage.subscribe();
        // The sender is in `self`.
        stage.wait_for(|stage| *stage != Stage::Waiting).await.map_or(Stage::Evicted, |stage| *stage)
    }
}

impl Drop for Knock {
    fn drop(&mut self) {
        self.lobby.lock().knocks.remove(&self.number);
    }
}
