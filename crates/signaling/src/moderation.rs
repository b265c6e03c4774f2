//! What a moderator says, and what comes of it (F64). Who is one is said by the credential; the
//! server judges it anew for each request.

use crate::codes::{MediaKind, ModerationRefusal};
use crate::text::Instance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Remove somebody; answered by `moderated` or `not_moderated`. The member is ended as `kicked`, with
/// every other instance of the same user, and that user stays out for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kick {
    /// The request's number, repeated by the answer.
    pub id: u64,
    /// Whom.
    pub member: Instance,
}

/// Have nothing of a kind of somebody's media go anywhere, or let them be heard and seen again if they
/// want; answered by `moderated` or `not_moderated`. Nobody is ever unmuted by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuteMember {
    /// The request's number, repeated by the answer.
    pub id: u64,
    /// Whom.
    pub member: Instance,
    /// Audio or video.
    pub kind: MediaKind,
    /// Muted from here on? `false` takes an earlier mute back: what the member does then is its own.
    pub muted: bool,
}

/// End the session for everybody in it; answered by `moderated`, which `ended` follows, or by
/// `not_moderated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndForAll {
    /// The request's number, repeated by the answer.
    pub id: u64,
}

/// It is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moderated {
    /// The request this answers.
    pub id: u64,
}

/// It is not done, and nothing of it is; but for `unreachable`: that is done here, and may not be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotModerated {
    /// The request this answers.
    pub id: u64,
    /// Why.
    pub why: ModerationRefusal,
    /// For a human.
    #[serde(default)]
    pub text: String,
}

/// A moderator muted you, or took that back. Until it is taken back, or this client unmutes by itself
/// where it may, the server takes nothing of this kind from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MutedBy {
    /// Who.
    pub moderator: Instance,
    /// Audio or video.
    pub kind: MediaKind,
    /// Muted, or let go again?
    pub muted: bool,
    /// May this client unmute by itself? Otherwise a state without this mute is refused.
    pub may_unmute: bool,
}
