//! The machine's only notion of time: a duration since the session began, fed in by the host.
//! No clock is read here, nothing is subtracted below zero, and no wall clock exists.

use std::fmt;
use std::time::Duration;

/// A point in a session's life, counted from its beginning, at nanosecond grain.
///
/// The host takes one monotonic reading when the session is built and feeds the distance to it
/// into every call. Good for 584 years, after which it saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Time(u64);

impl Time {
    /// The beginning of the session.
    pub const ZERO: Self = Self(0);
    /// Later than everything: what a deadline that is not set compares as.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The point `elapsed` after the beginning.
    pub const fn after(elapsed: Duration) -> Self {
        Self(nanos(elapsed))
    }

    /// The point this many milliseconds after the beginning.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// How long after the beginning.
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The point `span` later; saturates.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// The point `span` earlier, but never before the beginning.
    #[must_use]
    pub const fn earlier(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds of a duration, saturating.
const fn nanos(span: Duration) -> u64 {
    let nanos = span.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.write_str("never") } else { write!(f, "+{:?}", self.elapsed()) }
    }
}
