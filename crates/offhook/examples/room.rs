//! A room with three bots: each publishes a clip, and says whom it sees and how fluently.
//!
//! `cargo run -p offhook --example room` starts a server of its own on loopback. `… -- URL` sends the
//! bots there, each with the credential in `OFFHOOK_CREDENTIAL`, which must be of a user who may be in a
//! room more than once.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use offhook::{Client, Clip, Event, Join, Kind, RemoteTrack};
use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

/// What one bot saw of another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) by: String,
    pub(crate) of: String,
    pub(crate) pictures: u32,
    pub(crate) a_second: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let names = ["ada", "bob", "cy"];
    match std::env::args().nth(1) {
        Some(url) => {
            let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
                |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
            )?;
            let clients = names.map(|name| {
                (name.to_owned(), Client::new(offhook::WebRtc::new(&url)).credential(credential.clone()))
            });
            meet(clients.into(), 125).await?;
        }
        None => {
            let server = offhook_server::Server::builder().start().await?;
            meet(at(&server, &names)?, 125).await?;
            server.shutdown().await;
        }
    }
    Ok(())
}

/// Clients of this server, each as a user of its own.
pub(crate) fn at(
    server: &offhook_server::Server,
    names: &[&str],
) -> Result<Vec<(String, Client)>, Box<dyn Error>> {
    let client = |name: &&str| {
        let credential = server.mint(&offhook_server::Mint::user(*name))?;
        let client = Client::new(offhook::WebRtc::new(server.url()));
        Ok(((*name).to_owned(), client.credential(credential.expose().to_owned())))
    };
    names.iter().map(client).collect()
}

/// All of them meet until each has seen so many pictures of every other. What each saw, sorted.
pub(crate) async fn meet(clients: Vec<(String, Client)>, pictures: u32) -> Result<Vec<Seen>, Box<dyn Error>> {
    let others = clients.len().saturating_sub(1);
    // Nobody goes before everybody has seen enough.
    let (told, _) = tokio::sync::watch::channel(0);
    let bots = clients.into_iter().map(|(name, client)| {
        let (told, mut done) = (told.clone(), told.subscribe());
        let bots = others + 1;
        tokio::spawn(async move {
            let seen = sees(&name, &client, others, pictures, async {
                told.send_modify(|bots| *bots += 1);
                let _ = done.wait_for(|done| *done == bots).await;
            });
            let seen = seen.await.map_err(|error| format!("{name}: {error}"));
            client.shutdown().await;
            seen
        })
    });
    let mut seen = Vec::new();
    for bot in bots.collect::<Vec<_>>() {
        seen.extend(bot.await??);
    }
    seen.sort_by(|a, b| (&a.by, &a.of).cmp(&(&b.by, &b.of)));
    Ok(seen)
}

/// One bot, from its join until it has seen enough of `others` members, and everybody else has, too.
async fn sees(
    name: &str,
    client: &Client,
    others: usize,
    pictures: u32,
    everybody: impl Future<Output = ()>,
) -> Result<Vec<Seen>, String> {
    let idle = client.session("room", "lobby");
    let mut events = idle.events();
    let join = Join::new().publish(Clip::sample());
    let session = idle.join(join).await.map_err(|failed| failed.to_string())?;
    let mut names = HashMap::new();
    let mut looking = FuturesUnordered::new();
    let mut seen = Vec::new();
    while seen.len() < others {
        tokio::select! {
            event = events.next() => match event {
                // Who came is told before what they publish.
                Some(Event::MemberJoined(member)) => drop(names.insert(member.id, member.name)),
                Some(Event::TrackAdded(track)) if track.kind == Kind::Video => {
                    let of = names.get(track.id.member()).cloned().unwrap_or_default();
                    println!("{name}: there is {of:?}");
                    // One handle for as long as the member publishes it, whatever happens on the way.
                    let handle = session.track(&track.id).map_err(|error| error.to_string())?;
                    looking.push(look(name, of, handle, pictures));
                }
                Some(Event::TrackRemoved(track)) => println!("{name}: {:?} is gone", track.id),
                Some(_) => {}
                None => return Err("the session ended".to_owned()),
            },
            Some(one) = looking.next() => {
                println!("{name}: saw {} pictures of {:?}, {:.1} a second", one.pictures, one.of, one.a_second);
                seen.push(one);
            }
        }
    }
    everybody.await;
    drop(session.leave().await);
    Ok(seen)
}

/// Looks at one track for so many pictures.
async fn look(by: &str, of: String, track: RemoteTrack, pictures: u32) -> Seen {
    let mut track = track.decoded();
    let mut count = 0;
    let mut since = Instant::now();
    while count < pictures && track.next().await.is_some() {
        if count == 0 {
            since = Instant::now();
        }
        count += 1;
    }
    let took = since.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    Seen { by: by.to_owned(), of, pictures: count, a_second: f64::from(count.saturating_sub(1)) / took }
}
