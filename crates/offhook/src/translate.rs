//! Where `lifecycle` and `transport` meet: each speaks its own words, and every word of either
//! is decided on here, both ways, without a wildcard arm. What has no place in a small `Copy`
//! input (texts, addresses, keys) goes into [`Contents`] and is named by its number.

use crate::change::Change;
use crate::contents::Contents;
use crate::credential::Purpose;
use crate::muting::Mutes;
use offhook_lifecycle as ledger;
use offhook_lifecycle::{
    Advice, Answer, CommandId, CredentialWhy, EndReason, Epoch, Fault, Gate, Input, JoinErrorKind, LinkFacts,
    MediaLack, MediaWhy, MoveReason, Plan, Plane, Rejection, ResumeRefusal, Revision, StateItem, Step,
    TrackRef,
};
use offhook_transport as wire;
use std::sync::Arc;
use wire::media::GateLevel;
use wire::{Capability, FaultKind, RefusedCode};

/// What one report of a transport amounts to.
#[derive(Debug, Default)]
pub(crate) struct Inward {
    /// Facts for the machine, in this order.
    pub(crate) inputs: [Option<Input>; 3],
    /// What only passes by, to the listeners.
    pub(crate) content: Option<wire::Content>,
    /// How much of an image has arrived over there.
    pub(crate) uploaded: Option<Uploaded>,
}

/// How far the image of a change is, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uploaded {
    pub(crate) revision: Revision,
    pub(crate) received: u64,
    pub(crate) total: u64,
}

impl Inward {
    const fn fact(input: Input) -> Self {
        Self { inputs: [Some(input), None, None], content: None, uploaded: None }
    }

    const fn content(input: Input, content: wire::Content) -> Self {
        Self { inputs: [Some(input), None, None], content: Some(content), uploaded: None }
    }
}

/// One report of the connection of `epoch`. The caller has asked `Machine::admits` first.
pub(crate) fn inward(epoch: Epoch, event: wire::Event, contents: &mut Contents) -> Inward {
    use wire::Event as E;
    match event {
        E::Progress(progress) => Inward::fact(progress_of(epoch, progress, contents)),
        E::Answered => Inward::fact(Input::Answered { epoch }),
        E::NeedCredential(why) => Inward::fact(Input::NeedCredential { epoch, why: credential_why(why) }),
        E::Up(up) => {
            let facts = link_facts(&up);
            let acked = up.acked.filter(|revision| revision.0 > 0);
            let generates = up.generating.map(|running| Input::Generation { epoch, running });
            contents.up(epoch, *up);
            let acked = acked.map(|revision| Input::Acked {
                epoch,
                revision: Revision(revision.0),
                answer: Answer::Applied,
            });
            Inward { inputs: [Some(Input::Up { epoch, link: facts }), generates, acked], ..Inward::default() }
        }
        E::Carried(on) => Inward::fact(Input::Carried { epoch, plane: plane(on) }),
        E::Alive(on) => Inward::fact(Input::Alive { epoch, plane: plane(on) }),
        E::PathAlive => Inward::fact(Input::PathAlive { epoch }),
        E::PlaneLost(on, why) => {
            Inward::fact(Input::PlaneLost { epoch, plane: plane(on), fault: fault(why.kind) })
        }
        E::Refused { code, retry_after, queue_position, text, item, known } => {
            contents.refused(text);
            contents.known(known);
            match code {
                // A fresh credential would do: the machine asks for one, and the next dial shows it.
                RefusedCode::Expired => {
                    Inward::fact(Input::NeedCredential { epoch, why: CredentialWhy::Expired })
                }
                other => {
                    let why = refused(other, retry_after, queue_position, item);
                    Inward::fact(Input::Refused { epoch, why, retry_after })
                }
            }
        }
        E::DialFailed(why) => {
            contents.failed(&why);
            Inward::fact(Input::DialFailed { epoch, fault: fault(why.kind) })
        }
        E::ResumeRefused(why) => Inward::fact(Input::ResumeRefused { epoch, why: resume_refusal(why) }),
        E::GoAway(hint) => {
            let why = move_reason(hint.reason);
            let target = contents.target(hint);
            Inward::fact(Input::GoAway { epoch, target, why })
        }
        E::Advised(wire::Advice::Resume) => Inward::fact(Input::Advised { epoch, plan: Advice::Resume }),
        E::Advised(wire::Advice::Rejoin) => Inward::fact(Input::Advised { epoch, plan: Advice::Rejoin }),
        // The far side's receipt for what we sent it: life, and nothing else to decide.
        E::CredentialRefreshed { expires_in: _ } => Inward::fact(signaling_life(epoch)),
        E::Acked { revision, verdict } => {
            let revision = Revision(revision.0);
            let mut uploaded = None;
            let answer = match verdict {
                wire::Verdict::Applied => Answer::Applied,
                wire::Verdict::Progress { received, total } => {
                    uploaded = Some(Uploaded { revision, received, total });
                    Answer::Progress
                }
                wire::Verdict::Refused { item, text } => {
                    contents.refused_change(revision, text);
                    Answer::Refused(state_item(item))
                }
            };
            Inward { uploaded, ..Inward::fact(Input::Acked { epoch, revision, answer }) }
        }
        E::ResumeKey(key) => {
            contents.resume_key(key);
            Inward::fact(signaling_life(epoch))
        }
        E::Content(content) => content_of(epoch, content),
        E::Ended { code, text, may_retry: _ } => {
            contents.ended(text);
            Inward::fact(Input::Ended { epoch, reason: end_reason(code) })
        }
        E::Closed => Inward::fact(Input::Closed { epoch }),
    }
}

/// Content counts as life of the plane it came on (R9), and never changes a state.
fn content_of(epoch: Epoch, content: wire::Content) -> Inward {
    use wire::Content as C;
    match &content {
        C::Sent { id }
        | C::Unsent { id, why: _, members: _, text: _ }
        | C::NotTaken { id }
        | C::Moderated { id, refused: _ } => {
            Inward::content(Input::Replied { epoch, command: CommandId(*id) }, content)
        }
        C::Generation(wire::Generation::Started) => {
            Inward::content(Input::Generation { epoch, running: true }, content)
        }
        C::Generation(wire::Generation::Ended { .. }) => {
            Inward::content(Input::Generation { epoch, running: false }, content)
        }
        C::Generation(wire::Generation::Tick { .. })
        | C::Message { .. }
        | C::Reaction { .. }
        | C::Conversation(_)
        | C::Said { .. }
        | C::Muted { .. }
        | C::VideoWanted(_)
        | C::Member(_)
        | C::Track { .. }
        | C::Other(_) => Inward::content(signaling_life(epoch), content),
        // Measured, or concluded, by our own side: proves nothing about the far one.
        C::Stats(_) | C::Untaken(_) => Inward { content: Some(content), ..Inward::default() },
    }
}

const fn signaling_life(epoch: Epoch) -> Input {
    Input::Alive { epoch, plane: Plane::Signaling }
}

fn progress_of(epoch: Epoch, progress: wire::Progress, contents: &mut Contents) -> Input {
    let (step, queue_position) = match progress {
        wire::Progress::Searching { queue_position, eta } => {
            contents.eta(eta);
            (Step::Searching, queue_position)
        }
        wire::Progress::Preparing { text, percent } => {
            contents.loading(text, percent);
            (Step::Preparing, None)
        }
        wire::Progress::Connecting => (Step::Connecting, None),
    };
    Input::Progress { epoch, step, queue_position, eta: None }
}

fn link_facts(up: &wire::Up) -> LinkFacts {
    let can = up.capabilities;
    // Without a key there is nothing to resume with, whatever else is promised.
    let resume_window = if can.has(Capability::Resume) && up.key.is_some() {
        up.resume_window
    } else {
        Some(std::time::Duration::ZERO)
    };
    LinkFacts {
        signaling: can.has(Capability::SignalingPlane),
        media: can.has(Capability::MediaPlane),
        resume_window,
        ice_restart: can.has(Capability::IceRestart),
        make_before_break: can.migration == wire::MigrationStyle::MakeBeforeBreak,
        ping: up.liveness.map(|liveness| liveness.ping),
        silence: up.liveness.map(|liveness| liveness.silence),
        acks: can.has(Capability::Acks),
    }
}

pub(crate) const fn plane(on: wire::Plane) -> Plane {
    match on {
        wire::Plane::Signaling => Plane::Signaling,
        wire::Plane::Media => Plane::Media,
    }
}

/// The machine asks what is silent, not who noticed: both silences are one to it.
pub(crate) const fn fault(kind: FaultKind) -> Fault {
    match kind {
        FaultKind::Unreachable => Fault::Unreachable,
        FaultKind::Closed => Fault::Closed,
        FaultKind::ServerRestart => Fault::ServerRestart,
        FaultKind::TimedOut => Fault::TimedOut,
        FaultKind::Tls => Fault::Tls,
        FaultKind::BadAddress => Fault::BadAddress,
        FaultKind::Protocol => Fault::Protocol,
        FaultKind::IceFailed => Fault::IceFailed,
        FaultKind::IceSilent | FaultKind::MediaSilent => Fault::Silent,
        FaultKind::Dtls => Fault::Dtls,
        FaultKind::ClosedByPeer => Fault::ClosedByPeer,
        FaultKind::MediaFault => Fault::MediaFault,
        FaultKind::Local => Fault::Local,
    }
}

pub(crate) const fn credential_why(why: wire::CredentialWhy) -> CredentialWhy {
    match why {
        wire::CredentialWhy::Missing => CredentialWhy::Missing,
        wire::CredentialWhy::Expired => CredentialWhy::Expired,
        wire::CredentialWhy::Refresh => CredentialWhy::Refresh,
    }
}

const fn move_reason(why: wire::GoAwayReason) -> MoveReason {
    match why {
        wire::GoAwayReason::ShuttingDown => MoveReason::ShuttingDown,
        wire::GoAwayReason::Rebalance => MoveReason::Rebalance,
        wire::GoAwayReason::SessionCap => MoveReason::SessionCap,
        wire::GoAwayReason::Other => MoveReason::Other,
    }
}

const fn resume_refusal(why: wire::ResumeRefusal) -> ResumeRefusal {
    match why {
        wire::ResumeRefusal::Gone => ResumeRefusal::Gone,
        wire::ResumeRefusal::ReplayLost => ResumeRefusal::ReplayLost,
        wire::ResumeRefusal::Restarted => ResumeRefusal::Restarted,
        wire::ResumeRefusal::BadSecret => ResumeRefusal::BadSecret,
        wire::ResumeRefusal::Unsupported => ResumeRefusal::Unsupported,
        wire::ResumeRefusal::Other => ResumeRefusal::Other,
    }
}

/// Why a dial was refused, as the machine classes it (R12).
pub(crate) const fn refused(
    code: RefusedCode,
    retry_after: Option<std::time::Duration>,
    queue_position: Option<u32>,
    item: Option<wire::RefusalItem>,
) -> JoinErrorKind {
    const fn rejected(code: Rejection) -> JoinErrorKind {
        JoinErrorKind::Rejected { code }
    }
    match code {
        RefusedCode::Busy => JoinErrorKind::Busy { retry_after, queue_position },
        RefusedCode::QueueTimedOut => JoinErrorKind::QueueTimedOut,
        RefusedCode::Unauthorized | RefusedCode::Expired => JoinErrorKind::Unauthorized,
        RefusedCode::NotFound => JoinErrorKind::NotFound,
        RefusedCode::NotPermitted => JoinErrorKind::NotPermitted,
        RefusedCode::Unsupported => JoinErrorKind::NotSupported,
        RefusedCode::SessionEnded => rejected(Rejection::SessionEnded),
        RefusedCode::Replaced => rejected(Rejection::Replaced),
        RefusedCode::StaleEpoch => rejected(Rejection::StaleEpoch),
        RefusedCode::Restarting => rejected(Rejection::Restarting),
        RefusedCode::UnknownModel => rejected(Rejection::UnknownModel),
        RefusedCode::InitialState => JoinErrorKind::InitialStateRefused {
            item: match item {
                Some(item) => state_item(item),
                None => StateItem::Other,
            },
        },
        RefusedCode::RateLimited => rejected(Rejection::RateLimited),
        RefusedCode::BadRequest => rejected(Rejection::BadRequest),
        RefusedCode::Internal => rejected(Rejection::Internal),
        RefusedCode::MediaFailed => JoinErrorKind::MediaFailed(MediaWhy::FarSide),
        RefusedCode::ControlFailed => JoinErrorKind::ControlFailed,
        RefusedCode::NoSessionToResume => JoinErrorKind::NoSessionToResume,
        RefusedCode::TrackNotTaken => JoinErrorKind::TrackNotTaken,
        RefusedCode::Other => rejected(Rejection::Other),
    }
}

pub(crate) const fn state_item(item: wire::RefusalItem) -> StateItem {
    match item {
        wire::RefusalItem::Prompt => StateItem::Prompt,
        wire::RefusalItem::Image => StateItem::Image,
        wire::RefusalItem::Model => StateItem::Model,
        wire::RefusalItem::Muted => StateItem::Muted,
        wire::RefusalItem::Other => StateItem::Other,
    }
}

pub(crate) const fn media_lack(lack: offhook_media::Lack) -> MediaLack {
    match lack {
        offhook_media::Lack::Absent => MediaLack::Absent,
        offhook_media::Lack::Unusable => MediaLack::Unusable,
        offhook_media::Lack::Declined => MediaLack::Declined,
    }
}

/// A far side's ending. One that this version has no word for is still an orderly one: the
/// far side said so, and its own words are kept beside it.
pub(crate) const fn end_reason(code: wire::EndCode) -> EndReason {
    use wire::EndCode as C;
    match code {
        C::Closed | C::Other => EndReason::Closed,
        C::EndedForAll => EndReason::EndedForAll,
        C::Kicked => EndReason::Kicked,
        C::Replaced => EndReason::Replaced,
        C::IdleTimeout => EndReason::IdleTimeout,
        C::MediaIdle => EndReason::MediaIdle,
        C::MaxDuration => EndReason::MaxDuration,
        C::ConversationEnded => EndReason::ConversationEnded,
        C::ControlLost => EndReason::ControlLost,
        C::ServerRotation => EndReason::ServerRotation,
        C::ServerShutdown => EndReason::ServerShutdown,
        C::OutOfCredit => EndReason::OutOfCredit,
        C::Moderated => EndReason::Moderated,
        C::Unauthorized => EndReason::Unauthorized,
        C::Unsupported => EndReason::Unsupported,
        C::ProtocolError => EndReason::ProtocolError,
    }
}

/// What a system says of its network is taken as if the application had said it.
pub(crate) const fn network(fact: wire::NetworkFact) -> Input {
    match fact {
        wire::NetworkFact::Up => Input::NetworkUp,
        wire::NetworkFact::Down => Input::NetworkDown,
        wire::NetworkFact::Changed => Input::NetworkChanged,
    }
}

/// The plan of a dial, with what the far side wants to see for it.
pub(crate) fn outward_plan(plan: Plan, key: Option<wire::ResumeKey>, returning: bool) -> wire::Plan {
    match plan {
        Plan::Join => wire::Plan::Join { resume: key.filter(|_| returning) },
        Plan::Resume { restart_ice } => match key {
            Some(key) => wire::Plan::Resume { key, restart_ice },
            // The machine resumes only inside a window, and a window needs a key (`link_facts`).
            None => wire::Plan::Rejoin { key: None },
        },
        // A later process with a token: unlike our own rejoin it makes nothing anew (F02).
        Plan::Rejoin if returning => wire::Plan::Join { resume: key },
        Plan::Rejoin => wire::Plan::Rejoin { key },
        Plan::Migrate => wire::Plan::Migrate { key },
    }
}

pub(crate) const fn gate_level(gate: Gate) -> GateLevel {
    match gate {
        Gate::Closed => GateLevel::Closed,
        Gate::Muted => GateLevel::Muted,
        Gate::Open => GateLevel::Open,
    }
}

pub(crate) const fn outward_epoch(epoch: Epoch) -> wire::Epoch {
    wire::Epoch(epoch.0)
}

pub(crate) const fn outward_revision(revision: Revision) -> wire::Revision {
    wire::Revision(revision.0)
}

/// The mute levels of the wire are by kind; the ledger's are by track. These two stand for
/// "everything of that kind".
const AUDIO: TrackRef = TrackRef(0);
const VIDEO: TrackRef = TrackRef(1);

/// A user's change, in the ledger's words.
pub(crate) fn change(of: Change) -> ledger::Change {
    let mut entered = ledger::Change::new();
    if let Some(prompt) = of.prompt {
        entered = entered.prompt(prompt.text, prompt.enhance);
    }
    match of.image {
        Some(Some(image)) => {
            entered =
                entered.image(ledger::Image { sha256: image.sha256, bytes: Arc::from(&image.bytes[..]) });
        }
        Some(None) => entered = entered.clear_image(),
        None => {}
    }
    for (track, muted) in [(AUDIO, of.audio_muted), (VIDEO, of.video_muted)] {
        if let Some(muted) = muted {
            entered = entered.muted(track, muted);
        }
    }
    entered
}

/// The whole desired state, in the words of the wire.
pub(crate) fn desired(ledger: &ledger::Ledger) -> wire::Desired {
    let image = |image: &ledger::Image| wire::Image {
        sha256: image.sha256,
        bytes: bytes::Bytes::from_owner(image.bytes.clone()),
    };
    wire::Desired {
        prompt: ledger
            .prompt()
            .map(|prompt| wire::Prompt { text: prompt.text.as_ref().to_owned(), enhance: prompt.enhance }),
        image: ledger.image().map(|known| known.map(image)),
        muted: wire::Muted { audio: ledger.is_muted(AUDIO), video: ledger.is_muted(VIDEO) },
    }
}

/// What nothing of is to go out.
pub(crate) fn silent(ledger: &ledger::Ledger) -> Mutes {
    Mutes { audio: ledger.is_silent(AUDIO), video: ledger.is_silent(VIDEO) }
}

pub(crate) const fn purpose(why: CredentialWhy) -> Purpose {
    match why {
        CredentialWhy::Missing => Purpose::Join,
        CredentialWhy::Expired => Purpose::Renew,
        CredentialWhy::Refresh => Purpose::Refresh,
    }
}
