//! One writer, any number of independent readers, every queue bounded (R16, R18).
//! Owns replay, lag and the cut that a leave makes; knows nothing of what it carries.
//! What is sent is decided in `shared.rs`; the public streams are in `events.rs` and `states.rs`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// How many items a reader may be behind, and how many wait for the first reader.
pub(crate) const DEPTH: usize = 256;

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// The next item.
    Item(T),
    /// So many were lost because this reader was slow; the newest follow.
    Missed(u64),
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct Broadcast<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    /// What the first reader is to be given: everything so far, as far as it fits.
    early: Option<Queue<T>>,
    readers: Vec<Weak<Mutex<Queue<T>>>>,
    muted: bool,
    closed: bool,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl<T> Queue<T> {
    const fn new() -> Self {
        Self { items: VecDeque::new(), missed: 0, closed: false, waker: None }
    }

    fn push(&mut self, item: T) {
        if self.items.len() == DEPTH {
            self.items.pop_front();
            self.missed = self.missed.saturating_add(1);
        }
        self.items.push_back(item);
    }

    fn skip(&mut self) {
        self.items.clear();
        self.missed = 0;
    }
}

impl<T: Clone> Broadcast<T> {
    /// A writer whose first reader is told what came before it.
    pub(crate) const fn with_replay() -> Self {
        Self::new(Some(Queue::new()))
    }

    /// A writer whose readers begin where they come in.
    pub(crate) const fn live() -> Self {
        Self::new(None)
    }

    const fn new(early: Option<Queue<T>>) -> Self {
        Self(Mutex::new(State { early, readers: Vec::new(), muted: false, closed: false }))
    }

    /// A new reader. `first` is what it sees before everything else.
    pub(crate) fn subscribe(&self, first: Option<T>) -> Reader<T> {
        let mut state = lock(&self.0);
        let mut queue = state.early.take().unwrap_or(Queue::new());
        if let Some(first) = first {
            queue.items.push_front(first);
        }
        queue.closed = state.closed;
        let queue = Arc::new(Mutex::new(queue));
        state.readers.retain(|reader| reader.strong_count() > 0);
        state.readers.push(Arc::downgrade(&queue));
        Reader(queue)
    }

    /// Passes an item to every reader, unless a leave has cut them off.
    pub(crate) fn send(&self, item: &T) {
        let mut state = lock(&self.0);
        if state.closed || state.muted {
            return;
        }
        let wakers = state.push(item);
        drop(state);
        // Outside the lock: a waker may run a reader at once.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Throws away what readers have not read, and everything that is not final from here on.
    pub(crate) fn cut(&self) {
        let mut state = lock(&self.0);
        if state.closed {
            return;
        }
        state.muted = true;
        if let Some(early) = &mut state.early {
            early.skip();
        }
        // Woken though nothing came: whoever waited would otherwise never hear of what is final.
        let wakers = state.each(|queue| queue.skip());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Passes what even a leave does not cut off; then nothing comes any more, and readers run dry
    /// and end. One step: a cut comes before all of it, or after and takes nothing away.
    pub(crate) fn finish(&self, last: impl IntoIterator<Item = T>) {
        let mut state = lock(&self.0);
        if state.closed {
            return;
        }
        state.closed = true;
        let mut wakers: Vec<_> = last.into_iter().flat_map(|item| state.push(&item)).collect();
        wakers.extend(state.each(|queue| queue.closed = true));
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many readers there are.
    #[cfg(test)]
    pub(crate) fn readers(&self) -> usize {
        lock(&self.0).readers.iter().filter(|reader| reader.strong_count() > 0).count()
    }
}

impl<T: Clone> State<T> {
    #[must_use = "a waker that is not woken is a reader that hangs"]
    fn push(&mut self, item: &T) -> Vec<Waker> {
        if let Some(early) = &mut self.early {
            early.push(item.clone());
        }
        self.each(|queue| queue.push(item.clone()))
    }
}

impl<T> State<T> {
    /// Acts on every queue. The wakers are taken out: they have to be woken, outside the lock.
    #[must_use = "a waker that is not woken is a reader that hangs"]
    fn each(&mut self, mut act: impl FnMut(&mut Queue<T>)) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.readers.retain(|reader| {
            let Some(queue) = reader.upgrade() else { return false };
            let mut queue = lock(&queue);
            act(&mut queue);
            wakers.extend(queue.waker.take());
            true
        });
        wakers
    }
}

/// A reader's end. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Reader<T>(Arc<Mutex<Queue<T>>>);

impl<T> Reader<T> {
    /// The next item, or the loss that comes before it; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<T>>> {
        let mut queue = lock(&self.0);
        if queue.missed > 0 {
            return Poll::Ready(Some(Next::Missed(std::mem::take(&mut queue.missed))));
        }
        if let Some(item) = queue.items.pop_front() {
            return Poll::Ready(Some(Next::Item(item)));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Throws away all but the newest item, for readers that want a level after a loss.
    pub(crate) fn skip_to_newest(&mut self) -> (u64, Option<T>) {
        let mut queue = lock(&self.0);
        let newest = queue.items.pop_back();
        let skipped = queue.items.len() as u64;
        queue.items.clear();
        (skipped, newest)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "broadcast/tests.rs"]
mod tests;
