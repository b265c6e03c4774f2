//! A transport of your own, and what a session gets for it: desired state, refusals, recovery.
//!
//! `cargo run -p offhook --example custom_transport`. The transport is `lines.rs`; `words.rs` and
//! `wire.rs` are what it says and how, `room.rs` is a far side for it. That the transport keeps its contract is shown by the
//! conformance suite (`offhook_transport::conformance`), which runs over it in `tests/examples`.

mod lines;
mod room;
pub(crate) mod wire;
mod words;

use futures_util::StreamExt;
pub(crate) use lines::Lines;
use offhook::{CallingState, Client, Event, Join};
pub(crate) use room::Room;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tokio::time::timeout(Duration::from_secs(60), program(&mut std::io::stdout())).await?
}

/// Joins a room, loses the line to it, and has the newest prompt in force afterwards.
pub(crate) async fn program(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let room = Room::open(Duration::ZERO).await?;
    let client = Client::new(Lines::to(room.address().to_string()));
    let session = client.session("room", "7").join(Join::new().prompt("sepia")).await?;
    writeln!(out, "{} on {} socket, with {:?} in force", session.state(), room.sockets(), room.prompts())?;

    session.set_prompt("posterize").await?;
    writeln!(out, "then {:?}", room.prompts())?;
    if let Err(refused) = session.set_prompt("as if painted by nobody").await {
        writeln!(out, "{refused}")?;
    }

    let mut events = session.events();
    room.cut();
    while let Some(event) = events.next().await {
        match event {
            Event::StateChanged(CallingState::Reconnecting) => writeln!(out, "the line was cut")?,
            Event::Recovered { plan, .. } => {
                writeln!(out, "back by {}, with {:?} in force", plan.code(), room.prompts())?;
                break;
            }
            Event::Ended(ended) => return Err(ended.reason.into()),
            _ => {}
        }
    }

    room.end("conversation_ended");
    let mut left = session.ended().await;
    left.released().await;
    writeln!(out, "{}", left.reason())?;
    Ok(())
}
