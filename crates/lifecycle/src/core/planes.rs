//! Sets of planes: those that a link has, that are lost, that have carried.

use crate::{LinkFacts, Plane};

/// A set of planes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Planes(u8);

impl Planes {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const BOTH: Self = Self(3);

    const fn bit(plane: Plane) -> u8 {
        match plane {
            Plane::Signaling => 1,
            Plane::Media => 2,
        }
    }

    pub(crate) const fn has(self, plane: Plane) -> bool {
        self.0 & Self::bit(plane) != 0
    }

    #[must_use]
    pub(crate) const fn with(self, plane: Plane) -> Self {
        Self(self.0 | Self::bit(plane))
    }

    #[must_use]
    pub(crate) const fn without(self, plane: Plane) -> Self {
        Self(self.0 & !Self::bit(plane))
    }

    pub(crate) const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The planes that such a link has.
    pub(crate) const fn of(facts: &LinkFacts) -> Self {
        let mut planes = Self::NONE;
        if facts.signaling {
            planes = planes.with(Plane::Signaling);
        }
        if facts.media {
            planes = planes.with(Plane::Media);
        }
        planes
    }

    #[cfg(any(test, feature = "walk"))]
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }
}
