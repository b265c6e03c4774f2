//! A conversation over every recovery: words and voices go on, on the handles of the beginning,
//! and nothing is said twice (F41, F54, F55, F56).

use crate::far_side::*;
use crate::voice::{heard_whole, tone};
use crate::ways::{Stage, Way};
use offhook::{Event, Events, Join, Joined, SendError, Session};

async fn talking(stage: &Stage) -> (Session<Joined>, Events) {
    let idle = stage.line.client.session("persona", "7");
    let events = idle.events();
    let joining = idle.join(Join::new().model("echo").voice());
    (soon("the join", joining).await.expect("it is let in"), events)
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

async fn goes_on_over(way: Way) {
    let stage = Stage::of(way).await;
    let (session, mut events) = talking(&stage).await;
    let mut heard = session.remote_audio().await.expect("it has media");
    answered(&session, &mut events, "before").await;
    heard_whole(&session, async || heard.next().await, "the echo of before", &tone(440.0)).await;
    stage.happens(&mut [&mut events]).await;
    answered(&session, &mut events, "after").await;
    heard_whole(&session, async || heard.next().await, "the echo of after", &tone(880.0)).await;
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

// F55, F31, F32: a persona begins anew with every join and every move; what it took before and has not
// answered is answered all the same, once, and in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_is_answered_once_whatever_happens_before() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let (session, mut events) = talking(&stage).await;
        let mut said = session.events();
        // It thinks about each for a fifth of a second, so most of them wait.
        let texts: Vec<_> = (0..12).map(|number| number.to_string()).collect();
        let receipts: Vec<_> = texts.iter().map(|text| session.say(text.as_str())).collect();
        for receipt in receipts {
            soon("the receipt", receipt).await.expect("it is taken");
        }
        stage.happens(&mut [&mut events]).await;
        soon("the receipt", session.say("the last")).await.expect("it listens");
        let mut all = Vec::new();
        event("the last answer", &mut said, |event| match event {
            Event::Said(words) => {
                all.push(words.clone());
                (words == "the last").then_some(())
            }
            _ => None,
        })
        .await;
        let due: Vec<_> = texts.iter().map(String::as_str).chain(["the last"]).collect();
        assert_eq!(all, due, "{way:?}");
        drop(session.leave());
        stage.end().await;
    }
}
