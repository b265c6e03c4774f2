//! A transport of one's own: a TCP connection on which each side says one line a word. It has a
//! signaling plane and no media; it takes prompts, and joins again as the same instance.
//!
//! All of a link is one function, [`link`], of which [`talk`] makes the connection: nothing happens
//! before the first poll, nothing is spawned, and to drop the connection is to close its socket.
//! Recovery, deadlines and what the user wants are the lifecycle's; nothing of them is here. What
//! the lines say is in `words.rs`.

use super::wire::Wire;
use super::words;
use offhook::transport::{
    Action, Asked, Capabilities, Capability, Connection, DialRequest, Event, Fault, FaultKind, Plan, Plane,
    Progress, Report, Transport, talk,
};
use tokio::net::TcpStream;

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
        let address = self.address.clone();
        talk(|mut asked, report| async move {
            let last = link(&address, &request, &mut asked, &report).await.err()?;
            if matches!(last, Event::PlaneLost(..)) {
                // The host decides what follows: a lost plane is no ending.
                report.say(last).await;
                goodbye(&mut asked).await;
                return None;
            }
            Some(last)
        })
    }
}

/// A link from its dial to its end. An error is its last report, and says how it ended.
async fn link(address: &str, request: &DialRequest, asked: &mut Asked, report: &Report) -> Result<(), Event> {
    if matches!(request.plan, Plan::Join { .. }) {
        report.say(Event::Progress(Progress::Searching { queue_position: None, eta: None })).await;
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
            action = asked.next() => {
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
                report.say(Event::Answered).await;
                report.say(Event::Up(welcome)).await;
                // It answers what was said on this very socket: that is the proof (R5).
                report.say(Event::Carried(Plane::Signaling)).await;
            }
            Some(last @ (Event::Refused { .. } | Event::Ended { .. })) => return Err(last),
            Some(event) => report.say(event).await,
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
async fn goodbye(asked: &mut Asked) {
    while asked.next().await != Action::Goodbye {}
}
