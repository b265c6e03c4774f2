//! A moderator's requests over the scripted far side: each ends exactly once, and a mute by a
//! moderator becomes what is desired (F64, R14, R15).

use crate::common::*;
use offhook::mock::{Studio, pair};
use offhook::transport::media::{Codec, Kind, TrackSpec, local};
use offhook::transport::{Action, Capability, EndCode, Moderate, Moderation, ModerationRefusal, Transport};
use offhook::{Client, EndReason, Event, Join, ModerateError};
use std::time::Duration;

async fn asked(dial: &offhook::mock::MockDial) -> Moderation {
    loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Moderate(moderation) = &*action {
            return moderation.clone();
        }
    }
}

/// Done, refused in each way, and not answered.
#[tokio::test(start_paused = true)]
async fn each_request_ends_once_with_what_the_far_side_says() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let asking = session.kick("bob");
    let request = asked(&dial).await;
    assert_eq!(request.act, Moderate::Kick { member: "bob".into() });
    dial.moderated(request.id);
    assert_eq!(asking.await, Ok(()));
    for (why, error) in [
        (ModerationRefusal::NotPermitted, ModerateError::NotPermitted),
        (ModerationRefusal::UnknownMember, ModerateError::UnknownMember),
        (ModerationRefusal::Oneself, ModerateError::Oneself),
        (ModerationRefusal::NotSupported, ModerateError::NotSupported),
        (ModerationRefusal::Other, ModerateError::Refused { text: "not today".into() }),
    ] {
        let asking = session.mute_member("bob", Kind::Audio);
        let request = asked(&dial).await;
        let act = Moderate::Mute { member: "bob".into(), kind: Kind::Audio, muted: true };
        assert_eq!(request.act, act);
        dial.refuse_moderation(request.id, why, "not today");
        assert_eq!(asking.await, Err(error));
    }
    assert_eq!(session.let_unmute("bob", Kind::Audio).await, Err(ModerateError::TimedOut));
}

/// R15: it may have been done, and is not asked for again.
#[tokio::test(start_paused = true)]
async fn a_request_that_a_rejoin_overtakes_ends_unknown_and_is_not_said_again() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let asking = session.kick("bob");
    asked(&dial).await;
    dial.lose(offhook::transport::Plane::Signaling, offhook::transport::FaultKind::Closed);
    dial.lose(offhook::transport::Plane::Media, offhook::transport::FaultKind::Closed);
    let answers = async {
        loop {
            let next = remote.dial().await;
            match &next.seen().plan {
                offhook::transport::Plan::Resume { .. } => {
                    next.refuse_resume(offhook::transport::ResumeRefusal::Gone);
                }
                _ => {
                    next.accept();
                    return next;
                }
            }
        }
    };
    let (asking, next) = tokio::join!(asking, answers);
    assert_eq!(asking, Err(ModerateError::Unknown));
    let unmoderated = tokio::time::timeout(Duration::from_secs(20), asked(&next)).await;
    assert!(unmoderated.is_err(), "said again: {unmoderated:?}");
}

/// What the far side granted says it, before anything is sent; as does a transport that has none.
#[tokio::test(start_paused = true)]
async fn without_the_right_it_is_not_permitted_at_once() {
    let (transport, remote) = pair();
    let can = transport.capabilities().without(Capability::Moderate);
    remote.auto(Studio::seeded(7).capable_of(can));
    for (transport, error) in [
        (transport.clone(), ModerateError::NotPermitted),
        (transport.capable_of(can), ModerateError::NotSupported),
    ] {
        let session = joined_studio(&Client::new(transport).seed(7), Join::new()).await;
        assert_eq!(session.end_for_all().await, Err(error.clone()));
        assert_eq!(session.kick("bob").await, Err(error));
    }
}

/// R14: muted here before it is told, told to the far side, and carried on by the next link.
#[tokio::test(start_paused = true)]
async fn a_mute_by_a_moderator_is_what_is_desired_from_then_on() {
    let (client, remote) = by_hand();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let joining = idle(&client).join(Join::new().publish(&track));
    let dial = remote.dial().await;
    dial.accept();
    let session = joining.await.expect("the hand accepts");
    let mut events = session.events();
    dial.mute("ada", Kind::Video, true);
    let told = event(&mut events, |event| match event {
        Event::MutedByModerator { by, kind, muted, may_unmute } => {
            Some((by.clone(), *kind, *muted, *may_unmute))
        }
        _ => None,
    })
    .await;
    assert_eq!(told, ("ada".into(), Kind::Video, true, true));
    let muted = loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Apply { desired, .. } = &*action {
            break desired.muted;
        }
    };
    assert!(muted.video && !muted.audio);
    let _ = sender;
    // Taken back, it stays muted: nobody is unmuted by somebody else.
    dial.mute("ada", Kind::Video, false);
    event(&mut events, |event| matches!(event, Event::MutedByModerator { muted: false, .. }).then_some(()))
        .await;
    let silent = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let action = dial.action().await.expect("the link is open");
            if let Action::Apply { desired, .. } = &*action
                && !desired.muted.video
            {
                break;
            }
        }
    });
    assert!(silent.await.is_err(), "it unmuted itself");
}

/// F64, F14: a far side that behaves by itself does to the others what a moderator says.
#[tokio::test(start_paused = true)]
async fn the_studio_kicks_mutes_and_ends_as_it_is_asked() {
    let (client, _remote) = studio();
    let ada = joined_studio(&client, Join::new()).await;
    let (bob, cid) = (joined_studio(&client, Join::new()).await, joined_studio(&client, Join::new()).await);
    let mut ids = Vec::new();
    for session in [&ada, &bob, &cid] {
        let mut events = session.events();
        let own = event(&mut events, |event| match event {
            Event::MemberJoined(member) => Some(member.id.clone()),
            _ => None,
        });
        ids.push(own.await);
    }
    assert_eq!(ada.kick(&ids[0]).await, Err(ModerateError::Oneself));
    assert_eq!(ada.kick("nobody").await, Err(ModerateError::UnknownMember));
    let mut cids = cid.events();
    assert_eq!(ada.mute_member(&ids[2], Kind::Audio).await, Ok(()));
    event(&mut cids, |event| matches!(event, Event::MutedByModerator { muted: true, .. }).then_some(()))
        .await;
    assert_eq!(ada.kick(&ids[1]).await, Ok(()));
    assert_eq!(bob.ended().await.reason(), EndReason::Kicked);
    assert_eq!(ada.end_for_all().await, Ok(()));
    assert_eq!(cid.ended().await.reason(), EndReason::EndedForAll);
    assert_eq!(ada.ended().await.reason(), EndReason::EndedForAll);
}

/// R15: the session ends first, and the request with it.
#[tokio::test(start_paused = true)]
async fn a_session_that_ends_first_ends_the_request_with_its_reason() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let asking = session.kick("bob");
    asked(&dial).await;
    dial.end(EndCode::Kicked);
    assert_eq!(asking.await, Err(ModerateError::Ended { reason: EndReason::Kicked }));
    assert_eq!(session.end_for_all().await, Err(ModerateError::Ended { reason: EndReason::Kicked }));
}
