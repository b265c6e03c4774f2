//! The client's end of one dial. All its work is done in `poll_next`.

use crate::link::LinkId;
use crate::world::{Next, World};
use offhook_transport::{Action, Connection, DialRequest, Event, Full};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::time::{Instant, Sleep, sleep_until};

/// Actions that wait for the far side to read them.
const ACTIONS: usize = 32;

enum Phase {
    /// Not polled yet: the far side knows nothing of it.
    Fresh(Box<DialRequest>),
    Open(LinkId),
    /// Gives `Closed` at the next poll.
    Closing,
    Done,
}

pub(crate) struct MockConnection {
    world: Arc<World>,
    phase: Phase,
    actions: VecDeque<Action>,
    sleep: Option<Pin<Box<Sleep>>>,
    waker: Option<Waker>,
}

impl MockConnection {
    pub(crate) fn new(world: Arc<World>, request: DialRequest) -> Self {
        Self {
            world,
            phase: Phase::Fresh(Box::new(request)),
            actions: VecDeque::new(),
            sleep: None,
            waker: None,
        }
    }

    /// True if the clock reached `until`; else the task is woken when it does.
    fn is_past(&mut self, until: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}

impl Connection for MockConnection {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.waker = Some(cx.waker().clone());
        let id = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Fresh(request) => self.world.arrive(*request),
            Phase::Open(id) => id,
            Phase::Closing => return Poll::Ready(Some(Event::Closed)),
            Phase::Done => return Poll::Ready(None),
        };
        self.phase = Phase::Open(id);
        loop {
            match self.world.poll(id, &mut self.actions, cx) {
                Next::Report(event) => return Poll::Ready(Some(event)),
                Next::Closed => {
                    self.phase = Phase::Done;
                    return Poll::Ready(Some(Event::Closed));
                }
                Next::At(due) => {
                    if !self.is_past(due, cx) {
                        return Poll::Pending;
                    }
                }
                Next::Nothing => return Poll::Pending,
            }
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Full> {
        if matches!(self.phase, Phase::Closing | Phase::Done) {
            return Ok(());
        }
        // The last room is a goodbye's.
        let room = ACTIONS - usize::from(matches!(action, Action::Telemetry(_)));
        if self.actions.len() >= room {
            return Err(Full(action));
        }
        self.actions.push_back(action);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn close(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Open(id) => {
                self.world.lock().last_words(id, &mut self.actions);
                self.world.leave(id);
            }
            Phase::Done => self.phase = Phase::Done,
            Phase::Fresh(_) | Phase::Closing => {}
        }
        self.actions.clear();
        self.sleep = None;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for MockConnection {
    fn drop(&mut self) {
        self.close();
    }
}
