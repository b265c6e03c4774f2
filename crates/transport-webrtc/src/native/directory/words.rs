//! The directory's words of the wire and of the transport traits, each way, without wildcards over
//! either.

use crate::native::translate::millis;
use offhook_signaling as wire;
use offhook_transport as ours;
use ours::{DirectoryError, InvitedAs};
use wire::ErrorCode;

pub(super) fn profile(profile: &ours::Profile) -> wire::Profile {
    let role = |role: InvitedAs| match role {
        InvitedAs::Participant => wire::Role::Participant,
        InvitedAs::Viewer => wire::Role::Viewer,
        InvitedAs::Other => wire::Role::Other("other".to_owned()),
    };
    let metadata = profile.metadata.iter();
    wire::Profile {
        metadata: metadata
            .map(|(name, value)| wire::Entry { name: name.clone(), value: value.clone() })
            .collect(),
        settings: wire::Settings {
            director_required: profile.settings.director_required,
            max_members: profile.settings.max_members,
        },
        members: profile
            .members
            .iter()
            .map(|invited| wire::Invited { user: invited.user.clone(), role: role(invited.role) })
            .collect(),
    }
}

fn our_profile(profile: wire::Profile) -> ours::Profile {
    let invited = |invited: wire::Invited| ours::Invited {
        role: match invited.role {
            wire::Role::Participant => InvitedAs::Participant,
            wire::Role::Viewer => InvitedAs::Viewer,
            wire::Role::Studio | wire::Role::Persona | wire::Role::Director | wire::Role::Other(_) => {
                InvitedAs::Other
            }
        },
        user: invited.user,
    };
    ours::Profile {
        metadata: profile.metadata.into_iter().map(|entry| (entry.name, entry.value)).collect(),
        settings: ours::Settings {
            director_required: profile.settings.director_required,
            max_members: profile.settings.max_members,
        },
        members: profile.members.into_iter().map(invited).collect(),
    }
}

pub(super) fn info(info: wire::SessionInfo) -> ours::SessionInfo {
    ours::SessionInfo {
        session: info.session_id,
        made: info.made,
        age: millis(info.age_ms),
        profile: our_profile(info.profile),
        present: info.present,
        attendees: info.attendees.into_iter().map(attendee).collect(),
        waiting: info.waiting,
        directed: info.directed,
    }
}

fn attendee(attendee: wire::Attendee) -> ours::Attendee {
    ours::Attendee {
        id: attendee.instance.to_string(),
        name: attendee.name.unwrap_or_else(|| attendee.user.clone()),
        user: attendee.user,
        viewer: match attendee.role {
            wire::Role::Viewer => true,
            wire::Role::Participant
            | wire::Role::Studio
            | wire::Role::Persona
            | wire::Role::Director
            | wire::Role::Other(_) => false,
        },
        away: match attendee.attendance {
            wire::Attendance::Away => true,
            wire::Attendance::Present | wire::Attendance::Other(_) => false,
        },
    }
}

pub(super) fn error(error: wire::Error) -> DirectoryError {
    match error.code {
        ErrorCode::NotFound | ErrorCode::NoSessionToResume => DirectoryError::NotFound,
        ErrorCode::AlreadyExists => DirectoryError::AlreadyExists,
        ErrorCode::NotPermitted | ErrorCode::ControlFailed => DirectoryError::NotPermitted,
        ErrorCode::Unauthorized | ErrorCode::TicketRefused => DirectoryError::Unauthorized,
        ErrorCode::CredentialExpired => DirectoryError::Expired,
        ErrorCode::BadRequest => DirectoryError::BadRequest(error.text),
        ErrorCode::Busy
        | ErrorCode::QueueTimedOut
        | ErrorCode::RateLimited
        | ErrorCode::TooSlow
        | ErrorCode::ShuttingDown
        | ErrorCode::Unavailable => DirectoryError::Busy { retry_after: error.retry_after_ms.map(millis) },
        // An older server knows no such first frame.
        ErrorCode::Unsupported
        | ErrorCode::FeatureMissing
        | ErrorCode::ProtocolError
        | ErrorCode::StaleEpoch
        | ErrorCode::InitialStateRefused
        | ErrorCode::UnknownModel
        | ErrorCode::MediaFailed
        | ErrorCode::Other(_) => DirectoryError::NotSupported,
    }
}
