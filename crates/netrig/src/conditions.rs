//! What a link is like: delay, jitter, loss, rate, queue. Values only; `fate` draws from them and `lane` keeps time.

use std::time::Duration;

/// One of the two ways through a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client (the side that dials or sends first) to the upstream.
    Up,
    /// From the upstream back to the client.
    Down,
}

/// Which way or ways a setting or a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Client to upstream only.
    Up,
    /// Upstream to client only.
    Down,
    /// Both ways.
    Both,
}

impl Direction {
    /// Whether this direction includes `way`.
    pub fn covers(self, way: Way) -> bool {
        matches!((self, way), (Self::Both, _) | (Self::Up, Way::Up) | (Self::Down, Way::Down))
    }
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Up => Self::Up,
            Way::Down => Self::Down,
        }
    }
}

/// One value for each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ways<T> {
    /// The value for client to upstream.
    pub up: T,
    /// The value for upstream to client.
    pub down: T,
}

impl<T> Ways<T> {
    pub(crate) fn of(&self, way: Way) -> &T {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    pub(crate) fn of_mut(&mut self, way: Way) -> &mut T {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

impl<T: Clone> Ways<T> {
    pub(crate) fn put(&mut self, direction: Direction, value: &T) {
        for way in [Way::Up, Way::Down] {
            if direction.covers(way) {
                *self.of_mut(way) = value.clone();
            }
        }
    }
}

/// The weather on one way of a relay. The default is clear: no delay, no loss, no rate limit, a queue of 1 MiB.
///
/// Probabilities are fractions: `0.02` is 2 %. Values outside `0.0..=1.0` count as the nearer bound, NaN as 0.
/// A change applies to what enters the relay afterwards. What is already in the air keeps its time, and what follows
/// does not overtake it; what still waits for a rate-limited link leaves at the new rate.
///
/// ```
/// use offhook_netrig::Conditions;
/// use std::time::Duration;
///
/// let bad_wifi = Conditions::clear()
///     .delay(Duration::from_millis(40))
///     .jitter(Duration::from_millis(15))
///     .loss(0.02)
///     .rate(250_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Conditions {
    /// See [`Conditions::delay`].
    pub delay: Duration,
    /// See [`Conditions::jitter`].
    pub jitter: Duration,
    /// See [`Conditions::loss`].
    pub loss: f64,
    /// See [`Conditions::duplicate`].
    pub duplicate: f64,
    /// See [`Conditions::reorder`].
    pub reorder: f64,
    /// How much longer a reordered datagram is held back; see [`Conditions::reorder`].
    pub reorder_by: Duration,
    /// Bytes per second, none for no limit; see [`Conditions::rate`].
    pub rate: Option<u64>,
    /// Bytes; see [`Conditions::queue`].
    pub queue: usize,
}

impl Default for Conditions {
    fn default() -> Self {
        Self::clear()
    }
}

impl Conditions {
    /// A clear link: everything passes at once.
    pub const fn clear() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_by: Duration::ZERO,
            rate: None,
            queue: 1 << 20,
        }
    }

    /// One-way delay of every packet. A round trip of 50 ms is 25 ms each way.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Extra delay, drawn evenly from zero to this for each packet. It never changes the order of packets: one with
    /// little jitter waits for the one before it, as behind a full queue.
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Probability that a packet is lost. A datagram is gone; a TCP segment arrives late by one retransmission
    /// ([`Conditions::retransmission`]), and everything behind it waits, as a real TCP connection would show it.
    pub const fn loss(mut self, probability: f64) -> Self {
        self.loss = probability;
        self
    }

    /// Probability that a datagram arrives twice. Does not apply to TCP, which hides duplicates.
    pub const fn duplicate(mut self, probability: f64) -> Self {
        self.duplicate = probability;
        self
    }

    /// Probability that a datagram is held back `by` this much longer while those behind it pass. Does not apply to
    /// TCP, which hides reordering.
    pub const fn reorder(mut self, probability: f64, by: Duration) -> Self {
        self.reorder = probability;
        self.reorder_by = by;
        self
    }

    /// Bytes per second that the link carries, headers included (28 bytes a datagram, 40 a TCP segment). Zero counts
    /// as one. All flows of a relay share the link.
    pub const fn rate(mut self, bytes_per_second: u64) -> Self {
        self.rate = Some(bytes_per_second);
        self
    }

    /// Lifts the rate limit.
    pub const fn unlimited(mut self) -> Self {
        self.rate = None;
        self
    }

    /// How many bytes, headers included, a way may hold, waiting and in the air. A datagram beyond it is dropped and
    /// counted as overflowed; a TCP pipe stops reading instead. At least one packet is always held.
    pub const fn queue(mut self, bytes: usize) -> Self {
        self.queue = bytes;
        self
    }

    /// How late a lost TCP segment arrives: 200 ms (the least retransmission timeout of common systems; RFC 6298
    /// recommends 1 s) plus twice the delay.
    pub fn retransmission(&self) -> Duration {
        Duration::from_millis(200).saturating_add(self.delay.saturating_mul(2))
    }
}
