//! What is said on a directory link and on a director's link: sessions by kind and id without
//! joining them. Such a link is a socket of its own; its first frame carries the credential, and
//! nothing is allocated before that was judged. Who acts on it is the server.

use crate::codes::{Attendance, Role};
use crate::parts::{Prompt, SessionRef};
use crate::text::{Instance, Secret};
use crate::version::Versions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names a session to be looked at. Answered by `session`; `get` then closes, `watch` goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// The versions this client speaks.
    pub versions: Versions,
    /// Which session.
    pub session: SessionRef,
    /// Proof of the right to look, unless it came in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// A session to be made. Answered by `session`, and then the link closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Make {
    /// The versions this client speaks.
    pub versions: Versions,
    /// Which session.
    pub session: SessionRef,
    /// Proof of the right to make it, unless it came in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
    /// What it shall be. Of a session that is there already, `get_or_create` changes nothing.
    #[serde(default)]
    pub profile: Profile,
}

/// What its maker says of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// The application's own words about it, by name; a name stands once.
    #[serde(default)]
    pub metadata: Vec<Entry>,
    /// How it behaves.
    #[serde(default)]
    pub settings: Settings,
    /// Who may come in, and as what. Nobody named: everybody with a credential for it.
    #[serde(default)]
    pub members: Vec<Invited>,
}

/// One word about a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The application's name for it.
    pub name: String,
    /// The application's content.
    pub value: String,
}

/// How a session behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Nobody comes in while no director is connected, and it ends when the director is gone.
    #[serde(default)]
    pub director_required: bool,
    /// How many may be in it at once; never more than the server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_members: Option<u32>,
}

/// Somebody who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invited {
    /// Who.
    pub user: String,
    /// As what: a `viewer` receives only, whatever its credential grants.
    pub role: Role,
}

/// A session as it stands, complete; a later one of the same link replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// Which session.
    pub session: SessionRef,
    /// The server's id of it.
    pub session_id: String,
    /// Was it made by the request this answers?
    #[serde(default)]
    pub made: bool,
    /// How long ago it was made, in milliseconds.
    pub age_ms: u64,
    /// What its maker said of it.
    #[serde(default)]
    pub profile: Profile,
    /// How many are in it.
    pub present: u32,
    /// Who is in it, the first of them where they are too many for a frame.
    #[serde(default)]
    pub attendees: Vec<Attendee>,
    /// How many wait in its queue.
    #[serde(default)]
    pub waiting: u32,
    /// Is a director connected?
    #[serde(default)]
    pub directed: bool,
}

/// Somebody in a session, as those see it who are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attendee {
    /// Which link it is.
    pub instance: Instance,
    /// Who it is.
    pub user: String,
    /// The name to show; treat it as untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is to the session.
    pub role: Role,
    /// Is it there?
    pub attendance: Attendance,
}

/// The session is not there any more; the link closes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionGone {
    /// Which session.
    pub session: SessionRef,
}

/// Steer everybody in the session; answered by `steered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Steer {
    /// The command's number, repeated by the answer.
    pub id: u64,
    /// What every picture is painted with from here on, until its member asks for something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// Words for every member; they arrive as a `message` of the topic `director`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What came of a `steer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Steered {
    /// The `steer` it answers.
    pub id: u64,
    /// How many members were reached; none where it was refused.
    pub members: u32,
    /// Why the prompt was refused, in words, and what would be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The conversation has come to its end: everybody is told `ended{conversation_ended}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conclude {
    /// Why, for humans.
    #[serde(default)]
    pub text: String,
}

impl Profile {
    /// Words of a later version.
    pub(crate) fn unknown_words(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|invited| invited.role.unknown())
    }
}

impl SessionInfo {
    /// Words of a later version.
    pub(crate) fn unknown_words(&self) -> impl Iterator<Item = &str> {
        let attendees = self.attendees.iter();
        let theirs = attendees.flat_map(|one| one.role.unknown().into_iter().chain(one.attendance.unknown()));
        theirs.chain(self.profile.unknown_words())
    }
}
