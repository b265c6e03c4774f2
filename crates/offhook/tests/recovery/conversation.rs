//! A conversation over every recovery: words and voices go on, on the handles of the beginning,
//! and nothing is said twice (F41, F54, F55, F56).

use crate::far_side::*;
use crate::ways::{Stage, Way};
use offhook::transport::media::TrackReceiver;
use offhook::{Event, Events, Join, Joined, Played, SendError, Session, Sound};

async fn talking(stage: &Stage) -> (Session<Joined>, Events) {
    let idle = stage.line.client.session("persona", "7");
    let events = idle.events();
    let joining = idle.join(Join::new().model("echo").voice());
    (soon("the join", joining).await.expect("it is let in"), events)
}

/// Half a second, each of its own pitch.
fn tone(pitch: f32) -> Sound {
    let samples: Vec<f32> = (0..24_000).map(|n| (n as f32 / 48_000.0 * pitch * 6.28).sin() / 2.0).collect();
    Sound::from_samples(&samples, 48_000, 1).expect("a tone can be encoded")
}

/// Says it, and hears it said; nothing that was said before may be said again.
async fn answered(session: &Session<Joined>, events: &mut Events, text: &str) {
    soon("the receipt", session.say(text)).await.expect("it listens");
    let said = event("the answer", events, |event| match event {
        Event::Said(words) => Some(words.clone()),
        _ => None,
    });
    assert_eq!(said.await, text);
}

/// Plays it, and hears the whole of it played back, in order.
async fn echoed(session: &Session<Joined>, heard: &mut TrackReceiver, what: &str, pitch: f32) {
    let sound = tone(pitch);
    let playing = session.play_audio(sound.clone()).expect("it has a voice");
    let mut due = sound.packets().iter().map(|packet| &packet.data).peekable();
    while let Some(wanted) = due.peek() {
        let frame = soon(what, heard.next()).await.expect("the handle goes on");
        if frame.data == **wanted {
            due.next();
        }
    }
    assert_eq!(soon("its end", playing).await, Played::Whole);
}

async fn goes_on_over(way: Way) {
    let stage = Stage::of(way).await;
    let (session, mut events) = talking(&stage).await;
    let mut heard = session.remote_audio().await.expect("it has media");
    answered(&session, &mut events, "before").await;
    echoed(&session, &mut heard, "the echo of before", 440.0).await;
    stage.happens(&mut [&mut events]).await;
    answered(&session, &mut events, "after").await;
    echoed(&session, &mut heard, "the echo of after", 880.0).await;
    assert_eq!(stage.there().census().members, 1);
    drop(session.leave());
    stage.end().await;
}

// F41, F54, F55, F30
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_over_a_resume() {
    goes_on_over(Way::Resume).await;
}

// F41, F54, F55, F31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_over_a_rejoin() {
    goes_on_over(Way::Rejoin).await;
}

// F41, F54, F55, F32
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_over_a_move() {
    goes_on_over(Way::Move).await;
}

// F55, R15: said while away it is answered once after a resume; after a rejoin nobody knows, it is said
// so, and it is not said again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_in_an_outage_is_answered_once_or_its_end_is_unknown() {
    for way in [Way::Resume, Way::Rejoin] {
        let stage = Stage::of(way).await;
        let (session, mut events) = talking(&stage).await;
        answered(&session, &mut events, "before").await;
        stage.line.tcp.control().refuse(true).expect("the relay is there");
        stage.line.tcp.reset();
        event("the loss", &mut events, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
        let saying = session.say("meanwhile");
        stage.line.tcp.control().refuse(false).expect("the relay is there");
        event("the recovery", &mut events, |event| matches!(event, Event::Recovered { .. }).then_some(()))
            .await;
        let receipt = soon("the receipt", saying).await;
        let due = if way == Way::Resume { Ok(()) } else { Err(SendError::Unknown) };
        assert_eq!(receipt, due, "{way:?}");
        soon("the receipt", session.say("after")).await.expect("it listens");
        let mut said = Vec::new();
        event("the last answer", &mut events, |event| match event {
            Event::Said(words) => {
                said.push(words.clone());
                (words == "after").then_some(())
            }
            _ => None,
        })
        .await;
        let all: &[&str] = if way == Way::Resume { &["meanwhile", "after"] } else { &["after"] };
        assert_eq!(said, all, "{way:?}");
        drop(session.leave());
        stage.end().await;
    }
}
