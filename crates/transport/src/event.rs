//! What a connection reports. Facts of the link, and content that only passes by.

use crate::fault::coded;
use crate::media::VideoWanted;
use crate::{
    Capabilities, CredentialWhy, Fault, ModerationRefusal, Plane, RefusedCode, ResumeKey, ResumeRefusal,
    Revision, Secret, Stats, Unsent, UntakenTrack,
};
use bytes::Bytes;
use std::time::Duration;

/// One report. Its epoch is the one of the connection that yields it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A join got one step further.
    Progress(Progress),
    /// The far side answered this dial in any way: from here a failure counts as a try.
    Answered,
    /// It wants a credential; answered by `Action::Credential`.
    NeedCredential(CredentialWhy),
    /// We are in: the signaling plane may be used. Media may still be under way.
    Up(Box<Up>),
    /// Proof, under this epoch, that a plane carries (R5).
    Carried(Plane),
    /// Something came in on a plane; for media also an answer to our own check. Reported at
    /// most ten times a second for each plane.
    Alive(Plane),
    /// An older plane, already judged lost, showed life: dial now.
    PathAlive,
    /// A plane is gone.
    PlaneLost(Plane, Fault),
    /// The dial was refused.
    Refused {
        /// Why.
        code: RefusedCode,
        /// When to try again, if the far side said.
        retry_after: Option<Duration>,
        /// Our place in the queue, if there is one.
        queue_position: Option<u32>,
        /// The far side's own words.
        text: String,
        /// What was refused, for `RefusedCode::InitialState`.
        item: Option<RefusalItem>,
        /// The names that would have been accepted, where the far side said: of its models, for
        /// `RefusedCode::UnknownModel`.
        known: Vec<String>,
    },
    /// The dial failed before the far side let us in.
    DialFailed(Fault),
    /// No resume; rejoin.
    ResumeRefused(ResumeRefusal),
    /// Please move.
    GoAway(GoAwayHint),
    /// How to recover next time.
    Advised(Advice),
    /// The far side took a fresh credential.
    CredentialRefreshed {
        /// How long it is good for, from now.
        expires_in: Option<Duration>,
    },
    /// An answer to `Action::Apply`, or to the state carried by the dial.
    Acked {
        /// The revision answered.
        revision: Revision,
        /// Applied or not.
        verdict: Verdict,
    },
    /// The resume key was rotated; the old one is good until the next frame only.
    ResumeKey(ResumeKey),
    /// Data that passes by the lifecycle.
    Content(Content),
    /// The far side ended the session, for good.
    Ended {
        /// Why.
        code: EndCode,
        /// Its words.
        text: String,
        /// Does it make sense to try again?
        may_retry: bool,
    },
    /// This connection holds nothing any more. Always the last.
    Closed,
}

/// How far a join has come, in the field's five steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Looking for a place; perhaps in a queue.
    Searching {
        /// Place in the queue, 1 is next.
        queue_position: Option<u32>,
        /// The far side's estimate, in its own words.
        eta: Option<String>,
    },
    /// A place is found; models, personas and assets are made ready.
    Preparing {
        /// What is being done, in the far side's words.
        text: Option<String>,
        /// How much of it is done, 0 to 100, where that is known.
        percent: Option<u8>,
    },
    /// The media path is being made.
    Connecting,
}

/// What the far side told us on letting us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// The key for the next resume, with the far side's id of the session in it. `None`
    /// where there is nothing to resume.
    pub key: Option<ResumeKey>,
    /// The far side's id of the session.
    pub session: String,
    /// Was an earlier session taken up again?
    pub resumed: bool,
    /// What can be done on this session.
    pub capabilities: Capabilities,
    /// Its ping and silence times, where it has an opinion.
    pub liveness: Option<Liveness>,
    /// How long it keeps a lost link's place.
    pub resume_window: Option<Duration>,
    /// Until which revision it has the desired state already.
    pub acked: Option<Revision>,
    /// Everyone there, ourselves included, as of now, but for those that `to_follow` names.
    pub roster: Vec<Member>,
    /// Who is there as well, by id, and is said in whole by [`MemberChange::Joined`](crate::MemberChange) in a
    /// moment. Empty where a far side can name everybody at once.
    pub to_follow: Vec<String>,
    /// The video that the far side works best with, where it has an opinion (F58).
    pub video: Option<VideoWanted>,
    /// The models and personas that can be asked for there; empty where it does not say.
    pub models: Vec<String>,
    /// Is something being generated for us as we are let in (F52)? `None` where it does not say: then
    /// a resume goes on as it was, and on every other link nothing is.
    pub generating: Option<bool>,
}

/// Keepalive times of a far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// A ping is due after this much quiet.
    pub ping: Duration,
    /// The link is dead after this much silence.
    pub silence: Duration,
}

/// A request to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAwayHint {
    /// Where to; `None` is "anywhere but here".
    pub url: Option<String>,
    /// Lets us in there.
    pub ticket: Option<Secret>,
    /// How long the old link is kept.
    pub deadline: Option<Duration>,
    /// Why.
    pub reason: GoAwayReason,
}

coded! {
    /// Why a server asks a session to move.
    GoAwayReason {
        /// It shuts down.
        ShuttingDown = "shutting_down",
        /// It spreads its load.
        Rebalance = "rebalance",
        /// Its own cap on a session's length.
        SessionCap = "session_cap",
        /// A reason this version does not know.
        Other = "other",
    }
}

coded! {
    /// How the far side wants the next recovery done (F35).
    Advice {
        /// Resume is fine.
        Resume = "resume",
        /// Do not try to resume.
        Rejoin = "rejoin",
    }
}

coded! {
    /// Which part of the desired state was refused.
    RefusalItem {
        /// The prompt.
        Prompt = "prompt",
        /// The image.
        Image = "image",
        /// The model.
        Model = "model",
        /// A mute level.
        Muted = "muted",
        /// Something this version does not know.
        Other = "other",
    }
}

/// What became of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what the far side has now.
    Applied,
    /// It is not, and why.
    Refused {
        /// Which part.
        item: RefusalItem,
        /// The far side's words.
        text: String,
    },
    /// Another chunk of its image arrived over there; the answer is still to come.
    Progress {
        /// Bytes of the image that have arrived.
        received: u64,
        /// Bytes of the image.
        total: u64,
    },
}

coded! {
    /// Why the far side ended the session.
    EndCode {
        /// An orderly close.
        Closed = "closed",
        /// Somebody ended it for everyone.
        EndedForAll = "ended_for_all",
        /// A moderator removed us.
        Kicked = "kicked",
        /// Another instance of the same identity came.
        Replaced = "replaced",
        /// Nobody did anything for too long.
        IdleTimeout = "idle_timeout",
        /// No media came for too long.
        MediaIdle = "media_idle",
        /// The longest a session may last.
        MaxDuration = "max_duration",
        /// The conversation came to its end.
        ConversationEnded = "conversation_ended",
        /// The director is gone.
        ControlLost = "control_lost",
        /// The server is replaced by another.
        ServerRotation = "server_rotation",
        /// The server goes down.
        ServerShutdown = "server_shutdown",
        /// Nothing left to pay with.
        OutOfCredit = "out_of_credit",
        /// Moderation of content.
        Moderated = "moderated",
        /// The credential was taken back.
        Unauthorized = "unauthorized",
        /// Something needed is not supported.
        Unsupported = "unsupported",
        /// We broke the protocol, says the far side.
        ProtocolError = "protocol_error",
        /// A reason this version does not know.
        Other = "other",
    }
}

/// What the far side of a conversation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mood {
    /// Nothing.
    Idle,
    /// It listens to the user, who speaks.
    UserSpeaking,
    /// It thinks about its answer.
    Processing,
    /// It speaks.
    Speaking,
}

/// Data for the application. Counts as life, never changes a state.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A custom message.
    Message {
        /// Who sent it.
        from: String,
        /// What it is.
        topic: String,
        /// At most 16 KiB.
        payload: Bytes,
    },
    /// A member showed a reaction.
    Reaction {
        /// Who.
        from: String,
        /// A word, or an emoji.
        reaction: String,
    },
    /// What the far side of the conversation is doing from now on.
    Conversation(Mood),
    /// What the far side of the conversation said, as text.
    Said {
        /// What; empty where what it answers is answered in another way.
        text: String,
        /// The ids of each `Action::Say` that this answers, where the far side has
        /// [`Capability::Answers`](crate::Capability::Answers).
        answers: Vec<u64>,
    },
    /// An `Action::Send`, `React` or `Say` went out and was taken by the far side.
    Sent {
        /// Its id.
        id: u64,
    },
    /// An `Action::Send`, `React` or `Say` went to nobody, and will not.
    Unsent {
        /// Its id.
        id: u64,
        /// Why.
        why: Unsent,
        /// The members that are not there, where that is why and it was said.
        members: Vec<String>,
        /// In words.
        text: String,
    },
    /// An `Action::Say` arrived and was not taken: too much waits there already. Nothing comes of it.
    NotTaken {
        /// Its id.
        id: u64,
    },
    /// What came of an `Action::Moderate`.
    Moderated {
        /// Its id.
        id: u64,
        /// Why it was not done, and the far side's words; `None` where it was.
        refused: Option<(ModerationRefusal, String)>,
    },
    /// A moderator muted a kind of our media, or took that back. The far side takes nothing of it
    /// meanwhile.
    Muted {
        /// Who, as the roster names it.
        by: String,
        /// Audio or video.
        kind: crate::media::Kind,
        /// Muted, or let go again?
        muted: bool,
        /// May we unmute by ourselves?
        may_unmute: bool,
    },
    /// The far side wants video of another size or rate from here on (F58).
    VideoWanted(VideoWanted),
    /// Someone came, went or changed.
    Member(MemberChange),
    /// A generation began, ticked or ended.
    Generation(Generation),
    /// The published tracks of which this link sends nothing, all of them, as the newest answer has it: a
    /// level, said when it changes, and once by each link that follows another. None are said by a
    /// transport that does not know. Everything else of the link is as if they were not published; a link
    /// to another far side offers them anew. Before a link of [`Plan::Join`](crate::Plan) is up they are
    /// said just before `Refused` with [`RefusedCode::TrackNotTaken`].
    Untaken(Vec<UntakenTrack>),
    /// A remote track is there, or not any more.
    Track {
        /// The mid.
        mid: String,
        /// Audio or video.
        kind: crate::media::Kind,
        /// Is the far side sending on it?
        sending: bool,
    },
    /// What the link measured in the last second.
    Stats(Box<Stats>),
    /// A message of a type this version does not know, by its type name.
    Other(String),
}

/// Somebody in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Unique in the session; our own is the instance of our dials, as text.
    pub id: String,
    /// To be shown; escape it for a terminal.
    pub name: String,
    /// Lost its link, may be back.
    pub away: bool,
    /// What it publishes, in its own order.
    pub tracks: Vec<MemberTrack>,
}

/// One track that a member publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberTrack {
    /// The member's name for it, the same over every recovery of theirs. Untrusted text.
    pub label: String,
    /// Audio or video.
    pub kind: crate::media::Kind,
    /// Is it muted by its publisher? Nothing comes of it then.
    pub muted: bool,
    /// Does the far side have no place for it on this link? Nothing comes of it until it says otherwise,
    /// with another change of its member.
    pub waits: bool,
}

/// One change of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// New in the roster.
    Joined(Member),
    /// Gone from it.
    Left(Member),
    /// Still there, changed.
    Updated(Member),
}

/// Generation by a live model (F52).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Frames are being made.
    Started,
    /// Time used so far.
    Tick {
        /// In all, for this session.
        used: Duration,
    },
    /// No more frames are made.
    Ended {
        /// The far side's words.
        reason: String,
    },
}
