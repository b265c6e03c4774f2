//! Who waits for a place, in the order they came. Nothing here ticks: a waiter is woken when its
//! place in the line changed, when there may be room, or when it is sent away, and the head of a
//! line tries the door itself (`entrance.rs`).

#[cfg(test)]
mod tests;

use offhook_signaling::{Error, ErrorCode, FromServer, Instance};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Places that one user may hold in the lines of a server: a crowd of one keeps nobody out.
const OF_ONE_USER: usize = 8;

/// What there is no room in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// The server: it has all the sessions it takes.
    Sessions,
    /// This session (`kind/id`): it has all the members it takes.
    Room(String),
}

/// Somebody who wants in.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) key: String,
    pub(crate) user: String,
    pub(crate) instance: Instance,
    pub(crate) epoch: u64,
}

/// What a waiter can know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// How many are before it in its line.
    pub(crate) position: u32,
    /// Changes when there may be room.
    pub(crate) tries: u64,
    /// It waits for nothing: here is why.
    pub(crate) refused: Option<Box<FromServer>>,
}

struct Waiter {
    /// Told apart from a later dial of the same client on the same number.
    pass: u64,
    lane: Lane,
    who: Who,
    told: watch::Sender<Told>,
}

#[derive(Default)]
struct Lines {
    next: u64,
    /// By the number they drew.
    waiting: BTreeMap<u64, Waiter>,
}

/// The lines of a server.
pub(crate) struct Queue {
    most: usize,
    lines: Mutex<Lines>,
}

/// A place in a line. Given up when it is dropped.
pub(crate) struct Turn {
    queue: Arc<Queue>,
    number: u64,
    pass: u64,
    told: watch::Receiver<Told>,
}

impl Queue {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, lines: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place at the end of the line; that of its own older dial, if that still waits.
    pub(crate) fn enter(self: &Arc<Self>, lane: Lane, who: Who) -> Result<Turn, Box<Error>> {
        let mut lines = self.lock();
        let own = lines.waiting.iter().find(|(_, waiter)| {
            waiter.who.instance == who.instance && waiter.who.key == who.key && waiter.who.user == who.user
        });
        let own = own.map(|(number, waiter)| (*number, waiter.who.epoch));
        if own.is_some_and(|(_, epoch)| who.epoch <= epoch) {
            let text = "a newer dial of this instance waits already";
            return Err(Box::new(Error::new(ErrorCode::StaleEpoch, text)));
        }
        if own.is_none() {
            let of_user = lines.waiting.values().filter(|waiter| waiter.who.user == who.user).count();
            if of_user >= OF_ONE_USER || lines.waiting.len() >= self.most {
                let mut error = Error::new(ErrorCode::Busy, "as many wait as may; try again later");
                error.queue_position = Some(count(lines.waiting.len()));
                error.retry_after_ms = Some(10_000);
                return Err(Box::new(error));
            }
        }
        let (told, seen) = watch::channel(Told::default());
        lines.next += 1;
        let pass = lines.next;
        let number = own.map_or(pass, |(number, _)| number);
        if let Some(ghost) = lines.waiting.insert(number, Waiter { pass, lane, who, told }) {
            let text = "a newer dial of this instance took the place";
            ghost.refuse(Error::new(ErrorCode::StaleEpoch, text));
        }
        lines.count_off();
        Ok(Turn { queue: self.clone(), number, pass, told: seen })
    }

    /// How many wait in this line.
    pub(crate) fn waiting(&self, lane: &Lane) -> u32 {
        count(self.lock().waiting.values().filter(|waiter| waiter.lane == *lane).count())
    }

    /// How many wait for this session, in whatever line.
    pub(crate) fn waiting_for(&self, key: &str) -> u32 {
        count(self.lock().waiting.values().filter(|waiter| waiter.who.key == key).count())
    }

    /// May this one take a place that `lane` would wait for? Newcomers only where nobody waits.
    pub(crate) fn is_turn(&self, lane: &Lane, turn: Option<&Turn>) -> bool {
        let lines = self.lock();
        let mut before = lines.waiting.iter().filter(|(_, waiter)| waiter.lane == *lane);
        before.all(|(number, _)| turn.is_some_and(|turn| turn.number <= *number))
    }

    /// There may be room in this session, or for one more: the heads of both lines try, and whoever
    /// waits for another session to end while this one is there already.
    pub(crate) fn freed(&self, key: &str) {
        let lines = self.lock();
        let mut heads = HashMap::new();
        for (number, waiter) in &lines.waiting {
            let head = *heads.entry(&waiter.lane).or_insert(*number);
            let concerned = match &waiter.lane {
                Lane::Sessions => head == *number || waiter.who.key == key,
                Lane::Room(of) => head == *number && of == key,
            };
            if concerned {
                waiter.told.send_modify(|told| told.tries += 1);
            }
        }
    }

    /// Everything is different: all look again.
    pub(crate) fn freed_all(&self) {
        for waiter in self.lock().waiting.values() {
            waiter.told.send_modify(|told| told.tries += 1);
        }
    }

    /// Sends those away who wait for this session (any where none is named), as this user (any).
    /// How many that were.
    pub(crate) fn turn_away(&self, key: Option<&str>, user: Option<&str>, why: &FromServer) -> usize {
        let mut lines = self.lock();
        let mut sent = 0;
        lines.waiting.retain(|_, waiter| {
            let meant = key.is_none_or(|key| key == waiter.who.key)
                && user.is_none_or(|user| user == waiter.who.user);
            if meant {
                sent += 1;
                waiter.told.send_modify(|told| told.refused = Some(Box::new(why.clone())));
            }
            !meant
        });
        lines.count_off();
        sent
    }
}

impl Waiter {
    fn refuse(&self, error: Error) {
        self.told.send_modify(|told| told.refused = Some(Box::new(FromServer::Error(error))));
    }
}

impl Lines {
    /// Tells everybody whose place changed.
    fn count_off(&self) {
        let mut before: HashMap<&Lane, u32> = HashMap::new();
        for waiter in self.waiting.values() {
            let position = before.entry(&waiter.lane).or_default();
            waiter
                .told
                .send_if_modified(|told| std::mem::replace(&mut told.position, *position) != *position);
            *position += 1;
        }
    }
}

impl Turn {
    /// What it can know now.
    pub(crate) fn look(&mut self) -> Told {
        self.told.borrow_and_update().clone()
    }

    /// Waits for something to look at.
    ///
    /// # Cancel safety
    /// A level: nothing is lost.
    pub(crate) async fn changed(&mut self) {
        // The sender goes only with a word that is there to be read.
        if self.told.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// It waits for something else: at the end of nothing, its number stays.
    pub(crate) fn move_to(&mut self, lane: Lane) {
        let mut lines = self.queue.lock();
        if let Some(waiter) = lines.waiting.get_mut(&self.number).filter(|waiter| waiter.pass == self.pass) {
            waiter.lane = lane;
        }
        lines.count_off();
    }
}

impl Turn {
    /// Gives the place up; what dropping it does as well.
    pub(crate) fn give_up(&mut self) {
        let mut lines = self.queue.lock();
        // Its place may be another's: that of a newer dial of its own.
        if lines.waiting.get(&self.number).is_some_and(|waiter| waiter.pass == self.pass) {
            lines.waiting.remove(&self.number);
            lines.count_off();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
