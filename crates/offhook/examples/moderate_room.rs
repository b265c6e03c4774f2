//! A moderator's desk on the terminal: who is there, and `mute NAME`, `let NAME` (unmute), `kick NAME`,
//! `end` for everybody.
//!
//! `cargo run -p offhook --example moderate_room` opens a room of its own on loopback with two guests
//! in it. `… -- wss://media.example/session` goes to `studio/1`, where `offhook join` is without a word, on
//! another server, and `… -- wss://media.example/session room/7` to another one there, with a moderator's
//! credential in `OFFHOOK_CREDENTIAL`.

use futures_util::{Stream, StreamExt};
use offhook::{Client, Event, Join, Joined, Kind, Member, Session};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};

/// Who is there, by the id that requests name them by.
#[derive(Default)]
struct Room(BTreeMap<String, Member>);

impl Room {
    /// The id of whoever is shown by this name.
    fn id(&self, name: &str) -> Option<&str> {
        self.0.values().find(|member| member.name == name).map(|member| &*member.id)
    }
}

/// Keeps order until the session ends, or there is no more to read from the keyboard.
pub(crate) async fn moderate(
    client: &Client,
    (kind, id): (&str, &str),
    typed: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let session = client.session(kind, id).join(Join::new()).await?;
    let mut events = session.events();
    let mut room = Room::default();
    loop {
        tokio::select! {
            line = typed.next() => match line {
                Some(line) => asked(&session, &room, &line, out).await?,
                None => break,
            },
            event = events.next() => match event {
                Some(event) => happened(&mut room, event, out)?,
                None => break,
            },
        }
    }
    // Of a session that is over already, this says why it is.
    let left = session.leave().await;
    writeln!(out, "over: {}", left.reason())?;
    Ok(())
}

/// One request. Each ends with what the far side made of it.
async fn asked(session: &Session<Joined>, room: &Room, line: &str, out: &mut impl Write) -> io::Result<()> {
    let (word, name) = line.split_once(' ').unwrap_or((line, ""));
    // Whoever is not there any more is the far side's to know.
    let id = room.id(name).unwrap_or(name);
    let done = match word {
        "mute" => session.mute_member(id, Kind::Video).await,
        "let" => session.let_unmute(id, Kind::Video).await,
        "kick" => session.kick(id).await,
        "end" => session.end_for_all().await,
        _ => return writeln!(out, "mute NAME, let NAME, kick NAME, or end"),
    };
    match done {
        Ok(()) => writeln!(out, "{word}: done"),
        Err(error) => writeln!(out, "{word}: {error}"),
    }
}

/// The others chose their names: nothing in them may steer the terminal.
fn happened(room: &mut Room, event: Event, out: &mut impl Write) -> io::Result<()> {
    match event {
        Event::MemberJoined(member) => {
            writeln!(out, "{} came", member.name.escape_debug())?;
            room.0.insert(member.id.clone(), member);
        }
        Event::MemberUpdated(member) => {
            room.0.insert(member.id.clone(), member);
        }
        Event::MemberLeft(member) => {
            writeln!(out, "{} went", member.name.escape_debug())?;
            room.0.remove(&member.id);
        }
        _ => {}
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, session) = (std::env::args().nth(1), std::env::args().nth(2));
    let named =
        session.as_deref().map(|name| name.split_once('/').ok_or("a session is KIND/ID")).transpose()?;
    let there = url.as_deref().map(|url| (url, named.unwrap_or(("studio", "1"))));
    program(there, &mut keyboard(), &mut io::stdout()).await
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
    there: Option<(&str, (&str, &str))>,
    typed: &mut (impl Stream<Item = String> + Unpin),
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    use offhook_server::{Grants, Mint, Server};
    const HALL: (&str, &str) = ("studio", "hall");
    if let Some((url, session)) = there {
        let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
            |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
        )?;
        let client = Client::new(offhook::WebRtc::new(url)).credential(credential);
        return moderate(&client, session, typed, out).await;
    }
    let server = Server::builder().start().await?;
    let client = |user: &str, grants| {
        let credential = server.mint(&Mint::user(user).grants(grants))?;
        let client = Client::new(offhook::WebRtc::new(server.url()));
        Ok::<_, offhook_server::MintError>(client.credential(credential.expose().to_owned()))
    };
    let moderator = client("you", Grants::MODERATOR)?;
    let mut guests = Vec::new();
    for name in ["ada", "bob"] {
        let guest = client(name, Grants::default())?;
        guests.push(guest.session(HALL.0, HALL.1).join(Join::new()).await?);
    }
    let moderated = moderate(&moderator, HALL, typed, out).await;
    drop(guests);
    moderator.shutdown().await;
    server.shutdown().await;
    moderated
}

#[cfg(not(feature = "webrtc"))]
pub(crate) async fn program(
    _: Option<(&str, (&str, &str))>,
    _: &mut (impl Stream<Item = String> + Unpin),
    _: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    Err("this needs the feature `webrtc`".into())
}
