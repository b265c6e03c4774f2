//! What happens to a session, for its listeners. The order is the contract: an error that
//! ends a session comes before `Ended`, `Ended` is the last, and nothing follows it (R3).
//! How events reach listeners is in `events.rs`.

use crate::quality::Quality;
use crate::track::TrackInfo;
use bytes::Bytes;
use offhook_lifecycle::{
    AcceptFailure, Attempt, CallingState, Cause, EndReason, Fault, JoinErrorKind, MoveReason, Plan, Plane,
    Progress, Revision, StateItem, Unanswered, Who,
};
use offhook_transport::media::{Kind, TrackId, VideoWanted};
use offhook_transport::{Member, Mood, Stats, UntakenTrack};
use std::sync::Arc;
use std::time::Duration;

/// One thing that happened.
///
/// Exhaustive on purpose: a new event breaks the builds that match on all of them, until
/// somebody decides what it means there.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The session is now in this state. Comes before the first I/O that the state does.
    StateChanged(CallingState),
    /// A join got further.
    Progress(Progress),
    /// A dial is over, of a join or of a recovery; with its step, duration and error (F09).
    Attempt(Attempt),
    /// A join from idle failed; the session can be joined again.
    JoinFailed(JoinErrorKind),
    /// An accept failed before the far side had confirmed it; the ring goes on.
    AcceptFailed(AcceptFailure),
    /// One half of the link was lost. The session recovers by itself.
    LinkLost {
        /// Which half.
        plane: Plane,
        /// Why.
        fault: Fault,
    },
    /// The link carries again.
    Recovered {
        /// The plan that did it.
        plan: Plan,
        /// How long the session was away.
        after: Duration,
        /// The longest stretch within it in which no media was heard of, as measured at
        /// the receiver with the grain of a tenth of a second. Zero where media lived on.
        media_interrupted: Duration,
    },
    /// The far side asked for a move to another server, and it has begun.
    MigrationStarted(MoveReason),
    /// The move is over: it succeeded, or a rejoin follows.
    MigrationFinished {
        /// Did the new link carry in time?
        moved: bool,
    },
    /// A change of the desired state has its result. Also for those nobody awaits, and late
    /// results of a change that was `Unconfirmed` (R15).
    Change {
        /// Which change.
        revision: Revision,
        /// What came of it.
        outcome: ChangeOutcome,
    },
    /// Another percent of the image of a change has arrived at the far side, which did not have it
    /// (F51). The change's result follows. While it comes no deadline of the change, nor of a join
    /// or recovery that carries it, ends.
    Uploading {
        /// Which change; the newest that has the image.
        revision: Revision,
        /// Bytes of the image that have arrived.
        received: u64,
        /// Bytes of the image.
        total: u64,
    },
    /// A sent message, reaction or word, or a moderator's request, got no receipt.
    MessageUnanswered {
        /// Its number, as [`Sending::id`](crate::Sending::id) has it.
        id: u64,
        /// What is known of it.
        outcome: Unanswered,
    },
    /// The far side took a sent message, reaction or word.
    MessageTaken {
        /// Its number, as [`Sending::id`](crate::Sending::id) has it.
        id: u64,
    },
    /// A member of the session sent a message.
    Message {
        /// Who. To be escaped before it is shown on a terminal.
        from: String,
        /// What it is, as the application says.
        topic: String,
        /// At most 16 KiB.
        payload: Bytes,
    },
    /// A member of the session showed a reaction.
    Reaction {
        /// Who. To be escaped before it is shown on a terminal, as what follows.
        from: String,
        /// A word, or an emoji.
        reaction: String,
    },
    /// What the far side of the conversation does from now on (F55).
    Conversation(Mood),
    /// What the far side of the conversation said, as text. To be escaped before it is shown on a
    /// terminal.
    Said(String),
    /// A moderator muted a kind of what this session sends, or took that back (F64). Muted by one, the
    /// session has muted itself before this is told, and the far side takes nothing of that kind; it
    /// stays so until the user unmutes. Taken back, nothing is sent before the user says so.
    MutedByModerator {
        /// Who, by the id of the roster.
        by: String,
        /// Audio or video.
        kind: Kind,
        /// Muted, or let go again?
        muted: bool,
        /// May the user unmute? Otherwise the far side refuses it, until a moderator takes it back.
        may_unmute: bool,
    },
    /// What a track of this session is published from came to its end, or broke: nothing more of it goes out until
    /// another source takes its place ([`Session::replace`](crate::Session::replace)); the track stays
    /// published (F60). Told once for each source. A borrowed track has ended for good, and is to be
    /// unpublished.
    SourceEnded {
        /// The track's label.
        label: String,
        /// What broke, with the next step; none where it was over.
        error: Option<String>,
    },
    /// The far side wants video of this size and rate from here on: with a link that came up, or later,
    /// when it does not keep up with more (`limited_by` says why). `None` where it has no opinion any
    /// more. What the session publishes is scaled to it already, where its source can (F58).
    VideoWanted(Option<VideoWanted>),
    /// Somebody came.
    MemberJoined(Member),
    /// Somebody went.
    MemberLeft(Member),
    /// Somebody changed, or lost their link.
    MemberUpdated(Member),
    /// The far side does not take a track of this session's: `why` says whether it is the codec, which is
    /// named, or the section. Nothing is sent of it, and everything else goes on as if it were not
    /// published; a link to another far side offers it anew. Told once for as long as it is published and
    /// not taken, over every recovery. A join that publishes one fails instead, as
    /// `JoinErrorKind::TrackNotTaken`. Unpublish it, or publish it in another codec (F60).
    TrackNotTaken(UntakenTrack),
    /// A track of this session's that was not taken is taken now, by its label: after a move or a rejoin
    /// to a far side that does (F60).
    TrackTaken(String),
    /// Another member publishes a track: from the beginning, or later. Take a handle with
    /// [`Session::track`](crate::Session::track) (F62).
    TrackAdded(TrackInfo),
    /// A track of another member is gone for good, with the member or without; its handles end.
    TrackRemoved(TrackInfo),
    /// A track of another member was muted by its publisher: nothing comes of it.
    TrackMuted(TrackId),
    /// A track of another member is heard or seen again.
    TrackUnmuted(TrackId),
    /// A track of another member waits for a place: the far side sends this session as many as it can
    /// already. It is in the list and can be taken, and nothing comes of it until then (F62).
    TrackWaits(TrackId),
    /// A track of another member that waited has a place, and comes.
    TrackComes(TrackId),
    /// The far side sends in a section, or pauses. Whose track that is in a room, see `TrackAdded`.
    RemoteTrack {
        /// Its mid.
        mid: String,
        /// Audio or video.
        kind: Kind,
        /// Is the far side sending on it?
        sending: bool,
    },
    /// The picture stands still: the far side says that it sends on a track, and no frame came for
    /// more than two seconds. Judged once a second, by what arrives, while the session is joined or moves; in
    /// an outage nothing begins to. The session does nothing about it: what is lost is recovered by
    /// itself (F71).
    PictureStalled {
        /// The track's mid.
        mid: String,
    },
    /// The picture moves again, or is not due any more. The session's end ends a stall without a word.
    PictureResumed {
        /// The track's mid.
        mid: String,
        /// How long it stood still: from when a frame was last seen to have come, to a second.
        after: Duration,
    },
    /// The link is this good from now on (F72): when it is first known, also after an outage, and
    /// whenever it changes. An outage itself is told by the state.
    QualityChanged(Quality),
    /// The far side began to generate (F52).
    GenerationStarted,
    /// Time generated so far, in all of the session, over every link of it.
    GenerationTick {
        /// As counted by the far side; the embedded server counts while pictures go out.
        used: Duration,
    },
    /// The far side ended generating, or the link that takes the place of the one it began on does
    /// not go on with it.
    GenerationEnded {
        /// Its own words; `the link was lost` where it said no end.
        reason: String,
    },
    /// What the link measured in the last second.
    Stats(Box<Stats>),
    /// The far side sent something that this version has no word for; its type name (R19).
    Unknown(String),
    /// This listener was slow and so many events are lost to it; here is where things stand.
    /// Other listeners are not concerned.
    Missed {
        /// How many.
        count: u64,
        /// The state as of now.
        state: CallingState,
    },
    /// Something ended the session or ended its recovery. If it ended the session, `Ended`
    /// comes next.
    Error(ErrorReport),
    /// It is over. The last event.
    Ended(Ended),
}

/// What came of a change of the desired state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The far side has it in effect.
    Applied,
    /// A later change covers all of it.
    Superseded,
    /// The far side said no; the wish is withdrawn.
    Refused {
        /// To what.
        item: StateItem,
        /// In its own words.
        text: Arc<str>,
    },
    /// No answer in time; the wish stands, and its result will come as another event.
    Unconfirmed,
    /// It was taken back while unconfirmed.
    Withdrawn,
    /// The session ended first.
    Ended,
}

/// An error, with everything a log needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// The far side's id of the session, where it had one.
    pub session: Option<Arc<str>>,
    /// What went wrong; its `Display` gives the next step.
    pub cause: Cause,
    /// The far side's own words, if it had any.
    pub text: Option<Arc<str>>,
}

impl ErrorReport {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.cause.code()
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The far side's id of the session, where it had one.
    pub session: Option<Arc<str>>,
    /// Why.
    pub reason: EndReason,
    /// Who ended it.
    pub who: Who,
    /// Does joining again make sense without anybody changing anything?
    pub may_retry: bool,
}
