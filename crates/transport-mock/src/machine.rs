//! The client's machine, as far as its system says what became of the network. The hand says it;
//! whether anything gets through is the world's.

use crate::world::World;
use offhook_transport::{NetworkFact, NetworkWatch};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Facts that may wait for one watch.
const WAITING: usize = 64;

/// Who listens, and what was not heard yet.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    ears: BTreeMap<u64, Ear>,
    next: u64,
}

#[derive(Debug, Default)]
struct Ear {
    facts: VecDeque<NetworkFact>,
    waker: Option<Waker>,
}

impl Machine {
    pub(crate) fn say(&mut self, fact: NetworkFact) {
        for ear in self.ears.values_mut() {
            if ear.facts.len() == WAITING {
                ear.facts.pop_front();
            }
            ear.facts.push_back(fact);
            if let Some(waker) = ear.waker.take() {
                waker.wake();
            }
        }
    }

    pub(crate) fn watches(&self) -> usize {
        self.ears.len()
    }

    fn listen(&mut self) -> u64 {
        let ear = self.next;
        self.next += 1;
        self.ears.insert(ear, Ear::default());
        ear
    }

    fn poll(&mut self, ear: u64, cx: &mut Context<'_>) -> Poll<Option<NetworkFact>> {
        let Some(ear) = self.ears.get_mut(&ear) else { return Poll::Ready(None) };
        match ear.facts.pop_front() {
            Some(fact) => Poll::Ready(Some(fact)),
            None => {
                ear.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A session that listens.
#[derive(Debug)]
pub(crate) struct MockWatch {
    world: Arc<World>,
    /// From its first poll on.
    ear: Option<u64>,
}

impl MockWatch {
    pub(crate) const fn new(world: Arc<World>) -> Self {
        Self { world, ear: None }
    }
}

impl NetworkWatch for MockWatch {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetworkFact>> {
        let mut inner = self.world.lock();
        let ear = *self.ear.get_or_insert_with(|| {
            let ear = inner.machine.listen();
            inner.notify();
            ear
        });
        inner.machine.poll(ear, cx)
    }
}

impl Drop for MockWatch {
    fn drop(&mut self) {
        let Some(ear) = self.ear else { return };
        let mut inner = self.world.lock();
        inner.machine.ears.remove(&ear);
        inner.notify();
    }
}
