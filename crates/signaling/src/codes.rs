//! The code words of the wire: stable snake_case strings, each list open at the end.
//! A word this build does not know arrives as `Other` and is carried, never an error; which
//! of them ends, delays or retries a session is the lifecycle's business, not decided here.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)*
            /// A word of a later version, kept as it came.
            Other(String),
        }

        impl $name {
            /// Every word this build knows, in the order of the documentation.
            pub const KNOWN: &'static [&'static str] = &[$($word),*];

            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }

            /// The word itself where this build does not know it.
            #[must_use]
            pub fn unknown(&self) -> Option<&str> {
                match self {
                    Self::Other(word) => Some(word),
                    $(Self::$variant => None,)*
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // The far side chose an unknown word: escaped, so that it cannot draw on a terminal (S17).
                write!(f, "{}", self.as_str().escape_debug())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(Cow::<'de, str>::deserialize(deserializer)?.as_ref()))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "maxLength": crate::limits::ID_BYTES,
                    "anyOf": [{ "enum": Self::KNOWN }, { "description": "a word of a later version" }],
                })
            }
        }
    )*

        /// Every list of code words with its name, for the documentation and its tests.
        pub const CODE_LISTS: &[(&str, &[&str])] = &[$((stringify!($name), $name::KNOWN)),*];
    };
}

codes! {
    /// Why a join, a command or a request was refused. Sent in `error`.
    ErrorCode {
        /// No version in common; `supported` says which this end speaks. Fatal.
        Unsupported = "unsupported",
        /// The credential is missing, wrong or for something else. Fatal.
        Unauthorized = "unauthorized",
        /// The credential is out of date: ask the provider, then try again.
        CredentialExpired = "credential_expired",
        /// The credential is good but does not grant this.
        NotPermitted = "not_permitted",
        /// No such session, or no such kind of session.
        NotFound = "not_found",
        /// A session of this kind and id is there already.
        AlreadyExists = "already_exists",
        /// A name, or what is said of a session, is not as this server takes it.
        BadRequest = "bad_request",
        /// No free slot; `retry_after_ms` and `queue_position` say more.
        Busy = "busy",
        /// Waited in the queue too long.
        QueueTimedOut = "queue_timed_out",
        /// The session a resume token or a rejoin names is gone.
        NoSessionToResume = "no_session_to_resume",
        /// A link of the same instance with this or a higher epoch is already there.
        StaleEpoch = "stale_epoch",
        /// The desired state that came with the join was refused; `item` says which part.
        InitialStateRefused = "initial_state_refused",
        /// The far side does not have this model.
        UnknownModel = "unknown_model",
        /// A required feature is missing here.
        FeatureMissing = "feature_missing",
        /// The far side could not make the media connection.
        MediaFailed = "media_failed",
        /// The director of this session is required and cannot be reached.
        ControlFailed = "control_failed",
        /// The ticket is used, expired, or for another session or target.
        TicketRefused = "ticket_refused",
        /// The frame was malformed, oversize or out of order.
        ProtocolError = "protocol_error",
        /// Too many frames, candidates or dials.
        RateLimited = "rate_limited",
        /// The first frame did not come in time.
        TooSlow = "too_slow",
        /// The far side is shutting down.
        ShuttingDown = "shutting_down",
        /// The far side failed; trying again may help.
        Unavailable = "unavailable",
    }

    /// Why a session ended. Sent in `ended`, the only message that ends one.
    EndCode {
        /// Orderly, by the far side.
        Closed = "closed",
        /// The one who left asked for it; the far side confirms.
        LeftByUser = "left_by_user",
        /// A moderator ended the session for everybody.
        EndedForAll = "ended_for_all",
        /// A moderator removed this member.
        Kicked = "kicked",
        /// Another instance of the same identity took the place.
        Replaced = "replaced",
        /// Nothing was asked for too long.
        IdleTimeout = "idle_timeout",
        /// No media came for too long.
        MediaIdle = "media_idle",
        /// The longest allowed duration is over.
        MaxDuration = "max_duration",
        /// The conversation came to its end.
        ConversationEnded = "conversation_ended",
        /// The director of the session is gone.
        ControlLost = "control_lost",
        /// The server is being rotated and there was nowhere to move to.
        ServerRotation = "server_rotation",
        /// The server is shutting down.
        ServerShutdown = "server_shutdown",
        /// Nothing left to pay with.
        OutOfCredit = "out_of_credit",
        /// The content was not acceptable.
        Moderated = "moderated",
        /// The right to be here was withdrawn.
        Unauthorized = "unauthorized",
        /// The two ends cannot work together.
        Unsupported = "unsupported",
        /// The other end broke the protocol.
        ProtocolError = "protocol_error",
        /// Media never came or could not come back.
        MediaLost = "media_lost",
        /// The link was away longer than the resume window.
        NetworkLost = "network_lost",
    }

    /// Why a client says goodbye.
    GoodbyeCode {
        /// The user left.
        LeftByUser = "left_by_user",
        /// The handle was dropped.
        Dropped = "dropped",
        /// A pending join was given up.
        Cancelled = "cancelled",
        /// The device is about to sleep.
        Suspended = "suspended",
        /// The client gave up after it could not recover.
        NetworkLost = "network_lost",
        /// The client gave up because media did not come back.
        MediaLost = "media_lost",
        /// The far side broke the protocol.
        ProtocolError = "protocol_error",
        /// This link is superseded by a newer one of the same instance; the session goes on.
        Superseded = "superseded",
    }

    /// Who caused an ending.
    Party {
        /// The user of this session.
        User = "user",
        /// Another member, a moderator for instance.
        Member = "member",
        /// The server by its own rules.
        Server = "server",
        /// Whoever steers the conversation.
        Director = "director",
    }

    /// Why a resume was not possible. The client rejoins.
    ResumeRefusal {
        /// Reliable messages were lost from the replay buffer.
        ReplayLost = "replay_lost",
        /// The resume window is over.
        WindowOver = "window_over",
        /// The server was restarted and remembers nothing.
        Restarted = "restarted",
        /// The server does not know this session or instance.
        Unknown = "unknown",
        /// The secret is wrong or was rotated away.
        BadSecret = "bad_secret",
        /// Resuming is not offered here.
        NotOffered = "not_offered",
    }

    /// Why the far side wants this client elsewhere.
    GoAwayCode {
        /// The server is about to stop.
        ShuttingDown = "shutting_down",
        /// Load is being spread.
        Rebalance = "rebalance",
        /// The session reached a cap of this server and goes on elsewhere.
        SessionCap = "session_cap",
        /// The server is not well.
        Unhealthy = "unhealthy",
    }

    /// What the far side suggests for a recovery.
    Strategy {
        /// The same session and media on a new socket.
        Resume = "resume",
        /// A new link under the same identity.
        Rejoin = "rejoin",
        /// A new link elsewhere, the old one kept until it carries.
        Migrate = "migrate",
        /// Do not try again.
        Stop = "stop",
    }

    /// Why a fresh credential is needed.
    CredentialNeed {
        /// None was given.
        Missing = "missing",
        /// It is about to expire.
        ExpiresSoon = "expires_soon",
        /// It has expired.
        Expired = "expired",
        /// The other end needs one with more or other grants.
        GrantsChanged = "grants_changed",
    }

    /// What step of the join is under way.
    Step {
        /// Looking for a place: the queue.
        Searching = "searching",
        /// Loading the model, persona or assets.
        Preparing = "preparing",
        /// Connecting media.
        Connecting = "connecting",
    }

    /// Audio or video.
    MediaKind {
        /// Sound.
        Audio = "audio",
        /// Pictures.
        Video = "video",
    }

    /// What a track is encoded in; the encoding names of its media type (RFC 4855), in lower case.
    MediaCodec {
        /// RFC 6184.
        H264 = "h264",
        /// RFC 7741.
        Vp8 = "vp8",
        /// RFC 7587.
        Opus = "opus",
    }

    /// What keeps the far side from wanting more video; the words of the W3C's
    /// `qualityLimitationReason`.
    LimitedBy {
        /// Nothing: it works best with this.
        None = "none",
        /// Its machine does not keep up.
        Cpu = "cpu",
        /// Its network does not carry more.
        Bandwidth = "bandwidth",
        /// Something else.
        SomethingElse = "other",
    }

    /// What a member is to the session.
    Role {
        /// Sends and receives.
        Participant = "participant",
        /// Receives only.
        Viewer = "viewer",
        /// Repaints the video it is sent.
        Studio = "studio",
        /// A generated conversation partner.
        Persona = "persona",
        /// Steers, neither seen nor heard.
        Director = "director",
    }

    /// Is a member there?
    Attendance {
        /// Connected.
        Present = "present",
        /// Silent, inside its resume window.
        Away = "away",
    }

    /// Why a member is no longer in the roster.
    LeaveCode {
        /// It left.
        Left = "left",
        /// It did not come back in time.
        Lost = "lost",
        /// It was removed.
        Kicked = "kicked",
        /// It moved to another server.
        Moved = "moved",
    }

    /// A part of the desired state.
    Item {
        /// The prompt.
        Prompt = "prompt",
        /// The image.
        Image = "image",
        /// The mute flags.
        Muted = "muted",
        /// The set of tracks.
        Tracks = "tracks",
        /// The model.
        Model = "model",
    }

    /// Why a revision of the desired state was refused.
    RefusalCode {
        /// The far side does not understand this prompt or image; `text` says what it would.
        NotUnderstood = "not_understood",
        /// The content is not acceptable.
        Moderated = "moderated",
        /// This member may not change it.
        NotPermitted = "not_permitted",
        /// The far side has no such thing.
        NotSupported = "not_supported",
        /// The image is too large, damaged, or not what its hash says.
        BadImage = "bad_image",
        /// A newer revision was already applied.
        Stale = "stale",
    }

    /// Why a generation ended.
    GenerationEnd {
        /// It ran to its end.
        Completed = "completed",
        /// The client asked for it or stopped sending.
        Stopped = "stopped",
        /// Its allowance is used up.
        OutOfCredit = "out_of_credit",
        /// The longest allowed duration is over.
        MaxDuration = "max_duration",
        /// It failed.
        Failed = "failed",
    }

    /// What the far side can do; also what a client can ask for in `features` and `requires`.
    Feature {
        /// Takes a prompt.
        Prompt = "prompt",
        /// Takes an image.
        Image = "image",
        /// Reports generation.
        Generation = "generation",
        /// Resumes a link on a new socket.
        Resume = "resume",
        /// Restarts ICE on a living session.
        IceRestart = "ice_restart",
        /// Moves a session, the old link kept until the new one carries.
        MakeBeforeBreak = "make_before_break",
        /// Moves a session by a rejoin.
        BreakBeforeMake = "break_before_make",
        /// Carries messages between members.
        Messages = "messages",
        /// Carries messages to some, and answers whether they went.
        AddressedMessages = "addressed_messages",
        /// Carries reactions.
        Reactions = "reactions",
        /// Has a roster.
        Roster = "roster",
        /// Has a queue.
        Queue = "queue",
        /// Has rings.
        Rings = "rings",
        /// Has a data channel.
        Data = "data",
        /// Refreshes credentials in band.
        CredentialRefresh = "credential_refresh",
        /// Tells of sessions, and makes them, without a join.
        Directory = "directory",
        /// Holds a conversation: takes text and says what it is doing.
        Conversation = "conversation",
        /// Names each `say` in the `said` that answers it.
        Answers = "answers",
        /// Takes telemetry.
        Telemetry = "telemetry",
        /// Forwards what each member publishes to the others.
        Forwarding = "forwarding",
        /// Lets this member moderate: remove, mute, end for everybody.
        Moderation = "moderation",
    }

    /// Why a moderator's request was not done.
    ModerationRefusal {
        /// This member is no moderator.
        NotPermitted = "not_permitted",
        /// Nobody of that instance is in the session.
        UnknownMember = "unknown_member",
        /// It names the one who asks, or another instance of the same user.
        Oneself = "oneself",
        /// There is no such kind of media.
        NotSupported = "not_supported",
        /// It is done here, but the server that the session moves to could not be told.
        Unreachable = "unreachable",
    }

    /// Why a message went to none of those it was for.
    RelayRefusal {
        /// Somebody it names is not in the session.
        UnknownMember = "unknown_member",
        /// It names the one who sends it.
        Oneself = "oneself",
        /// Somebody it names is too slow to have more put before them.
        Busy = "busy",
        /// Its sender said more just before than others can be expected to hear. Also of a message to all.
        RateLimited = "rate_limited",
    }

    /// What an entry of telemetry is about.
    Happened {
        /// The session is in `state` from now on.
        State = "state",
        /// A dial is over: `plan`, `step`, `took_ms`, and `error` where it failed.
        Attempt = "attempt",
        /// A `plane` was lost, with the fault as `error`.
        LinkLost = "link_lost",
        /// The link carries again: `plan`, `took_ms`, `media_interrupted_ms`.
        Recovered = "recovered",
        /// A move to another server is over: `moved`.
        Moved = "moved",
        /// The picture of the server stands still.
        PictureStalled = "picture_stalled",
        /// It moves again, or is not due any more: `took_ms`.
        PictureResumed = "picture_resumed",
        /// Something ended the session, or its recovery: `error`.
        Error = "error",
        /// What the link measured: `statistics`.
        Statistics = "statistics",
    }

    /// What the far side of a conversation is doing.
    Mood {
        /// Nothing; it is one's own turn, or nobody's.
        Idle = "idle",
        /// It listens to the user, who speaks.
        UserSpeaking = "user_speaking",
        /// It thinks about its answer.
        Processing = "processing",
        /// It speaks.
        Speaking = "speaking",
    }

    /// Why something that was said was not taken.
    NotTakenCode {
        /// Too much waits already; say it again later.
        Busy = "busy",
    }

    /// Why a ring was not placed.
    RingRefusal {
        /// It names the one who rings.
        Oneself = "oneself",
        /// It names nobody.
        Nobody = "nobody",
        /// None of those it names is known here.
        UnknownUser = "unknown_user",
        /// Too many rings stand, of this user or in all.
        TooMany = "too_many",
        /// Too many rings in a minute.
        RateLimited = "rate_limited",
        /// This user may not ring into this session.
        NotPermitted = "not_permitted",
    }

    /// Why a ring is over.
    RingEnd {
        /// Accepted by another device of the same user.
        AnsweredElsewhere = "answered_elsewhere",
        /// Declined by the one rung.
        Declined = "declined",
        /// Declined by everybody rung.
        DeclinedByAll = "declined_by_all",
        /// Taken back by the one who rang.
        Cancelled = "cancelled",
        /// Nobody answered in time.
        Expired = "expired",
        /// The one rung is in another call.
        Busy = "busy",
        /// The session ended before anybody picked up.
        EndedBeforePickup = "ended_before_pickup",
        /// Both sides rang each other and the other ring survived.
        Glare = "glare",
        /// No such ring.
        Unknown = "unknown",
    }
}
