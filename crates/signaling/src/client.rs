//! What a client says: one enum, one struct per message.
//! Which frames are legal when is said in `docs/protocol.md`; who acts on them is the server.

use crate::codes::{Feature, GoodbyeCode, RingEnd};
use crate::directory::{Conclude, Look, Make, Steer};
use crate::message::messages;
use crate::moderation::{EndForAll, Kick, MuteMember};
use crate::parts::{
    Candidate, Desired, EndOfCandidates, KeepAlive, MidRef, NotKnown, Offer, PathReport, Ping, Reaction,
    Relay, Say, SessionRef, Track,
};
use crate::telemetry::Telemetry;
use crate::text::{Instance, Secret};
use crate::version::Versions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

messages! {
    /// Every message a client sends.
    FromClient, ClientKind {
        /// First frame of a link: come in, or come back under the same session id.
        Join(Join) = "join", plain;
        /// First frame of a link: go on after a lost socket.
        Resume(Resume) = "resume", plain;
        /// First frame of a link to another server: move here.
        Migrate(Migrate) = "migrate", plain;
        /// A new offer on a living socket.
        Offer(Offer) = "offer", plain;
        /// One more ICE candidate.
        Candidate(Candidate) = "candidate", plain;
        /// No more candidates for a ufrag.
        EndOfCandidates(EndOfCandidates) = "end_of_candidates", plain;
        /// This client now sends media in a section.
        Sending(MidRef) = "sending", reliable;
        /// This client has stopped sending in a section, on purpose.
        Paused(MidRef) = "paused", reliable;
        /// Change the desired state.
        Apply(Apply) = "apply", reliable;
        /// A piece of an image the server asked for.
        ImageChunk(ImageChunk) = "image_chunk", plain;
        /// Words or data for other members.
        Message(Relay) = "message", reliable;
        /// A reaction.
        Reaction(Reaction) = "reaction", reliable;
        /// Text to whoever the conversation is with.
        Say(Say) = "say", reliable;
        /// A moderator removes somebody.
        Kick(Kick) = "kick", reliable;
        /// A moderator mutes somebody, or takes that back.
        MuteMember(MuteMember) = "mute_member", reliable;
        /// A moderator ends the session for everybody.
        EndForAll(EndForAll) = "end_for_all", reliable;
        /// I am still here, and the session is not to end as idle.
        KeepAlive(KeepAlive) = "keep_alive", plain;
        /// How the session went, for the one who runs the server.
        Telemetry(Telemetry) = "telemetry", plain;
        /// A fresh credential.
        Credential(Credential) = "credential", plain;
        /// Are you there?
        Ping(Ping) = "ping", plain;
        /// I am here.
        Pong(Ping) = "pong", plain;
        /// The request with this id is unknown here.
        Unsupported(NotKnown) = "unsupported", plain;
        /// I am leaving; nothing follows.
        Goodbye(Goodbye) = "goodbye", plain;
        /// First frame of a presence link: tell me of rings.
        Presence(Presence) = "presence", plain;
        /// Ring somebody.
        Ring(PlaceRing) = "ring", reliable;
        /// Take a ring.
        Accept(Accept) = "accept", reliable;
        /// Refuse a ring.
        Decline(Decline) = "decline", reliable;
        /// Take an own ring back.
        CancelRing(CancelRing) = "cancel_ring", reliable;
        /// What became of this ring?
        RingState(RingRef) = "ring_state", plain;
        /// First frame of a directory link: what is this session?
        Get(Look) = "get", plain;
        /// First frame of a directory link: make this session unless it is there.
        GetOrCreate(Make) = "get_or_create", plain;
        /// First frame of a directory link: make this session; refused where it is there.
        Create(Make) = "create", plain;
        /// First frame of a directory link: tell me of this session as it changes.
        Watch(Look) = "watch", plain;
        /// First frame of a director's link: I steer this session, and watch it.
        Direct(Look) = "direct", plain;
        /// A director steers everybody in the session.
        Steer(Steer) = "steer", plain;
        /// A director ends the conversation.
        Conclude(Conclude) = "conclude", plain;
    }
}

/// Come in. With `rejoin` it comes back: the same session id, instance taken over, state from `desired`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Join {
    /// The versions this client speaks.
    pub versions: Versions,
    /// What it can do or would like.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// What it cannot do without: a server that lacks one refuses with `feature_missing`.
    #[serde(default)]
    pub requires: Vec<Feature>,
    /// Which session.
    pub session: SessionRef,
    /// Which client.
    pub instance: Instance,
    /// Which dial of this client; rises with each. Not above the last one: `stale_epoch`.
    pub epoch: u64,
    /// Proof of the right to be here, unless it came in a header or `join_ticket` stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
    /// One-use right from an accepted ring, in the place of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_ticket: Option<Secret>,
    /// Makes this a rejoin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejoin: Option<Rejoin>,
    /// What the session shall be from its first frame on.
    #[serde(default)]
    pub desired: Desired,
    /// What this client is going to publish.
    #[serde(default)]
    pub tracks: Vec<Track>,
    /// The offer. Without one the server asks by `need_sections`, or by `admitted` after a queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The model or persona.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Wait when there is no free slot? Otherwise busy is an error at once.
    #[serde(default)]
    pub wait_in_queue: bool,
    /// Receive only?
    #[serde(default)]
    pub viewer: bool,
    /// The name to show to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Nodes on which links of this client failed in the present outage, newest last: a server that is one of
    /// them and knows another sends the client there by `go_away`; any other takes it all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
}

/// The right to come back under the same session id after the resume window, from a resume token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejoin {
    /// The server's id of the session, from `joined`.
    pub session_id: String,
    /// The newest resume secret.
    pub secret: Secret,
    /// Refuse with `no_session_to_resume` when the session is gone? Otherwise it is made anew.
    #[serde(default)]
    pub must_exist: bool,
}

/// Go on after a lost socket. Nothing reliable follows before `resumed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resume {
    /// Which session.
    pub session: SessionRef,
    /// The server's id of it, from `joined`.
    pub session_id: String,
    /// Which client.
    pub instance: Instance,
    /// Which dial of this client.
    pub epoch: u64,
    /// The newest resume secret.
    pub secret: Secret,
    /// Newest `seq` of the server's that arrived.
    pub last_seen: u64,
    /// An ICE restart, or the offer that was open when the socket died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The path the client has, where it was lost by nothing but silence. A server that has answered
    /// no offer since, and to whom that path works, leaves the offer of this resume unanswered, and
    /// the path as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathReport>,
}

/// Move here, with a ticket the old server gave. The access token never goes to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Migrate {
    /// The versions this client speaks.
    pub versions: Versions,
    /// What it can do or would like.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// What it cannot do without.
    #[serde(default)]
    pub requires: Vec<Feature>,
    /// Which session.
    pub session: SessionRef,
    /// Which client.
    pub instance: Instance,
    /// Which dial of this client.
    pub epoch: u64,
    /// The one-use ticket from `go_away`.
    pub ticket: Secret,
    /// What the session shall be.
    #[serde(default)]
    pub desired: Desired,
    /// What this client publishes.
    #[serde(default)]
    pub tracks: Vec<Track>,
    /// The offer for the new link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
}

/// Change the desired state; answered by `acked` or `refused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Apply {
    /// The command's number, repeated by the answer.
    pub id: u64,
    /// The whole desired state at its revision.
    pub desired: Desired,
}

/// A piece of an image. At most four are under way unacknowledged (64 KiB).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageChunk {
    /// Which image.
    pub sha256: String,
    /// Where the piece starts, in bytes.
    pub offset: u64,
    /// Size of the whole image, in bytes.
    pub total: u64,
    /// At most 16 KiB, in base64.
    pub bytes: String,
}

/// A fresh credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Credential {
    /// The credential.
    pub credential: Secret,
}

/// Leaving; the server frees the slot at once and answers `ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeCode,
}

/// Watch for rings of this user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// The versions this client speaks.
    pub versions: Versions,
    /// Which device.
    pub instance: Instance,
    /// Which dial of this device.
    pub epoch: u64,
    /// A user credential (it names no session), unless it came in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// Ring somebody into a session; answered by `ring_placed` or `ring_refused`. Placed again for the
/// same instance, after a lost link, it is the same ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceRing {
    /// The command's number, repeated by the answer.
    pub id: u64,
    /// The session to ring into.
    pub session: SessionRef,
    /// The instance that joins when somebody accepts.
    pub instance: Instance,
    /// Whom to ring.
    pub users: Vec<String>,
    /// How long it rings, in milliseconds; 0 is for ever.
    pub timeout_ms: u64,
    /// The name to show to them; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The application's own words about the ring, handed on as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// Take a ring; answered by `accepted` or `gone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accept {
    /// Which ring.
    pub ring_id: String,
    /// The instance that is going to join.
    pub instance: Instance,
}

/// Refuse a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decline {
    /// Which ring.
    pub ring_id: String,
    /// `declined` or `busy`.
    pub reason: RingEnd,
}

/// Take an own ring back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelRing {
    /// Which ring.
    pub ring_id: String,
    /// `cancelled`, or `expired` where its time was over by the clock of the one who rings; anything
    /// else counts as `cancelled`.
    #[serde(default = "cancelled")]
    pub reason: RingEnd,
}

fn cancelled() -> RingEnd {
    RingEnd::Cancelled
}

/// Names a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingRef {
    /// Which ring.
    pub ring_id: String,
}

impl FromClient {
    /// Words of a later version anywhere in the message.
    pub(crate) fn unknown_words(&self) -> Vec<&str> {
        let mut found = Vec::new();
        match self {
            Self::Join(m) => {
                found.extend(m.features.iter().chain(&m.requires).filter_map(Feature::unknown));
                found.extend(m.tracks.iter().flat_map(Track::unknown));
                found.extend(m.offer.iter().flat_map(|o| &o.tracks).flat_map(Track::unknown));
            }
            Self::Resume(m) => {
                found.extend(m.offer.iter().flat_map(|o| &o.tracks).flat_map(Track::unknown));
            }
            Self::Migrate(m) => {
                found.extend(m.features.iter().chain(&m.requires).filter_map(Feature::unknown));
                found.extend(m.tracks.iter().flat_map(Track::unknown));
                found.extend(m.offer.iter().flat_map(|o| &o.tracks).flat_map(Track::unknown));
            }
            Self::Offer(m) => found.extend(m.tracks.iter().flat_map(Track::unknown)),
            Self::Goodbye(m) => found.extend(m.reason.unknown()),
            Self::MuteMember(m) => found.extend(m.kind.unknown()),
            Self::Decline(m) => found.extend(m.reason.unknown()),
            Self::CancelRing(m) => found.extend(m.reason.unknown()),
            Self::Telemetry(m) => {
                found.extend(m.entries.iter().filter_map(|entry| entry.kind.unknown()));
                found.extend(m.entries.iter().filter_map(|entry| entry.step.as_ref()?.unknown()));
            }
            Self::Create(m) | Self::GetOrCreate(m) => found.extend(m.profile.unknown_words()),
            Self::Candidate(_)
            | Self::EndOfCandidates(_)
            | Self::Sending(_)
            | Self::Paused(_)
            | Self::Apply(_)
            | Self::ImageChunk(_)
            | Self::Message(_)
            | Self::Reaction(_)
            | Self::Say(_)
            | Self::Kick(_)
            | Self::EndForAll(_)
            | Self::KeepAlive(_)
            | Self::Credential(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Unsupported(_)
            | Self::Presence(_)
            | Self::Ring(_)
            | Self::Accept(_)
            | Self::RingState(_)
            | Self::Get(_)
            | Self::Watch(_)
            | Self::Direct(_)
            | Self::Steer(_)
            | Self::Conclude(_)
            | Self::Other(_) => {}
        }
        found
    }
}
