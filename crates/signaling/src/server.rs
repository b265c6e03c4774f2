//! What a server says: one enum, one struct per message.
//! Only `ended` ends a session; everything else, also a closed socket, is loss (design: ending).

use crate::codes::{
    CredentialNeed, EndCode, ErrorCode, GenerationEnd, GoAwayCode, Item, LeaveCode, Party, RefusalCode,
    ResumeRefusal, RingEnd, RingRefusal, Step, Strategy,
};
use crate::directory::{SessionGone, SessionInfo, Steered};
use crate::message::messages;
use crate::moderation::{Moderated, MutedBy, NotModerated};
use crate::parts::{
    Answer, Candidate, Capabilities, Conversation, EndOfCandidates, IceServer, Liveness, Member, MidRef,
    NotKnown, NotRelayed, NotTaken, Ping, Reaction, Relay, Relayed, Ring, Said, SessionSnapshot, Track,
    Waiting,
};
use crate::text::{Instance, Secret};
use crate::version::Versions;
use crate::video::VideoWish;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

messages! {
    /// Every message a server sends.
    FromServer, ServerKind {
        /// You are in.
        Joined(Joined) = "joined", plain;
        /// The link goes on; first frame of a resumed one.
        Resumed(Resumed) = "resumed", plain;
        /// The link cannot go on: rejoin.
        ResumeRefused(ResumeRefused) = "resume_refused", plain;
        /// You wait.
        Queued(Queued) = "queued", plain;
        /// Your turn: send an offer.
        Admitted(Admitted) = "admitted", plain;
        /// How far the join is.
        Progress(Progress) = "progress", plain;
        /// The answer to an offer.
        Answer(Answer) = "answer", plain;
        /// Make an offer with room for this many more sections.
        NeedSections(NeedSections) = "need_sections", plain;
        /// One more ICE candidate.
        Candidate(Candidate) = "candidate", plain;
        /// No more candidates for a ufrag.
        EndOfCandidates(EndOfCandidates) = "end_of_candidates", plain;
        /// The server now sends media in a section: inbound is due (R5).
        Sending(MidRef) = "sending", reliable;
        /// The server has stopped sending in a section, on purpose.
        Paused(MidRef) = "paused", reliable;
        /// The server's media side says this connection is broken.
        MediaFault(MediaFault) = "media_fault", plain;
        /// A revision of the desired state is applied.
        Acked(Acked) = "acked", reliable;
        /// A revision of the desired state is refused and withdrawn.
        Refused(Refused) = "refused", reliable;
        /// The server lacks the bytes of an image.
        NeedImage(NeedImage) = "need_image", reliable;
        /// A piece of an image arrived.
        ImageChunkAck(ImageChunkAck) = "image_chunk_ack", plain;
        /// Video of another size or rate is wanted from here on.
        VideoWanted(VideoWish) = "video_wanted", reliable;
        /// Tracks of a member have no place with this client, or have one again.
        Waiting(Waiting) = "waiting", reliable;
        /// A generation began.
        GenerationStarted(GenerationStarted) = "generation_started", reliable;
        /// A generation goes on.
        GenerationTick(GenerationTick) = "generation_tick", reliable;
        /// A generation ended.
        GenerationEnded(GenerationEnded) = "generation_ended", reliable;
        /// Words or data from another member.
        Message(Relay) = "message", reliable;
        /// A message to some members went to them.
        Relayed(Relayed) = "relayed", reliable;
        /// A message to some members went to none of them.
        NotRelayed(NotRelayed) = "not_relayed", reliable;
        /// A reaction of another member.
        Reaction(Reaction) = "reaction", reliable;
        /// What the far side of the conversation is doing now.
        Conversation(Conversation) = "conversation", reliable;
        /// Text of the far side of the conversation.
        Said(Said) = "said", reliable;
        /// What was said was not taken.
        NotTaken(NotTaken) = "not_taken", reliable;
        /// A moderator's request is done.
        Moderated(Moderated) = "moderated", reliable;
        /// A moderator's request is not done.
        NotModerated(NotModerated) = "not_moderated", reliable;
        /// A moderator muted this member, or took that back.
        MutedBy(MutedBy) = "muted_by", reliable;
        /// Somebody came.
        MemberJoined(MemberChange) = "member_joined", reliable;
        /// Somebody changed.
        MemberUpdated(MemberChange) = "member_updated", reliable;
        /// Somebody is gone.
        MemberLeft(MemberLeft) = "member_left", reliable;
        /// Go elsewhere.
        GoAway(GoAway) = "go_away", reliable;
        /// The fresh credential is accepted.
        CredentialRefreshed(CredentialRefreshed) = "credential_refreshed", plain;
        /// A fresh credential is needed.
        NeedCredential(NeedCredential) = "need_credential", plain;
        /// Are you there?
        Ping(Ping) = "ping", plain;
        /// I am here.
        Pong(Ping) = "pong", plain;
        /// The request with this id is unknown here.
        Unsupported(NotKnown) = "unsupported", plain;
        /// The session is over for you. The only message that ends one.
        Ended(Ended) = "ended", plain;
        /// Refused; the socket closes after it.
        Error(Error) = "error", plain;
        /// The presence link is up; the rings as they stand.
        Present(Present) = "present", plain;
        /// Your ring is placed.
        RingPlaced(RingPlaced) = "ring_placed", reliable;
        /// Your ring is not placed.
        RingRefused(RingRefused) = "ring_refused", reliable;
        /// It rings here, or the ring changed.
        Ring(Ring) = "ring", reliable;
        /// The ring is taken: join.
        Accepted(Accepted) = "accepted", reliable;
        /// The ring is over.
        Gone(Gone) = "gone", reliable;
        /// The session as it stands: to a directory link, and again whenever it changes.
        Session(SessionInfo) = "session", plain;
        /// The session that was watched is not there any more.
        SessionGone(SessionGone) = "session_gone", plain;
        /// What came of a `steer`.
        Steered(Steered) = "steered", plain;
    }
}

/// You are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// The version spoken from here on.
    pub version: u32,
    /// The server's id of this session, kept over a rejoin.
    pub session_id: String,
    /// Did a rejoin find its session?
    #[serde(default)]
    pub resumed: bool,
    /// 256 random bits that allow a resume, base64url or hexadecimal; rotated at each resume.
    pub resume_secret: Secret,
    /// How long a lost link can be resumed, in milliseconds; 0 is never.
    pub resume_window_ms: u64,
    /// When a silent link is dead.
    pub liveness: Liveness,
    /// ICE servers to set before the offer is applied.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// The answer to the offer of the join; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What the far side can do: the truth for this session.
    pub capabilities: Capabilities,
    /// How long the credential is good, from now, in milliseconds; refresh at 80 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The session as it stands.
    pub snapshot: SessionSnapshot,
    /// Which node of the service this is, for `join.avoid`; a server that is alone may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// The link goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// Newest `seq` of the client's that arrived; the client replays what is above it.
    pub last_seen: u64,
    /// The epoch of the `resume` this answers.
    pub epoch: u64,
    /// The next resume secret; the previous one is valid until the first frame on the new link.
    pub secret: Secret,
    /// The session as it stands now. Replayed changes that follow led to it and are safe to apply again.
    pub snapshot: SessionSnapshot,
    /// The answer to the offer of the resume; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Which node of the service this is, as in `joined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// The link cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumeRefused {
    /// Why.
    pub why: ResumeRefusal,
    /// Spread the rejoins over this long, in milliseconds (a restarted server says it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// You wait. An offer that came with the join is discarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// How many are before you; 0 is next.
    pub position: u32,
    /// A guess for humans, in the server's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<String>,
}

/// Your turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Admitted {
    /// ICE servers to set before the offer is made.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// How far the join is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// The step under way.
    pub step: Step,
    /// What is being done, for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How much of this step is done, 0 to 100, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

/// Make an offer with this many more receiving sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedSections {
    /// More audio sections.
    pub audio: u32,
    /// More video sections.
    pub video: u32,
}

/// The media connection of this negotiation is broken as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaFault {
    /// The newest negotiation it is about.
    pub negotiation_id: u64,
    /// What happened, for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A revision is applied, and every older one with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acked {
    /// The revision.
    pub revision: u64,
    /// The `apply` it answers; none for the desired state of a join or migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

/// A revision is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The revision.
    pub revision: u64,
    /// The `apply` it answers; none for the desired state of a join or migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Which part of it.
    pub item: Item,
    /// Why.
    pub code: RefusalCode,
    /// Why, for humans, and what would be accepted.
    #[serde(default)]
    pub text: String,
}

/// Send the bytes of this image in chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedImage {
    /// Which image.
    pub sha256: String,
}

/// Everything of this image before `received` has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageChunkAck {
    /// Which image.
    pub sha256: String,
    /// How many bytes from its start have arrived.
    pub received: u64,
}

/// A generation began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationStarted {
    /// Rises with each generation of a session.
    pub generation: u64,
}

/// A generation goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationTick {
    /// Which one.
    pub generation: u64,
    /// How much all of the session's generations used so far, in milliseconds. Time in which nothing was
    /// generated, of a camera that is muted for instance, is not in it.
    pub used_ms: u64,
}

/// A generation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationEnded {
    /// Which one.
    pub generation: u64,
    /// How much all of the session's generations used, in milliseconds.
    pub used_ms: u64,
    /// Why.
    pub reason: GenerationEnd,
}

/// Somebody came or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberChange {
    /// The member as it is now.
    pub member: Member,
}

/// Somebody is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLeft {
    /// Which member.
    pub instance: Instance,
    /// Why.
    pub reason: LeaveCode,
}

/// Go elsewhere, or get ready for this server to be gone. The old link is closed without `ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoAway {
    /// The URL to go to; none where the client finds its own way. Judged before use (S14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// One-use right to move there, good for at most 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Secret>,
    /// When this server closes the link, from now, in milliseconds.
    pub deadline_ms: u64,
    /// Why.
    pub reason: GoAwayCode,
    /// How the server would like it done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
}

/// The fresh credential is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialRefreshed {
    /// How long it is good, from now, in milliseconds.
    pub expires_in_ms: u64,
}

/// A fresh credential is needed; on a dial its deadline waits for it, at most 5 s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedCredential {
    /// Why.
    pub why: CredentialNeed,
}

/// The session is over for this client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Why.
    pub reason: EndCode,
    /// Who caused it.
    pub by: Party,
    /// Why, for humans.
    #[serde(default)]
    pub text: String,
    /// Does a new join make sense?
    #[serde(default)]
    pub may_retry: bool,
}

/// Refused. After the upgrade this is the only way a server refuses; it then closes the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// Why.
    pub code: ErrorCode,
    /// Why, for humans, with the next step.
    #[serde(default)]
    pub text: String,
    /// When to try again, from now, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// How many are waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u32>,
    /// The versions this server speaks, with `unsupported`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported: Option<Versions>,
    /// The part of the desired state, with `initial_state_refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// The names that would have been accepted, with `unknown_model` or `feature_missing`.
    #[serde(default)]
    pub known: Vec<String>,
}

impl Error {
    /// An error with a code and a text, the rest empty.
    #[must_use]
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Error {
            code,
            text: text.into(),
            retry_after_ms: None,
            queue_position: None,
            supported: None,
            item: None,
            known: Vec::new(),
        }
    }
}

/// The presence link is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Present {
    /// The version spoken from here on.
    pub version: u32,
    /// When a silent link is dead.
    pub liveness: Liveness,
    /// Every ring that stands, incoming and outgoing.
    #[serde(default)]
    pub rings: Vec<Ring>,
    /// ICE servers, so that a join can carry its offer.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// Your ring is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingPlaced {
    /// The `ring` it answers.
    pub id: u64,
    /// The ring.
    pub ring: Ring,
}

/// Your ring is not placed; nothing rings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingRefused {
    /// The `ring` it answers.
    pub id: u64,
    /// Why.
    pub why: RingRefusal,
    /// Why, for humans, with the next step.
    #[serde(default)]
    pub text: String,
}

/// The ring is taken; both sides get one, each with its own ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Which ring.
    pub ring_id: String,
    /// Who took it.
    pub user: String,
    /// One-use right to join.
    pub join_ticket: Secret,
    /// ICE servers, so that the join can carry its offer.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// The ring is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// Which ring.
    pub ring_id: String,
    /// Why.
    pub why: RingEnd,
    /// The ring that survived, with `glare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survivor: Option<String>,
}

impl FromServer {
    /// Words of a later version anywhere in the message.
    pub(crate) fn unknown_words(&self) -> Vec<&str> {
        let mut found = Vec::new();
        match self {
            Self::Joined(m) => {
                found.extend(m.answer.iter().flat_map(|a| &a.mids).filter_map(|u| u.kind.unknown()));
                found.extend(m.capabilities.features.iter().filter_map(|f| f.unknown()));
                found.extend(m.capabilities.video.iter().filter_map(|v| v.limited_by.unknown()));
                found.extend(m.snapshot.roster.iter().flat_map(member_words));
            }
            Self::Resumed(m) => {
                found.extend(m.answer.iter().flat_map(|a| &a.mids).filter_map(|u| u.kind.unknown()));
                found.extend(m.snapshot.roster.iter().flat_map(member_words));
            }
            Self::ResumeRefused(m) => found.extend(m.why.unknown()),
            Self::Progress(m) => found.extend(m.step.unknown()),
            Self::Answer(m) => found.extend(m.mids.iter().filter_map(|u| u.kind.unknown())),
            Self::Refused(m) => found.extend(m.item.unknown().into_iter().chain(m.code.unknown())),
            Self::GenerationEnded(m) => found.extend(m.reason.unknown()),
            Self::MemberJoined(m) | Self::MemberUpdated(m) => found.extend(member_words(&m.member)),
            Self::MemberLeft(m) => found.extend(m.reason.unknown()),
            Self::GoAway(m) => {
                found.extend(m.reason.unknown());
                found.extend(m.strategy.as_ref().and_then(Strategy::unknown));
            }
            Self::NeedCredential(m) => found.extend(m.why.unknown()),
            Self::Ended(m) => found.extend(m.reason.unknown().into_iter().chain(m.by.unknown())),
            Self::Error(m) => {
                found.extend(m.code.unknown());
                found.extend(m.item.as_ref().and_then(Item::unknown));
            }
            Self::Gone(m) => found.extend(m.why.unknown()),
            Self::RingRefused(m) => found.extend(m.why.unknown()),
            Self::Conversation(m) => found.extend(m.mood.unknown()),
            Self::NotTaken(m) => found.extend(m.why.unknown()),
            Self::NotModerated(m) => found.extend(m.why.unknown()),
            Self::NotRelayed(m) => found.extend(m.why.unknown()),
            Self::MutedBy(m) => found.extend(m.kind.unknown()),
            Self::VideoWanted(m) => found.extend(m.limited_by.unknown()),
            Self::Session(m) => found.extend(m.unknown_words()),
            Self::Queued(_)
            | Self::Admitted(_)
            | Self::NeedSections(_)
            | Self::Waiting(_)
            | Self::Candidate(_)
            | Self::EndOfCandidates(_)
            | Self::Sending(_)
            | Self::Paused(_)
            | Self::MediaFault(_)
            | Self::Acked(_)
            | Self::NeedImage(_)
            | Self::ImageChunkAck(_)
            | Self::GenerationStarted(_)
            | Self::GenerationTick(_)
            | Self::Message(_)
            | Self::Relayed(_)
            | Self::Reaction(_)
            | Self::Said(_)
            | Self::Moderated(_)
            | Self::CredentialRefreshed(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Unsupported(_)
            | Self::Present(_)
            | Self::RingPlaced(_)
            | Self::Ring(_)
            | Self::Accepted(_)
            | Self::SessionGone(_)
            | Self::Steered(_)
            | Self::Other(_) => {}
        }
        found
    }
}

fn member_words(member: &Member) -> Vec<&str> {
    let kinds = member.tracks.iter().flat_map(Track::unknown);
    member.role.unknown().into_iter().chain(member.attendance.unknown()).chain(kinds).collect()
}
