//! Leaving: at once, from everywhere, exactly once, with the reason known and everything
//! released (F10, F11, F12, F14; A2, A5, A7, C2, C14, D12, D13, D15, D16, J7).
//!
//! The bugs named here: B14 GetStream/stream-video-android#1598; C2 livekit/rust-sdks#370; C14
//! feross/simple-peer#764, #657; D3 livekit/rust-sdks#1443.

use crate::common::*;
use futures_util::StreamExt;
use offhook::mock::{MockDial, What};
use offhook::transport::{Action, EndCode, FaultKind, Plane, Progress};
use offhook::{
    CallingState, Controls, EndReason, Event, Join, ModerateError, Policy, SendError, SetError,
    SuspendPolicy, Who,
};
use std::time::{Duration, Instant};

/// F10, R4, C8 (peers/peerjs#1025): the return of `leave` is what counts, not its future.
#[tokio::test(start_paused = true)]
async fn every_reader_sees_left_when_leave_returns() {
    let (client, remote) = by_hand();
    let (session, _dial) = joined(&client, &remote).await;
    let controls = session.controls();
    let (mut states, mut watch) = (session.states(), session.watch());
    let asked = Instant::now();
    let leaving = session.leave();
    // Real time: it waits for nothing. That it takes microseconds is the benchmark's to show.
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(controls.state(), CallingState::Left);
    assert!(!controls.is_connected());
    assert_eq!(watch.next().await.map(|view| view.state()), Some(CallingState::Left));
    until(&mut states, CallingState::Left).await;
    let mut left = leaving.await;
    assert_eq!((left.reason(), left.who()), (EndReason::LeftByUser, Who::User));
    left.released().await;
}

/// The far side is told, once, and everything is gone within the goodbye's second although
/// the far side answers nothing.
#[tokio::test(start_paused = true)]
async fn a_leave_says_goodbye_and_releases_everything_in_time() {
    let (client, remote) = by_hand();
    let before = tasks();
    let (session, dial) = joined(&client, &remote).await;
    dial.silence(Plane::Signaling);
    let mut left = session.leave().await;
    tokio::time::timeout(Duration::from_millis(1_200), left.released()).await.expect("bounded");
    let goodbyes = remote.log().iter().filter(|seen| is_goodbye(&seen.what)).count();
    assert_eq!(goodbyes, 1);
    nothing_left(&remote, before).await;
}

fn is_goodbye(what: &What) -> bool {
    matches!(what, What::Action(action) | What::Lost(action) if **action == Action::Goodbye)
}

/// R3, C2, C14: one `Ended`, last; the stream is over when the leave was awaited.
#[tokio::test(start_paused = true)]
async fn a_plain_leave_reports_no_error_and_one_ending() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let events = session.events();
    let left = session.leave().await;
    dial.message("late", "topic", "payload");
    let seen = events.collect::<Vec<_>>().now_or_never().expect("the stream is over");
    assert!(!seen.iter().any(|event| matches!(event, Event::Error(_))));
    let endings = seen.iter().filter(|event| matches!(event, Event::Ended(_))).count();
    assert_eq!(endings, 1);
    let Some(Event::Ended(ended)) = seen.last() else { panic!("last of {seen:?}") };
    assert_eq!((ended.reason, ended.who, ended.may_retry), (EndReason::LeftByUser, Who::User, false));
    assert_eq!(ended.session, left.summary().session);
}

use futures_util::FutureExt;

/// C2 livekit/rust-sdks#370: there it was one in fifty, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_awaited_a_leave_finds_it_over_however_often_it_is_tried() {
    let (client, remote) = studio();
    for round in 0..300 {
        let session = joined_studio(&client, Join::new()).await;
        let (controls, events, mut states) = (session.controls(), session.events(), session.states());
        let left = session.leave().await;
        assert_eq!((left.state(), controls.state()), (CallingState::Left, CallingState::Left), "{round}");
        let told = events.collect::<Vec<_>>().now_or_never();
        let last = told.expect("the stream is over").pop();
        assert!(matches!(last, Some(Event::Ended(_))), "{round}: {last:?}");
        assert_eq!(states.by_ref().count().now_or_never().map(|seen| seen > 0), Some(true), "{round}");
    }
    nothing_left(&remote, 0).await;
}

/// C3 livekit/client-sdk-flutter#626: two causes in the same moment, in whatever order, are one ending
/// with one reason for everybody.
#[tokio::test(start_paused = true)]
async fn two_causes_at_once_are_one_ending_with_one_reason() {
    type Cause = fn(&MockDial, &Controls);
    let causes: [Cause; 5] = [
        |_, controls| controls.leave(),
        |dial, _| dial.end(EndCode::Kicked),
        |dial, _| dial.end(EndCode::OutOfCredit),
        |_, controls| controls.suspended(),
        |dial, _| dial.lose(Plane::Signaling, FaultKind::Closed),
    ];
    for (first, second) in
        (0..25).map(|n| (n / 5, n % 5)).filter(|(first, second)| (first, second) != (&4, &4))
    {
        let (client, remote) = by_hand();
        let policy = Policy { suspend: SuspendPolicy::Leave, ..Policy::default() };
        let (session, dial) = joined(&client.policy(policy), &remote).await;
        let (controls, events, late) = (session.controls(), session.events(), session.events());
        causes[first](&dial, &controls);
        causes[second](&dial, &controls);
        let left = tokio::time::timeout(Duration::from_secs(60), session.ended()).await.expect("over");
        for events in [all(events).await, all(late).await] {
            let ended: Vec<_> = events
                .iter()
                .filter_map(|event| match event {
                    Event::Ended(ended) => Some(ended.reason),
                    _ => None,
                })
                .collect();
            assert_eq!(ended, [left.reason()], "{first} and {second}: {events:?}");
            assert!(matches!(events.last(), Some(Event::Ended(_))));
        }
        assert_eq!(controls.view().and_then(|view| view.ending()).map(|e| e.reason), Some(left.reason()));
    }
}

/// F18, C9 (peers/peerjs#534): the error comes before the ending.
#[tokio::test(start_paused = true)]
async fn an_ending_by_the_far_side_keeps_its_reason_and_its_order() {
    for (code, reason, error) in [
        (EndCode::Kicked, EndReason::Kicked, false),
        (EndCode::IdleTimeout, EndReason::IdleTimeout, false),
        (EndCode::MaxDuration, EndReason::MaxDuration, false),
        (EndCode::Replaced, EndReason::Replaced, false),
        (EndCode::OutOfCredit, EndReason::OutOfCredit, true),
        (EndCode::Moderated, EndReason::Moderated, true),
        (EndCode::ControlLost, EndReason::ControlLost, true),
    ] {
        let (client, remote) = by_hand();
        let before = tasks();
        let (session, dial) = joined(&client, &remote).await;
        let events = session.events();
        dial.message("them", "last", "words");
        dial.end(code);
        let mut left = session.ended().await;
        assert_eq!(left.reason(), reason);
        let seen = all(events).await;
        let told = seen.iter().any(|event| matches!(event, Event::Message { .. }));
        assert!(told, "an ending by the far side delivers what was queued");
        let errors = seen.iter().filter(|event| matches!(event, Event::Error(_))).count();
        assert_eq!(errors, usize::from(error), "{reason:?}");
        if error {
            assert!(matches!(seen[seen.len() - 2], Event::Error(_)), "just before the ending");
        }
        assert!(matches!(seen.last(), Some(Event::Ended(_))));
        left.released().await;
        // D3: however it ended, nothing stays.
        nothing_left(&remote, before).await;
    }
}

/// A7 [pr] team-telnyx/webrtc#762, A5 GetStream/stream-video-js#2379, A2 livekit/client-sdk-js#2095.
#[tokio::test(start_paused = true)]
async fn leave_during_a_stalled_join_sends_nothing_afterwards() {
    // However far the join had come when it stalled.
    for step in 0..7 {
        let (client, remote) = by_hand();
        let before = tasks();
        let session = idle(&client);
        let controls = session.controls();
        let joining = session.join(Join::new().prompt("sepia"));
        let dial = remote.dial().await;
        for n in 0..step {
            match n {
                0 => dial.answer(),
                1 => dial.progress(Progress::Searching { queue_position: None, eta: None }),
                2 => dial.progress(Progress::Connecting),
                3 => dial.up(dial.a_welcome()),
                4 => dial.carried(Plane::Signaling),
                _ => dial.carried(Plane::Media),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        controls.leave();
        assert_eq!(controls.state(), CallingState::Left);
        assert_eq!(joining.state(), CallingState::Left);
        let at_leave = remote.log().len();
        // What was deferred may come now: the ack, a late acceptance, a go-away.
        dial.accept();
        let error = joining.await.expect_err("it was left");
        assert!(matches!(error.into_parts().0, offhook::Back::Left(_)));
        tokio::time::sleep(Duration::from_secs(90)).await;
        let after: Vec<_> = remote.log().split_off(at_leave);
        assert!(
            after.iter().all(|seen| is_goodbye(&seen.what) || matches!(seen.what, What::Closed)),
            "step {step}: {after:?}"
        );
        nothing_left(&remote, before).await;
    }
}

/// A2: a leave at every moment of a recovery: no dial after it.
#[tokio::test(start_paused = true)]
async fn leave_during_a_recovery_dials_no_more() {
    for moment in 0..12 {
        let (client, remote) = by_hand();
        let (session, dial) = joined(&client, &remote).await;
        dial.lose(Plane::Signaling, FaultKind::Closed);
        tokio::time::sleep(Duration::from_millis(moment * 150)).await;
        while let Some(dial) = remote.try_dial() {
            dial.fail(FaultKind::Unreachable);
        }
        let mut left = session.leave().await;
        assert_eq!(left.reason(), EndReason::LeftByUser);
        left.released().await;
        let dials = || remote.log().iter().filter(|seen| matches!(seen.what, What::Dial(_))).count();
        let before = dials();
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(dials(), before, "moment {moment}");
    }
}

/// D12 pion/webrtc#2798, R1: eight at once, one ending, one reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_concurrent_leaves_end_it_once() {
    let (client, remote) = studio();
    for _ in 0..20 {
        let session = joined_studio(&client, Join::new()).await;
        let events = session.events();
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (controls, barrier) = (session.controls(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    controls.leave();
                    controls.state()
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().expect("no panic"), CallingState::Left);
        }
        let mut left = session.ended().await;
        assert_eq!(left.reason(), EndReason::LeftByUser);
        left.released().await;
        let endings = all(events).await.iter().filter(|event| matches!(event, Event::Ended(_))).count();
        assert_eq!(endings, 1);
    }
    nothing_left(&remote, 0).await;
}

/// D13 pion/webrtc#1459: a far side that never stops talking does not delay a leave.
#[tokio::test(start_paused = true)]
async fn a_flood_of_messages_does_not_delay_a_leave() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    for n in 0..20_000_u32 {
        dial.message("them", "flood", n.to_be_bytes().to_vec());
    }
    let left = session.leave().await;
    assert_eq!(left.reason(), EndReason::LeftByUser);
}

/// D15 pion/interceptor#384, D16 jitsi/lib-jitsi-meet#2949, B14.
#[tokio::test(start_paused = true)]
async fn a_thousand_quick_cycles_leave_no_task_and_no_connection() {
    let (client, remote) = studio();
    let before = tasks();
    for cycle in 0..1000_u64 {
        let joining = idle(&client).join(Join::new());
        match cycle % 4 {
            0 => drop(joining),
            1 => {
                tokio::time::sleep(Duration::from_millis(cycle % 50)).await;
                drop(joining);
            }
            2 => drop(joining.await.expect("the studio lets everybody in").leave()),
            _ => joining.await.expect("as above").leave().await.released().await,
        }
    }
    nothing_left(&remote, before).await;
    assert!(client.sessions().is_empty());
}

/// J7 matrix-org/matrix-js-sdk#1647: no goodbye for a session the far side never saw.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_never_joined_says_no_goodbye() {
    let (client, remote) = by_hand();
    idle(&client).leave().await.released().await;
    drop(idle(&client));
    assert!(remote.log().is_empty());
}

/// No command is accepted once a leave is wanted, although the handle is still there.
#[tokio::test(start_paused = true)]
async fn after_a_leave_by_the_controls_the_handle_takes_no_command() {
    let (client, remote) = by_hand();
    let (session, _dial) = joined(&client, &remote).await;
    session.controls().leave();
    let at_leave = remote.log().len();
    assert_eq!(session.set_prompt("late").await, Err(SetError::Ended { reason: EndReason::LeftByUser }));
    assert!(session.remote_video().await.is_err());
    assert_eq!(session.leave().await.reason(), EndReason::LeftByUser);
    let sent = remote.log().split_off(at_leave);
    assert!(
        !sent.iter().any(
            |seen| matches!(&seen.what, What::Action(action) if matches!(**action, Action::Apply { .. }))
        )
    );
}

/// F12: every session of a client, bounded, however many there are.
#[tokio::test(start_paused = true)]
async fn shutdown_leaves_everything_and_waits_for_it() {
    let (client, remote) = studio();
    let before = tasks();
    let mut sessions = Vec::new();
    for n in 0..10 {
        sessions.push(client.session("studio", n.to_string()).join(Join::new()).await.expect("joined"));
    }
    let pending = client.session("studio", "pending").join(Join::new());
    assert_eq!(client.sessions().len(), 11);
    tokio::time::timeout(Duration::from_millis(1_200), client.shutdown()).await.expect("bounded");
    assert!(client.sessions().is_empty());
    assert!(pending.await.is_err());
    for session in sessions {
        assert_eq!(session.leave().await.reason(), EndReason::LeftByUser);
    }
    nothing_left(&remote, before).await;
}

/// D6, D7, D9 (livekit/client-sdk-js#2008, #767; client-sdk-swift#435): listeners, levels and weak
/// handles of a session that is over keep nothing of it.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_session_can_be_reached_once_its_handles_are_gone() {
    let (client, remote) = studio();
    let before = tasks();
    let mut weak = Vec::new();
    for _ in 0..20 {
        let session = joined_studio(&client, Join::new().publish(offhook::Clip::sample())).await;
        let (events, states, watch) = (session.events(), session.states(), session.watch());
        let video = session.remote_video().await.expect("joined");
        weak.push(session.controls());
        session.leave().await.released().await;
        drop((events, states, watch, video));
    }
    assert!(client.sessions().is_empty(), "the client holds none of them");
    assert!(weak.iter().all(|controls| controls.view().is_none()), "and nobody else does");
    nothing_left(&remote, before).await;
}

/// J5 (songz/cordova-plugin-opentok#105), A14 (livekit/client-sdk-js#507), F38: every call of a joined session, in every state it can be
/// in: each settles, with what is true in that state; none panics, none hangs.
#[tokio::test(start_paused = true)]
async fn every_call_settles_truly_in_every_state_a_joined_session_can_be_in() {
    for state in [
        CallingState::Joined,
        CallingState::Migrating,
        CallingState::Reconnecting,
        CallingState::Offline,
        CallingState::ReconnectingFailed,
        CallingState::Left,
    ] {
        let (client, remote) = studio();
        let session = joined_studio(&client, Join::new().publish(offhook::Clip::sample())).await;
        let mut states = session.states();
        match state {
            CallingState::Reconnecting | CallingState::ReconnectingFailed => remote.cut(),
            CallingState::Offline => {
                remote.cut();
                session.controls().network(offhook::Network::Down);
            }
            CallingState::Migrating => {
                // The target says nothing for as long as the calls take.
                remote.by_hand();
                remote.go_away(offhook::transport::GoAwayHint {
                    url: None,
                    ticket: None,
                    deadline: Some(Duration::from_secs(60)),
                    reason: offhook::transport::GoAwayReason::Rebalance,
                });
            }
            CallingState::Left => session.controls().leave(),
            _ => {}
        }
        until(&mut states, state).await;
        let reason = EndReason::LeftByUser;
        let began = tokio::time::Instant::now();
        let (sent, kicked) = tokio::join!(session.send("topic", "payload"), session.kick("nobody"));
        let (wanted, refused) = match state {
            CallingState::Joined => (Ok(()), Err(ModerateError::UnknownMember)),
            CallingState::Left => (Err(SendError::Ended { reason }), Err(ModerateError::Ended { reason })),
            CallingState::ReconnectingFailed => (Err(SendError::Away), Err(ModerateError::Away)),
            // Nobody answers any more, and nothing was said to be over: they waited for a link, and the
            // rejoin that came, or none, leaves open what became of them.
            _ => match &sent {
                Err(SendError::Unknown) => (Err(SendError::Unknown), Err(ModerateError::Unknown)),
                _ => (Err(SendError::TimedOut), Err(ModerateError::TimedOut)),
            },
        };
        assert_eq!((sent, kicked), (wanted, refused), "{state:?}");
        let at_once =
            matches!(state, CallingState::Joined | CallingState::Left | CallingState::ReconnectingFailed);
        assert!(!at_once || began.elapsed() < Duration::from_secs(1), "{state:?}: {:?}", began.elapsed());
        let calls = async {
            let over = state == CallingState::Left;
            let set = [
                session.set_prompt("sepia").await,
                session.set_image(vec![1, 2, 3]).await,
                session.mute(offhook::Kind::Video).await,
                session.unmute(offhook::Kind::Video).await,
            ];
            for result in set {
                let is_true = match &result {
                    Ok(_) => state != CallingState::Left,
                    Err(SetError::Ended { reason: is }) => over && *is == reason,
                    Err(SetError::Unconfirmed { .. }) => !over && state != CallingState::Joined,
                    Err(_) => false,
                };
                assert!(is_true, "{state:?}: {result:?}");
            }
            assert_eq!(session.remote_video().await.is_err(), over, "{state:?}");
            assert_eq!(session.remote_audio().await.is_err(), over, "{state:?}");
            assert_eq!(session.replace("video", offhook::Clip::sample()).is_err(), over, "{state:?}");
            assert_eq!(session.unpublish("video").is_err(), over, "{state:?}");
            let _ = (session.id(), session.resumed(), session.resume_token(), session.view());
        };
        tokio::time::timeout(Duration::from_secs(600), calls).await.expect("nothing hangs");
        let reason = session.leave().await.reason();
        let was_failed = state == CallingState::ReconnectingFailed;
        assert!(reason == EndReason::NetworkLost || (reason == EndReason::LeftByUser && !was_failed));
    }
}
