//! A transport of one's own: a TCP connection on which each side says one line a word. It has a
//! signaling plane and no media; it takes prompts, and joins again as the same instance.
//!
//! All of a link is one function, [`talk`], which the connection itself polls. So nothing happens
//! before the first poll, nothing is spawned, and to drop the connection is to close its socket:
//! what the contract of `Connection` asks for comes by itself. Recovery, deadlines and what the
//! user wants are the lifecycle's; nothing of them is here. What the lines say is in `words.rs`.

use super::wire::Wire;
use super::words;
use offhook::transport::{
    Action, Capabilities, Capability, Connection, DialRequest, Event, Fault, FaultKind, Full, Plan, Plane,
    Progress, Transport,
};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

pub(crate) const CAN: Capabilities = Capabilities::NONE
    .with(Capability::SignalingPlane)
    .with(Capability::Rejoin)
    .with(Capability::Prompt)
    .with(Capability::Acks);

/// Dials far sides that speak in lines.
pub(crate) struct Lines {
    address: String,
}

impl Lines {
    /// A transport that dials this address, `host:port`.
    pub(crate) fn to(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl Transport for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn capabilities(&self) -> Capabilities {
        CAN
    }

    fn dial(&self, request: DialRequest) -> Box<dyn Connection> {
        let ((actions, asked), (reports, reported)) = (channel(64), channel(64));
        let talk = Box::pin(talk(self.address.clone(), request, asked, reports));
        Box::new(Line { talk: Some(talk), actions, reported, said_closed: false })
    }
}

/// One dial and what became of it.
struct Line {
    /// The link, for as long as it goes on.
    talk: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    actions: Sender<Action>,
    reported: Receiver<Event>,
    said_closed: bool,
}

impl Connection for Line {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.talk.as_mut().is_some_and(|talk| talk.as_mut().poll(cx).is_ready()) {
            self.talk = None;
        }
        match self.reported.poll_recv(cx) {
            Poll::Ready(None) if !self.said_closed => {
                self.said_closed = true;
                Poll::Ready(Some(Event::Closed))
            }
            other => other,
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Full> {
        match self.actions.try_send(action) {
            Err(TrySendError::Full(action)) => Err(Full(action)),
            // After the end an action is taken and ignored.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    fn close(&mut self) {
        self.talk = None;
        // What was not read yet is of no interest any more.
        while self.reported.try_recv().is_ok() {}
    }
}

/// A link from its dial to its end. Its last report says how it ended.
async fn talk(address: String, request: DialRequest, mut asked: Receiver<Action>, reports: Sender<Event>) {
    let Err(last) = link(&address, &request, &mut asked, &reports).await else { return };
    let lost = matches!(last, Event::PlaneLost(..));
    // It fails only when the connection is gone, which polls this.
    let _ = reports.send(last).await;
    if lost {
        // The host decides what follows: a lost plane is no ending.
        goodbye(&mut asked).await;
    }
}

async fn link(
    address: &str,
    request: &DialRequest,
    asked: &mut Receiver<Action>,
    reports: &Sender<Event>,
) -> Result<(), Event> {
    let report = async |event| reports.send(event).await.map_err(|_| Event::Closed);
    if matches!(request.plan, Plan::Join { .. }) {
        report(Event::Progress(Progress::Searching { queue_position: None, eta: None })).await?;
    }
    let unreachable = |error| Event::DialFailed(Fault::with(FaultKind::Unreachable, error));
    let socket = tokio::select! {
        socket = TcpStream::connect(address) => socket.map_err(unreachable)?,
        // There is nobody to hear it yet.
        () = goodbye(asked) => return Ok(()),
    };
    let mut wire = Wire::new(socket);
    wire.say(&words::join(request)).await.map_err(|error| broken(false, fault_of(error)))?;
    let mut up = false;
    loop {
        let heard = tokio::select! {
            heard = wire.hear() => heard.map(Some),
            Some(action) = asked.recv() => {
                let said = match words::asking(&action) {
                    Some(line) => wire.say(&line).await,
                    // Nobody asks for what the capabilities do not name.
                    None => Ok(()),
                };
                if action == Action::Goodbye {
                    // Heard or not: it is over either way.
                    return Ok(());
                }
                said.map(|()| None)
            }
        };
        let line = match heard {
            Ok(Some(line)) => line,
            Ok(None) => continue,
            Err(error) => return Err(broken(up, fault_of(error))),
        };
        match words::heard(&line, request, up) {
            Some(Event::Up(welcome)) => {
                up = true;
                report(Event::Answered).await?;
                report(Event::Up(welcome)).await?;
                // It answers what was said on this very socket: that is the proof (R5).
                report(Event::Carried(Plane::Signaling)).await?;
            }
            Some(last @ (Event::Refused { .. } | Event::Ended { .. })) => return Err(last),
            Some(event) => report(event).await?,
            None => return Err(broken(up, Fault::new(FaultKind::Protocol))),
        }
    }
}

/// What a fault comes to: before we are in the dial failed, afterwards the plane is lost.
fn broken(up: bool, fault: Fault) -> Event {
    if up { Event::PlaneLost(Plane::Signaling, fault) } else { Event::DialFailed(fault) }
}

fn fault_of(error: std::io::Error) -> Fault {
    let kind = match error.kind() {
        std::io::ErrorKind::InvalidData => FaultKind::Protocol,
        std::io::ErrorKind::TimedOut => FaultKind::TimedOut,
        _ => FaultKind::Closed,
    };
    Fault::with(kind, error)
}

/// Waits until the host says goodbye; nothing else that it asks for has a link to go to.
async fn goodbye(asked: &mut Receiver<Action>) {
    while let Some(action) = asked.recv().await {
        if action == Action::Goodbye {
            return;
        }
    }
}
