//! A component that is in a session for as long as it exists, and leaves when it goes out of
//! scope: at its end, in the middle of a join, on an early return, in a panic. There is no `Drop`
//! in this file, no clean-up and no flag. The handles leave by themselves; to own one is enough.
//!
//! `cargo run -p offhook --example scoped_component`, over the scripted transport.

use futures_util::StreamExt;
use offhook::mock::{MockTransport, Remote};
use offhook::{CallingState, Client, Clip, Event, Events, Idle, Join, JoinError, Joined, Joining, Session};
use std::error::Error;
use std::io::Write;

/// A piece of a user interface with a live picture in it.
///
/// # Drop
/// Leaves the session. A join that is still under way is given up, and nothing is sent afterwards.
pub(crate) struct LiveView {
    inside: Inside,
}

enum Inside {
    Joining(Box<Joining>),
    Live(Session<Joined>),
    Failed(JoinError),
}

impl LiveView {
    /// Begins at once and waits for nothing: so it can be made where nothing can be awaited.
    pub(crate) fn mount(session: Session<Idle>, join: Join) -> Self {
        Self { inside: Inside::Joining(Box::new(session.join(join))) }
    }

    /// What to draw.
    pub(crate) fn state(&self) -> CallingState {
        match &self.inside {
            Inside::Joining(joining) => joining.state(),
            Inside::Live(session) => session.state(),
            Inside::Failed(_) => CallingState::Left,
        }
    }

    /// Waits until it is live.
    ///
    /// # Errors
    /// Why the join failed, again at each call.
    ///
    /// # Cancel safety
    /// Dropped, the join goes on; call it again.
    pub(crate) async fn live(&mut self) -> Result<&Session<Joined>, &JoinError> {
        if let Inside::Joining(joining) = &mut self.inside {
            self.inside = match joining.await {
                Ok(session) => Inside::Live(session),
                Err(error) => Inside::Failed(error),
            };
        }
        match &self.inside {
            Inside::Live(session) => Ok(session),
            Inside::Failed(error) => Err(error),
            Inside::Joining(_) => unreachable!("it was awaited above"),
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    program(&mut std::io::stdout()).await
}

/// Four components, each of which goes away in another manner.
pub(crate) async fn program(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (transport, remote) = MockTransport::studio(7);
    let client = Client::new(transport).seed(7);
    let join = || Join::new().prompt("sepia").publish(Clip::sample());

    let (session, events) = fresh(&client);
    {
        let mut view = LiveView::mount(session, join());
        let id = view.live().await.map_err(ToString::to_string)?.id();
        writeln!(out, "{} as {}", view.state(), id.as_deref().unwrap_or("nobody"))?;
    }
    writeln!(out, "at the end of its scope: {}", ending(events, &remote).await)?;

    let (session, events) = fresh(&client);
    {
        let view = LiveView::mount(session, join());
        tokio::task::yield_now().await;
        writeln!(out, "{}", view.state())?;
    }
    writeln!(out, "in the middle of a join: {}", ending(events, &remote).await)?;

    let (session, events) = fresh(&client);
    if let Err(error) = draw_nothing(session, join()).await {
        writeln!(out, "{error}")?;
    }
    writeln!(out, "on an early return: {}", ending(events, &remote).await)?;

    let (session, events) = fresh(&client);
    let drawing = tokio::spawn(async move {
        let mut view = LiveView::mount(session, join());
        if view.live().await.is_ok() {
            panic!("a bug in the code that draws");
        }
    });
    writeln!(out, "a panic: {}", drawing.await.is_err_and(|error| error.is_panic()))?;
    writeln!(out, "while it unwound: {}", ending(events, &remote).await)?;
    Ok(())
}

/// A component whose work fails half way.
async fn draw_nothing(session: Session<Idle>, join: Join) -> Result<(), Box<dyn Error>> {
    let mut view = LiveView::mount(session, join);
    let session = view.live().await.map_err(ToString::to_string)?;
    std::fs::read(format!("no such folder/{}", session.state())).map_err(|_| "there is nothing to draw")?;
    Ok(())
}

fn fresh(client: &Client) -> (Session<Idle>, Events) {
    let session = client.session("studio", "7");
    let events = session.events();
    (session, events)
}

/// How the session ended, once the far side holds nothing of it any more.
async fn ending(events: Events, remote: &Remote) -> String {
    let last = events.fold(None, |_, event| async move { Some(event) }).await;
    remote.until(|census| census.connections == 0 && census.taps == 0).await;
    match last {
        Some(Event::Ended(ended)) => format!("{}, and nothing is left", ended.reason.code()),
        other => format!("no ending, but {other:?}"),
    }
}
