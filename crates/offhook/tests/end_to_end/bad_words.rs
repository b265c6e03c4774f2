//! Prompts, messages and reactions as a careless or hostile application has them, over real sockets:
//! each is refused in its type or arrives as it was, and the session is as joined as before.

use crate::far_side::*;
use futures_util::StreamExt;
use offhook::{
    BadName, CallingState, Client, Clip, Event, Events, Join, JoinErrorKind, Joined, Plan, SendError,
    Session, SetError, StateItem, Unfit, WebRtc,
};
use offhook_netrig::{Rig, TcpRelay};
use offhook_server::{Mint, Server};
use std::time::Duration;
use tokio::time::Instant;

/// A client at the end of a line that can be cut.
async fn on_a_line(server: &Server, user: &str) -> (Client, TcpRelay, Rig) {
    let net = Rig::new(7);
    let tcp = net.tcp(server.address()).await.expect("loopback has a free port");
    let credential = server.mint(&Mint::user(user)).expect("its key signs");
    let transport = WebRtc::new(server.url()).via(tcp.addr());
    (Client::new(transport).credential(credential.expose().to_owned()), tcp, net)
}

async fn is_well(session: &Session<Joined>) {
    assert_eq!(session.state(), CallingState::Joined);
    soon("the ack", session.set_prompt("invert")).await.expect("it is as joined as before");
}

/// F50, F08: a megabyte, nothing at all, nothing but blanks, controls of a terminal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_that_nobody_takes_is_refused_in_its_type_and_nothing_else_happens() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let megabyte = "sepia ".repeat(200_000);
    let refused = soon("the refusal", session.set_prompt(&megabyte)).await;
    assert!(matches!(refused, Err(SetError::Unfit(Unfit::TooLarge { what: "prompt", .. }))), "{refused:?}");
    for (prompt, at) in
        [("\u{1b}[2J\u{1b}[31msepia", 0), ("sepia\u{0}", 5), ("\u{9b}31msepia\u{7f}", 0), ("\u{7}", 0)]
    {
        let refused = soon("the refusal", session.set_prompt(prompt)).await.expect_err("no prompt");
        assert_eq!(refused, SetError::Unfit(Unfit::Control { at }));
        assert!(!refused.to_string().chars().any(char::is_control), "{refused:?}");
        is_well(&session).await;
    }
    for prompt in ["", "   "] {
        let refused = soon("the refusal", session.set_prompt(prompt)).await.expect_err("no prompt");
        let SetError::Refused { item: StateItem::Prompt, text } = &refused else { panic!("{refused:?}") };
        assert!(!text.is_empty());
        assert!(!refused.to_string().chars().any(char::is_control), "{refused:?}");
        is_well(&session).await;
    }
    for prompt in [&*megabyte, "", "\u{1b}[31msepia"] {
        let joining = client.session("studio", "8").join(Join::new().prompt(prompt).publish(Clip::sample()));
        let error = soon("the refusal", joining).await.expect_err("no prompt");
        let kind = JoinErrorKind::InitialStateRefused { item: StateItem::Prompt };
        assert_eq!(error.kind(), kind, "{prompt:.9}");
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
    is_well(&session).await;
    drop(session);
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// The next message from somebody else.
async fn heard(events: &mut Events) -> (String, Vec<u8>) {
    event("the message", events, |event| match event {
        Event::Message { topic, payload, .. } => Some((topic.clone(), payload.to_vec())),
        _ => None,
    })
    .await
}

/// F63, R15: said while away, it arrives once, after the resume; the others miss nothing and see
/// nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_while_away_arrives_once_when_the_session_is_back() {
    let server = server().await;
    let (ada, tcp, _net) = on_a_line(&server, "ada").await;
    let session = joined(&ada, "7").await;
    let bob = joined(&client(&server, "bob"), "7").await;
    let (mut adas, mut bobs) = (session.events(), bob.events());
    soon("the receipt", session.send("chat", "before")).await.expect("it is taken");
    assert_eq!(heard(&mut bobs).await.1, b"before");
    tcp.cut();
    event("the loss", &mut adas, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    let (first, second) = (session.send("chat", "one"), session.send("chat", "two"));
    let words = [session.react("\u{1f44f}")];
    tcp.restore().expect("the same port");
    let plan = event("the recovery", &mut adas, |event| match event {
        Event::Recovered { plan, .. } => Some(*plan),
        _ => None,
    })
    .await;
    assert!(matches!(plan, Plan::Resume { .. }), "{plan:?}");
    soon("the receipts", async { tokio::join!(first, second) }).await.0.expect("taken");
    for word in words {
        soon("the receipt", word).await.expect("taken");
    }
    soon("the receipt", session.send("chat", "after")).await.expect("it is taken");
    for said in ["one", "two", "after"] {
        assert_eq!(heard(&mut bobs).await.1, said.as_bytes(), "in order, and once");
    }
    is_well(&session).await;
    drop((session, bob));
    server.shutdown().await;
}

/// F63, S10, R16: ten thousand reactions a second are too many, and that is all that they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_reactions_a_second_are_refused_in_their_type_and_the_session_lives() {
    let server = server().await;
    let session = joined(&client(&server, "ada"), "7").await;
    let mut events = session.events();
    let began = Instant::now();
    let (mut taken, mut refused) = (0_u32, 0_u32);
    // Three seconds of it, so that the burst is long used up.
    let mut pending = futures_util::stream::FuturesUnordered::new();
    while began.elapsed() < Duration::from_secs(3) {
        for _ in 0..100 {
            pending.push(session.react("\u{1f44f}"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = pending.len();
    while let Some(result) = soon("the receipts", pending.next()).await {
        match result {
            Ok(()) => taken += 1,
            Err(SendError::RateLimited { .. } | SendError::Full) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(asked > 10_000, "{asked}");
    assert!((100..=450).contains(&taken), "a burst, and so many a second: {taken} of {asked}");
    assert_eq!(taken + refused, u32::try_from(asked).expect("a small number"));
    is_well(&session).await;
    drop(session.leave());
    let told: Vec<Event> = soon("the end", events.by_ref().collect()).await;
    let lost = |event: &Event| matches!(event, Event::LinkLost { .. } | Event::Error(_));
    assert!(!told.iter().any(lost), "the link was never at stake");
    server.shutdown().await;
}

/// F63: every script, right to left, joined emoji: as it was said, byte for byte. What would steer a
/// terminal goes as the payload of a message only, which is the application's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_in_every_script_arrives_as_it_was_said() {
    let server = server().await;
    let session = joined(&client(&server, "ada"), "7").await;
    let bob = joined(&client(&server, "bob"), "7").await;
    let mut bobs = bob.events();
    for text in [
        "Grüße, żółć, Ελληνικά, привет",
        "שלום עולם, مرحبا بالعالم, \u{202b}turned\u{202c}",
        "नमस्ते, ไทย, 你好, こんにちは, 안녕하세요",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 🏳\u{fe0f}\u{200d}🌈 e\u{301}\u{327}",
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{0}",
        "",
    ] {
        soon("the receipt", session.send("chat", text)).await.expect("it is taken");
        assert_eq!(heard(&mut bobs).await, ("chat".to_owned(), text.as_bytes().to_vec()));
    }
    soon("the receipt", session.send("chat", vec![0xff, 0xfe, 0x00])).await.expect("it is taken");
    assert_eq!(heard(&mut bobs).await.1, [0xff, 0xfe, 0x00], "bytes that are no text");
    for reaction in ["👩\u{200d}👩\u{200d}👧\u{200d}👦", "مرحبا"] {
        soon("the receipt", session.react(reaction)).await.expect("it is shown");
        let shown = event("the reaction", &mut bobs, |event| match event {
            Event::Reaction { reaction, .. } => Some(reaction.clone()),
            _ => None,
        });
        assert_eq!(shown.await, reaction);
    }
    for steering in ["\u{1b}[31m", "\u{9b}m", "a\u{7}"] {
        let refused = soon("the refusal", session.react(steering)).await;
        assert!(matches!(refused, Err(SendError::Control { .. })), "{refused:?}");
    }
    let large = soon("the refusal", session.send("chat", vec![0; 16 * 1024 + 1])).await;
    assert!(matches!(large, Err(SendError::TooLarge { .. })), "{large:?}");
    is_well(&session).await;
    drop((session, bob));
    server.shutdown().await;
}

/// F63: a topic is refused at once where no wire can carry it; a payload arrives up to its limit,
/// whichever bytes are in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payload_that_is_taken_arrives_and_no_topic_hangs() {
    let server = server().await;
    let session = joined(&client(&server, "ada"), "7").await;
    let bob = joined(&client(&server, "bob"), "7").await;
    let mut bobs = bob.events();
    for (topic, why) in [
        ("a\nb".to_owned(), BadName::Control { at: 1 }),
        ("\u{9b}31m".to_owned(), BadName::Control { at: 0 }),
        ("x".repeat(200), BadName::TooLong { limit: 128 }),
    ] {
        let began = Instant::now();
        let refused = soon("the refusal", session.send(topic, "hello")).await;
        assert_eq!(refused, Err(SendError::BadTopic(why)));
        assert!(began.elapsed() < Duration::from_secs(1), "at once: {:?}", began.elapsed());
    }
    for of in [0_u8, 1, 0x1f, 0x7f, b'"', b'\\', b'\n', b'a', 0x80, 0xff] {
        let payload = vec![of; 16 * 1024];
        let topic = "\"".repeat(128);
        soon("the receipt", session.send(&topic, payload.clone())).await.expect("it is taken");
        assert_eq!(heard(&mut bobs).await, (topic, payload), "{of:#x}");
    }
    is_well(&session).await;
    drop((session, bob));
    server.shutdown().await;
}
