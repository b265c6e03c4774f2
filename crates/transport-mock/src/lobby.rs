//! Rings, by hand. Sessions without joining them are in `directory.rs`.

use crate::MockTransport;
use crate::world::World;
use offhook_transport::{Presence, RingEvent, Secret};
use std::collections::VecDeque;
use std::pin::Pin;

/// Rings that wait for somebody to listen; beyond that the oldest is lost.
const RINGS: usize = 256;

/// What the far side knows besides its links.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    rings: VecDeque<RingEvent>,
}

impl Lobby {
    pub(crate) fn ring(&mut self, event: RingEvent) {
        if self.rings.len() == RINGS {
            self.rings.pop_front();
        }
        self.rings.push_back(event);
    }
}

impl World {
    async fn next_ring(&self) -> RingEvent {
        self.wait(|inner| inner.lobby.rings.pop_front()).await
    }
}

// The signatures are those that `#[async_trait]` gives the traits: written out, they cost this
// crate no dependency.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Presence for MockTransport {
    fn next<'a, 'b, 'c>(&'a self, _: Option<&'b Secret>) -> Later<'c, Option<RingEvent>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move { Some(self.world.next_ring().await) })
    }
}
