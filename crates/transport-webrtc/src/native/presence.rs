//! The presence of the native transport: one socket of its own over which rings come and go. A task
//! drives it; what its frames mean is in `presence/words.rs`. It decides nothing about rings.

mod words;

use super::address::Address;
use super::config::Config;
use super::incoming::ProtocolFault;
use super::socket::{self, Heard, Socket};
use super::{NoRuntime, WebRtc, translate};
use offhook_signaling::{
    FromClient, FromServer, Ping, Presence as Hello, Receipt, Reliability, Versions, decode_from_server,
};
use offhook_transport::{
    Fault, FaultKind, Presence, PresenceConnection, PresenceEvent, PresenceRequest, RingAction, RingFull,
};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Reports that may wait for the host before the link stops reading.
const EVENTS: usize = 256;
/// Actions that may wait for the link.
const ACTIONS: usize = 256;
/// How long the closing of a socket may take.
const CLOSING: Duration = Duration::from_millis(250);

impl Presence for WebRtc {
    fn watch(&self, request: PresenceRequest) -> Box<dyn PresenceConnection> {
        Box::new(PresenceLink {
            state: State::Idle(Box::new(Start { config: self.config.clone(), request })),
        })
    }
}

struct Start {
    config: Arc<Config>,
    request: PresenceRequest,
}

enum State {
    /// Nobody has polled yet.
    Idle(Box<Start>),
    /// A task drives it.
    Running {
        events: mpsc::Receiver<PresenceEvent>,
        actions: mpsc::Sender<RingAction>,
        /// Dropped to close.
        alive: Option<oneshot::Sender<()>>,
    },
    /// Only `Closed` is left to say.
    Ending,
    Over,
}

/// The host's end of one dial.
struct PresenceLink {
    state: State,
}

impl PresenceLink {
    fn start(&mut self) -> Option<PresenceEvent> {
        let State::Idle(_) = &self.state else { return None };
        let State::Idle(start) = std::mem::replace(&mut self.state, State::Ending) else { return None };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Some(PresenceEvent::Lost(Fault::with(FaultKind::Local, NoRuntime)));
        };
        let (said, events) = mpsc::channel(EVENTS);
        let (actions, asked) = mpsc::channel(ACTIONS);
        let (alive, mut closed) = oneshot::channel::<()>();
        runtime.spawn(async move {
            let mut driver = Driver { events: said, frames: Reliability::new(), next: 0 };
            let mut socket = None;
            tokio::select! {
                biased;
                // The host's end is gone or said so: nobody waits for more.
                _ = &mut closed => {}
                () = driver.run(*start, asked, &mut socket) => {}
            }
            if let Some(socket) = socket {
                socket.close(1000, CLOSING).await;
            }
        });
        self.state = State::Running { events, actions, alive: Some(alive) };
        None
    }
}

impl PresenceConnection for PresenceLink {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<PresenceEvent>> {
        if let Some(failed) = self.start() {
            return Poll::Ready(Some(failed));
        }
        match &mut self.state {
            State::Running { events, alive, .. } => {
                while let Some(event) = ready!(events.poll_recv(cx)) {
                    // After a close nothing is reported any more but the end.
                    if alive.is_some() {
                        return Poll::Ready(Some(event));
                    }
                }
                self.state = State::Over;
                Poll::Ready(Some(PresenceEvent::Closed))
            }
            State::Ending => {
                self.state = State::Over;
                Poll::Ready(Some(PresenceEvent::Closed))
            }
            State::Idle(_) | State::Over => Poll::Ready(None),
        }
    }

    fn act(&mut self, action: RingAction) -> Result<(), RingFull> {
        match &mut self.state {
            State::Running { actions, alive: Some(_), .. } => match actions.try_send(action) {
                Err(mpsc::error::TrySendError::Full(action)) => Err(RingFull(Box::new(action))),
                // The link is over already; the end is on its way.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            },
            // Nothing is said before we are in.
            State::Idle(_) => Err(RingFull(Box::new(action))),
            State::Running { .. } | State::Ending | State::Over => Ok(()),
        }
    }

    fn close(&mut self) {
        match &mut self.state {
            State::Idle(_) => self.state = State::Ending,
            State::Running { alive, .. } => *alive = None,
            State::Ending | State::Over => {}
        }
    }
}

/// How it goes on after a frame.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

struct Driver {
    events: mpsc::Sender<PresenceEvent>,
    frames: Reliability<FromClient>,
    /// Numbers of our pings.
    next: u64,
}

impl Driver {
    /// Runs to the end of the link. The socket is left to whoever called, to be closed.
    async fn run(
        &mut self,
        start: Start,
        mut actions: mpsc::Receiver<RingAction>,
        kept: &mut Option<Socket>,
    ) {
        let Start { config, request } = start;
        let address = match Address::configured(&config.url, config.plain_ws) {
            Ok(address) => address,
            Err(error) => return self.lost(Fault::with(FaultKind::BadAddress, error)).await,
        };
        let socket = match socket::open(&config, &address, request.open_timeout).await {
            Ok(opened) => kept.insert(opened),
            Err(fault) => return self.lost(fault).await,
        };
        let hello = FromClient::Presence(Hello {
            versions: Versions::OURS,
            instance: translate::instance(request.device),
            epoch: u64::from(request.epoch.0),
            credential: request.credential.as_ref().map(translate::secret),
        });
        if self.write(socket, &hello).await == Flow::Over {
            return;
        }
        let mut up = false;
        loop {
            tokio::select! {
                heard = poll_fn(|cx| socket.poll_next(cx)) => {
                    if self.heard(socket, heard, &mut up).await == Flow::Over {
                        return;
                    }
                }
                action = actions.recv(), if up => match action {
                    Some(action) => {
                        let id = self.next_id();
                        if self.write(socket, &words::outward(action, id)).await == Flow::Over {
                            return;
                        }
                    }
                    None => return,
                },
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    async fn heard(&mut self, socket: &mut Socket, heard: Heard, up: &mut bool) -> Flow {
        let bytes = match heard {
            Heard::Frame(bytes) => bytes,
            Heard::Closed(code) => {
                let restarts = code == Some(1012);
                let kind = if restarts { FaultKind::ServerRestart } else { FaultKind::Closed };
                self.lost(Fault::new(kind)).await;
                return Flow::Over;
            }
            Heard::Broken(fault, _) => {
                self.lost(fault).await;
                return Flow::Over;
            }
        };
        let frame = match decode_from_server(&bytes) {
            Ok(frame) => frame,
            Err(error) => return self.broken(ProtocolFault::Error(error.to_string())).await,
        };
        match self.frames.receive(&frame) {
            Ok(Receipt::Deliver) => {}
            Ok(Receipt::Duplicate) => return Flow::On,
            Err(error) => return self.broken(ProtocolFault::Error(error.to_string())).await,
        }
        match frame.message {
            FromServer::Ping(ping) => self.write(socket, &FromClient::Pong(ping)).await,
            FromServer::Present(present) if !*up => {
                *up = true;
                self.say(words::present(present)).await
            }
            // Only words about rings, and refusals, are heard before or without the snapshot.
            message => match words::inward(message, *up) {
                words::Inward::Event(event) => self.say(*event).await,
                words::Inward::Last(event) => {
                    self.say(*event).await;
                    Flow::Over
                }
                words::Inward::Nothing => self.say(PresenceEvent::Alive).await,
                words::Inward::Answer(answer) => self.write(socket, &answer).await,
                words::Inward::OutOfPlace(kind) => self.broken(ProtocolFault::OutOfPlace(kind)).await,
            },
        }
    }

    async fn write(&mut self, socket: &mut Socket, message: &FromClient) -> Flow {
        match self.frames.frame(message) {
            Ok(text) => {
                if socket.send(text) {
                    return Flow::On;
                }
                self.lost(Fault::new(FaultKind::Closed)).await;
                Flow::Over
            }
            // What breaks a limit would be refused by every far side; the credential is the one
            // thing without which nothing goes on.
            Err(error) => match words::unwritable(message, error.to_string()) {
                Some(event) => {
                    let last = matches!(event, PresenceEvent::Refused { .. });
                    self.say(event).await;
                    if last { Flow::Over } else { Flow::On }
                }
                None => Flow::On,
            },
        }
    }

    async fn say(&mut self, event: PresenceEvent) -> Flow {
        if self.events.send(event).await.is_ok() { Flow::On } else { Flow::Over }
    }

    async fn broken(&mut self, fault: ProtocolFault) -> Flow {
        self.lost(Fault::with(FaultKind::Protocol, fault)).await;
        Flow::Over
    }

    async fn lost(&mut self, fault: Fault) {
        // Whoever closed it is not told.
        let _ = timeout(CLOSING, self.events.send(PresenceEvent::Lost(fault))).await;
    }
}

/// A ping with this number.
fn ping(id: u64) -> FromClient {
    FromClient::Ping(Ping { id })
}
