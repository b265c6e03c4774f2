//! The small numbers that stand for things the machine must not hold: dials, revisions,
//! credentials, targets. What they stand for lives in the host.

use std::fmt;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id! {
    /// The number of one dial within a session. Rises with every dial and with every leave,
    /// and is never reused: what a transport reports under an older one is dropped.
    Epoch(u32), "e"
}
id! {
    /// The number of one change of the desired state. Rises by at least one per change;
    /// 0 is "nothing was ever asked for".
    Revision(u64), "r"
}
id! {
    /// The number of one command that is not desired state (a message, a moderation call).
    CommandId(u64), "c"
}
id! {
    /// Stands for a credential in the host; the secret itself never enters the machine or a trace.
    CredentialRef(u64), "k"
}
id! {
    /// Stands for an address and ticket that a go-away named; the host keeps them.
    TargetRef(u32), "t"
}
id! {
    /// Stands for one of the user's tracks, or one of the far side's.
    TrackRef(u32), "m"
}
id! {
    /// Stands for a ring; the host keeps the far side's name of it.
    RingRef(u32), "g"
}

impl Epoch {
    /// The epoch of the next dial. Saturates, as does everything here.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Revision {
    /// The revision of the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
