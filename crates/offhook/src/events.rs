//! The streams a reader takes: events, states, the latest view, progress. Each is independent
//! of every other, owned, `'static`, and unsubscribes when dropped.

use crate::broadcast::{Next, Reader};
use crate::event::Event;
use crate::level::Watcher;
use crate::shared::Shared;
use crate::view::View;
use futures_core::Stream;
use offhook_lifecycle::{CallingState, Progress};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Every event from now on; for the first listener of a session also what came before (R18).
///
/// Ends after [`Event::Ended`]. A listener more than 256 events behind loses the oldest and is
/// told so with [`Event::Missed`].
///
/// # Drop
/// Unsubscribes. Nobody else notices.
///
/// # Cancel safety
/// No event is lost when `next` is dropped.
#[derive(Debug)]
pub struct Events {
    pub(crate) reader: Reader<Event>,
    pub(crate) shared: Arc<Shared>,
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let next = std::task::ready!(self.reader.poll_next(cx));
        Poll::Ready(next.map(|next| match next {
            Next::Item(event) => event,
            Next::Missed(count) => Event::Missed { count, state: self.shared.view().state() },
        }))
    }
}

/// What [`States`] yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateSeen {
    /// The session was in this state: the current one first, then each change in order.
    Now(CallingState),
    /// This reader fell more than 256 changes behind; they are lost, and this is where
    /// things stand.
    Missed {
        /// How many changes are lost.
        count: u64,
        /// The newest state.
        now: CallingState,
    },
}

impl StateSeen {
    /// The state in it, whatever was missed before.
    pub const fn state(self) -> CallingState {
        match self {
            Self::Now(state) | Self::Missed { now: state, .. } => state,
        }
    }
}

/// Every state: the current one first, then each change in order (F16). Ends after `Left`.
///
/// # Drop
/// Unsubscribes.
#[derive(Debug)]
pub struct States {
    reader: Reader<CallingState>,
    first: Option<CallingState>,
    last: Option<CallingState>,
}

impl States {
    pub(crate) const fn new(reader: Reader<CallingState>, now: CallingState) -> Self {
        Self { reader, first: Some(now), last: None }
    }
}

impl Stream for States {
    type Item = StateSeen;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StateSeen>> {
        if let Some(first) = self.first.take() {
            self.last = Some(first);
            return Poll::Ready(Some(StateSeen::Now(first)));
        }
        loop {
            match std::task::ready!(self.reader.poll_next(cx)) {
                // The state that was current when this reader came in may be queued as well.
                Some(Next::Item(state)) if self.last == Some(state) => {}
                Some(Next::Item(state)) => {
                    self.last = Some(state);
                    return Poll::Ready(Some(StateSeen::Now(state)));
                }
                Some(Next::Missed(lost)) => {
                    let (skipped, newest) = self.reader.skip_to_newest();
                    // A loss is only ever reported with something newer in the queue.
                    let Some(now) = newest else { continue };
                    self.last = Some(now);
                    return Poll::Ready(Some(StateSeen::Missed { count: lost + skipped, now }));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

/// The latest view: yields the present one, then the newest after each change. What lay
/// between two polls is skipped. Ends after `Left` was seen and everything is released.
///
/// # Drop
/// Stops watching.
#[derive(Debug)]
pub struct Watch {
    pub(crate) watcher: Watcher,
    pub(crate) shared: Arc<Shared>,
}

impl Stream for Watch {
    type Item = View;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<View>> {
        let this = &mut *self;
        this.shared.level.poll_changed(&mut this.watcher, cx)
    }
}

/// How a join gets on: the present progress first, then each change (F06). Monotone within
/// an attempt; ends at 100 %, when the join fails, or when the session is over.
///
/// # Drop
/// Stops watching; the join goes on.
#[derive(Debug)]
pub struct ProgressStream {
    pub(crate) watch: Watch,
    /// Failed joins when the watch began: one more means that this join is over.
    pub(crate) failed: u32,
    pub(crate) last: Option<Progress>,
    pub(crate) done: bool,
}

impl Stream for ProgressStream {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            let Some(view) = std::task::ready!(Pin::new(&mut self.watch).poll_next(cx)) else {
                self.done = true;
                continue;
            };
            let progress = view.progress();
            self.done = progress.percent() == 100
                || view.state() == CallingState::Left
                || view.snapshot.failed_joins() > self.failed;
            if self.last != Some(progress) {
                self.last = Some(progress);
                return Poll::Ready(Some(progress));
            }
        }
    }
}
