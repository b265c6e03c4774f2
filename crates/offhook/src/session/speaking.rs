//! What a joined session says to others: messages to all or to some, reactions, words of a conversation,
//! and that its user is still there. Each acts when called; the futures, in `pending.rs`, only wait.

use super::Session;
use super::pending::Sending;
use crate::command::{Command, SendAnswer};
use crate::error::SendError;
use bytes::Bytes;
use offhook_lifecycle::{CommandId, Full, Joined};
use offhook_transport::{Outgoing, Whom};
use tokio::sync::oneshot;

/// The longest text that is said, in bytes.
pub(crate) const MAX_WORDS: usize = 16 * 1024;
/// The largest reaction, in bytes: the longest emoji there are, and a few words.
const MAX_REACTION: usize = 64;

impl Session<Joined> {
    /// Sends a message to all other members. Acts when called; the future waits for the far side's
    /// receipt. To some of them is [`send_to`](Self::send_to); something that is shown and forgotten is
    /// [`react`](Self::react).
    ///
    /// The payload is any bytes, at most 16 KiB; the topic is your own word for what they are, at most
    /// 128 bytes and no control characters. What is said faster than the slowest listener can be expected to
    /// hear goes to nobody ([`SendError::RateLimited`]); larger things belong on a track or a server of yours.
    ///
    /// While the link is being recovered, or the network is gone, it waits: after a resume it goes out once
    /// and in order, after a rejoin it ends `Unknown`. Where recovery gave up it ends `Away` at once.
    ///
    /// # Errors
    /// [`SendError`]. A message whose receipt was lost with its link ends `Unknown` and is
    /// never sent again by itself (R15).
    ///
    /// # Drop
    /// The message goes out all the same.
    pub fn send(&self, topic: impl Into<String>, payload: impl Into<Bytes>) -> Sending {
        self.message(None, topic.into(), payload.into())
    }

    /// As [`send`](Self::send), to these members alone: named as the roster names them
    /// ([`Member::id`](crate::Member)), at most 256. A name stays the same over every recovery of
    /// theirs and of this session.
    ///
    /// It goes to all of them or to nobody. Who is away for a moment has it when they are back.
    ///
    /// ```no_run
    /// # async fn example(session: &offhook::Session<offhook::Joined>, ada: &offhook::Member) {
    /// session.send_to([&ada.id], "whisper", "only you can read this").await.ok();
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::UnknownMember`] where one of them is not in the session,
    /// and [`SendError::NoMembers`] for an empty list.
    ///
    /// # Drop
    /// The message goes out all the same.
    pub fn send_to(
        &self,
        members: impl IntoIterator<Item = impl Into<String>>,
        topic: impl Into<String>,
        payload: impl Into<Bytes>,
    ) -> Sending {
        // One more than there may be says that they are too many.
        let members = members.into_iter().take(Outgoing::MEMBERS + 1).map(Into::into).collect();
        self.message(Some(members), topic.into(), payload.into())
    }

    fn message(&self, members: Option<Vec<String>>, topic: String, payload: Bytes) -> Sending {
        let shared = self.shared();
        if let Err(reason) = self.shared().open() {
            return Sending::failed(shared, SendError::Ended { reason });
        }
        if let Err(error) = SendError::check(&topic, &payload, members.as_deref()) {
            return Sending::failed(shared, error);
        }
        let to = members.map_or(Whom::Everybody, Whom::These);
        self.hand_over(|id, answer| Command::Send { id, to, topic, payload, answer })
    }

    /// Shows a reaction to the other members, and is forgotten (F63). Acts when called; the future
    /// waits for the far side's receipt. A word or an emoji of at most 64 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Drop
    /// It is shown all the same.
    pub fn react(&self, reaction: impl Into<String>) -> Sending {
        let reaction = reaction.into();
        self.words(reaction, MAX_REACTION, &[], |id, reaction, answer| Command::React {
            id,
            reaction,
            answer,
        })
    }

    /// Says something, as text, to whoever the conversation is with: a persona, an agent (F55).
    /// Acts when called; the future waits for the far side's receipt, not for its answer. What it
    /// answers, and what it is doing meanwhile, are events. At most 16 KiB, and no control
    /// characters but line ends and tabs.
    ///
    /// A persona begins anew when the session joins anew or moves. Where the far side says what it answers
    /// ([`Capability::Answers`](offhook_transport::Capability::Answers)), as the reference server does, what
    /// it took and had not answered by then is said to it again, so that it is answered, and answered once.
    /// Of these at most 96 wait: one more is [`SendError::Full`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Drop
    /// It is said all the same.
    pub fn say(&self, text: impl Into<String>) -> Sending {
        let lines = ['\n', '\r', '\t'];
        self.words(text.into(), MAX_WORDS, &lines, |id, text, answer| Command::Say { id, text, answer })
    }

    /// Says that the user is still there, where the far side ends idle sessions (F56). Whatever
    /// else the user does says so as well, media that flows alone does not. It may be called with every
    /// movement of a mouse: it goes out once a second at most, the last of them within a second.
    ///
    /// # Errors
    /// [`SendError::Ended`], and [`SendError::Full`] where commands wait already.
    pub fn keep_alive(&self) -> Result<(), SendError> {
        self.shared().open().map_err(|reason| SendError::Ended { reason })?;
        self.inner.send(Command::KeepAlive).map_err(|Full(_)| SendError::Full)
    }

    fn words(
        &self,
        text: String,
        limit: usize,
        allowed: &[char],
        command: impl FnOnce(CommandId, String, oneshot::Sender<SendAnswer>) -> Command,
    ) -> Sending {
        let shared = self.shared();
        if let Err(reason) = self.shared().open() {
            return Sending::failed(shared, SendError::Ended { reason });
        }
        if text.trim().is_empty() {
            return Sending::failed(shared, SendError::Empty);
        }
        if text.len() > limit {
            return Sending::failed(shared, SendError::TooLarge { limit });
        }
        if let Some(at) = text.find(|c: char| c.is_control() && !allowed.contains(&c)) {
            return Sending::failed(shared, SendError::Control { at });
        }
        self.hand_over(|id, answer| command(id, text, answer))
    }

    fn hand_over(&self, command: impl FnOnce(CommandId, oneshot::Sender<SendAnswer>) -> Command) -> Sending {
        let (answer, waiting) = oneshot::channel();
        match self.numbered(|id| command(id, answer)) {
            Some(id) => Sending::waiting(self.shared(), id, waiting),
            None => Sending::failed(self.shared(), SendError::Full),
        }
    }

    /// Hands a command with the next number to the host; `None` where too many wait.
    pub(super) fn numbered(&self, command: impl FnOnce(CommandId) -> Command) -> Option<CommandId> {
        // Held, so that the host takes them in the order of their numbers.
        let mut notes = self.shared().notes();
        let id = CommandId(notes.commands.0.saturating_add(1));
        match self.inner.send(command(id)) {
            Ok(()) => {
                notes.commands = id;
                Some(id)
            }
            Err(Full(refused)) => {
                drop(notes);
                drop(refused);
                None
            }
        }
    }
}
