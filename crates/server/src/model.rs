//! Who can be joined with on this server: the studio, and the echo persona.

use serde::{Deserialize, Serialize};

/// What a member is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Model {
    /// Repaints the picture that it is sent. It is whoever names nobody joins with.
    #[default]
    Studio,
    /// Says what it heard.
    Echo,
}

impl Model {
    pub(crate) const ALL: [Self; 2] = [Self::Studio, Self::Echo];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Echo => "echo",
        }
    }

    /// The one of this name; of none, the first.
    pub(crate) fn named(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::default()),
            Some(name) => Self::ALL.into_iter().find(|model| model.name() == name),
        }
    }

    /// The names of all of them.
    pub(crate) fn names() -> Vec<String> {
        Self::ALL.iter().map(|model| model.name().to_owned()).collect()
    }
}
