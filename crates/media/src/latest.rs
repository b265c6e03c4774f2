//! A cell for the newest of something that comes faster than it may be taken: one picture is
//! held, an older one that nobody took is lost and counted.

#[cfg(test)]
mod tests;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shared between whoever has pictures and whoever wants the newest.
pub(crate) struct Latest<T> {
    state: Mutex<State<T>>,
    came: Condvar,
}

struct State<T> {
    value: Option<T>,
    lost: u64,
    closed: bool,
}

impl<T> Latest<T> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { value: None, lost: 0, closed: false }), came: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a value in the place of the one before. False once it is closed.
    pub(crate) fn put(&self, value: T) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        state.lost += u64::from(state.value.replace(value).is_some());
        drop(state);
        self.came.notify_one();
        true
    }

    /// Takes what is there, without waiting.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().value.take()
    }

    /// Takes what is there, or comes within `most`; `None` also when it is closed meanwhile.
    pub(crate) fn wait(&self, most: Duration) -> Option<T> {
        let nothing = |state: &mut State<T>| state.value.is_none() && !state.closed;
        let waited = self.came.wait_timeout_while(self.lock(), most, nothing);
        waited.unwrap_or_else(PoisonError::into_inner).0.value.take()
    }

    /// Values that were replaced before anybody took them.
    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// Takes nothing in any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}
