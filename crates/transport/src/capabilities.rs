//! What a transport, and then a session on it, can do.

use crate::Plane;

/// One thing a far side may or may not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// A signaling plane that lives on beside the media.
    SignalingPlane,
    /// A media plane.
    MediaPlane,
    /// Resuming a session on a new socket with the media untouched.
    Resume,
    /// Joining again as the same instance.
    Rejoin,
    /// ICE restart on a living signaling plane.
    IceRestart,
    /// Prompts.
    Prompt,
    /// Reference images.
    Image,
    /// Publishing tracks.
    Publish,
    /// Custom messages between members.
    Messages,
    /// Custom messages to some of the members, named one by one.
    AddressedMessages,
    /// Reactions, shown to all and forgotten.
    Reactions,
    /// A conversation: text to the far side, and what it is doing.
    Conversation,
    /// It names each `Action::Say` in the words that answer it, so that those which are not answered
    /// when the session joins anew can be said again.
    Answers,
    /// An intake for telemetry.
    Telemetry,
    /// What each member publishes is forwarded to the others: the tracks of a
    /// [`Member`](crate::Member) can be received.
    Forwarding,
    /// A queue to wait in.
    Queue,
    /// Rings.
    Rings,
    /// Sessions by (kind, id) without joining.
    Directory,
    /// Acks and refusals for the desired state.
    Acks,
    /// Being a moderator: removing others, muting them, ending for everybody.
    Moderate,
}

impl Capability {
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// How a far side moves a session to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MigrationStyle {
    /// It cannot; a go-away is answered by a rejoin.
    #[default]
    None,
    /// The new link is made while the old one still carries.
    MakeBeforeBreak,
    /// An identity may be there only once: the old link goes first.
    BreakBeforeMake,
}

/// A set of [`Capability`] and the migration style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    bits: u32,
    /// How the far side migrates.
    pub migration: MigrationStyle,
}

impl Capabilities {
    /// Nothing at all.
    pub const NONE: Self = Self { bits: 0, migration: MigrationStyle::None };

    /// This set and one more.
    #[must_use]
    pub const fn with(mut self, capability: Capability) -> Self {
        self.bits |= capability.bit();
        self
    }

    /// This set less one.
    #[must_use]
    pub const fn without(mut self, capability: Capability) -> Self {
        self.bits &= !capability.bit();
        self
    }

    /// This set with another migration style.
    #[must_use]
    pub const fn migrating(mut self, style: MigrationStyle) -> Self {
        self.migration = style;
        self
    }

    /// Is it in the set?
    pub const fn has(self, capability: Capability) -> bool {
        self.bits & capability.bit() != 0
    }

    /// Is there such a plane at all?
    pub const fn has_plane(self, plane: Plane) -> bool {
        match plane {
            Plane::Signaling => self.has(Capability::SignalingPlane),
            Plane::Media => self.has(Capability::MediaPlane),
        }
    }
}
