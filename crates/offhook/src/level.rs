//! A cell that holds the latest value and wakes who watches it. Nothing queues here: a
//! watcher that was away sees the newest value and no other. Queues are in `broadcast.rs`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// The cell. It needs no runtime and never waits.
#[derive(Debug)]
pub(crate) struct Level<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    value: T,
    version: u64,
    closed: bool,
    watchers: Vec<Weak<Slot>>,
}

#[derive(Debug, Default)]
struct Slot(Mutex<Option<Waker>>);

impl<T: Clone> Level<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(State { value, version: 0, closed: false, watchers: Vec::new() }))
    }

    /// The value as of now.
    pub(crate) fn get(&self) -> T {
        lock(&self.0).value.clone()
    }

    /// Reads through a function, without cloning.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&lock(&self.0).value)
    }

    /// Changes the value; watchers are woken if `change` says that it did.
    pub(crate) fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        let mut state = lock(&self.0);
        if !change(&mut state.value) {
            return;
        }
        state.version += 1;
        let wakers = state.wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Nothing changes any more.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        let wakers = state.wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Begins to watch. The present value counts as not yet seen.
    pub(crate) fn watcher(&self) -> Watcher {
        let slot = Arc::new(Slot::default());
        let mut state = lock(&self.0);
        state.watchers.retain(|slot| slot.strong_count() > 0);
        state.watchers.push(Arc::downgrade(&slot));
        Watcher { slot, seen: None }
    }

    /// The value, once for each time it changed; `None` when nothing will change any more.
    pub(crate) fn poll_changed(&self, watcher: &mut Watcher, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let state = lock(&self.0);
        if watcher.seen != Some(state.version) {
            watcher.seen = Some(state.version);
            return Poll::Ready(Some(state.value.clone()));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        *lock(&watcher.slot.0) = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> State<T> {
    fn wakers(&mut self) -> Vec<Waker> {
        self.watchers.retain(|slot| slot.strong_count() > 0);
        self.watchers.iter().filter_map(Weak::upgrade).filter_map(|slot| lock(&slot.0).take()).collect()
    }
}

/// One who watches; dropping it is enough to stop.
#[derive(Debug)]
pub(crate) struct Watcher {
    slot: Arc<Slot>,
    seen: Option<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "level/tests.rs"]
mod tests;
