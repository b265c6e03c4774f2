//! What a moderator asks for, and what comes of it (F64).

use crate::fault::coded;
use crate::media::Kind;

/// One request of a moderator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moderation {
    /// Names it in the event that answers.
    pub id: u64,
    /// What is asked for.
    pub act: Moderate,
}

/// What a moderator can have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moderate {
    /// Remove somebody.
    Kick {
        /// Whom, as the roster names it.
        member: String,
    },
    /// Have nothing of a kind of somebody's media go anywhere, or take that back.
    Mute {
        /// Whom, as the roster names it.
        member: String,
        /// Audio or video.
        kind: Kind,
        /// Muted, or let go again?
        muted: bool,
    },
    /// End the session for everybody.
    EndForAll,
}

coded! {
    /// Why a moderator's request was not done.
    ModerationRefusal {
        /// This member is no moderator.
        NotPermitted = "not_permitted",
        /// Nobody of that name is in the session.
        UnknownMember = "unknown_member",
        /// It names the one who asks.
        Oneself = "oneself",
        /// The far side has no such thing.
        NotSupported = "not_supported",
        /// A reason this version does not know.
        Other = "other",
    }
}
