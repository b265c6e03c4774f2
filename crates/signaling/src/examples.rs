//! One or more example values of every message: the documentation shows them, the fuzz corpora
//! start from them, the tests hold the schema to them. A message without one does not compile.

mod directory;
mod moderation;
mod telemetry;

use crate::codes::*;
use crate::{
    Accept, Accepted, Acked, Admitted, Answer, Apply, CancelRing, Candidate, Capabilities, ClientKind,
    Conversation, Credential, CredentialRefreshed, Decline, Desired, EndOfCandidates, Ended, Error,
    FromClient, FromServer, GenerationEnded, GenerationStarted, GenerationTick, GoAway, Gone, Goodbye,
    IceServer, ImageChunk, ImageChunkAck, Instance, Join, Joined, KeepAlive, Liveness, MediaFault, Member,
    MemberChange, MemberLeft, MidRef, MidUse, Migrate, NeedCredential, NeedImage, NeedSections, NotKnown,
    NotRelayed, NotTaken, Offer, PathReport, Ping, PlaceRing, Presence, Present, Progress, Prompt, Queued,
    Reaction, Refused, Rejoin, Relay, Relayed, Resume, ResumeRefused, Resumed, Ring, RingPlaced, RingRef,
    RingRefused, Said, Say, Sdp, Secret, ServerKind, SessionRef, SessionSnapshot, Track, Versions, VideoWish,
    Waiting,
};

/// A small, real-looking offer: one video section, one data channel, everything the checks want.
pub const SDP: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
a=group:BUNDLE 0 1\r\na=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2\r\n\
a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g==\r\na=ice-options:trickle\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:actpass\r\na=sendrecv\r\na=rtcp-mux\r\n\
a=rtpmap:102 H264/90000\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=setup:actpass\r\na=sctp-port:5000\r\n";

/// A host candidate that belongs to [`SDP`].
pub const CANDIDATE: &str = "candidate:1 1 udp 2130706431 192.0.2.17 50000 typ host";

/// A SHA-256 in the form the wire wants: that of no bytes at all.
pub const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const OURS: Instance = Instance(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
/// Of somebody who is named and not said yet.
const LATE: Instance = Instance(0x0f1e_2d3c_4b5a_6978_8796_a5b4_c3d2_e1f0);
const THEIRS: Instance = Instance(0xfedc_ba98_7654_3210_fedc_ba98_7654_3210);

/// Every example of a client's message.
#[must_use]
pub fn from_client() -> Vec<FromClient> {
    ClientKind::ALL.iter().flat_map(|kind| client_examples(*kind)).collect()
}

/// Every example of a server's message.
#[must_use]
pub fn from_server() -> Vec<FromServer> {
    ServerKind::ALL.iter().flat_map(|kind| server_examples(*kind)).collect()
}

/// The examples of one type, at least one.
#[must_use]
pub fn client_examples(kind: ClientKind) -> Vec<FromClient> {
    match kind {
        ClientKind::Join => {
            vec![FromClient::Join(join()), FromClient::Join(rejoin()), FromClient::Join(rung())]
        }
        ClientKind::Resume => vec![
            FromClient::Resume(resume(None)),
            FromClient::Resume(resume(Some(Offer { negotiation_id: 2, ..offer() }))),
        ],
        ClientKind::Migrate => vec![FromClient::Migrate(Migrate {
            versions: Versions::OURS,
            features: vec![Feature::MakeBeforeBreak],
            requires: vec![],
            session: session(),
            instance: OURS,
            epoch: 4,
            ticket: Secret::new("bWlncmF0ZS1vbmNl"),
            desired: desired(),
            tracks: vec![track()],
            offer: Some(offer()),
        })],
        ClientKind::Offer => vec![FromClient::Offer(offer())],
        ClientKind::Candidate => vec![FromClient::Candidate(candidate())],
        ClientKind::EndOfCandidates => {
            vec![FromClient::EndOfCandidates(EndOfCandidates { ufrag: "F7gI".to_owned() })]
        }
        ClientKind::Sending => vec![FromClient::Sending(mid())],
        ClientKind::Paused => vec![FromClient::Paused(mid())],
        ClientKind::Apply => vec![
            FromClient::Apply(Apply { id: 12, desired: desired() }),
            FromClient::Apply(Apply { id: 13, desired: Desired { revision: 9, ..Desired::default() } }),
        ],
        ClientKind::ImageChunk => vec![FromClient::ImageChunk(ImageChunk {
            sha256: SHA256.to_owned(),
            offset: 0,
            total: 12,
            bytes: "iVBORw0KGgoAAAAN".to_owned(),
        })],
        ClientKind::Message => {
            let to_some = Relay { id: 6, from: None, to: vec![THEIRS], ..relay() };
            vec![FromClient::Message(Relay { from: None, ..relay() }), FromClient::Message(to_some)]
        }
        ClientKind::Reaction => {
            vec![FromClient::Reaction(Reaction { from: None, reaction: "applause".to_owned() })]
        }
        ClientKind::Say => {
            vec![FromClient::Say(Say { id: 14, words: "how far is it to the sea?".to_owned() })]
        }
        ClientKind::Kick => moderation::kick(),
        ClientKind::MuteMember => moderation::mute_member(),
        ClientKind::EndForAll => moderation::end_for_all(),
        ClientKind::KeepAlive => vec![FromClient::KeepAlive(KeepAlive {})],
        ClientKind::Telemetry => telemetry::batches(),
        ClientKind::Credential => {
            vec![FromClient::Credential(Credential { credential: Secret::new("header.claims.signature") })]
        }
        ClientKind::Ping => vec![FromClient::Ping(Ping { id: 41 })],
        ClientKind::Pong => vec![FromClient::Pong(Ping { id: 42 })],
        ClientKind::Unsupported => vec![FromClient::Unsupported(not_known())],
        ClientKind::Goodbye => {
            vec![FromClient::Goodbye(Goodbye { reason: GoodbyeCode::LeftByUser })]
        }
        ClientKind::Presence => vec![FromClient::Presence(Presence {
            versions: Versions::OURS,
            instance: OURS,
            epoch: 1,
            credential: Some(Secret::new("header.claims.signature")),
        })],
        ClientKind::Ring => vec![FromClient::Ring(PlaceRing {
            id: 3,
            session: session(),
            instance: OURS,
            users: vec!["ada".to_owned(), "grace".to_owned()],
            timeout_ms: 30_000,
            name: Some("Alan".to_owned()),
            metadata: Some("{\"topic\":\"review\"}".to_owned()),
        })],
        ClientKind::Accept => {
            vec![FromClient::Accept(Accept { ring_id: "r-0007".to_owned(), instance: OURS })]
        }
        ClientKind::Decline => {
            vec![FromClient::Decline(Decline { ring_id: "r-0007".to_owned(), reason: RingEnd::Busy })]
        }
        ClientKind::CancelRing => {
            vec![FromClient::CancelRing(CancelRing {
                ring_id: "r-0007".to_owned(),
                reason: RingEnd::Expired,
            })]
        }
        ClientKind::RingState => vec![FromClient::RingState(RingRef { ring_id: "r-0007".to_owned() })],
        ClientKind::Get => vec![FromClient::Get(directory::look())],
        ClientKind::GetOrCreate => vec![FromClient::GetOrCreate(directory::make())],
        ClientKind::Create => vec![FromClient::Create(directory::make())],
        ClientKind::Watch => vec![FromClient::Watch(directory::look())],
        ClientKind::Direct => vec![FromClient::Direct(directory::look())],
        ClientKind::Steer => directory::steer(),
        ClientKind::Conclude => vec![FromClient::Conclude(directory::conclude())],
    }
}

/// The examples of one type, at least one.
#[must_use]
pub fn server_examples(kind: ServerKind) -> Vec<FromServer> {
    match kind {
        ServerKind::Joined => vec![FromServer::Joined(joined())],
        ServerKind::Resumed => vec![FromServer::Resumed(Resumed {
            last_seen: 17,
            epoch: 3,
            secret: Secret::new("bmV4dC1yZXN1bWUtc2VjcmV0"),
            snapshot: snapshot(),
            answer: Some(Answer { negotiation_id: 2, ..answer() }),
            node: Some("fra-3".to_owned()),
        })],
        ServerKind::ResumeRefused => vec![
            FromServer::ResumeRefused(ResumeRefused { why: ResumeRefusal::ReplayLost, retry_after_ms: None }),
            FromServer::ResumeRefused(ResumeRefused {
                why: ResumeRefusal::Restarted,
                retry_after_ms: Some(8_000),
            }),
        ],
        ServerKind::Queued => {
            vec![FromServer::Queued(Queued { position: 3, eta: Some("about a minute".to_owned()) })]
        }
        ServerKind::Admitted => vec![FromServer::Admitted(Admitted { ice_servers: vec![ice_server()] })],
        ServerKind::Progress => vec![FromServer::Progress(Progress {
            step: Step::Preparing,
            text: Some("loading the model".to_owned()),
            percent: Some(40),
        })],
        ServerKind::Answer => vec![FromServer::Answer(answer())],
        ServerKind::NeedSections => {
            vec![FromServer::NeedSections(NeedSections { audio: 1, video: 1 })]
        }
        ServerKind::Candidate => vec![FromServer::Candidate(candidate())],
        ServerKind::EndOfCandidates => {
            vec![FromServer::EndOfCandidates(EndOfCandidates { ufrag: "F7gI".to_owned() })]
        }
        ServerKind::Sending => vec![FromServer::Sending(mid())],
        ServerKind::Paused => vec![FromServer::Paused(mid())],
        ServerKind::MediaFault => vec![FromServer::MediaFault(MediaFault {
            negotiation_id: 2,
            text: Some("no media for 5 s".to_owned()),
        })],
        ServerKind::Acked => vec![
            FromServer::Acked(Acked { revision: 8, id: Some(12) }),
            FromServer::Acked(Acked { revision: 1, id: None }),
        ],
        ServerKind::Refused => vec![FromServer::Refused(Refused {
            revision: 8,
            id: Some(12),
            item: Item::Prompt,
            code: RefusalCode::NotUnderstood,
            text: "no filter is called \"sepiaa\"; did you mean \"sepia\"?".to_owned(),
        })],
        ServerKind::NeedImage => vec![FromServer::NeedImage(NeedImage { sha256: SHA256.to_owned() })],
        ServerKind::ImageChunkAck => {
            vec![FromServer::ImageChunkAck(ImageChunkAck { sha256: SHA256.to_owned(), received: 16_384 })]
        }
        ServerKind::Waiting => vec![
            FromServer::Waiting(Waiting { member: THEIRS, tracks: vec!["screen".to_owned()] }),
            FromServer::Waiting(Waiting { member: THEIRS, tracks: Vec::new() }),
        ],
        ServerKind::VideoWanted => vec![
            FromServer::VideoWanted(video_wish(LimitedBy::None)),
            FromServer::VideoWanted(video_wish(LimitedBy::Cpu)),
        ],
        ServerKind::GenerationStarted => {
            vec![FromServer::GenerationStarted(GenerationStarted { generation: 1 })]
        }
        ServerKind::GenerationTick => {
            vec![FromServer::GenerationTick(GenerationTick { generation: 1, used_ms: 5_000 })]
        }
        ServerKind::GenerationEnded => vec![FromServer::GenerationEnded(GenerationEnded {
            generation: 1,
            used_ms: 61_250,
            reason: GenerationEnd::Stopped,
        })],
        ServerKind::Message => vec![FromServer::Message(relay())],
        ServerKind::Relayed => vec![FromServer::Relayed(Relayed { id: 6 })],
        ServerKind::NotRelayed => vec![FromServer::NotRelayed(NotRelayed {
            id: 6,
            why: RelayRefusal::UnknownMember,
            missing: vec![THEIRS],
            text: "somebody it is for is not in the session; look at the roster".to_owned(),
        })],
        ServerKind::Reaction => {
            vec![FromServer::Reaction(Reaction { from: Some(THEIRS), reaction: "👏".to_owned() })]
        }
        ServerKind::Conversation => vec![FromServer::Conversation(Conversation { mood: Mood::Processing })],
        ServerKind::Said => {
            vec![FromServer::Said(Said { words: "an hour on foot".to_owned(), answers: vec![14] })]
        }
        ServerKind::NotTaken => vec![FromServer::NotTaken(NotTaken {
            id: 7,
            why: NotTakenCode::Busy,
            text: "too much waits to be answered; say it again when some of it was".to_owned(),
        })],
        ServerKind::Moderated => moderation::moderated(),
        ServerKind::NotModerated => moderation::not_moderated(),
        ServerKind::MutedBy => moderation::muted_by(),
        ServerKind::MemberJoined => vec![FromServer::MemberJoined(MemberChange { member: member() })],
        ServerKind::MemberUpdated => vec![FromServer::MemberUpdated(MemberChange {
            member: Member { attendance: Attendance::Away, ..member() },
        })],
        ServerKind::MemberLeft => {
            vec![FromServer::MemberLeft(MemberLeft { instance: THEIRS, reason: LeaveCode::Left })]
        }
        ServerKind::GoAway => vec![
            FromServer::GoAway(GoAway {
                target: Some("wss://b.media.example/session".to_owned()),
                ticket: Some(Secret::new("bWlncmF0ZS1vbmNl")),
                deadline_ms: 20_000,
                reason: GoAwayCode::Rebalance,
                strategy: Some(Strategy::Migrate),
            }),
            FromServer::GoAway(GoAway {
                target: None,
                ticket: None,
                deadline_ms: 5_000,
                reason: GoAwayCode::ShuttingDown,
                strategy: None,
            }),
        ],
        ServerKind::CredentialRefreshed => {
            vec![FromServer::CredentialRefreshed(CredentialRefreshed { expires_in_ms: 300_000 })]
        }
        ServerKind::NeedCredential => {
            vec![FromServer::NeedCredential(NeedCredential { why: CredentialNeed::ExpiresSoon })]
        }
        ServerKind::Ping => vec![FromServer::Ping(Ping { id: 42 })],
        ServerKind::Pong => vec![FromServer::Pong(Ping { id: 41 })],
        ServerKind::Unsupported => vec![FromServer::Unsupported(not_known())],
        ServerKind::Ended => vec![FromServer::Ended(Ended {
            reason: EndCode::Kicked,
            by: Party::Member,
            text: "removed by a moderator".to_owned(),
            may_retry: false,
        })],
        ServerKind::Error => vec![
            FromServer::Error(Error {
                retry_after_ms: Some(4_000),
                queue_position: Some(7),
                ..Error::new(ErrorCode::Busy, "all slots are taken; try again or wait in the queue")
            }),
            FromServer::Error(Error {
                supported: Some(Versions::OURS),
                ..Error::new(ErrorCode::Unsupported, "no version in common; update the older end")
            }),
            FromServer::Error(Error {
                item: Some(Item::Prompt),
                ..Error::new(ErrorCode::InitialStateRefused, "no filter is called \"sepiaa\"")
            }),
            FromServer::Error(Error {
                known: vec!["studio".to_owned(), "echo".to_owned()],
                ..Error::new(ErrorCode::UnknownModel, "there is no such model here")
            }),
        ],
        ServerKind::Present => vec![FromServer::Present(Present {
            version: crate::VERSION,
            liveness: Liveness { ping_ms: 2_000, silence_ms: 6_000 },
            rings: vec![ring()],
            ice_servers: vec![ice_server()],
        })],
        ServerKind::RingPlaced => {
            vec![FromServer::RingPlaced(RingPlaced { id: 3, ring: Ring { instance: Some(OURS), ..ring() } })]
        }
        ServerKind::RingRefused => vec![FromServer::RingRefused(RingRefused {
            id: 3,
            why: RingRefusal::UnknownUser,
            text: "nobody of that name was ever here; check it".to_owned(),
        })],
        ServerKind::Ring => vec![FromServer::Ring(ring())],
        ServerKind::Accepted => vec![FromServer::Accepted(Accepted {
            ring_id: "r-0007".to_owned(),
            user: "grace".to_owned(),
            join_ticket: Secret::new("am9pbi1vbmNl"),
            ice_servers: vec![ice_server()],
        })],
        ServerKind::Gone => vec![
            FromServer::Gone(Gone {
                ring_id: "r-0007".to_owned(),
                why: RingEnd::AnsweredElsewhere,
                survivor: None,
            }),
            FromServer::Gone(Gone {
                ring_id: "r-0006".to_owned(),
                why: RingEnd::Glare,
                survivor: Some("r-0007".to_owned()),
            }),
        ],
        ServerKind::Session => directory::info(),
        ServerKind::SessionGone => vec![FromServer::SessionGone(directory::gone())],
        ServerKind::Steered => directory::steered(),
    }
}

fn session() -> SessionRef {
    SessionRef { kind: "studio".to_owned(), id: "7".to_owned() }
}

fn track() -> Track {
    Track {
        track: "camera".to_owned(),
        kind: MediaKind::Video,
        mid: Some("0".to_owned()),
        width: Some(640),
        height: Some(360),
        codec: Some(MediaCodec::H264),
        muted: false,
    }
}

fn offer() -> Offer {
    Offer { negotiation_id: 1, sdp: Sdp::new(SDP), tracks: vec![track()] }
}

fn answer() -> Answer {
    let mids = vec![MidUse { mid: "0".to_owned(), kind: MediaKind::Video, member: None, track: None }];
    Answer { negotiation_id: 1, sdp: Sdp::new(SDP.replace("actpass", "passive")), mids }
}

fn candidate() -> Candidate {
    Candidate { ufrag: "F7gI".to_owned(), mid: "0".to_owned(), candidate: CANDIDATE.to_owned() }
}

fn mid() -> MidRef {
    MidRef { mid: "0".to_owned() }
}

fn desired() -> Desired {
    Desired {
        revision: 8,
        prompt: Some(Prompt { text: "sepia".to_owned(), enhance: false }),
        image: Some(SHA256.to_owned()),
        muted: vec!["camera".to_owned()],
        muted_kinds: vec![MediaKind::Video],
    }
}

fn join() -> Join {
    Join {
        versions: Versions::OURS,
        features: vec![Feature::Resume, Feature::Data],
        requires: vec![Feature::Prompt],
        session: session(),
        instance: OURS,
        epoch: 1,
        credential: Some(Secret::new("header.claims.signature")),
        join_ticket: None,
        rejoin: None,
        desired: Desired {
            revision: 1,
            prompt: Some(Prompt { text: "sepia".to_owned(), enhance: false }),
            ..Desired::default()
        },
        tracks: vec![track()],
        offer: Some(offer()),
        model: Some("studio".to_owned()),
        wait_in_queue: true,
        viewer: false,
        name: Some("Ada".to_owned()),
        avoid: Vec::new(),
    }
}

fn rejoin() -> Join {
    let rejoin = Rejoin {
        session_id: "s-5f2c".to_owned(),
        secret: Secret::new("cmVzdW1lLXNlY3JldA"),
        must_exist: true,
    };
    let avoid = vec!["fra-3".to_owned(), "fra-7".to_owned()];
    Join { epoch: 3, rejoin: Some(rejoin), desired: desired(), avoid, ..join() }
}

fn rung() -> Join {
    Join { credential: None, join_ticket: Some(Secret::new("am9pbi1vbmNl")), offer: None, ..join() }
}

fn resume(offer: Option<Offer>) -> Resume {
    Resume {
        session: session(),
        session_id: "s-5f2c".to_owned(),
        instance: OURS,
        epoch: 3,
        secret: Secret::new("cmVzdW1lLXNlY3JldA"),
        last_seen: 23,
        path: offer.as_ref().map(|_| PathReport { negotiation_id: 1, answers: false }),
        offer,
    }
}

fn ice_server() -> IceServer {
    IceServer {
        urls: vec!["turn:turn.media.example:3478?transport=udp".to_owned()],
        username: Some("1700000000:ada".to_owned()),
        credential: Some(Secret::new("dHVybi1wYXNzd29yZA==")),
    }
}

fn member() -> Member {
    Member {
        instance: THEIRS,
        user: "grace".to_owned(),
        name: Some("Grace".to_owned()),
        role: Role::Participant,
        attendance: Attendance::Present,
        tracks: vec![track()],
    }
}

fn snapshot() -> SessionSnapshot {
    let waiting = vec![Waiting { member: THEIRS, tracks: vec!["screen".to_owned()] }];
    SessionSnapshot {
        applied: Some(8),
        generation: Some(1),
        sending: vec![mid()],
        roster: vec![member()],
        to_follow: vec![LATE],
        waiting,
    }
}

fn joined() -> Joined {
    Joined {
        version: crate::VERSION,
        session_id: "s-5f2c".to_owned(),
        resumed: false,
        resume_secret: Secret::new("cmVzdW1lLXNlY3JldA"),
        resume_window_ms: 25_000,
        liveness: Liveness { ping_ms: 2_000, silence_ms: 6_000 },
        ice_servers: vec![ice_server()],
        answer: Some(answer()),
        capabilities: Capabilities {
            features: vec![Feature::Prompt, Feature::Generation, Feature::Resume, Feature::IceRestart],
            video: Some(video_wish(LimitedBy::None)),
            models: vec!["studio".to_owned()],
            publish: true,
        },
        expires_in_ms: Some(300_000),
        snapshot: snapshot(),
        node: Some("fra-3".to_owned()),
    }
}

fn relay() -> Relay {
    Relay {
        id: 5,
        from: Some(THEIRS),
        to: Vec::new(),
        topic: "chat".to_owned(),
        data: serde_json::json!({ "text": "hello" }),
    }
}

fn not_known() -> NotKnown {
    NotKnown { id: 99, what: "set_weather".to_owned() }
}

fn ring() -> Ring {
    Ring {
        ring_id: "r-0007".to_owned(),
        version: 1,
        session: session(),
        user: "ada".to_owned(),
        name: Some("Ada".to_owned()),
        metadata: Some("{\"topic\":\"review\"}".to_owned()),
        instance: None,
        expires_in_ms: 28_500,
    }
}

fn video_wish(limited_by: LimitedBy) -> VideoWish {
    VideoWish { width: 640, height: 360, fps: 25, limited_by }
}
