//! The pieces messages of both directions are made of: session names, desired state, tracks,
//! descriptions, rosters. The messages themselves are in `client.rs` and `server.rs`.

use crate::codes::{Attendance, Feature, MediaCodec, MediaKind, Mood, NotTakenCode, RelayRefusal, Role};
use crate::text::{Instance, Sdp, Secret};
use crate::video::VideoWish;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names a session: what kind of thing it is, and which one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SessionRef {
    /// The kind, for instance `studio`.
    pub kind: String,
    /// Which one of that kind.
    pub id: String,
}

/// What the client wants the session to be: the whole of it, at one revision. The server acks a
/// revision before the first frame is forwarded or returned under it (R14).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Desired {
    /// Rises with every change, over every recovery.
    pub revision: u64,
    /// The prompt; none where it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// The image, as the SHA-256 of its bytes in lower-case hexadecimal; none where it is cleared.
    /// A server that lacks the bytes says `need_image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The tracks that are muted, by `track`.
    #[serde(default)]
    pub muted: Vec<String>,
    /// The kinds of which every track is muted, also one that is published later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub muted_kinds: Vec<MediaKind>,
}

impl Desired {
    /// Is nothing of this track to come, by its name or by its kind?
    pub fn mutes(&self, track: &Track) -> bool {
        self.muted.contains(&track.track) || self.muted_kinds.contains(&track.kind)
    }
}

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prompt {
    /// The words.
    pub text: String,
    /// May the far side enrich them?
    #[serde(default)]
    pub enhance: bool,
}

/// A track a client publishes or wants to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Track {
    /// The client's name for it, the same over every recovery.
    pub track: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What it is encoded in, where the client says. A server that does not take that answers the offer
    /// without it, and shows the track to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<MediaCodec>,
    /// Where it is in the offer; none before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// Width in pixels, of video, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, of video, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// In a roster: is it muted, so that nothing of it is forwarded? Of no meaning in an offer, where
    /// the desired state says it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
}

/// Tracks of one member that are shown in the roster and not sent to this client, because it is sent as
/// many of others as a client can be. All of that member's that wait: none says that they have a place.
/// The next one is sent when there is room: those first that were published first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Whose they are.
    pub member: Instance,
    /// What the member calls them, in the order of publication.
    #[serde(default)]
    pub tracks: Vec<String>,
}

impl Track {
    /// Its words that this build does not know.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.kind.unknown().into_iter().chain(self.codec.as_ref().and_then(MediaCodec::unknown))
    }
}

/// An offer; only clients make one, so there is no glare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// Rises with each offer of an instance; the answer and `media_fault` repeat it.
    pub negotiation_id: u64,
    /// The session description.
    pub sdp: Sdp,
    /// What is in its sections.
    #[serde(default)]
    pub tracks: Vec<Track>,
}

/// The answer to an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The offer this answers.
    pub negotiation_id: u64,
    /// The session description.
    pub sdp: Sdp,
    /// What the server sends in which section.
    #[serde(default)]
    pub mids: Vec<MidUse>,
}

/// What the server sends in a media section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MidUse {
    /// The section.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Whose track it is; none where it is the session's own, a studio's picture for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Instance>,
    /// That member's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
}

/// One ICE candidate, from either side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The user fragment it belongs to: candidates of an older one are dropped.
    pub ufrag: String,
    /// The media section.
    pub mid: String,
    /// The candidate line, with or without `candidate:` in front (RFC 8839).
    pub candidate: String,
}

/// No more candidates for this user fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndOfCandidates {
    /// The user fragment that is complete.
    pub ufrag: String,
}

/// A STUN or TURN server for the client to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065); judged before use (S14).
    pub urls: Vec<String>,
    /// TURN user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// When a silent link is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Liveness {
    /// How often to ping a quiet link, in milliseconds.
    pub ping_ms: u64,
    /// Silence that means the link is dead, in milliseconds.
    pub silence_ms: u64,
}

/// What the far side can do in this session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// Everything it can do.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// The video it works best with; `video_wanted` changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoWish>,
    /// The models that can be asked for.
    #[serde(default)]
    pub models: Vec<String>,
    /// May this client publish?
    #[serde(default)]
    pub publish: bool,
}

/// Somebody in the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Which link it is; the roster's key.
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
    /// What it publishes.
    #[serde(default)]
    pub tracks: Vec<Track>,
}

/// The state of a session as the server sees it, complete: what is not in it is not so (F10, F11).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SessionSnapshot {
    /// Newest revision of this client's desired state that is applied; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<u64>,
    /// Is a generation under way for this client, and which?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Sections in which media is due from the server right now.
    #[serde(default)]
    pub sending: Vec<MidRef>,
    /// Everybody, this client included, but for those `to_follow` names.
    #[serde(default)]
    pub roster: Vec<Member>,
    /// Who is there as well and has no room in the frame: `member_joined` says the whole of each, behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_follow: Vec<Instance>,
    /// Whose tracks have no place with this client, as `waiting` says it; those that the frame has no room
    /// for are said there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
}

/// Names a media section.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MidRef {
    /// The section.
    pub mid: String,
}

/// What one end knows of the media path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PathReport {
    /// The offer that it is of: the newest whose answer came.
    pub negotiation_id: u64,
    /// Is a check over it answered again, after the silence?
    pub answers: bool,
}

/// A ping, answered at once by `pong` with the same id, whoever sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {
    /// Repeated by the answer.
    pub id: u64,
}

/// The request with this id is of a type this end does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotKnown {
    /// The id the request carried.
    pub id: u64,
    /// The type it named.
    pub what: String,
}

/// Words or data for other members. Arrives once, in order, also over a resume; after a rejoin it
/// may be lost, never doubled. For a member that has more unread than a server keeps for it, it is lost:
/// then that member's link is cut and its resume refused as `replay_lost`, so that it knows of the gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Relay {
    /// The sender's number for it.
    pub id: u64,
    /// From whom; the server fills it in and ignores what a client claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instance>,
    /// To whom; everybody else in the session where nobody is named. Where somebody is, it goes to all
    /// of them or to none, and the server answers with `relayed` or `not_relayed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Instance>,
    /// The application's name for this kind of message.
    pub topic: String,
    /// The application's content. A client of ours says text as a string, and other bytes, or text that
    /// JSON would make long, as `{"base64": "…"}`.
    #[serde(default)]
    pub data: serde_json::Value,
}

/// A message that names its receivers went to all of them; those that are away have it when they are back,
/// and those that another server handed over when they arrive, as much of it as is kept for a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Relayed {
    /// The message this answers.
    pub id: u64,
}

/// A message went to none of those it was for: of one that names them any reason may be why, of one to all
/// only `rate_limited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotRelayed {
    /// The message this answers.
    pub id: u64,
    /// Why.
    pub why: RelayRefusal,
    /// Those that are not in the session, where that is why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Instance>,
    /// For a human.
    #[serde(default)]
    pub text: String,
}

/// A reaction, shown and forgotten. The first thing to be dropped for a member that is behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// From whom; the server fills it in and ignores what a client claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instance>,
    /// The application's word for it, or an emoji.
    pub reaction: String,
}

/// Text of the user's to whoever the conversation is with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Say {
    /// The sender's number for it.
    pub id: u64,
    /// At most 16 KiB.
    pub words: String,
}

/// Text of the far side's, beside its voice or in its place; untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// What it says. Empty where what it answers is answered in another way.
    pub words: String,
    /// The numbers of each `say` that this answers; of what it says by itself none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<u64>,
}

/// Something that was said was not taken, and nothing will come of it. Said before anything else once it
/// arrived, so its acknowledgement is in this very frame unless the link was lost in between: a client
/// reads this first, and takes that for no receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotTaken {
    /// The `say` this answers.
    pub id: u64,
    /// Why.
    pub why: NotTakenCode,
    /// For a human.
    #[serde(default)]
    pub text: String,
}

/// The user is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct KeepAlive {}

/// What the far side of the conversation does from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// What it does.
    pub mood: Mood,
}

/// A ring as its parties see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ring {
    /// The server's id for it; in glare the higher one, compared as text, survives.
    pub ring_id: String,
    /// Rises with every change of the ring; an older one is ignored.
    pub version: u64,
    /// The session it calls into.
    pub session: SessionRef,
    /// Who rings.
    pub user: String,
    /// The name they want to be shown by; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The application's own words about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Which of your own instances placed it; none where it rings here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
    /// When it expires, from now, in milliseconds; 0 is never.
    pub expires_in_ms: u64,
}
