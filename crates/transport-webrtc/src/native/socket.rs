//! One WebSocket: opened over our own TCP (and TLS) stream, read and written without ever
//! waiting for the writing, closed politely. What its frames mean is not known here.

use super::address::{Address, AddressError};
use super::config::Config;
use super::network::Destination;
use super::tls::RootsError;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use offhook_signaling::address::Host;
use offhook_signaling::limits::FRAME_BYTES;
use offhook_signaling::{EARLY_HEADER, EARLY_TAKEN};
use offhook_transport::{Fault, FaultKind};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, error::ProtocolError};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};

/// While nothing answers, another attempt is begun so often.
const ATTEMPT_EVERY: Duration = Duration::from_millis(250);
/// Attempts that are kept up at a time; a further one takes the place of the second.
const ATTEMPTS: usize = 6;
/// How it is said that a header is too large, or not to be had (RFC 9110 §15.5, RFC 6585 §5; 494 is
/// what one well-known proxy says).
const TOO_MUCH: [u16; 4] = [400, 413, 431, 494];
/// Frames that may wait for a slow socket; one more and it is as good as dead.
const OUTBOX: usize = 512;

/// Why a socket was not opened, each with its next step.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the name does not resolve ({0}); check the address and the network")]
    Resolve(io::ErrorKind),
    #[error("nothing takes the connection there ({0}); check the address, and that the server runs")]
    Connect(io::ErrorKind),
    #[error("the server did not open the connection within {0:?}; check the address and the network")]
    TimedOut(Duration),
    #[error("the server's certificate is not accepted ({0}); fix it there, or give its CA with extra_root()")]
    Certificate(rustls::Error),
    #[error("TLS failed ({0}); is this really a wss server?")]
    Tls(String),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error("the certificate cannot name this host; dial the server by its name")]
    ServerName,
    #[error(
        "the server does not answer to this name (HTTP 403); have its owner allow it (allow_host, --allow-host), or dial its address"
    )]
    NotServed,
    #[error("the server answered HTTP {0} where a WebSocket was asked for; check the path of the address")]
    Upgrade(u16),
    #[error("what answers there is no WebSocket server ({0}); check the address")]
    NotWebSocket(String),
    #[error("the server closed the connection before it was open; check that it is up, and for ws or wss")]
    Closed,
}

/// Why a socket is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum LossError {
    #[error("the connection broke ({0}); it is dialled again")]
    Io(io::ErrorKind),
    #[error("the far side broke the rules of WebSocket ({0}); update the older side")]
    WebSocket(String),
    #[error("the far side sent more than a frame may hold; update the older side")]
    TooLarge,
    #[error("the far side does not read what it is sent; it is dialled again")]
    Stuck,
}

/// What came in.
pub(super) enum Heard {
    /// A frame, text or binary.
    Frame(Bytes),
    /// The far side closed it, perhaps with a code.
    Closed(Option<u16>),
    /// It broke, or the far side broke the rules; then with the code to close it with.
    Broken(Fault, Option<u16>),
}

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    outbox: VecDeque<Message>,
    unflushed: bool,
}

/// A connection to the server, protected as its address asks for; no WebSocket yet.
pub(super) struct Wire(MaybeTlsStream<TcpStream>);

/// How an upgrade went.
pub(super) struct Upgraded {
    pub(super) socket: Socket,
    /// Did the server take the frame that was said along with it?
    pub(super) early_taken: bool,
}

/// Why there is no WebSocket.
pub(super) enum UpgradeFault {
    /// Something on the way takes no header of that size, or none that it does not know: without
    /// a frame in it, it may.
    Early(Fault),
    Other(Fault),
}

/// Connects, within the time. Whoever watches the way there is told where it leads.
pub(super) async fn reach(
    config: &Config,
    address: &Address,
    watched: Option<&Destination>,
    within: Duration,
) -> Result<Wire, Fault> {
    in_time(within, async {
        let tcp = connect(config, address, watched).await?;
        tcp.set_nodelay(true).map_err(|error| Fault::with(FaultKind::Local, error))?;
        Ok(Wire(if address.secure {
            MaybeTlsStream::Rustls(secure(config, address, tcp).await?)
        } else {
            MaybeTlsStream::Plain(tcp)
        }))
    })
    .await
    .unwrap_or_else(Err)
}

/// Connects and makes a WebSocket of it, within the time, for who has nothing to say along with it.
pub(super) async fn open(config: &Config, address: &Address, within: Duration) -> Result<Socket, Fault> {
    let by = Instant::now().checked_add(within);
    let wire = reach(config, address, None, within).await?;
    let left = by.map_or(within, |by| by.saturating_duration_since(Instant::now()));
    match upgrade(wire, address, None, left).await {
        Ok(upgraded) => Ok(upgraded.socket),
        Err(UpgradeFault::Early(fault) | UpgradeFault::Other(fault)) => Err(fault),
    }
}

/// Makes a WebSocket of a connection, within the time, and says a first frame along with it.
pub(super) async fn upgrade(
    wire: Wire,
    address: &Address,
    early: Option<String>,
    within: Duration,
) -> Result<Upgraded, UpgradeFault> {
    in_time(within, upgrade_now(wire, address, early))
        .await
        .unwrap_or_else(|late| Err(UpgradeFault::Other(late)))
}

async fn in_time<T>(within: Duration, opening: impl Future<Output = T>) -> Result<T, Fault> {
    let late = |_| Fault::with(FaultKind::TimedOut, OpenError::TimedOut(within));
    tokio::time::timeout(within, opening).await.map_err(late)
}

async fn upgrade_now(wire: Wire, address: &Address, early: Option<String>) -> Result<Upgraded, UpgradeFault> {
    let mut request =
        address.uri().into_client_request().map_err(|error| UpgradeFault::Other(upgrade_fault(error)))?;
    let early = early.and_then(|frame| HeaderValue::try_from(frame).ok());
    let is_early = early.is_some();
    if let Some(mut early) = early {
        early.set_sensitive(true);
        request.headers_mut().insert(EARLY_HEADER, early);
    }
    let limits = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES))
        .max_frame_size(Some(FRAME_BYTES))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0);
    let upgraded = client_async_with_config(request, wire.0, Some(limits)).await;
    let (stream, response) = upgraded.map_err(|error| {
        let is_too_much = |error: &WsError| {
            matches!(error, WsError::Http(response) if TOO_MUCH.contains(&response.status().as_u16()))
        };
        let refused = is_early && is_too_much(&error);
        let fault = upgrade_fault(error);
        if refused { UpgradeFault::Early(fault) } else { UpgradeFault::Other(fault) }
    })?;
    let early_taken =
        is_early && response.headers().get(EARLY_HEADER).is_some_and(|word| word == EARLY_TAKEN);
    Ok(Upgraded { socket: Socket { stream, outbox: VecDeque::new(), unflushed: false }, early_taken })
}

async fn connect(
    config: &Config,
    address: &Address,
    watched: Option<&Destination>,
) -> Result<TcpStream, Fault> {
    let named = matches!(address.host, Host::Name(_)) && (config.via.is_none() || address.is_target);
    let places = match (config.via, &address.host) {
        (Some(via), _) if !address.is_target => vec![via],
        (_, Host::Ip(ip)) => vec![SocketAddr::new(*ip, address.port)],
        (_, Host::Name(name)) => resolve(name, address).await?,
    };
    if let Some(watched) = watched {
        watched.heading(&places, named);
    }
    let stream = race(places.iter().copied().collect(), TcpStream::connect)
        .await
        .map_err(|kind| Fault::with(FaultKind::Unreachable, OpenError::Connect(kind)))?;
    if let (Some(watched), Ok(there), Ok(here)) = (watched, stream.peer_addr(), stream.local_addr()) {
        watched.reached(there, here.ip(), &places, named);
    }
    Ok(stream)
}

/// Tries the places in turn, the next one each quarter of a second while none has answered (RFC
/// 8305 §5), and then begins anew: the system repeats an unanswered SYN after 1, 2 and 4 s, so
/// that an attempt begun while the network was gone would find it seconds after it is back.
async fn race<T, F>(
    mut places: VecDeque<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, io::ErrorKind>
where
    F: Future<Output = io::Result<T>>,
{
    let mut under_way = VecDeque::new();
    let mut last = io::ErrorKind::NotFound;
    let mut next = Instant::now();
    loop {
        if !places.is_empty() && (under_way.is_empty() || next <= Instant::now()) {
            if let Some(place) = places.pop_front() {
                if under_way.len() == ATTEMPTS {
                    // The first is kept: on a very slow line it is the one that arrives.
                    under_way.remove(1);
                }
                under_way.push_back((place, Box::pin(connect(place))));
                places.push_back(place);
            }
            next = Instant::now() + ATTEMPT_EVERY;
        }
        if under_way.is_empty() {
            return Err(last);
        }
        let first = poll_fn(|cx| {
            let ready = under_way.iter_mut().enumerate().find_map(|(at, (_, attempt))| {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(done) => Some((at, done)),
                    Poll::Pending => None,
                }
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        });
        tokio::select! {
            (at, done) = first => match done {
                Ok(stream) => return Ok(stream),
                // It said no: no use to ask it again now.
                Err(error) => {
                    last = error.kind();
                    if let Some((refused, _)) = under_way.remove(at) {
                        places.retain(|place| *place != refused);
                    }
                }
            },
            () = tokio::time::sleep_until(next), if !places.is_empty() => {}
        }
    }
}

/// What a name stands for, less what may not be dialled.
async fn resolve(name: &str, address: &Address) -> Result<Vec<SocketAddr>, Fault> {
    let unreachable = |kind| Fault::with(FaultKind::Unreachable, OpenError::Resolve(kind));
    let found: Vec<_> = tokio::net::lookup_host((name, address.port))
        .await
        .map_err(|error| unreachable(error.kind()))?
        .collect();
    let mut refused = None::<AddressError>;
    let allowed: Vec<_> = found
        .into_iter()
        .filter(|place| address.check_resolved(place.ip()).map_err(|error| refused = Some(error)).is_ok())
        .collect();
    match refused {
        Some(error) if allowed.is_empty() => Err(Fault::with(FaultKind::BadAddress, error)),
        _ => Ok(allowed),
    }
}

async fn secure(
    config: &Config,
    address: &Address,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Fault> {
    let roots = config.roots.clone();
    // Reading the system's roots touches the disk, once.
    let connector = tokio::task::spawn_blocking(move || roots.connector())
        .await
        .map_err(|error| Fault::with(FaultKind::Local, error))?
        .map_err(|error| Fault::with(FaultKind::Tls, OpenError::Roots(error)))?;
    let name = address.server_name().ok_or_else(|| Fault::with(FaultKind::Tls, OpenError::ServerName))?;
    connector.connect(name, tcp).await.map_err(tls_fault)
}

fn tls_fault(error: io::Error) -> Fault {
    let shown = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned();
    match shown {
        Some(why @ rustls::Error::InvalidCertificate(_)) => {
            Fault::with(FaultKind::Tls, OpenError::Certificate(why))
        }
        Some(why) => Fault::with(FaultKind::Tls, OpenError::Tls(why.to_string())),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Fault::with(FaultKind::Tls, OpenError::Tls("the server hung up in the handshake".into()))
        }
        None => Fault::with(FaultKind::Closed, OpenError::Connect(error.kind())),
    }
}

fn upgrade_fault(error: WsError) -> Fault {
    match error {
        WsError::Http(response) if response.status() == StatusCode::FORBIDDEN => {
            Fault::with(FaultKind::Protocol, OpenError::NotServed)
        }
        WsError::Http(response) => {
            Fault::with(FaultKind::Protocol, OpenError::Upgrade(response.status().as_u16()))
        }
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Io(_)
        | WsError::Protocol(ProtocolError::HandshakeIncomplete) => {
            Fault::with(FaultKind::Closed, OpenError::Closed)
        }
        other => Fault::with(FaultKind::Protocol, OpenError::NotWebSocket(other.to_string())),
    }
}

impl Socket {
    /// Takes a frame to be written. False if so many wait that nobody can be reading.
    pub(super) fn send(&mut self, text: String) -> bool {
        if self.outbox.len() >= OUTBOX {
            return false;
        }
        self.outbox.push_back(Message::text(text));
        true
    }

    /// How many frames wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Writes what waits and reads what came.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        if let Err(error) = self.write(cx) {
            return Poll::Ready(heard_error(error));
        }
        loop {
            match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Heard::Frame(Bytes::from(text))),
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Heard::Frame(bytes)),
                Some(Ok(Message::Close(frame))) => {
                    return Poll::Ready(Heard::Closed(frame.map(|frame| frame.code.into())));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    // The answer to a ping is queued below; it goes out with the next flush.
                    self.unflushed = true;
                    if let Err(error) = self.write(cx) {
                        return Poll::Ready(heard_error(error));
                    }
                }
                None => return Poll::Ready(Heard::Closed(None)),
                Some(Err(error)) => return Poll::Ready(heard_error(error)),
            }
        }
    }

    /// Writes what can be written now; the rest when the socket has room.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        while !self.outbox.is_empty() {
            match self.stream.poll_ready_unpin(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(room) => room?,
            }
            if let Some(message) = self.outbox.pop_front() {
                self.stream.start_send_unpin(message)?;
                self.unflushed = true;
            }
        }
        if self.unflushed
            && let Poll::Ready(flushed) = self.stream.poll_flush_unpin(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Writes what waits, says the code, and waits shortly for the far side to say it, too, so
    /// that the last frames are not lost to a reset.
    pub(super) async fn close(mut self, code: u16, within: Duration) {
        let polite = async {
            let written = poll_fn(|cx| match self.write(cx) {
                Ok(()) if self.outbox.is_empty() && !self.unflushed => Poll::Ready(true),
                Ok(()) => Poll::Pending,
                Err(_) => Poll::Ready(false),
            });
            if !written.await {
                return;
            }
            let frame = CloseFrame { code: code.into(), reason: "".into() };
            if self.stream.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // A far side that does not answer is left without a word.
        let _ = tokio::time::timeout(within, polite).await;
    }
}

fn heard_error(error: WsError) -> Heard {
    match error {
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Heard::Closed(None),
        WsError::Io(error) => {
            Heard::Broken(Fault::with(FaultKind::Closed, LossError::Io(error.kind())), None)
        }
        WsError::Capacity(_) => {
            Heard::Broken(Fault::with(FaultKind::Protocol, LossError::TooLarge), Some(1009))
        }
        WsError::Utf8(why) => {
            Heard::Broken(Fault::with(FaultKind::Protocol, LossError::WebSocket(why)), Some(1007))
        }
        other => Heard::Broken(
            Fault::with(FaultKind::Protocol, LossError::WebSocket(other.to_string())),
            Some(1002),
        ),
    }
}

#[cfg(test)]
mod tests;
