//! An incoming-call screen on the terminal: who rings, and keys to answer with.
//!
//! `cargo run -p offhook --example incoming_call` rings you by itself, over a
//! server of its own on loopback. `… -- webrtc wss://media.example/session` listens there, with
//! the credential in `OFFHOOK_CREDENTIAL`.

use futures_util::{Stream, StreamExt};
use offhook::{CallingState, Client, Decline, Incoming, Join, Joined, Left, RingBack, Ringing, Session};
use std::error::Error;
use std::io::{self, Write};

/// Listens for rings and has the user answer them, one after the other, until there is no more
/// to read from the keyboard or nobody can ring any more.
pub(crate) async fn phone(
    client: &Client,
    keys: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut rings = client.incoming();
    client.present().await?;
    writeln!(out, "waiting for calls")?;
    let listened = loop {
        // Why nobody can ring any more, presence says.
        let Some(ring) = rings.next().await else { break client.present().await };
        match answer(ring, keys, out).await? {
            Answer::Accepted(session) => talk(session, keys, out).await?,
            Answer::Over(left) => writeln!(out, "no call: {}", left.reason())?,
            Answer::Quit => break Ok(()),
        }
    };
    // Whoever rings from here on hears that nobody is there.
    client.shutdown().await;
    Ok(listened?)
}

/// What became of a ring.
enum Answer {
    Accepted(Session<Joined>),
    Over(Session<Left>),
    Quit,
}

async fn answer(
    mut ring: Session<Ringing<Incoming>>,
    keys: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> io::Result<Answer> {
    let caller = ring.caller();
    // The caller chose these words: nothing in them may steer the terminal.
    let name = caller.name.as_deref().unwrap_or(&caller.user).escape_debug();
    writeln!(out, "{name} rings: [a]ccept, [d]ecline, [b]usy, [i]gnore")?;
    let mut states = ring.states();
    loop {
        let key = tokio::select! {
            key = keys.next() => key,
            // Given up, or answered on another device: the screen goes away by itself.
            () = over(&mut states) => return Ok(Answer::Over(ring.leave().await)),
        };
        match key.as_deref() {
            Some("a") => match ring.accept(Join::new()).await {
                Ok(session) => return Ok(Answer::Accepted(session)),
                Err(error) => match *error.back {
                    RingBack::Ringing(still) => {
                        writeln!(out, "not yet: {}", error.kind)?;
                        ring = still;
                    }
                    RingBack::Left(left) => return Ok(Answer::Over(left)),
                },
            },
            Some("d") => return Ok(Answer::Over(ring.decline(Decline::Unwanted).await)),
            Some("b") => return Ok(Answer::Over(ring.decline(Decline::Busy).await)),
            // It stops ringing here; the user's other devices ring on.
            Some("i") => return Ok(Answer::Over(ring.leave().await)),
            Some(other) => writeln!(out, "there is no key {other:?}")?,
            None => return Ok(Answer::Quit),
        }
    }
}

async fn talk(
    session: Session<Joined>,
    keys: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "in the call: [h]ang up")?;
    let mut states = session.states();
    loop {
        tokio::select! {
            key = keys.next() => match key.as_deref() {
                Some("h") | None => break,
                Some(other) => writeln!(out, "there is no key {other:?}")?,
            },
            () = over(&mut states) => break,
        }
    }
    // Of a session that is over already, `leave` says why it is.
    let left = session.leave().await;
    writeln!(out, "the call is over: {}", left.reason())
}

/// Waits until the session is over, whoever ended it.
async fn over(states: &mut offhook::States) {
    while states.next().await.is_some_and(|seen| seen.state() != CallingState::Left) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program(&arguments, &mut keyboard(), &mut io::stdout()).await
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
    arguments: &[&str],
    keys: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] => {
            let server = offhook_server::Server::builder().start().await?;
            let client = |user| -> Result<Client, offhook_server::MintError> {
                let credential = server.mint(&offhook_server::Mint::user(user))?;
                Ok(Client::new(offhook::WebRtc::new(server.url())).credential(credential.expose().to_owned()))
            };
            let (you, ada) = (client("you")?, client("ada")?);
            let answered = tokio::select! {
                answered = phone(&you, keys, out) => answered,
                never = ring_again_and_again(&ada) => match never {},
            };
            ada.shutdown().await;
            server.shutdown().await;
            answered
        }
        ["webrtc", url] => {
            let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
                |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
            )?;
            phone(&Client::new(offhook::WebRtc::new(*url)).credential(credential), keys, out).await
        }
        _ => Err("say nothing, or `webrtc URL`".into()),
    }
}

/// Ada has something to say, and does not take no for an answer.
#[cfg(feature = "webrtc")]
async fn ring_again_and_again(ada: &Client) -> std::convert::Infallible {
    loop {
        let ring = offhook::Ring::to(["you"]).name("Ada");
        match ada.session("room", "7").ring(ring).await {
            Ok(session) => {
                let mut events = session.events();
                let hung_up = |event: &_| matches!(event, offhook::Event::MemberLeft(_));
                while events.next().await.is_some_and(|event| !hung_up(&event)) {}
                drop(session.leave().await);
            }
            // Declined, not answered, or nobody listens there yet.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    }
}

#[cfg(not(feature = "webrtc"))]
pub(crate) async fn program(
    _: &[&str],
    _: &mut (impl Stream<Item = String> + Unpin),
    _: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    Err("this needs the feature `webrtc`".into())
}
