//! A user interface that follows a session: one loop, and every state has its screen. There is no
//! wildcard arm: a state that is added one day breaks this build, until somebody decides what to
//! show for it.
//!
//! `cargo run -p offhook --example ui_loop`. A call over the scripted transport goes through
//! everything that can befall it, on a virtual clock: its minutes pass at once.

use futures_util::StreamExt;
use offhook::mock::{MockTransport, Remote};
use offhook::transport::{GoAwayHint, GoAwayReason};
use offhook::{CallingState, Client, Controls, Direction, Idle, Network, Ring, Session, StateSeen, States};
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::mpsc;

/// What the user can press.
#[derive(Clone, Copy, Debug)]
enum Key {
    TryAgain,
    HangUp,
}

/// What the user sees.
const fn screen(state: CallingState) -> &'static str {
    match state {
        CallingState::Unknown | CallingState::Idle => "the lobby",
        CallingState::Ringing(Direction::Incoming) => "somebody is calling: accept, or decline",
        CallingState::Ringing(Direction::Outgoing) => "calling them; press h to give it up",
        CallingState::Joining => "one moment, please",
        CallingState::Joined => "the call; press h to hang up",
        CallingState::Migrating => "the call; a small mark says that it is being moved",
        CallingState::Reconnecting => "the last picture, and: restoring the connection",
        CallingState::Offline => "the last picture, and: there is no network",
        CallingState::ReconnectingFailed => "the connection is lost; press r to try again",
        CallingState::Left => "have a nice day",
    }
}

/// The whole interface: draws each state, passes on what is pressed, and ends with the session.
async fn ui(
    mut states: States,
    controls: Controls,
    mut keys: mpsc::Receiver<Key>,
    out: &mut impl Write,
) -> io::Result<()> {
    // Before the first look nothing is known.
    draw(CallingState::Unknown, out)?;
    loop {
        tokio::select! {
            seen = states.next() => match seen {
                Some(StateSeen::Now(state)) => draw(state, out)?,
                // This loop was slow. Where things stand is what counts.
                Some(StateSeen::Missed { now, .. }) => draw(now, out)?,
                None => return Ok(()),
            },
            Some(key) = keys.recv() => match key {
                Key::TryAgain => controls.retry(),
                Key::HangUp => controls.leave(),
            },
        }
    }
}

fn draw(state: CallingState, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<18} {}", state.name(), screen(state))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    program(&mut io::stdout()).await
}

/// The interface beside a call that has a bad day.
pub(crate) async fn program(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (transport, remote) = MockTransport::studio(7);
    let client = Client::new(transport).seed(7);
    let session = client.session("room", "7");
    let (press, keys) = mpsc::channel(8);
    let ui = ui(session.states(), session.controls(), keys, out);
    let (shown, lived) = tokio::join!(ui, a_bad_day(&client, session, &remote, press));
    lived?;
    Ok(shown?)
}

/// What others do to the call, and what its user presses.
async fn a_bad_day(
    client: &Client,
    session: Session<Idle>,
    remote: &Remote,
    press: mpsc::Sender<Key>,
) -> Result<(), Box<dyn Error>> {
    let ringing = session.ring(Ring::to(["ada"]));
    let ring = remote.placed(&remote.ring_order().await);
    remote.taken(&ring, "ada");
    let session = ringing.await?;
    let mut states = session.states();

    remote.go_away(GoAwayHint { url: None, ticket: None, deadline: None, reason: GoAwayReason::Rebalance });
    until(&mut states, CallingState::Migrating).await?;
    until(&mut states, CallingState::Joined).await?;

    client.network(Network::Down);
    until(&mut states, CallingState::Offline).await?;
    client.network(Network::Up);
    until(&mut states, CallingState::Joined).await?;

    remote.cut();
    until(&mut states, CallingState::ReconnectingFailed).await?;
    remote.restore();
    press.send(Key::TryAgain).await?;
    until(&mut states, CallingState::Joined).await?;

    // Who hangs up is not shown any more what was still to be drawn: so they look at it first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    press.send(Key::HangUp).await?;
    until(&mut states, CallingState::Left).await
}

async fn until(states: &mut States, wanted: CallingState) -> Result<(), Box<dyn Error>> {
    while let Some(seen) = states.next().await {
        if seen.state() == wanted {
            return Ok(());
        }
    }
    Err(format!("the session ended before it was {wanted}").into())
}
