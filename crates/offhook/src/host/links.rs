//! The connections of one session: at most two that count and a few that are being closed.
//! Knows no lifecycle: which one counts is the machine's affair.

mod late;

pub(super) use late::Level;

use crate::translate::outward_epoch;
use late::{Late, Paces};
use offhook_lifecycle::Epoch;
use offhook_transport::media::{Gate, GateLevel};
use offhook_transport::{Action, Connection, Event, Full};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

/// Actions that wait for room in a connection's own queue. Beyond it a ping is skipped and
/// anything else closes the link: a far side that reads nothing for so long is gone.
const BACKLOG: usize = 32;
/// Connections that may still be closing. The oldest is dropped for a newer one.
const CLOSING: usize = 4;

struct Link {
    epoch: Epoch,
    connection: Box<dyn Connection>,
    gate: Gate,
    backlog: VecDeque<Action>,
    late: Late,
    closing: bool,
}

/// All connections, in the order they were dialled.
#[derive(Default)]
pub(super) struct Links {
    all: Vec<Link>,
    /// Where the next poll begins, so that no link starves another.
    turn: usize,
    newest: Option<Epoch>,
    paces: Paces,
}

impl Links {
    pub(super) fn add(&mut self, epoch: Epoch, connection: Box<dyn Connection>, gate: Gate) {
        self.newest = Some(epoch);
        let (backlog, late) = (VecDeque::new(), Late::default());
        self.all.push(Link { epoch, connection, gate, backlog, late, closing: false });
    }

    /// The number of the last dial.
    pub(super) const fn newest(&self) -> Option<Epoch> {
        self.newest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Would another action have to wait?
    pub(super) fn is_full(&self, epoch: Epoch) -> bool {
        self.all.iter().any(|link| link.epoch == epoch && !link.backlog.is_empty())
    }

    /// Hands an action to a link, now or as soon as it has room. An unknown epoch is no
    /// mistake: it is closed already.
    pub(super) fn act(&mut self, epoch: Epoch, action: Action) {
        let Some(link) = self.all.iter_mut().find(|link| link.epoch == epoch && !link.closing) else {
            return;
        };
        link.backlog.push_back(action);
        link.flush();
        if link.backlog.len() > BACKLOG {
            link.overflow();
        }
    }

    /// Says goodbye, and these last words before it if they have room; the connection closes itself
    /// when that was sent.
    pub(super) fn goodbye(&mut self, epoch: Epoch, last: Option<Action>) {
        if let Some(link) = self.all.iter_mut().find(|link| link.epoch == epoch) {
            link.gate.close();
            link.backlog.clear();
            link.late = Late::default();
            if let Some(last) = last {
                let _ = link.connection.act(last);
            }
            if link.connection.act(Action::Goodbye).is_err() {
                link.connection.close();
            }
        }
    }

    pub(super) fn set_gate(&mut self, epoch: Epoch, level: GateLevel) {
        if let Some(link) = self.all.iter().find(|link| link.epoch == epoch) {
            match level {
                GateLevel::Open => link.gate.open(),
                GateLevel::Muted => link.gate.mute(),
                GateLevel::Closed => link.gate.close(),
            }
        }
    }

    /// Closes a link. It is polled on until it says that nothing is left of it.
    pub(super) fn close(&mut self, epoch: Epoch) {
        if let Some(link) = self.all.iter_mut().find(|link| link.epoch == epoch) {
            link.gate.close();
            // What finds room is still said, by whichever link takes this one's place.
            link.flush();
            link.backlog.clear();
            // The state is carried by whatever comes after it, or applied there as not acked.
            link.late = Late::default();
            link.closing = true;
            link.connection.close();
        }
        while self.all.iter().filter(|link| link.closing).count() > CLOSING {
            let Some(oldest) = self.all.iter().position(|link| link.closing) else { return };
            self.all.remove(oldest);
        }
    }

    pub(super) fn forget(&mut self, epoch: Epoch) {
        self.all.retain(|link| link.epoch != epoch);
    }

    pub(super) fn drop_all(&mut self) {
        self.all.drain(..).for_each(|mut link| link.connection.close());
    }

    /// The next report of any link; `None` in it means that the link is at its end.
    ///
    /// # Cancel safety
    /// No report is lost.
    pub(super) async fn next(&mut self, span: &tracing::Span) -> (Epoch, Option<Event>) {
        poll_fn(|cx| {
            let _entered = span.enter();
            let count = self.all.len();
            for offset in 0..count {
                let at = (self.turn + offset) % count;
                let link = &mut self.all[at];
                link.flush();
                if let Poll::Ready(event) = link.connection.poll_next(cx) {
                    self.turn = at + 1;
                    // What it just reported may have made room.
                    link.flush();
                    return Poll::Ready((link.epoch, event));
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Link {
    fn flush(&mut self) {
        while let Some(action) = self.backlog.pop_front() {
            if let Err(Full(action)) = self.connection.act(action) {
                self.backlog.push_front(action);
                return;
            }
        }
    }

    /// Only the newest desired state counts, and the newest list of what is published; a ping that
    /// waits is as good as two.
    fn overflow(&mut self) {
        let newest = self.backlog.iter().rposition(|action| matches!(action, Action::Apply { .. }));
        let published = self.backlog.iter().rposition(|action| matches!(action, Action::Publish(_)));
        let mut at = 0;
        self.backlog.retain(|action| {
            let keep = match action {
                Action::Apply { .. } => Some(at) == newest,
                Action::Publish(_) => Some(at) == published,
                Action::Ping | Action::KeepAlive | Action::Telemetry(_) => false,
                Action::Credential(_)
                | Action::RestartIce
                | Action::Send(_)
                | Action::React(_)
                | Action::Say(_)
                | Action::Moderate(_)
                | Action::Goodbye => true,
            };
            at += 1;
            keep
        });
        if self.backlog.len() > BACKLOG {
            tracing::warn!(
                epoch = outward_epoch(self.epoch).0,
                "the link takes nothing any more; closing it"
            );
            self.backlog.clear();
            self.connection.close();
        }
    }
}
