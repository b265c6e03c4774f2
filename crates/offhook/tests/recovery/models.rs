//! The model of a session is the same over every recovery (F58): who talked with the echo persona does so
//! after a resume, a rejoin, a move and a drain.

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use offhook::{Event, Events, Join, Joined, Plan, Session};
use offhook_server::{GoAwayCode, Server, Signer};
use std::time::Duration;

async fn with_echo(line: &Line) -> (Session<Joined>, Events) {
    let idle = line.client.session("studio", "7");
    let events = idle.events();
    let session = soon("the join", idle.join(Join::new().model("echo").voice())).await.expect("it is let in");
    (session, events)
}

/// The studio says nothing to anybody; the persona repeats what was said.
async fn echoes(words: &str, session: &Session<Joined>, events: &mut Events) {
    soon("the receipt", session.say(words)).await.unwrap_or_else(|error| panic!("{words}: {error}"));
    let said = event(words, events, |event| match event {
        Event::Said(text) => Some(text.clone()),
        _ => None,
    })
    .await;
    assert!(said.contains(words), "{said}");
}

async fn recovers(events: &mut Events) -> Plan {
    event("the recovery", events, |event| match event {
        Event::Recovered { plan, .. } => Some(*plan),
        _ => None,
    })
    .await
}

/// F58.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_persona_is_the_same_after_a_resume_and_after_a_rejoin() {
    for (window, rejoins) in [(Duration::from_secs(25), false), (Duration::ZERO, true)] {
        let server = Server::builder().resume_window(window).start().await.expect("loopback");
        let line = Line::to(server).await;
        let (session, mut events) = with_echo(&line).await;
        echoes("before", &session, &mut events).await;
        line.tcp.reset();
        assert_eq!(recovers(&mut events).await == Plan::Rejoin, rejoins);
        echoes("after", &session, &mut events).await;
        drop(session.leave());
        line.end().await;
    }
}

/// F58, F32.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_persona_is_the_same_after_a_move_and_after_a_drain() {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).start().await.expect("loopback");
    let line = Line::to(first).await;
    let (session, mut events) = with_echo(&line).await;
    echoes("before", &session, &mut events).await;
    line.server.go_away(None, Some(&second.url()), DEADLINE, GoAwayCode::Rebalance).await;
    let moved = |event: &Event| matches!(event, Event::MigrationFinished { moved: true }).then_some(());
    event("the move", &mut events, moved).await;
    echoes("moved", &session, &mut events).await;
    second.drain(&line.server.url(), DEADLINE, GoAwayCode::ShuttingDown).await.expect("of the same key");
    event("the move", &mut events, moved).await;
    echoes("drained", &session, &mut events).await;
    drop(session.leave());
    line.end().await;
    second.shutdown().await;
}
