//! A director's link (F59): an application's backend watches a session it is not in, and steers it.

use super::{State, Watch, look, written};
use crate::native::WebRtc;
use crate::native::budget::Budget;
use offhook_signaling::{Conclude, FromClient, FromServer, Prompt, Steer};
use offhook_transport::{DirectoryError, Secret, SessionNews, SessionRef};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Commands that may wait for the socket.
const WAITING: usize = 64;

impl WebRtc {
    /// Directs a session: its members come in and stay only while a director is connected, where
    /// the session's settings say so. Needs a director's credential. Returns at once; the first
    /// poll dials, dropping it leaves the seat.
    pub fn director(
        &self,
        kind: impl Into<String>,
        id: impl Into<String>,
        credential: Option<&Secret>,
    ) -> Director {
        let session = SessionRef { kind: kind.into(), id: id.into() };
        let state = match written(&FromClient::Direct(look(&session, credential))) {
            Ok(question) => State::Start(self.config.clone(), question),
            Err(error) => State::Wrong(error),
        };
        Director { watch: Watch::new(state) }
    }
}

/// A director's seat in one session.
///
/// # Drop
/// Leaves the seat. A session that needs a director ends once the server's grace is over, unless
/// another one took the seat.
#[must_use = "a director does nothing until it is polled, and leaves its seat when it is dropped"]
pub struct Director {
    watch: Watch,
}

/// What a director is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectorNews {
    /// How the session stands, and then what changes; [`SessionNews::Now`] means that the seat is
    /// taken.
    Seen(SessionNews),
    /// What came of a [`steer`](Director::steer).
    Steered {
        /// The number it was given.
        id: u64,
        /// How many members were reached.
        members: u32,
        /// Why it was refused, and what would be taken, in the far side's words.
        refused: Option<String>,
    },
}

impl Director {
    /// Has every picture painted as the prompt says, and says the text to everybody who is there. The
    /// prompt holds for each member until it asks for another than it had (a mute is none), over every
    /// recovery and for those who join later. The answer comes with the same number.
    ///
    /// It may follow a slider: what the protocol does not let a client say in a second waits here, up to 64
    /// of them.
    ///
    /// # Errors
    /// [`DirectoryError::BadRequest`] for what is beyond a limit; [`DirectoryError::Busy`] while too
    /// much waits.
    pub fn steer(&mut self, id: u64, prompt: Option<&str>, text: Option<&str>) -> Result<(), DirectoryError> {
        let prompt = prompt.map(|text| Prompt { text: text.to_owned(), enhance: false });
        self.say(&FromClient::Steer(Steer { id, prompt, text: text.map(str::to_owned) }))
    }

    /// Ends the conversation for everybody.
    ///
    /// # Errors
    /// As [`steer`](Self::steer).
    pub fn conclude(&mut self, text: &str) -> Result<(), DirectoryError> {
        self.say(&FromClient::Conclude(Conclude { text: text.to_owned() }))
    }

    fn say(&mut self, message: &FromClient) -> Result<(), DirectoryError> {
        let text = written(message)?;
        if self.watch.outbox.len() >= WAITING {
            return Err(DirectoryError::Busy { retry_after: None });
        }
        self.watch.outbox.push_back(text);
        if let Some(waker) = self.watch.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// The next thing that is seen, or an answer. What was asked goes out while this is polled.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<DirectorNews, DirectoryError>>> {
        self.watch.waker = Some(cx.waker().clone());
        self.watch.poll_heard(cx)
    }

    /// [`poll_next`](Self::poll_next) as a future.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub async fn next(&mut self) -> Option<Result<DirectorNews, DirectoryError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl std::fmt::Debug for Director {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Director")
    }
}

/// The answer to a command, if it is one.
pub(super) fn steered(message: FromServer) -> Option<DirectorNews> {
    match message {
        FromServer::Steered(answer) => {
            Some(DirectorNews::Steered { id: answer.id, members: answer.members, refused: answer.refused })
        }
        _ => None,
    }
}

impl Watch {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            silence: None,
            last: None,
            news: VecDeque::new(),
            outbox: VecDeque::new(),
            budget: Budget::default(),
            earned: None,
            waker: None,
        }
    }
}
