//! One way of a relay as a pure queue: a link that carries so many bytes a second, then a heap of packets in the air.
//! Time is fed in as a duration since the relay began; nothing here waits, sends or draws lots.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use crate::Conditions;

/// What a link carries: the last packet that took it. Shared by all lanes that cross the same link. When it is free
/// follows from the rate of the moment, so a new rate also concerns the packet under way.
#[derive(Debug, Default)]
pub(crate) struct Link {
    start: Duration,
    wire: usize,
}

impl Link {
    fn free_at(&self, rate: Option<u64>) -> Duration {
        self.start.saturating_add(transmission(self.wire, rate))
    }
}

/// How long `wire` bytes occupy a link of `rate` bytes per second.
pub(crate) fn transmission(wire: usize, rate: Option<u64>) -> Duration {
    let Some(rate) = rate else { return Duration::ZERO };
    let nanos = (wire as u128).saturating_mul(1_000_000_000).div_ceil(u128::from(rate.max(1)));
    u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
}

/// What a packet needs to know on its way through a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    /// Bytes on the wire, headers included.
    pub(crate) wire: usize,
    /// Time in the air once the link has carried it.
    pub(crate) delay: Duration,
    /// Whether it may not be overtaken by, nor overtake, others of its kind.
    pub(crate) in_order: bool,
}

/// A lane had no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The packets of one way: those that wait for the link, in order of arrival; the one that it carries; those in the
/// air, by time.
#[derive(Debug)]
pub(crate) struct Lane<T> {
    waiting: VecDeque<Waiting<T>>,
    /// With the time at which the link took it.
    carried: Option<(Duration, Waiting<T>)>,
    air: BinaryHeap<Reverse<Due<T>>>,
    /// No packet that keeps order is due before this.
    floor: Duration,
    held: usize,
    launched: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    arrived: Duration,
    passage: Passage,
    item: T,
}

#[derive(Debug)]
struct Due<T> {
    at: Duration,
    /// Breaks ties, so that packets due at the same instant keep their order.
    number: u64,
    wire: usize,
    item: T,
}

impl<T> Lane<T> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            carried: None,
            air: BinaryHeap::new(),
            floor: Duration::ZERO,
            held: 0,
            launched: 0,
        }
    }

    /// Whether `limit` leaves no room for `wire` more bytes. An empty lane always has room.
    pub(crate) fn is_full(&self, wire: usize, limit: usize) -> bool {
        self.held > 0 && self.held.saturating_add(wire) > limit
    }

    /// Takes a packet in, unless there is no room for it.
    pub(crate) fn offer(
        &mut self,
        now: Duration,
        passage: Passage,
        limit: usize,
        item: T,
    ) -> Result<(), Full> {
        if self.is_full(passage.wire, limit) {
            return Err(Full);
        }
        self.force(now, passage, item);
        Ok(())
    }

    /// Takes a packet in, room or not: for the end of a stream, of which there is one.
    pub(crate) fn force(&mut self, now: Duration, passage: Passage, item: T) {
        self.held = self.held.saturating_add(passage.wire);
        self.waiting.push_back(Waiting { arrived: now, passage, item });
    }

    /// Moves what the link has had time to carry into the air.
    pub(crate) fn advance(&mut self, now: Duration, link: &mut Link, conditions: &Conditions) {
        let rate = conditions.rate;
        loop {
            if let Some((start, packet)) = self.carried.take() {
                let left = start.saturating_add(transmission(packet.passage.wire, rate));
                if left > now {
                    self.carried = Some((start, packet));
                    return;
                }
                self.launch(left.saturating_add(packet.passage.delay), packet.passage, packet.item);
            }
            let free_at = link.free_at(rate);
            if free_at > now {
                return;
            }
            let Some(next) = self.waiting.pop_front() else { return };
            let start = free_at.max(next.arrived);
            *link = Link { start, wire: next.passage.wire };
            self.carried = Some((start, next));
        }
    }

    /// The next packet whose time has come.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        if self.air.peek()?.0.at > now {
            return None;
        }
        let due = self.air.pop()?.0;
        self.held = self.held.saturating_sub(due.wire);
        Some(due.item)
    }

    /// Throws everything away, and says what it was.
    pub(crate) fn purge(&mut self) -> impl Iterator<Item = T> {
        (self.held, self.floor) = (0, Duration::ZERO);
        let air = std::mem::take(&mut self.air).into_iter().map(|due| due.0.item);
        let carried = self.carried.take().map(|(_, packet)| packet.item);
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|packet| packet.item);
        air.chain(carried).chain(waiting)
    }

    /// When to look again: the first packet due, the link done with the one it carries, or free for one that waits.
    pub(crate) fn wake(&self, link: &Link, conditions: &Conditions) -> Option<Duration> {
        let rate = conditions.rate;
        let due = self.air.peek().map(|due| due.0.at);
        let link = match &self.carried {
            Some((start, packet)) => Some(start.saturating_add(transmission(packet.passage.wire, rate))),
            None => (!self.waiting.is_empty()).then(|| link.free_at(rate)),
        };
        [due, link].into_iter().flatten().min()
    }

    /// Bytes held, waiting and in the air.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    fn launch(&mut self, at: Duration, passage: Passage, item: T) {
        let at = if passage.in_order {
            self.floor = self.floor.max(at);
            self.floor
        } else {
            at
        };
        let number = self.launched;
        self.launched += 1;
        self.air.push(Reverse(Due { at, number, wire: passage.wire, item }));
    }
}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}

#[cfg(test)]
mod tests;
