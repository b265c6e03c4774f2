//! A conversation over a recovery: nobody is left with a mood that is over (F55).

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use futures_util::StreamExt;
use offhook::{Event, Events, Join, Joined, Mood, Session, Sound};
use offhook_server::{GoAwayCode, Server, Signer};
use std::time::Duration;

/// A session whose persona speaks, for seconds to come.
async fn spoken_to(line: &Line) -> (Session<Joined>, Events) {
    let join = Join::new().model("echo").voice();
    let session =
        soon("the join", line.client.session("studio", "7").join(join)).await.expect("it is let in");
    let mut events = session.events();
    let samples: Vec<f32> = (0..6 * 48_000).map(|n| (n as f32 / 20.0).sin() / 2.0).collect();
    let sound = Sound::from_samples(&samples, 48_000, 1).expect("six seconds of a tone");
    soon("its end", session.play_audio(sound).expect("it has a voice")).await;
    mood(&mut events, Mood::Speaking).await;
    (session, events)
}

async fn mood(events: &mut Events, mood: Mood) {
    let is_it = |event: &Event| (*event == Event::Conversation(mood.clone())).then_some(());
    event("the mood", events, is_it).await;
}

/// F55: the persona it comes back to does not speak, and it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rejoin_the_mood_is_what_it_is_there() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let (session, mut events) = spoken_to(&line).await;
    line.net.cut();
    assert!(holds(|| line.server.census().members == 0).await, "the place is gone");
    line.net.restore().expect("the relays are there");
    mood(&mut events, Mood::Idle).await;
    drop(session.leave());
    line.end().await;
}

/// F55, F32: nor does the one on the other server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_move_the_mood_is_what_it_is_there() {
    let signer = Signer::random().expect("randomness");
    let of_one_key = || Server::builder().signer(signer.clone()).start();
    let (first, second) = (of_one_key().await.expect("loopback"), of_one_key().await.expect("loopback"));
    let line = Line::to(first).await;
    let (session, mut events) = spoken_to(&line).await;
    let drained = line.server.drain(&second.url(), DEADLINE, GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key").moved, 1);
    let mut told = Vec::new();
    soon("the move, and its mood", async {
        let moved = |event: &Event| matches!(event, Event::MigrationFinished { moved: true, .. });
        let idle = Event::Conversation(Mood::Idle);
        while !(told.iter().any(moved) && told.contains(&idle)) {
            told.push(events.next().await.expect("the session goes on"));
        }
    })
    .await;
    drop(session.leave());
    line.end().await;
    second.shutdown().await;
}
