//! What a host asks of a living connection.

use crate::media::LocalTrack;
use crate::{Desired, Moderation, Outgoing, Revision, Secret, Telemetry, Words};

/// One request to the far side. Results come back as events.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Make the far side have this desired state; answered by `Event::Acked` of the revision.
    Apply {
        /// The revision that `desired` is.
        revision: Revision,
        /// The whole desired state.
        desired: Desired,
    },
    /// A credential that was asked for, or a fresh one.
    Credential(Secret),
    /// Ask for a sign of life on both planes.
    Ping,
    /// Make the media path anew over the living signaling plane.
    RestartIce,
    /// From here on these tracks are published, in this order, and no others: one that is new is
    /// offered to the far side, one that is missing is taken back, and the rest is not touched. What
    /// is under way when the link goes is in the next dial.
    Publish(Vec<LocalTrack>),
    /// Send a custom message to the other members, or to some; answered by `Content::Sent` or
    /// `Content::Unsent`.
    Send(Outgoing),
    /// Show a reaction to the other members; answered as a message is.
    React(Words),
    /// Say something to whoever the conversation is with; answered as a message is.
    Say(Words),
    /// Have something done as a moderator; answered by `Content::Moderated`.
    Moderate(Moderation),
    /// Say that the user is still there, so that the far side does not end the session as idle.
    KeepAlive,
    /// Tell the far side how the session went; best effort, never answered. Refused as full where it
    /// would take the last room of the queue: that is a goodbye's.
    Telemetry(Box<Telemetry>),
    /// Say goodbye, then close. Bounded by one second.
    Goodbye,
}

/// The queue of actions has no room; here is the action.
#[derive(Debug, thiserror::Error)]
#[error("the connection's action queue is full; wait for an event and try again")]
pub struct Full(pub Action);
