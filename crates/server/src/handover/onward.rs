//! What is done to members after they were handed over, and before they are gone from here: passed on to
//! the server that they are on their way to, so that no kick, mute or end is lost between the two.
//!
//! The channel is dialled when there is something to pass on. Bounded: what has no room counts as lost,
//! and whoever asked for it is told so.

use super::{ANSWER_WITHIN, Give, Peer, Took};
use crate::member::Told;
use crate::{Alive, Shared};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Words that wait at most.
const MOST: usize = 256;

/// What waits to be passed on.
#[derive(Default)]
pub(crate) struct Onward {
    waiting: Mutex<Waiting>,
    /// Held from when a member is asked for what is known of it until the other server has it, and while
    /// something is passed on: so what is passed on finds whoever was handed over before.
    pub(crate) in_order: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    words: VecDeque<Word>,
    /// Is there a task that passes them on? It is gone with the last of them.
    is_worked_off: bool,
}

struct Word {
    give: Give,
    /// Passed on when this is in effect here: whoever is handed over later takes it along.
    after: Option<Told>,
    tell: oneshot::Sender<Passed>,
}

/// What came of something that was to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It is in effect there.
    Heeded,
    /// Nobody is under way, or nobody there whom it is about.
    Nobody,
    /// The other server cannot be told.
    Lost,
}

impl Onward {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next word; without one the work is over.
    fn next(&self) -> Option<Word> {
        let mut waiting = self.lock();
        let next = waiting.words.pop_front();
        waiting.is_worked_off = next.is_some();
        next
    }
}

/// Passes something on, behind all that was said before, if this server is being emptied.
pub(super) fn pass(shared: &Arc<Shared>, give: Give, after: Option<Told>) -> Passing {
    if shared.emptied_to().is_none() {
        return Passing(None);
    }
    let (tell, told) = oneshot::channel();
    let mut waiting = shared.onward.lock();
    if waiting.words.len() < MOST {
        waiting.words.push_back(Word { give, after, tell });
    }
    if !std::mem::replace(&mut waiting.is_worked_off, true) {
        tokio::spawn(work_off(shared.clone(), shared.alive()));
    }
    Passing(Some(told))
}

/// Something on its way to the other server.
pub(crate) struct Passing(Option<oneshot::Receiver<Passed>>);

impl Passing {
    /// Waits for what comes of it.
    pub(crate) async fn passed(self) -> Passed {
        match self.0 {
            Some(told) => told.await.unwrap_or(Passed::Lost),
            None => Passed::Nobody,
        }
    }
}

async fn work_off(shared: Arc<Shared>, alive: Alive) {
    let mut peer = None;
    while let Some(Word { give, after, tell }) = shared.onward.next() {
        if let Some(after) = after {
            // One that is gone meanwhile, or stuck, is in effect or never will be.
            let _ = timeout(ANSWER_WITHIN, after.heeded()).await;
        }
        let in_order = shared.onward.in_order.lock().await;
        let passed = pass_on(&shared, &mut peer, &give).await;
        drop(in_order);
        let _ = tell.send(passed);
    }
    drop(alive);
}

async fn pass_on(shared: &Shared, peer: &mut Option<Peer>, give: &Give) -> Passed {
    // A drain that came to nothing sends nobody away.
    let Some(target) = shared.emptied_to() else { return Passed::Nobody };
    let asked = async {
        let mut there = match peer.take() {
            Some(there) => there,
            None => Peer::dial(shared, &target).await?,
        };
        let took = there.ask(give).await?;
        Ok::<_, super::DrainError>((took, there))
    };
    match asked.await {
        Ok((took, there)) => {
            *peer = Some(there);
            match took {
                Took::Taken => Passed::Heeded,
                Took::Nobody => Passed::Nobody,
                Took::NoRoom | Took::Hello { .. } => Passed::Lost,
            }
        }
        Err(error) => {
            tracing::warn!(%error, "what was done to members under way could not be passed on");
            Passed::Lost
        }
    }
}
