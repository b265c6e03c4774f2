//! The desired state of a joined session: each change ends exactly once (F50, F51, R14, R15).
//!
//! The bugs named here: G10 webrtc-sdk/libwebrtc#92.

use crate::common::*;
use offhook::transport::media::Kind;
use offhook::transport::{Action, RefusalItem};
use offhook::{Change, ChangeOutcome, EndReason, Event, SetError, StateItem, Unfit};
use std::time::Duration;

/// The desired state of the next `Apply`, and its revision.
async fn applied(
    dial: &offhook::mock::MockDial,
) -> (offhook::transport::Revision, offhook::transport::Desired) {
    loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Apply { revision, desired } = &*action {
            return (*revision, desired.clone());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_applied_once_the_far_side_says_so() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut setting = session.set_prompt("posterize");
    let (revision, desired) = applied(&dial).await;
    assert_eq!(desired.prompt.map(|prompt| prompt.text).as_deref(), Some("posterize"));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut setting).await.is_err(), "not before the ack");
    dial.ack(revision);
    assert_eq!(setting.await.map(|applied| applied.0), Ok(revision.0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_prompt_says_why_and_the_old_one_stays() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let setting = session.set_prompt("good");
    let (revision, _) = applied(&dial).await;
    dial.ack(revision);
    setting.await.expect("acked");
    let setting = session.set_prompt("bad");
    let (revision, _) = applied(&dial).await;
    dial.refuse_revision(revision, RefusalItem::Prompt, "unknown filter");
    let refused = SetError::Refused { item: StateItem::Prompt, text: "unknown filter".into() };
    assert_eq!(setting.await, Err(refused));
    // What is desired now is the good one; the next change carries it along.
    drop(session.set_image(&b"image"[..]));
    loop {
        let (_, desired) = applied(&dial).await;
        assert_eq!(desired.prompt.map(|prompt| prompt.text).as_deref(), Some("good"));
        if desired.image.is_some() {
            break;
        }
    }
}

/// Both are awaited and each ends exactly once.
#[tokio::test(start_paused = true)]
async fn an_older_prompt_is_superseded_by_a_newer_one() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let (first, second) = (session.set_prompt("first"), session.set_prompt("second"));
    let answer = async {
        loop {
            let (revision, desired) = applied(&dial).await;
            if desired.prompt.is_some_and(|prompt| prompt.text == "second") {
                dial.ack(revision);
                break;
            }
        }
    };
    let (first, second, ()) = tokio::join!(first, second, answer);
    assert_eq!(first, Err(SetError::Superseded));
    assert!(second.is_ok());
}

/// F51: a field not named is a field not touched.
#[tokio::test(start_paused = true)]
async fn a_prompt_does_not_touch_the_image() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    drop(session.set(Change::new().prompt("a").image(&b"picture"[..])));
    let (_, desired) = applied(&dial).await;
    assert!(desired.prompt.is_some() && desired.image.is_some(), "one change, both at once");
    drop(session.set_prompt("b"));
    let (_, desired) = applied(&dial).await;
    let image = desired.image.flatten().expect("still there");
    assert_eq!(&image.bytes[..], b"picture");
    drop(session.set(Change::new().clear_image()));
    let (_, desired) = applied(&dial).await;
    assert_eq!((desired.image, desired.prompt.map(|p| p.text).as_deref()), (Some(None), Some("b")));
}

#[tokio::test(start_paused = true)]
async fn a_change_without_an_answer_is_unconfirmed_and_its_result_comes_as_an_event() {
    let (client, remote) = studio_without_answers().await;
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    let setting = session.set_prompt("late");
    let (at, _) = applied(&dial).await;
    let Err(SetError::Unconfirmed { revision }) = setting.await else { panic!("nobody answers") };
    assert_eq!(revision.0, at.0);
    dial.ack(at);
    event(&mut events, |event| {
        (*event == Event::Change { revision, outcome: ChangeOutcome::Applied }).then_some(())
    })
    .await;
}

async fn studio_without_answers() -> (offhook::Client, offhook::mock::Remote) {
    by_hand()
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_change_is_not_desired_any_more() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let setting = session.set_prompt("regretted");
    let (at, _) = applied(&dial).await;
    let Err(SetError::Unconfirmed { revision }) = setting.await else { panic!("nobody answers") };
    assert_eq!(revision.0, at.0);
    session.withdraw(revision).expect("joined");
    drop(session.mute(Kind::Audio));
    loop {
        let (_, desired) = applied(&dial).await;
        assert_eq!(desired.prompt, None);
        if desired.muted.audio {
            break;
        }
    }
}

/// R15: what the far side confirmed is in effect, and is not taken back: neither it nor what was before it goes.
#[tokio::test(start_paused = true)]
async fn a_confirmed_change_cannot_be_withdrawn_and_stays() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut last = None;
    for text in ["sepia", "edges"] {
        let setting = session.set_prompt(text);
        let (at, _) = applied(&dial).await;
        dial.ack(at);
        last = Some(setting.await.expect("acked"));
    }
    let revision = last.expect("two of them");
    let refused = session.withdraw(revision).expect_err("it is confirmed");
    assert_eq!(refused, SetError::Confirmed { revision });
    assert!(refused.to_string().contains("set what it is to be instead"), "{refused}");
    drop(session.mute(Kind::Audio));
    let (_, desired) = applied(&dial).await;
    assert_eq!(desired.prompt.expect("it stands").text, "edges");
}

/// F14 [pr] livekit/agents#7092: ack futures hang. Every pending one ends with the session.
#[tokio::test(start_paused = true)]
async fn a_pending_change_ends_with_the_session() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let setting = session.set_prompt("never answered");
    applied(&dial).await;
    dial.kick("out");
    assert_eq!(setting.await, Err(SetError::Ended { reason: EndReason::Kicked }));
    // The handle is valid still, says the same to every call, and leaving yields that reason.
    let again = session.set_prompt("after the end").await;
    assert_eq!(again, Err(SetError::Ended { reason: EndReason::Kicked }));
    assert_eq!(session.leave().await.reason(), EndReason::Kicked);
}

/// G10.
#[tokio::test(start_paused = true)]
async fn what_can_be_seen_to_be_wrong_is_not_sent() {
    let (client, remote) = by_hand();
    let (session, _dial) = joined(&client, &remote).await;
    assert_eq!(session.set(Change::new()).await, Err(SetError::Empty));
    assert_eq!(session.set_image(Vec::new()).await, Err(SetError::Unfit(Unfit::EmptyImage)));
    let long = session.set_prompt("x".repeat(1 << 20)).await;
    assert!(matches!(long, Err(SetError::Unfit(Unfit::TooLarge { .. }))));
}

/// R16: more than fits is refused, typed, and nothing grows.
#[tokio::test(start_paused = true)]
async fn a_flood_of_changes_is_refused_beyond_the_bound() {
    let (client, remote) = by_hand();
    let (session, _dial) = joined(&client, &remote).await;
    let settings: Vec<_> = (0..1000).map(|n| session.set_prompt(n.to_string())).collect();
    let mut full = 0;
    for setting in settings {
        match setting.await {
            Err(SetError::Full) => full += 1,
            Err(SetError::Superseded | SetError::Unconfirmed { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(full >= 1000 - 64, "{full}");
}
