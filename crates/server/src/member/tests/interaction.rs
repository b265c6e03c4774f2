//! What counts as doing something (F56), and that somebody who speaks is heard out, in virtual time.

use super::*;
use crate::member::media::Happened;
use crate::persona::Does;
use offhook_signaling::{
    Apply, Conversation, ImageChunk, KeepAlive, Mood, Prompt, Reaction, Relay, Say, Telemetry, TelemetryEntry,
};

const IDLE: Duration = Duration::from_secs(60);

async fn idle_server() -> crate::Server {
    crate::Server::builder().idle(IDLE).start().await.expect("a port")
}

/// Lives half of what it may, has this happen, and lives on. When it is ended as idle, counted from
/// its coming in.
async fn ended_after(server: &crate::Server, does: impl AsyncFnOnce(&mut Line)) -> Duration {
    let life = Duration::from_secs(86_400);
    let mut ada = Line::enter(server.shared(), "ada", life).await;
    let came = Instant::now();
    ada.live(IDLE / 2).await;
    does(&mut ada).await;
    ada.live_to_the_end().await;
    came.elapsed()
}

fn applies(revision: u64) -> FromClient {
    let prompt = Some(Prompt { text: "sepia".into(), enhance: false });
    FromClient::Apply(Apply { id: revision, desired: Desired { revision, prompt, ..Desired::default() } })
}

// F56: each of these puts the end off, and none of those.
#[tokio::test(start_paused = true)]
async fn what_a_user_does_puts_the_end_off_and_what_a_client_does_by_itself_does_not() {
    let nobody =
        Relay { id: 1, from: None, to: Vec::new(), topic: "chat".into(), data: serde_json::Value::Null };
    let sha256 = "0".repeat(64);
    let image = Desired { revision: 3, image: Some(sha256.clone()), ..Desired::default() };
    let awaits = FromClient::Apply(Apply { id: 3, desired: image });
    let bytes = "AAAAAAAAAAAA".to_owned();
    let chunk = FromClient::ImageChunk(ImageChunk { sha256, offset: 0, total: 64, bytes });
    let entries: Vec<TelemetryEntry> = Vec::new();
    let batch = Telemetry { batch: 1, entries, left_out: 0, last: false };
    for (what, says, counts) in [
        ("say", vec![FromClient::Say(Say { id: 1, words: "hello".into() })], true),
        ("apply", vec![applies(2)], true),
        ("message", vec![FromClient::Message(nobody)], true),
        ("reaction", vec![FromClient::Reaction(Reaction { from: None, reaction: "x".into() })], true),
        ("keep_alive", vec![FromClient::KeepAlive(KeepAlive {})], true),
        ("ping", vec![FromClient::Ping(Ping { id: 7 })], false),
        ("pong", vec![FromClient::Pong(Ping { id: 7 })], false),
        ("telemetry", vec![FromClient::Telemetry(batch)], false),
        ("a state that is in effect already", vec![applies(0)], false),
        ("a piece of an image nobody asked for", vec![chunk.clone()], false),
    ] {
        let server = idle_server().await;
        let after = ended_after(&server, async |ada| {
            for message in says {
                ada.say(message).await;
            }
        });
        let after = after.await;
        let second = Duration::from_secs(2);
        let due = if counts { IDLE + IDLE / 2 } else { IDLE };
        assert!(after + second >= due && after <= due + second, "{what}: ended after {after:?}");
        server.shutdown().await;
    }
    // An image comes in pieces: the state that names it first, and then each piece.
    let server = idle_server().await;
    let after = ended_after(&server, async |ada| {
        ada.say(awaits).await;
        ada.live(IDLE / 2).await;
        ada.say(chunk).await;
    });
    let (after, second) = (after.await, Duration::from_secs(3));
    assert!(after + second >= IDLE * 2 && after <= IDLE * 2 + second, "a piece: ended after {after:?}");
}

// F56: coming back is doing something.
#[tokio::test(start_paused = true)]
async fn who_resumes_has_done_something() {
    let server = idle_server().await;
    let after = ended_after(&server, async |ada| {
        let resumed = ada.resumes(2).await;
        assert!(matches!(resumed, FromServer::Resumed(_)), "{resumed:?}");
    });
    let (after, second, due) = (after.await, Duration::from_secs(2), IDLE + IDLE / 2);
    assert!(after + second >= due && after <= due + second, "ended after {after:?}");
}

/// A member of its own, whose persona says what a test has it say.
async fn heard(server: &crate::Server) -> (Actor, mpsc::Receiver<ToSocket>) {
    let (mut actor, out) = apart(server, "ada", |join| join.model = Some("echo".into())).await;
    actor.confirmed = true;
    (actor, out)
}

// F56: speech is as long as it is heard, and not as its first word.
#[tokio::test(start_paused = true)]
async fn nobody_is_idle_while_they_speak_and_the_time_counts_from_their_last_word() {
    let server = idle_server().await;
    let (mut actor, _out) = heard(&server).await;
    let speaks = Happened::Persona(Does::Mood(Mood::UserSpeaking));
    assert_eq!(actor.media_happened(speaks), Flow::On);
    for _ in 0..300 {
        tokio::time::advance(Duration::from_secs(1)).await;
        // Its link lives.
        actor.heard = Instant::now();
        assert_eq!(actor.due(), Flow::On, "it speaks");
    }
    let thinks = Happened::Persona(Does::Mood(Mood::Processing));
    assert_eq!(actor.media_happened(thinks), Flow::On);
    let said = Instant::now();
    let mut flow = Flow::On;
    while flow == Flow::On {
        tokio::time::advance(Duration::from_secs(1)).await;
        actor.heard = Instant::now();
        flow = actor.due();
    }
    let (after, second) = (said.elapsed(), Duration::from_secs(1));
    assert!(after >= IDLE && after <= IDLE + second, "from its last word: {after:?}");
}

// F55: a persona begins anew with every connection, and whoever saw it speak is told.
#[tokio::test(start_paused = true)]
async fn who_comes_again_is_told_what_its_persona_does() {
    let server = server(Duration::from_secs(25)).await;
    let told = |out: &mut mpsc::Receiver<ToSocket>| {
        let mut moods = Vec::new();
        while let Ok(frame) = out.try_recv() {
            if let ToSocket::Frame(text) = frame
                && let FromServer::Conversation(Conversation { mood }) =
                    decode_from_server(text.as_bytes()).expect("a frame").message
            {
                moods.push(mood);
            }
        }
        moods
    };
    let (mut actor, mut out) = heard(&server).await;
    assert_eq!(told(&mut out), [], "at first there is nothing to unlearn");
    actor.media_happened(Happened::Persona(Does::Mood(Mood::Speaking)));
    assert_eq!(told(&mut out), [Mood::Speaking]);
    let mut out = again(&mut actor, &server, "ada", 2, |join| join.model = Some("echo".into())).await;
    assert_eq!(told(&mut out), [Mood::Idle]);
}
