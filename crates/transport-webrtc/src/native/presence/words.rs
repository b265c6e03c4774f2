//! The words of rings on the wire and of the transport traits, each way, without wildcards over
//! either.

use crate::native::translate;
use offhook_signaling as wire;
use offhook_transport as ours;
use ours::{
    DeclineCode, InstanceId, PresenceEvent, RingAction, RingEndCode, RingId, RingInfo, RingRefusedCode,
};
use std::time::Duration;
use wire::{ErrorCode, FromClient, FromServer};

/// What a frame amounts to.
pub(super) enum Inward {
    Event(Box<PresenceEvent>),
    /// The last thing of this link.
    Last(Box<PresenceEvent>),
    /// A sign of life, no more.
    Nothing,
    Answer(Box<FromClient>),
    OutOfPlace(String),
}

pub(super) fn present(present: wire::Present) -> PresenceEvent {
    PresenceEvent::Up {
        liveness: Some(translate::liveness(present.liveness)),
        rings: present.rings.into_iter().map(ring).collect(),
    }
}

pub(super) fn inward(message: FromServer, up: bool) -> Inward {
    use wire::Message as _;
    let event = |event| Inward::Event(Box::new(event));
    match message {
        FromServer::Error(error) => Inward::Last(Box::new(refused(error, up))),
        FromServer::NeedCredential(need) => {
            Inward::Last(Box::new(PresenceEvent::NeedCredential(translate::need(&need.why))))
        }
        FromServer::Other(unknown) => match unknown.answer() {
            Some(answer) => Inward::Answer(Box::new(FromClient::Unsupported(answer))),
            None => Inward::Nothing,
        },
        FromServer::Pong(_) | FromServer::Unsupported(_) => Inward::Nothing,
        FromServer::RingPlaced(placed) if up => {
            event(PresenceEvent::Placed { id: placed.id, ring: ring(placed.ring) })
        }
        FromServer::RingRefused(refused) if up => event(PresenceEvent::PlaceRefused {
            id: refused.id,
            why: refusal(&refused.why),
            text: refused.text,
        }),
        FromServer::Ring(info) if up => event(PresenceEvent::Ring(ring(info))),
        FromServer::Accepted(accepted) if up => event(PresenceEvent::Accepted {
            ring: RingId(accepted.ring_id),
            user: accepted.user,
            ticket: translate::our_secret(&accepted.join_ticket),
        }),
        FromServer::Gone(gone) if up => event(PresenceEvent::Gone {
            ring: RingId(gone.ring_id),
            why: end(&gone.why),
            survivor: gone.survivor.map(RingId),
        }),
        other @ (FromServer::RingPlaced(_)
        | FromServer::RingRefused(_)
        | FromServer::Ring(_)
        | FromServer::Accepted(_)
        | FromServer::Gone(_)
        | FromServer::Present(_)
        | FromServer::Ping(_)
        | FromServer::Joined(_)
        | FromServer::Resumed(_)
        | FromServer::ResumeRefused(_)
        | FromServer::Queued(_)
        | FromServer::Admitted(_)
        | FromServer::Progress(_)
        | FromServer::Answer(_)
        | FromServer::NeedSections(_)
        | FromServer::Candidate(_)
        | FromServer::EndOfCandidates(_)
        | FromServer::Sending(_)
        | FromServer::Paused(_)
        | FromServer::MediaFault(_)
        | FromServer::Acked(_)
        | FromServer::Refused(_)
        | FromServer::Moderated(_)
        | FromServer::NotModerated(_)
        | FromServer::Relayed(_)
        | FromServer::NotRelayed(_)
        | FromServer::MutedBy(_)
        | FromServer::VideoWanted(_)
        | FromServer::Waiting(_)
        | FromServer::NeedImage(_)
        | FromServer::ImageChunkAck(_)
        | FromServer::GenerationStarted(_)
        | FromServer::GenerationTick(_)
        | FromServer::GenerationEnded(_)
        | FromServer::Message(_)
        | FromServer::Reaction(_)
        | FromServer::Conversation(_)
        | FromServer::Said(_)
        | FromServer::NotTaken(_)
        | FromServer::MemberJoined(_)
        | FromServer::MemberUpdated(_)
        | FromServer::MemberLeft(_)
        | FromServer::GoAway(_)
        | FromServer::CredentialRefreshed(_)
        | FromServer::Session(_)
        | FromServer::SessionGone(_)
        | FromServer::Steered(_)
        | FromServer::Ended(_)) => Inward::OutOfPlace(other.kind().to_owned()),
    }
}

/// Before we are in the far side said no; after that it closes a link, which is loss.
fn refused(error: wire::Error, up: bool) -> PresenceEvent {
    let retry_after = error.retry_after_ms.map(translate::millis);
    match error.code {
        ErrorCode::CredentialExpired => PresenceEvent::NeedCredential(ours::CredentialWhy::Expired),
        ErrorCode::ShuttingDown => PresenceEvent::Lost(ours::Fault::new(ours::FaultKind::ServerRestart)),
        _ if up => PresenceEvent::Lost(ours::Fault::new(ours::FaultKind::Closed)),
        code => PresenceEvent::Refused { code: translate::refused(&code), retry_after, text: error.text },
    }
}

fn ring(ring: wire::Ring) -> RingInfo {
    RingInfo {
        id: RingId(ring.ring_id),
        version: ring.version,
        session: ours::SessionRef { kind: ring.session.kind, id: ring.session.id },
        user: ring.user,
        name: ring.name,
        metadata: ring.metadata,
        placed_by: ring.instance.map(|instance| InstanceId(instance.0.to_be_bytes())),
        expires_in: (ring.expires_in_ms > 0).then(|| translate::millis(ring.expires_in_ms)),
    }
}

fn refusal(why: &wire::RingRefusal) -> RingRefusedCode {
    use wire::RingRefusal as From;
    match why {
        From::Oneself => RingRefusedCode::Oneself,
        From::Nobody => RingRefusedCode::Nobody,
        From::UnknownUser => RingRefusedCode::UnknownUser,
        From::TooMany => RingRefusedCode::TooMany,
        From::RateLimited => RingRefusedCode::RateLimited,
        From::NotPermitted => RingRefusedCode::NotPermitted,
        From::Other(_) => RingRefusedCode::Other,
    }
}

fn end(why: &wire::RingEnd) -> RingEndCode {
    use wire::RingEnd as From;
    match why {
        From::AnsweredElsewhere => RingEndCode::AnsweredElsewhere,
        From::Declined => RingEndCode::Declined,
        From::DeclinedByAll => RingEndCode::DeclinedByAll,
        From::Cancelled => RingEndCode::Cancelled,
        From::Expired => RingEndCode::Expired,
        From::Busy => RingEndCode::Busy,
        From::EndedBeforePickup => RingEndCode::EndedBeforePickup,
        From::Glare => RingEndCode::Glare,
        From::Unknown => RingEndCode::Unknown,
        From::Other(_) => RingEndCode::Other,
    }
}

/// What an action says; `id` is for a ping.
pub(super) fn outward(action: RingAction, id: u64) -> FromClient {
    match action {
        RingAction::Place(order) => FromClient::Ring(wire::PlaceRing {
            id: order.id,
            session: translate::session(&order.session),
            instance: translate::instance(order.instance),
            users: order.users,
            timeout_ms: order.timeout.map_or(0, wire_millis),
            name: order.name,
            metadata: order.metadata,
        }),
        RingAction::Accept { ring, instance } => {
            FromClient::Accept(wire::Accept { ring_id: ring.0, instance: translate::instance(instance) })
        }
        RingAction::Decline { ring, why } => FromClient::Decline(wire::Decline {
            ring_id: ring.0,
            reason: match why {
                DeclineCode::Declined => wire::RingEnd::Declined,
                DeclineCode::Busy => wire::RingEnd::Busy,
            },
        }),
        RingAction::Cancel { ring } => {
            FromClient::CancelRing(wire::CancelRing { ring_id: ring.0, reason: wire::RingEnd::Cancelled })
        }
        RingAction::Expire { ring } => {
            FromClient::CancelRing(wire::CancelRing { ring_id: ring.0, reason: wire::RingEnd::Expired })
        }
        RingAction::Ask { ring } => FromClient::RingState(wire::RingRef { ring_id: ring.0 }),
        RingAction::Ping => super::ping(id),
    }
}

/// At least a millisecond, as 0 is for ever, and no number that the wire does not take.
fn wire_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, wire::limits::NUMBER)
}

/// What becomes of a message that breaks a limit of the wire.
pub(super) fn unwritable(message: &FromClient, text: String) -> Option<PresenceEvent> {
    match message {
        FromClient::Presence(_) => {
            Some(PresenceEvent::Refused { code: ours::RefusedCode::Unauthorized, retry_after: None, text })
        }
        FromClient::Ring(order) => Some(PresenceEvent::PlaceRefused {
            id: order.id,
            why: if order.users.len() > wire::limits::LIST {
                RingRefusedCode::TooMany
            } else {
                RingRefusedCode::Other
            },
            text,
        }),
        _ => None,
    }
}
