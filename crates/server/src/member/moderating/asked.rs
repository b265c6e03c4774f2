//! What a moderator asked for and waits to hear of, and what it is told then.

use crate::handover::{Passed, Passing};
use crate::member::notices::Told;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use offhook_signaling::{FromServer, Moderated, ModerationRefusal, NotModerated};
use std::pin::Pin;
use tokio::task::JoinHandle;

/// Mutes of one moderator that may not be in effect yet: more than a member can ask for at once, so
/// that only who floods somebody that does not look is ever refused.
const MOST: usize = 512;

/// What came of what a moderator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::member) enum Outcome {
    /// It is in effect, here and wherever its member may be on its way to.
    Done,
    /// Its member went before it was.
    Gone,
    /// Its member may be on its way to a server that could not be told.
    NotPassedOn,
}

/// What a moderator asked for, and waits to hear of.
#[derive(Default)]
pub(in crate::member) struct Asked(
    FuturesUnordered<Pin<Box<dyn Future<Output = (u64, Outcome)> + Send + Sync>>>,
);

impl Asked {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub(super) fn wait(&self, id: u64, told: Told, passing: Passing) {
        self.0.push(Box::pin(async move {
            let is_heeded = told.heeded().await;
            let outcome = match passing.passed().await {
                Passed::Lost => Outcome::NotPassedOn,
                Passed::Heeded => Outcome::Done,
                Passed::Nobody if is_heeded => Outcome::Done,
                Passed::Nobody => Outcome::Gone,
            };
            (id, outcome)
        }));
    }

    pub(super) fn wait_for_end(&self, id: u64, ending: JoinHandle<Passed>) {
        self.0.push(Box::pin(async move {
            let outcome = match ending.await {
                Ok(Passed::Heeded | Passed::Nobody) => Outcome::Done,
                Ok(Passed::Lost) | Err(_) => Outcome::NotPassedOn,
            };
            (id, outcome)
        }));
    }

    /// The next that is in effect, or never will be; pending for ever where nothing is waited for.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(in crate::member) async fn next(&mut self) -> (u64, Outcome) {
        match self.0.next().await {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }
}

/// What a moderator is told of what it asked for.
pub(super) fn answer(id: u64, outcome: Outcome) -> FromServer {
    let (why, text) = match outcome {
        Outcome::Done => return FromServer::Moderated(Moderated { id }),
        Outcome::Gone => (ModerationRefusal::UnknownMember, "that member left just now; look at the roster"),
        Outcome::NotPassedOn => {
            let text = "it is done here, but the server that the session moves to could not be told; ask again there";
            (ModerationRefusal::Unreachable, text)
        }
    };
    FromServer::NotModerated(NotModerated { id, why, text: text.to_owned() })
}
