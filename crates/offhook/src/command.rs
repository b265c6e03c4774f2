//! What a joined session may ask of its host beside wishes: changes of the desired state,
//! withdrawals and messages. Each has its way back.

use crate::event::ChangeOutcome;
use crate::muting::Mutes;
use crate::sources::Feeder;
use bytes::Bytes;
use offhook_lifecycle::{Change, CommandId, Revision, SetError, Unanswered};
use offhook_transport::{Moderate, ModerationRefusal, Unsent, Whom};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Commands that may wait for the host. More are refused, not queued (R16).
pub(crate) const QUEUE: usize = 64;

/// One command. Dropping it unanswered is an answer: the session is over.
#[derive(Debug)]
pub(crate) enum Command {
    /// Change the desired state. What it mutes is silent here already.
    Set { change: Change, mutes: Mutes, answer: oneshot::Sender<ChangeAnswer> },
    /// Take a change back.
    Withdraw { revision: Revision },
    /// Send a message to the other members, or to these.
    Send { id: CommandId, to: Whom, topic: String, payload: Bytes, answer: oneshot::Sender<SendAnswer> },
    /// Show a reaction to them.
    React { id: CommandId, reaction: String, answer: oneshot::Sender<SendAnswer> },
    /// Say something to whoever the conversation is with.
    Say { id: CommandId, text: String, answer: oneshot::Sender<SendAnswer> },
    /// What is published is another list now; here is what feeds a new track, if there is one.
    Published { feeder: Option<Feeder> },
    /// Have something done as a moderator.
    Moderate { id: CommandId, act: Moderate, answer: oneshot::Sender<SendAnswer> },
    /// The user is still there.
    KeepAlive,
}

/// What came of a change.
#[derive(Debug)]
pub(crate) enum ChangeAnswer {
    /// It got a revision, and this is the result.
    Result(Revision, ChangeOutcome),
    /// It was not entered.
    Refused(SetError),
    /// The far side, or the transport, cannot do this at all.
    NotSupported(&'static str),
}

/// What came of a message.
#[derive(Debug)]
pub(crate) enum SendAnswer {
    /// The far side took it.
    Taken,
    /// No receipt came.
    Unanswered(Unanswered),
    /// It did not go out.
    Refused(SetError),
    /// This session has no such thing.
    NotSupported,
    /// Too many went out just before.
    RateLimited,
    /// It went to nobody.
    Unsent { why: Unsent, members: Vec<String>, text: Arc<str> },
    /// There is no link, and none that it could wait for.
    Away,
    /// A moderator's request was not done.
    NotModerated(ModerationRefusal, Arc<str>),
    /// The link's own queue has no room, or the far side's.
    LinkFull,
}
