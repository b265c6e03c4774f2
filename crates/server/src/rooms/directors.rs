//! The directors of sessions (F59): who is there, for how long nobody was, and what the last of
//! them had everybody painted as. What a member makes of that is `member/steering.rs`.

use super::Rooms;
use crate::member::{Heed, Mail};
use crate::studio::Recipe;
use offhook_signaling::Instance;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Of so many whose place is gone it is remembered that they asked for a prompt of their own; one more
/// is painted as the director said when it comes again.
const HEEDS: usize = 256;

/// Which session of a name it is: one that ends makes room for another.
#[derive(Clone, Copy)]
pub(crate) struct Which(u64);

/// What a director has everybody do.
pub(crate) struct Steering {
    /// The prompt as it was said, and what it means.
    pub(crate) prompt: Option<(String, Recipe)>,
    pub(crate) words: Option<String>,
}

/// The prompt that holds for a session until its director says another.
pub(crate) struct Standing {
    /// Rises with each.
    pub(crate) number: u64,
    pub(crate) prompt: String,
    pub(crate) recipe: Recipe,
}

/// The same, for another server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Directed {
    number: u64,
    prompt: String,
}

impl Standing {
    pub(super) fn describe(&self) -> Directed {
        Directed { number: self.number, prompt: self.prompt.clone() }
    }

    /// Is it what this was said to be?
    fn is(&self, directed: &Directed) -> bool {
        self.number == directed.number && self.prompt == directed.prompt
    }

    /// `None` of a prompt that this server does not know.
    pub(super) fn of(directed: Directed) -> Option<Arc<Self>> {
        let Directed { number, prompt } = directed;
        Recipe::read(&prompt).ok().map(|recipe| Arc::new(Self { number, prompt, recipe }))
    }
}

impl Rooms {
    /// Counts a director in. `None` where the session is not there.
    pub(crate) fn director_came(&self, key: &str) -> Option<Which> {
        let mut rooms = self.lock();
        let room = rooms.get_mut(key)?;
        room.directors += 1;
        room.changed();
        Some(Which(room.serial))
    }

    /// Counts a director out. False where its session is gone: one that has its name now is not its own.
    pub(crate) fn director_went(&self, key: &str, which: Which) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key).filter(|room| room.serial == which.0) else { return false };
        room.directors = room.directors.saturating_sub(1);
        room.undirected = Instant::now();
        room.changed();
        true
    }

    /// Is the session of this name still the one that the director came to?
    pub(crate) fn is_still(&self, key: &str, which: Which) -> bool {
        self.lock().get(key).is_some_and(|room| room.serial == which.0)
    }

    /// Begins to count for how long the session lacks the director that it needs. False where it needs
    /// none, or has one.
    pub(crate) fn misses_director(&self, key: &str) -> bool {
        let mut rooms = self.lock();
        let lacking = rooms.get_mut(key).filter(|room| room.lacks_director());
        lacking.map(|room| room.undirected = Instant::now()).is_some()
    }

    /// For how long it has lacked the director that it needs; none where it does not.
    pub(crate) fn undirected_for(&self, key: &str) -> Option<Duration> {
        self.lock().get(key).filter(|room| room.lacks_director()).map(|room| room.undirected.elapsed())
    }

    /// Has every member do as its director says, and with the prompt whoever comes later. How many
    /// members that reached.
    pub(crate) fn steer(&self, key: &str, steering: Steering) -> u32 {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key) else { return 0 };
        let Steering { prompt, words } = steering;
        if let Some((prompt, recipe)) = prompt {
            let number = room.standing.as_ref().map_or(0, |standing| standing.number) + 1;
            room.standing = Some(Arc::new(Standing { number, prompt, recipe }));
            // Whatever they asked for was asked before this.
            room.heeds.clear();
        }
        let words: Option<Arc<str>> = words.map(Arc::from);
        let there = room.members.values().filter(|inside| !inside.seen.user.is_empty());
        let reached = there.filter(|inside| inside.post(Mail::Steer(words.clone())));
        u32::try_from(reached.count()).unwrap_or(u32::MAX)
    }

    /// A member's place is gone: what it asked for itself is still its own word when it comes again.
    pub(crate) fn remember(&self, key: &str, instance: Instance, heed: Heed) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key) else { return };
        let standing = room.standing.as_ref().map_or(0, |standing| standing.number);
        if heed.undoes(standing) && room.heeds.len() < HEEDS {
            room.heeds.insert(instance, heed);
        }
    }

    /// What is remembered of one that comes again. It stays so: a dial may come to nothing.
    pub(crate) fn remembered(&self, key: &str, instance: Instance) -> Option<Heed> {
        self.lock().get(key)?.heeds.get(&instance).cloned()
    }

    /// One that came again is in.
    pub(crate) fn forget_heed(&self, key: &str, instance: Instance) {
        if let Some(room) = self.lock().get_mut(key) {
            room.heeds.remove(&instance);
        }
    }

    /// What holds for everybody in a session.
    pub(crate) fn standing(&self, key: &str) -> Option<Arc<Standing>> {
        self.lock().get(key)?.standing.clone()
    }

    /// Does the very prompt hold that another server told of? The numbers of two servers may have met.
    pub(crate) fn is_directed_so(&self, key: &str, directed: Option<&Directed>) -> bool {
        self.standing(key).zip(directed).is_some_and(|(standing, directed)| standing.is(directed))
    }

    /// The same, for another server.
    pub(crate) fn directed(&self, key: &str) -> Option<Directed> {
        self.lock().get(key)?.standing.as_ref().map(|standing| standing.describe())
    }
}
