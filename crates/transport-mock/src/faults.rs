//! A bad network, made of a seed: the same seed does the same to the same program.

use crate::seed::Seed;
use offhook_transport::{Event, Plane, RefusedCode};
use std::ops::Range;
use std::time::Duration;

/// What the network does to the links of a [`Remote`](crate::Remote). The default does nothing.
///
/// Applies to reports, dials and planes from the moment it is set; a loss that is already
/// planned stays planned.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: Seed,
    signaling: Option<Duration>,
    media: Option<Duration>,
    losses_left: u32,
    delay: Range<Duration>,
    unreachable: f64,
    refusals: Option<(u32, RefusedCode, Option<Duration>)>,
    twice: f64,
    overtaken: f64,
    until: Option<Duration>,
}

/// What befalls one report.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) delay: Duration,
    pub(crate) twice: bool,
    /// It leaves the order and comes this much later than it would have.
    pub(crate) overtaken_by: Option<Duration>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Faults {
    /// No faults yet, and the seed of those to come.
    pub const fn seeded(seed: u64) -> Self {
        Self {
            seed: Seed::new(seed),
            signaling: None,
            media: None,
            losses_left: u32::MAX,
            delay: Duration::ZERO..Duration::ZERO,
            unreachable: 0.0,
            refusals: None,
            twice: 0.0,
            overtaken: 0.0,
            until: None,
        }
    }

    /// Each time the plane carries, it is lost again after `mean`, give or take a half.
    #[must_use]
    pub const fn loss(mut self, plane: Plane, mean: Duration) -> Self {
        match plane {
            Plane::Signaling => self.signaling = Some(mean),
            Plane::Media => self.media = Some(mean),
        }
        self
    }

    /// At most so many losses in all.
    #[must_use]
    pub const fn at_most(mut self, losses: u32) -> Self {
        self.losses_left = losses;
        self
    }

    /// Each report comes later by a time in this range; their order stays.
    #[must_use]
    pub fn delay(mut self, range: Range<Duration>) -> Self {
        self.delay = range;
        self
    }

    /// A dial fails as unreachable with this probability, 0 to 1.
    #[must_use]
    pub const fn unreachable(mut self, probability: f64) -> Self {
        self.unreachable = probability;
        self
    }

    /// The next `dials` are refused with this code.
    #[must_use]
    pub const fn refuse(mut self, dials: u32, code: RefusedCode, retry_after: Option<Duration>) -> Self {
        self.refusals = Some((dials, code, retry_after));
        self
    }

    /// A report that may come twice (life, acks, proof, requests to move) does, with this
    /// probability, 0 to 1.
    #[must_use]
    pub const fn duplicate(mut self, probability: f64) -> Self {
        self.twice = probability;
        self
    }

    /// A report whose order promises nothing (life, acks, content, requests to move) is
    /// overtaken by later ones with this probability, 0 to 1.
    #[must_use]
    pub const fn reorder(mut self, probability: f64) -> Self {
        self.overtaken = probability;
        self
    }

    /// All of this ends when the pair is this old; from then on the network is a good one.
    #[must_use]
    pub const fn until(mut self, age: Duration) -> Self {
        self.until = Some(age);
        self
    }

    fn over(&self, age: Duration) -> bool {
        self.until.is_some_and(|until| age >= until)
    }

    pub(crate) fn fails_dial(&mut self, age: Duration) -> bool {
        !self.over(age) && self.seed.chance(self.unreachable)
    }

    pub(crate) fn refuses_dial(&mut self) -> Option<Event> {
        let (left, code, retry_after) = self.refusals.as_mut().filter(|(left, ..)| *left > 0)?;
        *left -= 1;
        Some(Event::Refused {
            code: *code,
            retry_after: *retry_after,
            queue_position: None,
            text: String::new(),
            item: None,
            known: Vec::new(),
        })
    }

    /// When a plane that carries from now on is lost again.
    pub(crate) fn loses(&mut self, plane: Plane, age: Duration) -> Option<Duration> {
        let mean = match plane {
            Plane::Signaling => self.signaling,
            Plane::Media => self.media,
        }?;
        let after = self.seed.within(&(mean / 2..mean + mean / 2));
        // Zero would be a loss of the instant it carried, which is no time to be live in.
        let after = after.max(Duration::from_millis(1));
        if self.losses_left == 0 || self.over(age.saturating_add(after)) {
            return None;
        }
        self.losses_left -= 1;
        Some(after)
    }

    pub(crate) fn on_report(&mut self, event: &Event, age: Duration) -> Trouble {
        if self.over(age) {
            return Trouble::default();
        }
        let delay = self.seed.within(&self.delay);
        let overtaken = may_be_overtaken(event) && self.seed.chance(self.overtaken);
        Trouble {
            delay,
            twice: may_come_twice(event) && self.seed.chance(self.twice),
            overtaken_by: overtaken
                .then(|| self.seed.within(&(Duration::from_millis(1)..Duration::from_millis(200)))),
        }
    }
}

const fn may_come_twice(event: &Event) -> bool {
    matches!(
        event,
        Event::Alive(_) | Event::PathAlive | Event::Acked { .. } | Event::Carried(_) | Event::GoAway(_)
    )
}

const fn may_be_overtaken(event: &Event) -> bool {
    matches!(
        event,
        Event::Alive(_)
            | Event::PathAlive
            | Event::Acked { .. }
            | Event::GoAway(_)
            | Event::CredentialRefreshed { .. }
            | Event::Content(_)
    )
}
