//! The port that `lifecycle`'s handles use, filled by the cells of `shared.rs`. Decides nothing.

use crate::command::Command;
use crate::level::Watcher;
use crate::shared::Shared;
use offhook_lifecycle::{Full, Link, Snapshot, Wish};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::error::TrySendError;

/// A handle's way to its host.
pub(crate) struct HostLink {
    pub(crate) shared: Arc<Shared>,
    watcher: Watcher,
}

impl HostLink {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let watcher = shared.told.watcher();
        Self { shared, watcher }
    }
}

impl Link for HostLink {
    type Command = Command;

    fn want(&self, wish: Wish) {
        self.shared.feed(wish.input());
    }

    fn send(&self, command: Command) -> Result<(), Full<Command>> {
        match self.shared.commands.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(command)) => Err(Full(command)),
            // The session is over: dropping the command is the answer to it.
            Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    fn seen(&self) -> Arc<Snapshot> {
        self.shared.told.get()
    }

    fn poll_seen(&mut self, cx: &mut Context<'_>, seen: u64) -> Poll<Arc<Snapshot>> {
        let newest = self.seen();
        if newest.serial() != seen {
            return Poll::Ready(newest);
        }
        loop {
            match self.shared.told.poll_changed(&mut self.watcher, cx) {
                Poll::Ready(Some(newest)) if newest.serial() != seen => return Poll::Ready(newest),
                Poll::Ready(Some(_)) => {}
                // A closed level says no more than what was seen already; it never closes
                // before the ending was told.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
