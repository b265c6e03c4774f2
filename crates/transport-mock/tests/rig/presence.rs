//! Presence that breaks one rule of its own.

use super::breach::{Breach, Breaking, Shared};
use offhook_transport::{
    Fault, FaultKind, Presence, PresenceConnection, PresenceEvent, PresenceRequest, RefusedCode, RingAction,
    RingFull, Transport,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

impl Presence for Breaking {
    fn watch(&self, request: PresenceRequest) -> Box<dyn PresenceConnection> {
        let mut inner = self.inner.presence().expect("the mock has rings").watch(request);
        let mut queue = VecDeque::new();
        if self.breach == Breach::PresentUnasked
            && let Poll::Ready(Some(event)) = inner.poll_next(&mut Context::from_waker(Waker::noop()))
        {
            queue.push_back(event);
        }
        Box::new(BreakingPresence {
            breach: self.breach,
            inner: Some(inner),
            queue,
            shared: self.shared.clone(),
        })
    }
}

struct BreakingPresence {
    breach: Breach,
    inner: Option<Box<dyn PresenceConnection>>,
    queue: VecDeque<PresenceEvent>,
    shared: Arc<Shared>,
}

impl BreakingPresence {
    fn inner(&mut self) -> &mut dyn PresenceConnection {
        &mut **self.inner.as_mut().expect("it is there until this is dropped")
    }
}

impl PresenceConnection for BreakingPresence {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<PresenceEvent>> {
        use PresenceEvent as E;
        if let Some(event) = self.queue.pop_front() {
            return Poll::Ready(Some(event));
        }
        let event = match self.inner().poll_next(cx) {
            Poll::Ready(Some(event)) => event,
            other => return other,
        };
        Poll::Ready(Some(match (self.breach, event) {
            (Breach::PresentTwice, event @ E::Up { .. }) | (Breach::LastWordTwice, event @ E::Closed) => {
                self.queue.push_back(event.clone());
                event
            }
            (Breach::PresentWithoutPulse, E::Alive) | (Breach::KnowsNothingOfRings, E::Gone { .. }) => {
                return self.poll_next(cx);
            }
            (Breach::LostForRefused, E::Refused { .. }) => E::Lost(Fault::new(FaultKind::Closed)),
            (Breach::RefusedForLost, E::Lost(_)) => {
                E::Refused { code: RefusedCode::NotFound, retry_after: None, text: String::new() }
            }
            (_, event) => event,
        }))
    }

    fn act(&mut self, action: RingAction) -> Result<(), RingFull> {
        self.inner().act(action)
    }

    fn close(&mut self) {
        self.inner().close();
    }
}

impl Drop for BreakingPresence {
    fn drop(&mut self) {
        if self.breach == Breach::KeepsPresence {
            self.shared.presences.lock().expect("no test holds it and panics").extend(self.inner.take());
        }
    }
}
