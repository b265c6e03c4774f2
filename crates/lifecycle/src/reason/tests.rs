//! Every kind says who is to blame and what to do next, in words that agree with its `who` (F08, F14).
use super::{BadTrack, EndReason, Fault, JoinErrorKind, MediaLack, MediaWhy, Rejection, Who};
use crate::RingRefusal;
use std::collections::HashSet;
use std::time::Duration;

/// What a text that blames this one says.
const fn names(who: Who) -> &'static [&'static str] {
    match who {
        Who::User => &["you"],
        Who::FarSide => &["the far side", "the server", "was rung"],
        Who::Network => &["network"],
        Who::Local => &["this machine", "this process"],
    }
}

fn is_told(what: &str, text: &str, who: Who) {
    assert!(names(who).iter().any(|name| text.contains(name)), "{what} blames {who:?}: {text}");
    has_a_next_step(what, text);
}

/// What to do next comes after the semicolon, and is short.
fn has_a_next_step(what: &str, text: &str) {
    let next = text.split_once("; ").map_or("", |(_, next)| next);
    assert!(next.split(' ').count() >= 2, "{what} has no next step: {text}");
    assert!(!text.contains("Some(") && !text.contains("None"), "{what} is not for people: {text}");
    assert!(text.len() < 160 && !text.ends_with('.'), "{what}: {text}");
}

/// Every kind of failed join, with all that it can hold.
fn kinds() -> Vec<JoinErrorKind> {
    let mut kinds = JoinErrorKind::ALL.to_vec();
    kinds.extend([MediaLack::Unusable, MediaLack::Declined].map(JoinErrorKind::NoUserMedia));
    kinds.push(JoinErrorKind::BadTrack(BadTrack::TooMany));
    kinds.extend([MediaWhy::Insecure, MediaWhy::FarSide, MediaWhy::Lost].map(JoinErrorKind::MediaFailed));
    kinds.push(JoinErrorKind::Busy { retry_after: Some(Duration::from_secs(9)), queue_position: Some(3) });
    kinds.extend(
        [
            Rejection::UnknownModel,
            Rejection::SessionEnded,
            Rejection::Replaced,
            Rejection::StaleEpoch,
            Rejection::RateLimited,
            Rejection::BadRequest,
            Rejection::Restarting,
            Rejection::Internal,
            Rejection::EndedBeforeJoin,
        ]
        .map(|code| JoinErrorKind::Rejected { code }),
    );
    kinds
}

/// F08.
#[test]
fn every_failed_join_says_who_is_to_blame_and_what_to_do_next() {
    for kind in kinds() {
        is_told(kind.code(), &kind.to_string(), kind.who());
    }
    let busy = JoinErrorKind::Busy { retry_after: Some(Duration::from_secs(9)), queue_position: None };
    assert!(busy.to_string().contains("in 9s"), "{busy}");
}

/// F61: three causes, three next steps.
#[test]
fn what_keeps_media_from_being_had_is_told_apart_by_its_next_step() {
    let next = [MediaLack::Absent, MediaLack::Unusable, MediaLack::Declined].map(|lack| {
        let text = JoinErrorKind::NoUserMedia(lack).to_string();
        text.split_once("; ").map(|(_, next)| next.to_owned()).unwrap_or_default()
    });
    assert!(next[0].contains("plug the device in"), "{next:?}");
    assert!(next[1].contains("close the program that has it"), "{next:?}");
    assert!(next[2].contains("allow this program"), "{next:?}");
}

/// F14.
#[test]
fn every_ending_says_who_is_to_blame_and_what_to_do_next() {
    let rings = RingRefusal::ALL.map(EndReason::RingRefused);
    for reason in
        EndReason::ALL.into_iter().chain(rings).chain(kinds().into_iter().map(EndReason::JoinFailed))
    {
        is_told(reason.code(), &reason.to_string(), reason.who());
    }
}

#[test]
fn every_fault_says_what_to_expect_or_to_do() {
    for fault in Fault::ALL {
        has_a_next_step(fault.code(), &fault.to_string());
    }
}

/// Codes go into logs and onto the wire: each is one kind's.
#[test]
fn no_two_kinds_share_a_code() {
    let codes: HashSet<_> = JoinErrorKind::ALL.into_iter().map(JoinErrorKind::code).collect();
    assert_eq!(codes.len(), JoinErrorKind::ALL.len());
    let codes: HashSet<_> = EndReason::ALL.into_iter().map(EndReason::code).collect();
    assert_eq!(codes.len(), EndReason::ALL.len());
}
