//! Rings and the devices that hear of them: the one arbiter of who took what. The rules are in
//! `rings/book.rs`; here are the lock around it and the clock of each ring. What comes and goes on a
//! device's socket is in `socket/presence.rs`.

mod book;
mod devices;
mod over;
#[cfg(test)]
mod tests;

pub(crate) use book::{Bearer, Book, Tickets};
pub(crate) use devices::{Device, ToDevice, TooMany};
pub(crate) use over::LeftAlone;

use crate::config::Limits;
use crate::member::Mail;
use crate::{Alive, Shared};
use offhook_signaling::{EndCode, Ended, Error, Party, PlaceRing};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// All rings of a server.
#[derive(Debug)]
pub(crate) struct Rings(Mutex<Book>);

impl Rings {
    pub(crate) fn new(limits: &Limits, life: &str) -> Self {
        Self(Mutex::new(Book::new(limits, life)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places a ring and sets its clock going.
    pub(crate) fn place(&self, shared: &Arc<Shared>, device: &Device, order: PlaceRing) {
        let key = crate::door::key(&order.session);
        let may = !shared.kicks.keeps_out(&key, &device.user, Instant::now());
        let placed = self.lock().place(device, order, may, Instant::now());
        if let Some((id, poke)) = placed {
            tokio::spawn(expire(shared.clone(), id, poke, shared.alive()));
        }
    }

    /// The caller of a ring that was taken does not come: whoever took it is told so, if nobody else
    /// is in the session. What a join that was given up has left of the caller ends with it.
    pub(crate) fn send_away(&self, shared: &Arc<Shared>, alone: &LeftAlone) {
        let LeftAlone { session, caller, callee } = alone;
        let is_alone = shared.rooms.has_only(session, [*caller, *callee]);
        let gone = [Some(caller), Some(callee).filter(|_| is_alone)];
        for mail in gone.into_iter().flatten().filter_map(|of| shared.rooms.find(session, *of)) {
            // One that is too busy to read its mail is ended as surely as any other.
            tokio::spawn(async move { mail.send(Mail::End(Box::new(given_up()))).await });
        }
    }

    /// Rings and devices.
    pub(crate) fn count(&self) -> (usize, usize) {
        self.lock().count()
    }

    /// Sends every device away, with these words, and forgets every ring.
    pub(crate) fn close(&self, words: &Error) {
        self.lock().close(words);
    }
}

/// What the one is told who took a ring and would wait for nobody.
pub(crate) fn given_up() -> Ended {
    let text = "whoever rang gave it up before they came in".to_owned();
    Ended { reason: EndCode::Closed, by: Party::Member, text, may_retry: false }
}

/// The clock of one ring; gone with it.
async fn expire(shared: Arc<Shared>, id: String, poke: Arc<Notify>, alive: Alive) {
    loop {
        let Some(due) = shared.rings.lock().due(&id) else { break };
        tokio::select! {
            () = at(due) => shared.rings.lock().lapse(&id, Instant::now()),
            () = poke.notified() => {}
        }
    }
    drop(alive);
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
