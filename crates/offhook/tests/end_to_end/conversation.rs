//! A conversation with the echo persona: text, moods, its end, and idle users (F55, F56, F63).

use crate::far_side::*;
use futures_util::StreamExt;
use offhook::transport::media::Kind;
use offhook::{Client, EndReason, Event, Join, Joined, Mood, Played, SendError, Session, Sound, Who};
use offhook_server::Server;
use std::time::Duration;
use tokio::time::{Instant, timeout};

async fn talking(client: &Client) -> Session<Joined> {
    let join = Join::new().model("echo").voice();
    soon("the join", client.session("persona", "7").join(join)).await.expect("it is let in")
}

/// What is heard of the conversation, up to this.
async fn until(events: &mut offhook::Events, last: &Event) -> Vec<Event> {
    let mut heard = Vec::new();
    while heard.last() != Some(last) {
        let event = soon("a word of the conversation", events.next()).await.expect("not before the end");
        if matches!(event, Event::Conversation(_) | Event::Said(_)) {
            heard.push(event);
        }
    }
    heard
}

async fn said_next(events: &mut offhook::Events) -> String {
    event("an answer", events, |event| match event {
        Event::Said(text) => Some(text.clone()),
        _ => None,
    })
    .await
}

/// F55: text is answered, and the moods on the way are told in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_answered_and_speech_is_answered_by_speech() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    soon("the receipt", session.say("how far is it to the sea?")).await.expect("it listens");
    let idle = Event::Conversation(Mood::Idle);
    let heard = until(&mut events, &idle).await;
    let said = Event::Said("how far is it to the sea?".into());
    assert_eq!(heard, [Event::Conversation(Mood::Processing), said, idle.clone()]);
    let samples: Vec<f32> = (0..24_000).map(|n| (n as f32 / 20.0).sin() / 2.0).collect();
    let sound = Sound::from_samples(&samples, 48_000, 1).expect("half a second of a tone");
    let playing = session.play_audio(sound).expect("it has a voice");
    let heard = until(&mut events, &idle).await;
    let each = [Mood::UserSpeaking, Mood::Processing, Mood::Speaking, Mood::Idle];
    assert_eq!(heard, each.map(Event::Conversation));
    soon("its end", playing).await;
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F55, F14: the far side ends the conversation, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_ends_the_conversation() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let said = session.say("Goodbye");
    let left = soon("the end", session.ended()).await;
    assert_eq!(left.reason(), EndReason::ConversationEnded);
    // Its receipt and the end are both on their way; whichever came first, it is settled.
    let settled = soon("the receipt", said).await;
    assert!(matches!(settled, Ok(()) | Err(SendError::Ended { .. } | SendError::Unknown)), "{settled:?}");
    client.shutdown().await;
    server.shutdown().await;
}

/// F55, bad input: nothing, too much, and where nobody listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_a_typed_error() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = talking(&client).await;
    assert_eq!(session.say(" \n").await, Err(SendError::Empty));
    assert_eq!(session.say("a".repeat(16 * 1024 + 1)).await, Err(SendError::TooLarge { limit: 16 * 1024 }));
    assert_eq!(session.react("a".repeat(65)).await, Err(SendError::TooLarge { limit: 64 }));
    let mut events = session.events();
    assert_eq!(session.say("red \u{1b}[31m").await, Err(SendError::Control { at: 4 }));
    assert_eq!(session.react("\n").await, Err(SendError::Empty));
    assert_eq!(session.react("a\nb").await, Err(SendError::Control { at: 1 }));
    let text = "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\n\u{1f44f}\u{1f3fd}\t\u{4f60}\u{597d}";
    soon("the receipt", session.say(text)).await.expect("text in every script");
    let heard = until(&mut events, &Event::Said(text.into())).await;
    assert_eq!(heard.len(), 2, "as it was said: {heard:?}");
    drop(session.leave());
    let painted = joined(&client, "8").await;
    assert_eq!(soon("the answer", painted.say("hello")).await, Err(SendError::NotSupported));
    drop(painted.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F63: a reaction reaches the others, and says from whom it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_reaches_the_others() {
    let server = server().await;
    let (ada, grace) = (client(&server, "ada"), client(&server, "grace"));
    let shows = talking(&ada).await;
    let sees = talking(&grace).await;
    let mut events = sees.events();
    let who = event("the roster", &mut events, |event| match event {
        Event::MemberJoined(member) if member.name == "ada" => Some(member.id.clone()),
        _ => None,
    })
    .await;
    soon("the receipt", shows.react("\u{1f44f}")).await.expect("it is shown");
    let (from, reaction) = event("the reaction", &mut events, |event| match event {
        Event::Reaction { from, reaction } => Some((from.clone(), reaction.clone())),
        _ => None,
    })
    .await;
    assert_eq!((from, reaction.as_str()), (who, "\u{1f44f}"));
    drop((shows.leave(), sees.leave()));
    ada.shutdown().await;
    grace.shutdown().await;
    server.shutdown().await;
}

/// F56: whoever does nothing is ended as idle, though media flows; a word that the user is still
/// there puts it off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_user_is_ended_unless_they_say_that_they_are_there() {
    let most = Duration::from_millis(1_500);
    let server = Server::builder().idle(most).start().await.expect("loopback has a free port");
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    let began = Instant::now();
    let ended = async {
        event("the end", &mut events, |event| match event {
            Event::Ended(ended) => Some(ended.clone()),
            _ => None,
        })
        .await
    };
    tokio::pin!(ended);
    let mut words = 0;
    while words < 8 {
        session.keep_alive().expect("it goes on");
        words += 1;
        assert!(timeout(most / 3, &mut ended).await.is_err(), "ended after {:?}", began.elapsed());
    }
    let quiet = Instant::now();
    let ended = ended.await;
    assert_eq!((ended.reason, ended.who, ended.may_retry), (EndReason::IdleTimeout, Who::FarSide, true));
    assert!(quiet.elapsed() >= most / 2, "and not at once");
    drop(session);
    client.shutdown().await;
    server.shutdown().await;
}

/// F56: where the owner says so, media that flows is enough; and a muted voice is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_flows_is_enough_where_the_owner_says_so() {
    let most = Duration::from_millis(1_000);
    let server =
        Server::builder().idle(most).media_is_interaction().start().await.expect("loopback has a free port");
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    let went =
        timeout(most * 3, async { while !matches!(events.next().await, Some(Event::Ended(_)) | None) {} });
    assert!(went.await.is_err(), "its voice flows, silent as it is");
    soon("the ack", session.mute(Kind::Audio)).await.expect("sound can be muted");
    let left = soon("the end", session.ended()).await;
    assert_eq!(left.reason(), EndReason::IdleTimeout);
    client.shutdown().await;
    server.shutdown().await;
}

/// F56: whoever is heard is not idle, however long they speak; and afterwards they may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_idle_in_the_middle_of_a_sentence() {
    let most = Duration::from_millis(1_500);
    let server = Server::builder().idle(most).start().await.expect("loopback has a free port");
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    let samples: Vec<f32> = (0..4 * 48_000).map(|n| (n as f32 / 20.0).sin() / 2.0).collect();
    let sound = Sound::from_samples(&samples, 48_000, 1).expect("four seconds of a tone");
    let playing = session.play_audio(sound).expect("it has a voice");
    let whole = async { assert_eq!(playing.await, Played::Whole, "it was not cut short") };
    soon("its end", whole).await;
    let reason = event("the end", &mut events, |event| match event {
        Event::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(reason.await, EndReason::IdleTimeout);
    client.shutdown().await;
    server.shutdown().await;
}

/// F55, R15: what was taken is answered, however much there is at once and whatever else is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_text_that_was_taken_is_answered_beside_a_voice() {
    const TEXTS: usize = 40;
    let server = server().await;
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    let all: Vec<_> = (0..TEXTS).map(|number| session.say(format!("the {number}th"))).collect();
    let mut taken = Vec::new();
    for (number, saying) in all.into_iter().enumerate() {
        match soon("the receipt", saying).await {
            Ok(()) => taken.push(format!("the {number}th")),
            Err(error) => assert_eq!(error, SendError::Full, "too much is said so"),
        }
    }
    assert_eq!(taken.len(), TEXTS, "so many have room");
    let mut said = Vec::new();
    while said.len() < taken.len() {
        said.push(said_next(&mut events).await);
    }
    assert_eq!(said, taken, "each, in its order");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F55, R15: what has no room any more is said so, and is no `Ok`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_has_no_room_is_a_typed_error_and_every_other_is_answered() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = talking(&client).await;
    let mut events = session.events();
    let answers = tokio::spawn(async move {
        let mut said = Vec::new();
        while said.last().is_none_or(|text| text != "the last") {
            said.push(said_next(&mut events).await);
        }
        said
    });
    let (mut taken, mut full, mut number) = (Vec::new(), 0, 0);
    // About fifty a second are let out here, and five are answered there.
    while full == 0 {
        let texts: Vec<_> = (0..20).map(|ahead| (number + ahead).to_string()).collect();
        number += 20;
        let all: Vec<_> = texts.iter().map(|text| session.say(text.as_str())).collect();
        for (text, saying) in texts.iter().zip(all) {
            match soon("the receipt", saying).await {
                Ok(()) => taken.push(text.clone()),
                Err(SendError::Full) => full += 1,
                Err(SendError::RateLimited { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    // And there is room again as soon as some of it was answered.
    while let Err(error) = soon("the receipt", session.say("the last")).await {
        assert!(matches!(error, SendError::Full | SendError::RateLimited { .. }), "{error}");
    }
    taken.push("the last".into());
    assert_eq!(
        soon("all answers", answers).await.expect("no panic"),
        taken,
        "each that was taken, in its order"
    );
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
