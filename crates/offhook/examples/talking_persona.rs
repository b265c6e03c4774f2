//! A persona to talk to on the terminal: what you type is said to it, `play FILE` plays a sound,
//! `goodbye` ends the conversation.
//!
//! `cargo run -p offhook --example talking_persona` talks to the echo persona of a server of its
//! own on loopback. `… -- wss://media.example/session` talks to another one, with the credential in
//! `OFFHOOK_CREDENTIAL`.

use futures_util::{Stream, StreamExt};
use offhook::{Client, Event, Events, Join, Joined, Mood, Session, Sound};
use std::error::Error;
use std::io::{self, Write};

/// Talks until one side ends it, or there is no more to read from the keyboard.
pub(crate) async fn talk(
    client: &Client,
    typed: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let session = client.session("persona", "7").join(Join::new().model("echo").voice()).await?;
    let mut events = session.events();
    loop {
        tokio::select! {
            line = typed.next() => match line {
                Some(line) => say(&session, &line, out).await?,
                None => break,
            },
            over = hear(&mut events, out) => if over? { break },
        }
    }
    // Of a session that is over already, this says why it is.
    let left = session.leave().await;
    writeln!(out, "the conversation is over: {}", left.reason())?;
    Ok(())
}

/// Text, or a sound. What it comes to is heard as an event, so nothing here waits for it.
async fn say(session: &Session<Joined>, line: &str, out: &mut impl Write) -> io::Result<()> {
    let Some(path) = line.strip_prefix("play ") else {
        return match session.say(line).await {
            Ok(()) => Ok(()),
            Err(error) => writeln!(out, "not said: {error}"),
        };
    };
    let path = path.to_owned();
    // Reading one may encode it, which is not for a thread that others wait for.
    let sound = match tokio::task::spawn_blocking(|| Sound::open(path)).await {
        Ok(Ok(sound)) => sound,
        Ok(Err(error)) => return writeln!(out, "not played: {error}"),
        Err(panicked) => return Err(io::Error::other(panicked)),
    };
    match session.play_audio(sound) {
        // It plays on; another `play` takes its place.
        Ok(_playing) => Ok(()),
        Err(error) => writeln!(out, "not played: {error}"),
    }
}

/// The next event. True when it was the last.
async fn hear(events: &mut Events, out: &mut impl Write) -> io::Result<bool> {
    match events.next().await {
        Some(Event::Conversation(mood)) => writeln!(out, "({})", face(mood))?,
        // The far side chose these words: nothing in them may steer the terminal.
        Some(Event::Said(text)) => writeln!(out, "persona: {}", text.escape_debug())?,
        Some(_) => {}
        None => return Ok(true),
    }
    Ok(false)
}

const fn face(mood: Mood) -> &'static str {
    match mood {
        Mood::Idle => "your turn",
        Mood::UserSpeaking => "it listens",
        Mood::Processing => "it thinks",
        Mood::Speaking => "it speaks",
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1);
    program(url.as_deref(), &mut keyboard(), &mut io::stdout()).await
}

/// The lines of the keyboard. A thread reads them, so that a line nobody types holds up nothing.
fn keyboard() -> impl Stream<Item = String> + Unpin {
    let (typed, lines) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line.trim().to_owned()).is_err() {
                return;
            }
        }
    });
    Box::pin(futures_util::stream::unfold(lines, |mut lines| async { Some((lines.recv().await?, lines)) }))
}

#[cfg(feature = "webrtc")]
pub(crate) async fn program(
    url: Option<&str>,
    typed: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    if let Some(url) = url {
        let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
            |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
        )?;
        return talk(&Client::new(offhook::WebRtc::new(url)).credential(credential), typed, out).await;
    }
    let server = offhook_server::Server::builder().start().await?;
    let credential = server.mint(&offhook_server::Mint::user("you"))?;
    let client = Client::new(offhook::WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let talked = talk(&client, typed, out).await;
    client.shutdown().await;
    server.shutdown().await;
    talked
}

#[cfg(not(feature = "webrtc"))]
pub(crate) async fn program(
    _: Option<&str>,
    _: &mut (impl Stream<Item = String> + Unpin),
    _: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    Err("this needs the feature `webrtc`".into())
}
