//! Messages between members, reactions and words: what goes out, and why one did not. What comes in is
//! content (`event.rs`); what a moderator asks for is in `moderation.rs`.

use crate::fault::coded;
use bytes::Bytes;

/// A custom message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Names it in the event that answers.
    pub id: u64,
    /// Whom it is for.
    pub to: Whom,
    /// What it is, as the application says: at most [`TOPIC`](Self::TOPIC) bytes, and no control
    /// characters.
    pub topic: String,
    /// At most [`PAYLOAD`](Self::PAYLOAD) bytes, whichever they are.
    pub payload: Bytes,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody else in the session.
    Everybody,
    /// These, as the roster names them, and nobody else; at most [`Outgoing::MEMBERS`]. It goes to all of
    /// them or to none: where one is not there, or none is named, the answer is `Content::Unsent`.
    These(Vec<String>),
}

impl Outgoing {
    /// The longest topic, in bytes.
    pub const TOPIC: usize = 128;
    /// The largest payload, in bytes.
    pub const PAYLOAD: usize = 16 * 1024;
    /// The most members that one message is for.
    pub const MEMBERS: usize = 256;
}

/// Words of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Names it in the event that answers.
    pub id: u64,
    /// At most 16 KiB.
    pub text: String,
}

coded! {
    /// Why a message, a reaction or words did not go to anybody.
    Unsent {
        /// Somebody it is for is not in the session.
        UnknownMember = "unknown_member",
        /// It is for the one who sends it.
        Oneself = "oneself",
        /// Somebody it is for does not keep up with what is said to them; later it may go.
        Busy = "busy",
        /// More was said just before than the others can be expected to hear; later it may go. Also of a
        /// message to all.
        RateLimited = "rate_limited",
        /// The way to the far side cannot carry it as it is.
        Unsayable = "unsayable",
        /// The far side has no such thing.
        NotSupported = "not_supported",
        /// A reason this version does not know.
        Other = "other",
    }
}
