//! The way out to the host: a bounded queue of events, and signs of life at most ten times a
//! second for each plane.

use offhook_transport::{Event, Plane};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Signs of life are told at most so often.
const ALIVE_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Outward {
    events: mpsc::Sender<Event>,
    /// What one step said beyond the queue's room. Nothing new is read until it is gone.
    waiting: VecDeque<Event>,
    signaling: Pace,
    media: Pace,
}

/// When a sign of life was told last, and whether one is owed.
#[derive(Default)]
struct Pace {
    told: Option<Instant>,
    owed: bool,
}

impl Outward {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, waiting: VecDeque::new(), signaling: Pace::default(), media: Pace::default() }
    }

    pub(super) fn say(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            if !perishable(&event) {
                self.waiting.push_back(event);
            }
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event)
            && !perishable(&event)
        {
            self.waiting.push_back(event);
        }
    }

    /// Something came in on a plane.
    pub(super) fn alive(&mut self, plane: Plane) {
        self.pace(plane).owed = true;
        self.due();
    }

    /// Tells the signs of life that are due.
    pub(super) fn due(&mut self) {
        let now = Instant::now();
        for plane in [Plane::Signaling, Plane::Media] {
            let pace = self.pace(plane);
            if pace.owed && pace.told.is_none_or(|told| now.saturating_duration_since(told) >= ALIVE_EVERY) {
                *pace = Pace { told: Some(now), owed: false };
                self.say(Event::Alive(plane));
            }
        }
    }

    /// When a sign of life is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = |pace: &Pace| pace.told.filter(|_| pace.owed).map(|told| told + ALIVE_EVERY);
        [due(&self.signaling), due(&self.media)].into_iter().flatten().min()
    }

    /// Is there room for more?
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits until the host made room, and uses it.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn make_room(&mut self) {
        while !self.waiting.is_empty() {
            let Ok(permit) = self.events.reserve().await else {
                self.waiting.clear();
                return;
            };
            if let Some(event) = self.waiting.pop_front() {
                permit.send(event);
            }
        }
    }

    fn pace(&mut self, plane: Plane) -> &mut Pace {
        match plane {
            Plane::Signaling => &mut self.signaling,
            Plane::Media => &mut self.media,
        }
    }
}

fn perishable(event: &Event) -> bool {
    matches!(event, Event::Alive(_) | Event::Content(offhook_transport::Content::Stats(_)))
}
