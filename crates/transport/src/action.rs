//! What a host asks of a living connection.

use crate::{Desired, Revision, Secret};
use bytes::Bytes;

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
    /// Send a custom message to the other members.
    Send(Outgoing),
    /// Say goodbye, then close. Bounded by one second.
    Goodbye,
}

/// A custom message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Names it in the event that answers.
    pub id: u64,
    /// What it is, as the application says.
    pub topic: String,
    /// At most 16 KiB.
    pub payload: Bytes,
}

/// The queue of actions has no room; here is the action.
#[derive(Debug, thiserror::Error)]
#[error("the connection's action queue is full; wait for an event and try again")]
pub struct Full(pub Action);
