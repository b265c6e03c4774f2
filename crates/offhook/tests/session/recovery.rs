//! Losing the network and coming back, with the latest desired state (F30, F31, F33, F34, F41;
//! B3, B5, E1, E2, E14; bugs F1, F2, F4).

use crate::common::*;
use offhook::mock::What;
use offhook::transport::media::Kind;
use offhook::transport::{Content, FaultKind, Liveness, MemberChange, Plan, Plane, ResumeRefusal};
use offhook::{CallingState, EndReason, Event, Fault, Join, Network, Policy};
use std::time::Duration;

/// F1 DecartAI/decart-python#56 [bot]: the *latest* prompt, not the initial one.
#[tokio::test(start_paused = true)]
async fn a_prompt_set_while_the_network_is_away_is_what_comes_back() {
    let (client, remote) = studio();
    let session =
        joined_studio(&client, Join::new().prompt("initial").publish(offhook::Clip::sample())).await;
    let mut states = session.states();
    remote.cut();
    until(&mut states, CallingState::Reconnecting).await;
    let setting = session.set_prompt("latest");
    tokio::time::sleep(Duration::from_secs(3)).await;
    remote.restore();
    until(&mut states, CallingState::Joined).await;
    setting.await.expect("applied by the recovered link");
    let mut video = session.remote_video().await.expect("joined");
    let repainted = loop {
        let next = tokio::time::timeout(Duration::from_secs(60), video.next()).await;
        let frame = next.expect("frames come back").expect("the same handle goes on");
        if let Some((prompt, _)) = offhook::mock::repainted_with(&frame) {
            break prompt;
        }
    };
    assert_eq!(repainted, "latest");
    assert_eq!(session.leave().await.summary().recoveries, 1);
}

/// F30, B3, B5, E2: one outage, one series, and its end is told.
#[tokio::test(start_paused = true)]
async fn a_lost_signaling_plane_is_resumed_and_told_as_one_outage() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    assert!(matches!(next.plan(), Plan::Resume { restart_ice: false, .. }), "{:?}", next.plan());
    assert_eq!(session.state(), CallingState::Reconnecting);
    next.accept();
    let (plan, media) = event(&mut events, |event| match event {
        Event::Recovered { plan, media_interrupted, .. } => Some((*plan, *media_interrupted)),
        _ => None,
    })
    .await;
    assert!(matches!(plan, offhook::Plan::Resume { .. }));
    assert_eq!(media, Duration::ZERO, "media lived on");
    assert_eq!(session.state(), CallingState::Joined);
    assert!(remote.try_dial().is_none());
}

/// F4 livekit/client-sdk-flutter#963, F5: a mute holds over every recovery.
#[tokio::test(start_paused = true)]
async fn a_mute_survives_a_rejoin() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().publish(offhook::Clip::sample())).await;
    session.mute(Kind::Video).await.expect("acked");
    let mut states = session.states();
    remote.cut();
    until(&mut states, CallingState::Reconnecting).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    remote.restore();
    until(&mut states, CallingState::Joined).await;
    remote.frames();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(remote.frames().is_empty(), "muted before, muted after");
    session.unmute(Kind::Video).await.expect("acked");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!remote.frames().is_empty());
}

/// F33, R10.
#[tokio::test(start_paused = true)]
async fn without_a_network_it_is_offline_and_comes_back_by_itself() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let controls = session.controls();
    let mut states = session.states();
    controls.network(Network::Down);
    until(&mut states, CallingState::Offline).await;
    let dials = || remote.log().iter().filter(|seen| matches!(seen.what, What::Dial(_))).count();
    let before = dials();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(dials(), before, "nothing is dialled without a network");
    controls.network(Network::Up);
    until(&mut states, CallingState::Reconnecting).await;
    until(&mut states, CallingState::Joined).await;
}

/// H10 livekit/livekit#3292, jitsi/jitsi-meet#7688: six seconds unless it is set, by the policy or by
/// what the far side says of itself.
#[tokio::test(start_paused = true)]
async fn how_soon_a_crash_is_seen_is_set_and_said() {
    let seconds = Duration::from_secs;
    let quick = Policy { ping: seconds(1), silence: seconds(2), ..Policy::default() };
    let own = Liveness { ping: seconds(1), silence: seconds(3) };
    for (policy, said, noticed) in [
        (Policy::default(), None, seconds(6)),
        (quick, None, seconds(2)),
        (Policy::default(), Some(own), seconds(3)),
    ] {
        let (client, remote) = by_hand();
        let joining = idle(&client.policy(policy.clone())).join(Join::new());
        let dial = remote.dial().await;
        let mut up = dial.a_welcome();
        up.liveness = said;
        dial.answer();
        dial.up(up);
        dial.carried(Plane::Signaling);
        dial.ack(dial.seen().revision);
        dial.carried(Plane::Media);
        let session = joining.await.expect("the hand accepts");
        let mut events = session.events();
        tokio::time::sleep(seconds(20)).await;
        let crashed = remote.now();
        dial.silence(Plane::Signaling);
        event(&mut events, |event| {
            matches!(event, Event::LinkLost { plane: offhook::Plane::Signaling, fault: Fault::Silent })
                .then_some(())
        })
        .await;
        let after = remote.now().saturating_sub(crashed);
        let ping = said.map_or(policy.ping, |own| own.ping);
        assert!(after <= noticed && after + ping >= noticed, "{after:?}, and {noticed:?} was set");
    }
}

/// F34, E1: recovery gives up, says why, and can be asked for once more.
#[tokio::test(start_paused = true)]
async fn a_failed_recovery_can_be_retried_and_left() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    let mut states = session.states();
    let events = session.events();
    remote.cut();
    until(&mut states, CallingState::ReconnectingFailed).await;
    assert!(session.view().last_error().is_some());
    remote.restore();
    session.controls().retry();
    until(&mut states, CallingState::Joined).await;
    remote.cut();
    until(&mut states, CallingState::ReconnectingFailed).await;
    // R1: leaving what had failed keeps what failed, as ended by the user.
    let left = session.leave().await;
    assert_eq!(left.who(), offhook::Who::User);
    assert!(matches!(left.reason(), EndReason::NetworkLost | EndReason::MediaLost), "{:?}", left.reason());
    let seen = all(events).await;
    let [.., Event::Error(_), Event::Ended(_)] = &seen[..] else { panic!("{:?}", seen.last()) };
}

/// E14 livekit/livekit#4477 [req]: a hint collapses the backoff.
#[tokio::test(start_paused = true)]
async fn a_retry_in_the_backoff_dials_at_once() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    for _ in 0..6 {
        remote.dial().await.fail(FaultKind::Unreachable);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let asked = remote.now();
    session.controls().retry();
    remote.dial().await;
    assert_eq!(remote.now(), asked);
}

/// F32, R13.
#[tokio::test(start_paused = true)]
async fn a_go_away_moves_the_session_while_media_flows() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut states = session.states();
    dial.go_away(offhook::transport::GoAwayHint {
        url: Some("wss://other.example".into()),
        ticket: Some(offhook::transport::Secret::new("one-use")),
        deadline: Some(Duration::from_secs(30)),
        reason: offhook::transport::GoAwayReason::ShuttingDown,
    });
    let next = remote.dial().await;
    assert!(matches!(next.plan(), Plan::Migrate { .. }));
    assert_eq!(next.seen().target.as_ref().and_then(|to| to.url.as_deref()), Some("wss://other.example"));
    assert_eq!(next.seen().credential, None, "the access token never goes to a target");
    assert_eq!(session.state(), CallingState::Migrating);
    assert!(session.is_connected());
    next.accept();
    until(&mut states, CallingState::Joined).await;
    dial.closed().await;
    assert_eq!(session.leave().await.summary().migrations, 1);
}

/// F63: who is only named on a new link is neither gone nor new, and what has changed of them is told
/// when they are said.
#[tokio::test(start_paused = true)]
async fn who_is_to_follow_in_a_roster_is_not_gone_meanwhile() {
    use offhook::Member;
    let member =
        |id: &str, name: &str| Member { id: id.into(), name: name.into(), away: false, tracks: vec![] };
    let let_in = |dial: &offhook::mock::MockDial, roster: &[&str], to_follow: &[&str]| {
        let mut up = dial.a_welcome();
        up.roster = roster.iter().map(|id| member(id, id)).collect();
        up.to_follow = to_follow.iter().map(ToString::to_string).collect();
        dial.answer();
        dial.up(up);
        dial.carried(Plane::Signaling);
        dial.ack(dial.seen().revision);
        dial.carried(Plane::Media);
    };
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let_in(&dial, &["a", "b", "c", "d"], &[]);
    let session = joining.await.expect("accepted");
    let mut events = session.events();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let next = remote.dial().await;
    let_in(&next, &["a"], &["b", "c", "e"]);
    for (id, name) in [("b", "b"), ("c", "another name"), ("e", "e")] {
        next.content(Content::Member(MemberChange::Joined(member(id, name))));
    }
    let mut changes = Vec::new();
    event(&mut events, |event| {
        match event {
            Event::MemberJoined(member) => changes.push(format!("+{}", member.id)),
            Event::MemberLeft(member) => changes.push(format!("-{}", member.id)),
            Event::MemberUpdated(member) => changes.push(format!("~{} {}", member.id, member.name)),
            _ => {}
        }
        (changes.last().is_some_and(|change| change == "+e")).then_some(())
    })
    .await;
    assert_eq!(changes, ["+a", "+b", "+c", "+d", "-d", "~c another name", "+e"]);
}

/// C18 livekit/livekit#4477, livekit/client-sdk-js#561: no one who left during the outage stays, and a
/// resume and a rejoin tell of the same.
#[tokio::test(start_paused = true)]
async fn the_roster_after_a_recovery_is_the_far_sides_by_whatever_plan() {
    use offhook::Member;
    let member = |id: &str| Member { id: id.into(), name: id.into(), away: false, tracks: Vec::new() };
    let let_in = |dial: &offhook::mock::MockDial, roster: [&str; 2]| {
        let mut up = dial.a_welcome();
        up.roster = roster.map(member).into();
        dial.answer();
        dial.up(up);
        dial.carried(Plane::Signaling);
        dial.ack(dial.seen().revision);
        dial.carried(Plane::Media);
    };
    for rejoins in [false, true] {
        let (client, remote) = by_hand();
        let joining = idle(&client).join(Join::new());
        let dial = remote.dial().await;
        let_in(&dial, ["a", "b"]);
        let session = joining.await.expect("accepted");
        let mut events = session.events();
        dial.lose(Plane::Signaling, FaultKind::Closed);
        let mut next = remote.dial().await;
        if rejoins {
            next.refuse_resume(ResumeRefusal::Gone);
            next = remote.dial().await;
        }
        assert_eq!(matches!(next.plan(), Plan::Rejoin { .. }), rejoins, "{:?}", next.plan());
        let_in(&next, ["b", "c"]);
        let mut changes = Vec::new();
        event(&mut events, |event| {
            match event {
                Event::MemberJoined(member) => changes.push(format!("+{}", member.id)),
                Event::MemberLeft(member) => changes.push(format!("-{}", member.id)),
                Event::MemberUpdated(member) => changes.push(format!("~{}", member.id)),
                _ => {}
            }
            matches!(event, Event::Recovered { .. }).then_some(())
        })
        .await;
        assert_eq!(changes, ["+a", "+b", "+c", "-a"], "rejoins: {rejoins}");
    }
}

/// F09: an attempt that the far side answered for good says with what, and not that nobody wanted it any more;
/// one that the old link's end overtook does say so.
#[tokio::test(start_paused = true)]
async fn the_attempt_that_ended_the_session_says_why_it_came_to_nothing() {
    use offhook::transport::{EndCode, RefusedCode};
    use offhook::{Cause, JoinErrorKind};
    for how in ["refused", "ended", "overtaken"] {
        let (client, remote) = by_hand();
        let (session, dial) = joined(&client, &remote).await;
        let mut events = session.events();
        // A path that is lost while signaling lives leaves the old link there to say something.
        dial.lose(if how == "overtaken" { Plane::Media } else { Plane::Signaling }, FaultKind::Closed);
        if how != "overtaken" {
            remote.dial().await.refuse_resume(ResumeRefusal::Gone);
        }
        let next = remote.dial().await;
        match how {
            "refused" => next.refuse(RefusedCode::Unauthorized),
            "ended" => next.end(EndCode::Kicked),
            _ => dial.end(EndCode::Kicked),
        }
        let mut last = None;
        let reason = event(&mut events, |event| match event {
            Event::Attempt(attempt) => {
                last = Some(attempt.error);
                None
            }
            Event::Ended(ended) => Some(ended.reason),
            _ => None,
        })
        .await;
        let (error, ends) = match how {
            "refused" => (Cause::Refusal(JoinErrorKind::Unauthorized), EndReason::Unauthorized),
            "ended" => (Cause::End(EndReason::Kicked), EndReason::Kicked),
            _ => (Cause::Refusal(JoinErrorKind::Cancelled), EndReason::Kicked),
        };
        assert_eq!((last.flatten(), reason), (Some(error), ends), "{how}");
    }
}
