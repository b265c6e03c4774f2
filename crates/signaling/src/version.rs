//! Version negotiation: both ends say `[min, max]`, the highest common one is spoken.
//! What a version contains is said in `docs/protocol.md`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version this build speaks, and the only one so far.
pub const VERSION: u32 = 1;

/// A range of versions, `[min, max]` on the wire, `min` ≤ `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Versions {
    min: u32,
    max: u32,
}

/// The range is empty: its minimum is above its maximum. Swap the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version range is [min, max] with min not above max; got [{min}, {max}]")]
pub struct EmptyRange {
    /// The claimed minimum.
    pub min: u32,
    /// The claimed maximum.
    pub max: u32,
}

/// No version in common. Fatal: update the older end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no protocol version in common; this end speaks {} to {}: update the older end", supported.min, supported.max)]
pub struct NoCommonVersion {
    /// What this end speaks; goes out as `supported`.
    pub supported: Versions,
}

impl Versions {
    /// What this build speaks.
    pub const OURS: Versions = Versions { min: VERSION, max: VERSION };

    /// A range; `min` must not be above `max`.
    pub fn new(min: u32, max: u32) -> Result<Self, EmptyRange> {
        if min <= max { Ok(Versions { min, max }) } else { Err(EmptyRange { min, max }) }
    }

    /// Lowest version spoken.
    #[must_use]
    pub fn min(self) -> u32 {
        self.min
    }

    /// Highest version spoken.
    #[must_use]
    pub fn max(self) -> u32 {
        self.max
    }

    /// Does the range hold this version?
    #[must_use]
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// The highest version both speak; `self` is this end.
    ///
    /// # Errors
    /// [`NoCommonVersion`] where the ranges do not touch.
    pub fn negotiate(self, theirs: Versions) -> Result<u32, NoCommonVersion> {
        let highest = self.max.min(theirs.max);
        if highest >= self.min && highest >= theirs.min {
            Ok(highest)
        } else {
            Err(NoCommonVersion { supported: self })
        }
    }
}

impl TryFrom<(u32, u32)> for Versions {
    type Error = EmptyRange;

    fn try_from((min, max): (u32, u32)) -> Result<Self, EmptyRange> {
        Versions::new(min, max)
    }
}

impl From<Versions> for (u32, u32) {
    fn from(versions: Versions) -> Self {
        (versions.min, versions.max)
    }
}

impl JsonSchema for Versions {
    fn schema_name() -> Cow<'static, str> {
        "Versions".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "description": "`[min, max]`",
            "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            "minItems": 2,
            "maxItems": 2,
        })
    }
}
