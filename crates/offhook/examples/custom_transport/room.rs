//! The far side of `lines.rs`: a room that lets everybody in, knows a few prompts, and keeps each
//! instance's newest link. One task a socket; all of them end with the room.

use super::wire::{Wire, from_hex, to_hex};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// The prompts it knows.
const KNOWN: [&str; 3] = ["edges", "posterize", "sepia"];

/// What a room tells one of its links.
#[derive(Clone, Copy)]
enum Order {
    /// The session is over, with this code.
    End(&'static str),
    /// Close the socket, and say nothing.
    Cut,
}

/// Somebody inside, on their newest link.
struct Member {
    epoch: u32,
    prompt: String,
    link: Sender<Order>,
}

#[derive(Default)]
struct Inside {
    /// By instance.
    members: HashMap<String, Member>,
    sockets: u64,
}

/// A room that listens.
///
/// # Drop
/// Closes every socket.
pub(crate) struct Room {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    listening: JoinHandle<()>,
}

impl Room {
    /// A room on a free port of loopback, which answers a join after so long.
    pub(crate) async fn open(answers_after: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, inside) = (listener.local_addr()?, Arc::<Mutex<Inside>>::default());
        let shared = inside.clone();
        let listening = tokio::spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let shared = shared.clone();
                links.spawn(async move {
                    lock(&shared).sockets += 1;
                    let _ = serve(Wire::new(socket), &shared, answers_after).await;
                    lock(&shared).sockets -= 1;
                });
                while links.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, inside, listening })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many sockets it serves.
    pub(crate) fn sockets(&self) -> u64 {
        lock(&self.inside).sockets
    }

    /// The prompts in force, one for each who is inside.
    pub(crate) fn prompts(&self) -> Vec<String> {
        lock(&self.inside).members.values().map(|member| member.prompt.clone()).collect()
    }

    /// Loses every socket, as a bad network does.
    pub(crate) fn cut(&self) {
        self.tell(Order::Cut);
    }

    /// Ends every session.
    pub(crate) fn end(&self, code: &'static str) {
        self.tell(Order::End(code));
    }

    fn tell(&self, order: Order) {
        for member in lock(&self.inside).members.values() {
            // One that has no room for it has an order already.
            let _ = member.link.try_send(order);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(mut wire: Wire, inside: &Mutex<Inside>, answers_after: Duration) -> std::io::Result<()> {
    let first = wire.hear().await?;
    sleep(answers_after).await;
    let words: Vec<&str> = first.split(' ').collect();
    let ["join", kind, id, instance, epoch, _, prompt] = words[..] else { return Ok(()) };
    let (Some(kind), Some(id), Ok(epoch)) = (from_hex(kind), from_hex(id), epoch.parse()) else {
        return wire.say(&refused("bad_request", "a word of the join is not what it should be")).await;
    };
    let prompt = match known(prompt) {
        Ok(prompt) => prompt,
        Err(why) => return wire.say(&refused("initial_state", &why)).await,
    };
    let (link, orders) = channel(1);
    if !enter(inside, instance, Member { epoch, prompt, link }) {
        return wire.say(&refused("stale_epoch", "a newer dial was here before")).await;
    }
    wire.say(&format!("welcome {}", to_hex(&format!("{kind}:{id}")))).await?;
    let said = attend(&mut wire, inside, instance, orders).await;
    // A link that was replaced takes nothing of its successor with it.
    let mut inside = lock(inside);
    if inside.members.get(instance).is_some_and(|member| member.epoch == epoch) {
        inside.members.remove(instance);
    }
    said
}

/// The newest link of an instance replaces the one before, which is closed without a word.
fn enter(inside: &Mutex<Inside>, instance: &str, member: Member) -> bool {
    let mut inside = lock(inside);
    match inside.members.get(instance) {
        Some(old) if old.epoch >= member.epoch => return false,
        Some(old) => _ = old.link.try_send(Order::Cut),
        None => {}
    }
    inside.members.insert(instance.to_owned(), member);
    true
}

/// Answers a link until it is over.
async fn attend(
    wire: &mut Wire,
    inside: &Mutex<Inside>,
    instance: &str,
    mut orders: Receiver<Order>,
) -> std::io::Result<()> {
    loop {
        let line = tokio::select! {
            line = wire.hear() => line?,
            order = orders.recv() => match order {
                Some(Order::End(code)) => return wire.say(&format!("ended {code}")).await,
                Some(Order::Cut) | None => return Ok(()),
            },
        };
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["ping"] => "pong".to_owned(),
            ["prompt", revision, prompt] => match known(prompt) {
                Ok(prompt) => {
                    if let Some(member) = lock(inside).members.get_mut(instance) {
                        member.prompt = prompt;
                    }
                    format!("applied {revision}")
                }
                Err(why) => format!("rejected {revision} {}", to_hex(&why)),
            },
            // A goodbye, or something that is no word of ours: either way it is over.
            _ => return Ok(()),
        };
        wire.say(&answer).await?;
    }
}

/// The prompt of a word; none is a dash.
fn known(word: &str) -> Result<String, String> {
    let prompt = if word == "-" { Some(String::new()) } else { from_hex(word) };
    let known = prompt.filter(|prompt| prompt.is_empty() || KNOWN.contains(&prompt.as_str()));
    known.ok_or_else(|| format!("unknown prompt; try one of: {}", KNOWN.join(", ")))
}

fn refused(code: &str, text: &str) -> String {
    format!("refused {code} {}", to_hex(text))
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}
