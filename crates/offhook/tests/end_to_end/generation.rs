//! Generation by the studio, as a session over real WebRTC is told of it (F52).

use crate::far_side::*;
use offhook::transport::media::Kind;
use offhook::{Clip, ConnectionState, Event, Events, Join, Joined, Session};
use offhook_server::EndCode;
use std::time::{Duration, Instant};

/// Muted for a while: nothing is generated, so nothing is counted; and nothing ends. What was counted when
/// it goes on.
async fn paused(session: &Session<Joined>, events: &mut Events, mut last: Duration) -> Duration {
    let mut ticked = Instant::now();
    soon("the ack", session.mute(Kind::Video)).await.expect("acked");
    let tick = |event: &Event| match event {
        Event::GenerationTick { used } => Some(*used),
        Event::GenerationStarted | Event::GenerationEnded { .. } => panic!("once: {event:?}"),
        _ => None,
    };
    let a_while = Duration::from_millis(2_500);
    while let Ok(used) = tokio::time::timeout(a_while, event("a tick", events, tick)).await {
        (last, ticked) = (used, Instant::now());
    }
    assert_eq!(session.connection_state(), ConnectionState::Generating, "it is sticky");
    soon("the ack", session.unmute(Kind::Video)).await.expect("acked");
    let used = event("a tick", events, tick).await;
    assert!(used + Duration::from_secs(1) < last + ticked.elapsed(), "{last:?}, then {used:?}");
    used
}

/// F52: started with the first painted picture, a tick a second, sticky while nothing is sent, and ended
/// with its reason before the session ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generation_is_told_from_its_start_to_its_end() {
    let server = server().await;
    let client = client(&server, "ada");
    let idle = idle(&client);
    let mut events = idle.events();
    let session = soon("the join", idle.join(Join::new().prompt("sepia").publish(Clip::sample())))
        .await
        .expect("it is let in");
    let started = |event: &Event| (*event == Event::GenerationStarted).then_some(());
    event("the start", &mut events, started).await;
    assert_eq!(session.connection_state(), ConnectionState::Generating);
    assert!(session.is_connected());
    let tick = |event: &Event| match event {
        Event::GenerationTick { used } => Some(*used),
        Event::GenerationStarted | Event::GenerationEnded { .. } => panic!("once: {event:?}"),
        _ => None,
    };
    let mut last = event("a tick", &mut events, tick).await;
    assert!(last >= Duration::from_millis(900), "{last:?}");
    for round in 0..3 {
        if round == 1 {
            last = paused(&session, &mut events, last).await;
        }
        let used = event("a tick", &mut events, tick).await;
        // Counted by the far side's own clock, whatever load there is here.
        assert!(used >= last + Duration::from_millis(900), "{last:?}, then {used:?}");
        assert_eq!(session.connection_state(), ConnectionState::Generating, "round {round}");
        last = used;
    }
    assert!(server.end("studio/7", "ada", EndCode::MaxDuration).await);
    let end = |event: &Event| match event {
        Event::GenerationEnded { reason } => Some(Some(reason.clone())),
        Event::Ended(_) => Some(None),
        _ => None,
    };
    let reason = event("the end of generation", &mut events, end).await;
    assert_eq!(reason.as_deref(), Some("stopped"), "before the session's own end");
    assert_eq!(event("the end", &mut events, end).await, None);
    drop(session);
    server.shutdown().await;
}
