//! Who can be joined with on this server: the studio, the echo persona, and the others in the room.

use serde::{Deserialize, Serialize};

/// What a member is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Model {
    /// Repaints the picture that it is sent. It is who is joined with where nobody is named.
    #[default]
    Studio,
    /// Says what it heard.
    Echo,
    /// Nobody but the others: what each publishes is forwarded to everybody else.
    Room,
}

/// Kinds of sessions in which people meet: who names nobody there joins with the others.
const MEETINGS: [&str; 2] = ["room", "call"];

impl Model {
    pub(crate) const ALL: [Self; 3] = [Self::Studio, Self::Echo, Self::Room];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Echo => "echo",
            Self::Room => "room",
        }
    }

    /// The one of this name; of none, what a session of this kind is usually joined with.
    pub(crate) fn named(name: Option<&str>, kind: &str) -> Option<Self> {
        match name {
            None if MEETINGS.contains(&kind) => Some(Self::Room),
            None => Some(Self::default()),
            Some(name) => Self::ALL.into_iter().find(|model| model.name() == name),
        }
    }

    /// The names of all of them.
    pub(crate) fn names() -> Vec<String> {
        Self::ALL.iter().map(|model| model.name().to_owned()).collect()
    }
}
