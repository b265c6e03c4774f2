//! The words of the wire and the words of the transport traits, each way, without wildcards
//! over either.

use offhook_signaling as wire;
use offhook_transport as ours;
use ours::{Capability, MigrationStyle, RefusalItem, RefusedCode};
use std::time::Duration;
use wire::{ErrorCode, Feature};

pub(super) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn instance(id: ours::InstanceId) -> wire::Instance {
    wire::Instance(u128::from_be_bytes(id.0))
}

pub(super) fn session(session: &ours::SessionRef) -> wire::SessionRef {
    wire::SessionRef { kind: session.kind.clone(), id: session.id.clone() }
}

pub(super) fn secret(secret: &ours::Secret) -> wire::Secret {
    wire::Secret::new(secret.expose())
}

pub(super) fn our_secret(secret: &wire::Secret) -> ours::Secret {
    ours::Secret::new(secret.expose())
}

/// The desired state; mute levels by kind, and by the names of the tracks there are, for a far side that knows
/// names only.
pub(super) fn desired(
    desired: &ours::Desired,
    revision: ours::Revision,
    tracks: &[ours::media::LocalTrack],
) -> wire::Desired {
    let muted = |kind| match kind {
        ours::media::Kind::Audio => desired.muted.audio,
        ours::media::Kind::Video => desired.muted.video,
    };
    wire::Desired {
        revision: revision.0,
        prompt: desired
            .prompt
            .as_ref()
            .map(|prompt| wire::Prompt { text: prompt.text.clone(), enhance: prompt.enhance }),
        image: desired.image.as_ref().and_then(Option::as_ref).map(|image| hex(&image.sha256)),
        muted: tracks
            .iter()
            .filter(|track| muted(track.spec().kind()))
            .map(|track| track.spec().label.clone())
            .collect(),
        muted_kinds: [ours::media::Kind::Audio, ours::media::Kind::Video]
            .into_iter()
            .filter(|kind| muted(*kind))
            .map(media_kind)
            .collect(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn media_kind(kind: ours::media::Kind) -> wire::MediaKind {
    match kind {
        ours::media::Kind::Audio => wire::MediaKind::Audio,
        ours::media::Kind::Video => wire::MediaKind::Video,
    }
}

fn media_codec(codec: ours::media::Codec) -> wire::MediaCodec {
    match codec {
        ours::media::Codec::H264 => wire::MediaCodec::H264,
        ours::media::Codec::Vp8 => wire::MediaCodec::Vp8,
        ours::media::Codec::Opus => wire::MediaCodec::Opus,
        other => wire::MediaCodec::Other(format!("{other:?}").to_ascii_lowercase()),
    }
}

pub(super) fn our_kind(kind: &wire::MediaKind) -> Option<ours::media::Kind> {
    match kind {
        wire::MediaKind::Audio => Some(ours::media::Kind::Audio),
        wire::MediaKind::Video => Some(ours::media::Kind::Video),
        wire::MediaKind::Other(_) => None,
    }
}

pub(super) fn tracks(
    tracks: &[ours::media::LocalTrack],
    mid: impl Fn(&str) -> Option<String>,
) -> Vec<wire::Track> {
    tracks
        .iter()
        .map(|track| wire::Track {
            track: track.spec().label.clone(),
            kind: media_kind(track.spec().kind()),
            mid: mid(&track.spec().label),
            codec: Some(media_codec(track.spec().codec)),
            width: None,
            height: None,
            muted: false,
        })
        .collect()
}

pub(super) fn member(member: &wire::Member) -> ours::Member {
    ours::Member {
        id: member.instance.to_string(),
        name: member.name.clone().unwrap_or_else(|| member.user.clone()),
        away: match &member.attendance {
            wire::Attendance::Away => true,
            wire::Attendance::Present | wire::Attendance::Other(_) => false,
        },
        tracks: member.tracks.iter().filter_map(member_track).collect(),
    }
}

/// `None` for a kind of media of a later version.
fn member_track(track: &wire::Track) -> Option<ours::MemberTrack> {
    let kind = our_kind(&track.kind)?;
    Some(ours::MemberTrack { label: track.track.clone(), kind, muted: track.muted, waits: false })
}

/// Whose track a section carries, as the far side says; `None` for one that is nobody's.
pub(super) fn track_id(used: &wire::MidUse) -> Option<ours::media::TrackId> {
    Some(ours::media::TrackId::new(used.member?.to_string(), used.track.as_deref()?))
}

/// What the far side granted, as this library counts it.
pub(super) fn capabilities(granted: &wire::Capabilities, resume_window: Duration) -> ours::Capabilities {
    let mut all = ours::Capabilities::NONE
        .with(Capability::SignalingPlane)
        .with(Capability::MediaPlane)
        .with(Capability::Rejoin)
        .with(Capability::Acks);
    if granted.publish {
        all = all.with(Capability::Publish);
    }
    for feature in &granted.features {
        all = match feature {
            Feature::Prompt => all.with(Capability::Prompt),
            Feature::Image => all.with(Capability::Image),
            Feature::Resume if !resume_window.is_zero() => all.with(Capability::Resume),
            Feature::IceRestart => all.with(Capability::IceRestart),
            Feature::MakeBeforeBreak => all.migrating(MigrationStyle::MakeBeforeBreak),
            Feature::BreakBeforeMake if all.migration == MigrationStyle::None => {
                all.migrating(MigrationStyle::BreakBeforeMake)
            }
            Feature::Messages => all.with(Capability::Messages),
            Feature::AddressedMessages => all.with(Capability::AddressedMessages),
            Feature::Reactions => all.with(Capability::Reactions),
            Feature::Conversation => all.with(Capability::Conversation),
            Feature::Answers => all.with(Capability::Answers),
            Feature::Telemetry => all.with(Capability::Telemetry),
            Feature::Forwarding => all.with(Capability::Forwarding),
            Feature::Moderation => all.with(Capability::Moderate),
            Feature::Queue => all.with(Capability::Queue),
            Feature::Rings => all.with(Capability::Rings),
            Feature::Directory => all.with(Capability::Directory),
            Feature::Resume
            | Feature::BreakBeforeMake
            | Feature::Generation
            | Feature::Roster
            | Feature::Data
            | Feature::CredentialRefresh
            | Feature::Other(_) => all,
        };
    }
    all
}

/// `None` for a wish that nobody can mean: it counts as none.
pub(super) fn video_wanted(wanted: &wire::VideoWish) -> Option<ours::media::VideoWanted> {
    use ours::media::{LimitedBy, VideoWanted, VideoWish};
    let limited_by = match &wanted.limited_by {
        wire::LimitedBy::None => LimitedBy::None,
        wire::LimitedBy::Cpu => LimitedBy::Cpu,
        wire::LimitedBy::Bandwidth => LimitedBy::Bandwidth,
        wire::LimitedBy::SomethingElse | wire::LimitedBy::Other(_) => LimitedBy::Other,
    };
    let wish = VideoWish::new(wanted.width, wanted.height, wanted.fps)?;
    Some(VideoWanted { wish, limited_by })
}

pub(super) fn not_relayed(why: &wire::RelayRefusal) -> ours::Unsent {
    match why {
        wire::RelayRefusal::UnknownMember => ours::Unsent::UnknownMember,
        wire::RelayRefusal::Oneself => ours::Unsent::Oneself,
        wire::RelayRefusal::Busy => ours::Unsent::Busy,
        wire::RelayRefusal::RateLimited => ours::Unsent::RateLimited,
        wire::RelayRefusal::Other(_) => ours::Unsent::Other,
    }
}

pub(super) fn not_moderated(why: &wire::ModerationRefusal) -> ours::ModerationRefusal {
    match why {
        wire::ModerationRefusal::NotPermitted => ours::ModerationRefusal::NotPermitted,
        wire::ModerationRefusal::UnknownMember => ours::ModerationRefusal::UnknownMember,
        wire::ModerationRefusal::Oneself => ours::ModerationRefusal::Oneself,
        wire::ModerationRefusal::NotSupported => ours::ModerationRefusal::NotSupported,
        wire::ModerationRefusal::Unreachable | wire::ModerationRefusal::Other(_) => {
            ours::ModerationRefusal::Other
        }
    }
}

/// `None` for a word of a later version.
pub(super) fn mood(mood: &wire::Mood) -> Option<ours::Mood> {
    match mood {
        wire::Mood::Idle => Some(ours::Mood::Idle),
        wire::Mood::UserSpeaking => Some(ours::Mood::UserSpeaking),
        wire::Mood::Processing => Some(ours::Mood::Processing),
        wire::Mood::Speaking => Some(ours::Mood::Speaking),
        wire::Mood::Other(_) => None,
    }
}

pub(super) fn refused(code: &ErrorCode) -> RefusedCode {
    match code {
        ErrorCode::Unsupported | ErrorCode::FeatureMissing => RefusedCode::Unsupported,
        ErrorCode::Unauthorized | ErrorCode::TicketRefused => RefusedCode::Unauthorized,
        ErrorCode::CredentialExpired => RefusedCode::Expired,
        ErrorCode::NotPermitted => RefusedCode::NotPermitted,
        ErrorCode::NotFound => RefusedCode::NotFound,
        ErrorCode::Busy => RefusedCode::Busy,
        ErrorCode::QueueTimedOut => RefusedCode::QueueTimedOut,
        ErrorCode::NoSessionToResume => RefusedCode::NoSessionToResume,
        ErrorCode::StaleEpoch => RefusedCode::StaleEpoch,
        ErrorCode::InitialStateRefused => RefusedCode::InitialState,
        ErrorCode::UnknownModel => RefusedCode::UnknownModel,
        ErrorCode::MediaFailed => RefusedCode::MediaFailed,
        ErrorCode::ControlFailed => RefusedCode::ControlFailed,
        ErrorCode::ProtocolError | ErrorCode::TooSlow | ErrorCode::BadRequest | ErrorCode::AlreadyExists => {
            RefusedCode::BadRequest
        }
        ErrorCode::RateLimited => RefusedCode::RateLimited,
        ErrorCode::ShuttingDown => RefusedCode::Restarting,
        ErrorCode::Unavailable => RefusedCode::Internal,
        // A word of the traits that this list does not have may still be one we know.
        ErrorCode::Other(word) => {
            RefusedCode::ALL.iter().copied().find(|code| code.code() == word).unwrap_or(RefusedCode::Other)
        }
    }
}

pub(super) fn ended(code: &wire::EndCode) -> ours::EndCode {
    use ours::EndCode as To;
    use wire::EndCode as From;
    match code {
        From::Closed | From::LeftByUser => To::Closed,
        From::EndedForAll => To::EndedForAll,
        From::Kicked => To::Kicked,
        From::Replaced => To::Replaced,
        From::IdleTimeout => To::IdleTimeout,
        From::MediaIdle => To::MediaIdle,
        From::MaxDuration => To::MaxDuration,
        From::ConversationEnded => To::ConversationEnded,
        From::ControlLost => To::ControlLost,
        From::ServerRotation => To::ServerRotation,
        From::ServerShutdown => To::ServerShutdown,
        From::OutOfCredit => To::OutOfCredit,
        From::Moderated => To::Moderated,
        From::Unauthorized => To::Unauthorized,
        From::Unsupported => To::Unsupported,
        From::ProtocolError => To::ProtocolError,
        From::MediaLost | From::NetworkLost | From::Other(_) => To::Other,
    }
}

pub(super) fn resume_refusal(why: &wire::ResumeRefusal) -> ours::ResumeRefusal {
    use ours::ResumeRefusal as To;
    use wire::ResumeRefusal as From;
    match why {
        From::ReplayLost => To::ReplayLost,
        From::WindowOver | From::Unknown => To::Gone,
        From::Restarted => To::Restarted,
        From::BadSecret => To::BadSecret,
        From::NotOffered => To::Unsupported,
        From::Other(_) => To::Other,
    }
}

pub(super) fn item(item: &wire::Item) -> ours::RefusalItem {
    match item {
        wire::Item::Prompt => ours::RefusalItem::Prompt,
        wire::Item::Image => ours::RefusalItem::Image,
        wire::Item::Muted => ours::RefusalItem::Muted,
        wire::Item::Model => ours::RefusalItem::Model,
        wire::Item::Tracks | wire::Item::Other(_) => ours::RefusalItem::Other,
    }
}

pub(super) fn need(why: &wire::CredentialNeed) -> ours::CredentialWhy {
    match why {
        wire::CredentialNeed::Missing => ours::CredentialWhy::Missing,
        wire::CredentialNeed::Expired => ours::CredentialWhy::Expired,
        wire::CredentialNeed::ExpiresSoon
        | wire::CredentialNeed::GrantsChanged
        | wire::CredentialNeed::Other(_) => ours::CredentialWhy::Refresh,
    }
}

pub(super) fn progress(progress: &wire::Progress) -> Option<ours::Progress> {
    match &progress.step {
        wire::Step::Searching => Some(ours::Progress::Searching { queue_position: None, eta: None }),
        wire::Step::Preparing => Some(ours::Progress::Preparing {
            text: progress.text.clone(),
            percent: progress.percent.map(|percent| percent.min(100)),
        }),
        wire::Step::Connecting => Some(ours::Progress::Connecting),
        wire::Step::Other(_) => None,
    }
}

pub(super) fn go_away(hint: &wire::GoAway) -> ours::GoAwayHint {
    ours::GoAwayHint {
        url: hint.target.clone(),
        ticket: hint.ticket.as_ref().map(our_secret),
        deadline: Some(millis(hint.deadline_ms)),
        reason: match &hint.reason {
            wire::GoAwayCode::ShuttingDown => ours::GoAwayReason::ShuttingDown,
            wire::GoAwayCode::Rebalance => ours::GoAwayReason::Rebalance,
            wire::GoAwayCode::SessionCap => ours::GoAwayReason::SessionCap,
            wire::GoAwayCode::Unhealthy | wire::GoAwayCode::Other(_) => ours::GoAwayReason::Other,
        },
    }
}

/// How the far side would like the next recovery done, if it is one of the two that can be asked for.
pub(super) fn advice(strategy: &wire::Strategy) -> Option<ours::Advice> {
    match strategy {
        wire::Strategy::Resume => Some(ours::Advice::Resume),
        wire::Strategy::Rejoin => Some(ours::Advice::Rejoin),
        wire::Strategy::Migrate | wire::Strategy::Stop | wire::Strategy::Other(_) => None,
    }
}

pub(super) fn liveness(liveness: wire::Liveness) -> ours::Liveness {
    ours::Liveness { ping: millis(liveness.ping_ms), silence: millis(liveness.silence_ms) }
}

/// What a far side would make of a first frame that cannot even be written.
pub(super) fn unsayable(error: &wire::EncodeError) -> (RefusedCode, Option<RefusalItem>) {
    let wire::EncodeError::Field(fault) = error else { return (RefusedCode::BadRequest, None) };
    let field = fault.field();
    if ["credential", "ticket", "join_ticket"].contains(&field) {
        (RefusedCode::Unauthorized, None)
    } else if field.starts_with("rejoin.") {
        // A token of no far side's making has nothing to take up.
        (RefusedCode::NoSessionToResume, None)
    } else if field == "desired.prompt.text" {
        (RefusedCode::InitialState, Some(RefusalItem::Prompt))
    } else {
        (RefusedCode::BadRequest, None)
    }
}

#[cfg(test)]
mod tests;
