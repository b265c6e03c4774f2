//! The words of rings of the lifecycle and of the transport traits, each way, without a wildcard
//! arm over either.

use offhook_lifecycle::{Decline, JoinErrorKind, RingEnd, RingRef, RingRefusal};
use offhook_transport::{DeclineCode, RingEndCode, RingRefusedCode};

/// How a ring ended. One that the far side does not know any more was over before anybody picked up.
pub(super) const fn end(why: RingEndCode, survivor: RingRef) -> RingEnd {
    match why {
        RingEndCode::AnsweredElsewhere => RingEnd::AnsweredElsewhere,
        RingEndCode::Declined => RingEnd::Declined,
        RingEndCode::DeclinedByAll => RingEnd::DeclinedByAll,
        RingEndCode::Cancelled => RingEnd::Cancelled,
        RingEndCode::Expired => RingEnd::Expired,
        RingEndCode::Busy => RingEnd::Busy,
        RingEndCode::Glare => RingEnd::Glare { survivor },
        RingEndCode::EndedBeforePickup | RingEndCode::Unknown | RingEndCode::Other => RingEnd::Gone,
    }
}

pub(super) const fn refusal(why: RingRefusedCode) -> RingRefusal {
    match why {
        RingRefusedCode::Oneself => RingRefusal::Oneself,
        RingRefusedCode::Nobody => RingRefusal::Nobody,
        RingRefusedCode::UnknownUser => RingRefusal::UnknownUser,
        RingRefusedCode::TooMany => RingRefusal::TooMany,
        RingRefusedCode::RateLimited => RingRefusal::RateLimited,
        RingRefusedCode::NotPermitted => RingRefusal::NotPermitted,
        RingRefusedCode::Other => RingRefusal::Other,
    }
}

/// What a presence that is refused for good says about the rings that wait for it.
pub(super) const fn unplaced(why: Option<JoinErrorKind>) -> RingRefusal {
    match why {
        Some(JoinErrorKind::Unauthorized) => RingRefusal::Unauthorized,
        Some(JoinErrorKind::NotPermitted) => RingRefusal::NotPermitted,
        Some(JoinErrorKind::NotSupported) => RingRefusal::NotSupported,
        Some(
            JoinErrorKind::NoUserMedia(_)
            | JoinErrorKind::BadTrack(_)
            | JoinErrorKind::TrackNotTaken
            | JoinErrorKind::Busy { .. }
            | JoinErrorKind::QueueTimedOut
            | JoinErrorKind::ServerUnreachable
            | JoinErrorKind::Tls
            | JoinErrorKind::MediaFailed(_)
            | JoinErrorKind::TimedOut { .. }
            | JoinErrorKind::ControlFailed
            | JoinErrorKind::NoSessionToResume
            | JoinErrorKind::NotFound
            | JoinErrorKind::InitialStateRefused { .. }
            | JoinErrorKind::Rejected { .. }
            | JoinErrorKind::ProtocolError
            | JoinErrorKind::HostGone
            | JoinErrorKind::NoRuntime
            | JoinErrorKind::Cancelled,
        )
        | None => RingRefusal::Other,
    }
}

pub(super) const fn decline(why: Decline) -> DeclineCode {
    match why {
        Decline::Unwanted => DeclineCode::Declined,
        Decline::Busy => DeclineCode::Busy,
    }
}
