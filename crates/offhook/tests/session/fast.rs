//! An application that asks for more than anybody can follow, by a far side that is a hand (F50, F56, F60,
//! F64): levels go out as a few, the last of them for certain, and every change ends once (R15, R16).

use crate::common::*;
use futures_util::FutureExt;
use offhook::mock::MockDial;
use offhook::transport::media::{Codec, TrackSpec, local};
use offhook::transport::{Action, Capability, Desired, Plane};
use offhook::{Change, Join, Joined, Kind, ModerateError, Revision, Session, SetError};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// What the far side was asked in this time, and answered at once.
async fn asked(dial: &MockDial, during: impl Future<Output = ()>) -> Vec<Arc<Action>> {
    let mut asked = Vec::new();
    let mut during = pin!(during);
    loop {
        tokio::select! {
            action = dial.action() => {
                let action = action.expect("the link is not closed");
                if let Action::Apply { revision, .. } = &*action {
                    dial.ack(*revision);
                }
                asked.push(action);
            }
            () = &mut during => return asked,
        }
    }
}

fn applied(asked: &[Arc<Action>]) -> Vec<(u64, &Desired)> {
    let mut applied = Vec::new();
    for action in asked {
        if let Action::Apply { revision, desired } = &**action {
            applied.push((revision.0, desired));
        }
    }
    applied
}

async fn moderator(remote: &offhook::mock::Remote, client: &offhook::Client) -> (Session<Joined>, MockDial) {
    let joining = idle(client).join(Join::new());
    let dial = remote.dial().await;
    let mut up = dial.a_welcome();
    up.capabilities = up.capabilities.with(Capability::Moderate);
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
    (joining.await.expect("it is let in"), dial)
}

/// F50: a thousand prompts of one second.
#[tokio::test(start_paused = true)]
async fn a_slider_of_prompts_goes_out_as_a_few_and_the_last_is_in_effect() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut settings = Vec::new();
    let asked = asked(&dial, async {
        for n in 0..1_000 {
            settings.push(session.set_prompt(format!("strength {n}")));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
    let applied = applied(&asked);
    assert!((30..=50).contains(&applied.len()), "{} went out", applied.len());
    assert!(applied.is_sorted_by_key(|(revision, _)| *revision));
    let newest = applied.last().and_then(|(_, desired)| desired.prompt.as_ref());
    assert_eq!(newest.map(|prompt| &*prompt.text), Some("strength 999"));
    let (mut outcomes, ended) = (Vec::new(), tokio::time::Instant::now());
    for setting in settings {
        outcomes.push(setting.await);
    }
    assert_eq!(ended.elapsed(), Duration::ZERO, "each has ended by now");
    assert!(matches!(outcomes.pop(), Some(Ok(Revision(_)))), "the last is in effect");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(SetError::Superseded))));
}

/// F50, F60: of what changes together each part keeps its newest, whichever of them waits.
#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_has_the_newest_of_every_part() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut last = None;
    let asked = asked(&dial, async {
        for n in 0..500 {
            drop(session.set_prompt(format!("strength {n}")));
            drop(if n % 2 == 0 { session.mute(Kind::Audio) } else { session.unmute(Kind::Audio) });
            last = Some(session.set(Change::new().muted(Kind::Video, n % 3 == 0)));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
    let applied = applied(&asked);
    assert!(applied.len() <= 50, "{} went out", applied.len());
    let (_, newest) = applied.last().expect("something was asked for");
    assert_eq!(newest.prompt.as_ref().map(|prompt| &*prompt.text), Some("strength 499"));
    assert_eq!((newest.muted.audio, newest.muted.video), (false, false));
    last.expect("it was set").now_or_never().expect("it ended").expect("and is in effect");
}

/// F50: the first of a change that follows a pause does not wait.
#[tokio::test(start_paused = true)]
async fn a_change_after_a_pause_goes_out_at_once() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    for n in 0..5 {
        let setting = session.set_prompt(format!("strength {n}"));
        let asked = asked(&dial, tokio::time::sleep(Duration::from_micros(1_500))).await;
        assert_eq!(applied(&asked).len(), 1, "at once");
        setting.now_or_never().expect("it ended").expect("it is in effect");
    }
}

/// F56: many times in a second counts as once, and the last is not lost.
#[tokio::test(start_paused = true)]
async fn a_user_who_is_there_a_thousand_times_a_second_is_there_once() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let asked = asked(&dial, async {
        for _ in 0..3_000 {
            session.keep_alive().expect("it goes on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    })
    .await;
    let said = asked.iter().filter(|action| ***action == Action::KeepAlive).count();
    assert!((3..=4).contains(&said), "{said} in four seconds");
}

/// F60: what is published is a level as well.
#[tokio::test(start_paused = true)]
async fn tracks_that_come_and_go_by_the_hundred_are_a_few_lists_and_the_newest_counts() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let (_sender, track) = local(TrackSpec { codec: Codec::H264, label: String::new() });
    let asked = asked(&dial, async {
        for _ in 0..500 {
            session.publish_as("screen", &track).expect("its label is free");
            tokio::time::sleep(Duration::from_millis(1)).await;
            session.unpublish("screen").expect("it is published");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        session.publish_as("last", &track).expect("its label is free");
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
    let lists: Vec<_> = asked
        .iter()
        .filter_map(|action| match &**action {
            Action::Publish(tracks) => Some(tracks),
            _ => None,
        })
        .collect();
    assert!((30..=50).contains(&lists.len()), "{} went out", lists.len());
    let newest: Vec<_> = lists.last().expect("lists").iter().map(|track| &*track.spec().label).collect();
    assert_eq!(newest, ["last"]);
}

/// F64: a moderator is held to a pace, too, and told so.
#[tokio::test(start_paused = true)]
async fn a_moderator_who_asks_for_too_much_at_once_is_told() {
    let (client, remote) = by_hand();
    let (session, dial) = moderator(&remote, &client).await;
    let mut full = 0;
    let asked = asked(&dial, async {
        for n in 0..1_000 {
            let asked = session.mute_member(format!("member {n}"), Kind::Audio);
            tokio::time::sleep(Duration::from_millis(1)).await;
            full += u32::from(asked.now_or_never() == Some(Err(ModerateError::Full)));
        }
    })
    .await;
    let said = asked.iter().filter(|action| matches!(***action, Action::Moderate(_))).count();
    assert!((50..=61).contains(&said), "{said} went out");
    assert_eq!(said + full as usize, 1_000, "each was asked for, or refused");
    // What a flood of these leaves is as much as there ever is for a prompt.
    let setting = session.set_prompt("sepia");
    let asked = self::asked(&dial, tokio::time::sleep(Duration::from_millis(2))).await;
    assert_eq!(applied(&asked).len(), 1);
    setting.now_or_never().expect("it ended").expect("it is in effect");
}

/// R14, R15: what waits when the link goes is desired all the same, and the next link has it.
#[tokio::test(start_paused = true)]
async fn a_change_that_waits_when_its_link_is_lost_is_on_the_next_one() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut last = None;
    asked(&dial, async {
        for n in 0..100 {
            last = Some(session.set_prompt(format!("strength {n}")));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    dial.lose(Plane::Signaling, offhook::transport::FaultKind::Closed);
    let next = remote.dial().await;
    next.accept();
    let asked = asked(&next, tokio::time::sleep(Duration::from_millis(500))).await;
    let applied = applied(&asked);
    let prompt = applied.last().and_then(|(_, desired)| desired.prompt.as_ref());
    assert_eq!(prompt.map(|prompt| &*prompt.text), Some("strength 99"), "{asked:?}");
    last.expect("it was set").now_or_never().expect("it ended").expect("and is in effect");
}
