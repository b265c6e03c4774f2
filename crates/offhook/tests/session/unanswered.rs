//! What a persona took and did not answer before its link was made anew, on a far side that is a hand
//! (F55, R15).

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::{MockDial, Remote};
use offhook::transport::{
    Action, Capability, Content, FaultKind, GoAwayHint, GoAwayReason, Plane, ResumeRefusal, Words,
};
use offhook::{Client, Event, Events, Join, Joined, SendError, Session};
use std::time::Duration;

/// Lets a dial in, to somebody who says what is an answer to what.
fn let_in(dial: &MockDial) {
    let mut up = dial.a_welcome();
    up.capabilities = up.capabilities.with(Capability::Answers);
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.carried(Plane::Media);
    dial.ack(dial.seen().revision);
}

async fn talking(client: &Client, remote: &Remote) -> (Session<Joined>, Events, MockDial) {
    let joining = idle(client).join(Join::new());
    let dial = remote.dial().await;
    let_in(&dial);
    let session = joining.await.expect("it is let in");
    let events = session.events();
    (session, events, dial)
}

/// The next text that goes out on this link.
async fn said(dial: &MockDial) -> Words {
    let words = async {
        loop {
            if let Action::Say(words) = &*dial.action().await.expect("the link is open") {
                return words.clone();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), words).await.expect("in a minute")
}

/// Says it, and has it taken.
async fn taken(session: &Session<Joined>, dial: &MockDial, text: &str) -> u64 {
    let saying = session.say(text);
    let words = said(dial).await;
    assert_eq!(words.text, text);
    dial.take(words.id);
    assert_eq!(saying.await, Ok(()));
    words.id
}

/// Sends the session to its next link.
async fn next(moves: bool, dial: &MockDial, remote: &Remote) -> MockDial {
    if moves {
        dial.go_away(GoAwayHint {
            url: None,
            ticket: None,
            deadline: Some(Duration::from_secs(30)),
            reason: GoAwayReason::Rebalance,
        });
        return remote.dial().await;
    }
    dial.lose(Plane::Signaling, FaultKind::Closed);
    remote.dial().await.refuse_resume(ResumeRefusal::Gone);
    remote.dial().await
}

/// What was told until now: what was said, and what was taken.
fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::Said(text) => told.push(text),
            Event::MessageTaken { id } => told.push(format!("taken: {id}")),
            Event::MessageUnanswered { id, outcome } => told.push(format!("{id}: {outcome:?}")),
            _ => {}
        }
    }
    told
}

// F55, R15: the one without a receipt is unknown, and is not said again; nobody is told twice.
#[tokio::test(start_paused = true)]
async fn what_was_taken_and_not_answered_is_said_again_to_the_persona_that_knows_nothing() {
    for moves in [false, true] {
        let (client, remote) = by_hand();
        let (session, mut events, dial) = talking(&client, &remote).await;
        let first = taken(&session, &dial, "how far is it?").await;
        let second = taken(&session, &dial, "and how high?").await;
        let third = taken(&session, &dial, "and how cold?").await;
        dial.answers(&[second], "a thousand metres");
        dial.says("mind the step");
        let unknown = session.say("did you hear this?");
        said(&dial).await;
        let next = next(moves, &dial, &remote).await;
        let_in(&next);
        assert_eq!(unknown.await, Err(SendError::Unknown));
        let again = [said(&next).await, said(&next).await];
        assert_eq!(
            again.each_ref().map(|words| (words.id, &*words.text)),
            [(first, "how far is it?"), (third, "and how cold?")]
        );
        let fresh = taken(&session, &next, "still there?").await;
        // Of a link that is left: what is answered once more is not answered twice.
        dial.answers(&[first], "ten miles");
        again.iter().for_each(|words| next.take(words.id));
        next.answers(&[first, third], "ten miles, and freezing");
        next.answers(&[fresh], "yes");
        next.answers(&[fresh], "");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let taken = |id| format!("taken: {id}");
        let due = [
            taken(first),
            taken(second),
            taken(third),
            "a thousand metres".into(),
            "mind the step".into(),
            format!("{}: Unknown", third + 1),
            taken(fresh),
            "ten miles, and freezing".into(),
            "yes".into(),
        ];
        assert_eq!(told(&mut events), due, "moves: {moves}");
        drop(session.leave());
    }
}

// F55: answered all, nothing is said again; nor after a resume, whose persona is the same.
#[tokio::test(start_paused = true)]
async fn nothing_is_said_again_that_was_answered_or_is_still_known() {
    let (client, remote) = by_hand();
    let (session, mut events, dial) = talking(&client, &remote).await;
    let first = taken(&session, &dial, "how far is it?").await;
    dial.lose(Plane::Signaling, FaultKind::Closed);
    let resumed = remote.dial().await;
    let_in(&resumed);
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    taken(&session, &resumed, "and how high?").await;
    resumed.answers(&[first, first + 1], "ten miles, and a thousand metres");
    let next = next(false, &resumed, &remote).await;
    let_in(&next);
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    taken(&session, &next, "still there?").await;
    drop(session.leave());
}

// F55: what was told to be taken is not lost because there is less room elsewhere.
#[tokio::test(start_paused = true)]
async fn what_has_no_room_any_more_is_said_again_when_there_is_some() {
    let (client, remote) = by_hand();
    let (session, mut events, dial) = talking(&client, &remote).await;
    let first = taken(&session, &dial, "how far is it?").await;
    let second = taken(&session, &dial, "and how high?").await;
    let next = next(false, &dial, &remote).await;
    let_in(&next);
    said(&next).await;
    said(&next).await;
    next.take(first);
    next.content(Content::NotTaken { id: second });
    next.answers(&[first], "ten miles");
    let again = said(&next).await;
    assert_eq!((again.id, &*again.text), (second, "and how high?"));
    next.take(second);
    next.answers(&[second], "a thousand metres");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(told(&mut events).ends_with(&["ten miles".into(), "a thousand metres".into()]));
    // One that never was taken is refused, as ever.
    let saying = session.say("a third");
    next.content(Content::NotTaken { id: said(&next).await.id });
    assert_eq!(saying.await, Err(SendError::Full));
    drop(session.leave());
}

// F55: what waits for its answer is bounded, and what is beyond it is a typed error.
#[tokio::test(start_paused = true)]
async fn no_more_than_can_be_said_again_waits_for_an_answer() {
    let (client, remote) = by_hand();
    let (session, _events, dial) = talking(&client, &remote).await;
    let mut ids = Vec::new();
    for number in 0..96 {
        ids.push(taken(&session, &dial, &number.to_string()).await);
    }
    assert_eq!(session.say("one too many").await, Err(SendError::Full));
    dial.answers(&ids[..1], "the first");
    tokio::time::sleep(Duration::from_millis(100)).await;
    taken(&session, &dial, "there is room").await;
    let next = next(true, &dial, &remote).await;
    let_in(&next);
    // More than any link takes at once: it goes out as it is taken.
    for number in (1..96).map(|number| number.to_string()).chain(["there is room".to_owned()]) {
        let words = said(&next).await;
        assert_eq!(words.text, number);
        next.take(words.id);
    }
    drop(session.leave());
}

// F55: a far side that does not say what it answers is not told anything twice.
#[tokio::test(start_paused = true)]
async fn whoever_names_no_answers_is_told_nothing_again() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    taken(&session, &dial, "how far is it?").await;
    let next = next(false, &dial, &remote).await;
    next.accept();
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    taken(&session, &next, "still there?").await;
    drop(session.leave());
}
