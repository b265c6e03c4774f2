//! One WebSocket: the first frame to the door, every later one to its member, and back. Knows
//! frames and their limits; what they mean is the member's business.

mod presence;

use crate::entrance::{self, NotIn};
use crate::listen::Caller;
use crate::lobby::Stage;
use crate::member::{Link, Mail, Mailbox, ToSocket};
use crate::telemetry::Farewell;
use crate::{Shared, directory, door};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::HeaderValue;
use futures_util::StreamExt;
use offhook_signaling::{
    DecodeError, Error, ErrorCode, Frame, FromClient, FromServer, Message as _, decode_from_client, encode,
    limits,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

/// Frames that may wait for a slow reader, beside those that introduce a whole roster at once; beyond it the
/// link is cut and may resume.
const OUTBOX: usize = 256 + limits::ROSTER;
/// Longest a close handshake may take.
const CLOSING: Duration = Duration::from_millis(500);

static LINKS: AtomicU64 = AtomicU64::new(1);

/// Runs a socket to its end.
///
/// `called` is the name that the client called this server by, `early` a first frame that came
/// along with the upgrade.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut socket: WebSocket,
    caller: Caller,
    called: &str,
    early: Option<HeaderValue>,
) {
    let knock = caller.knock;
    knock.talks();
    let first = tokio::select! {
        // A frame that is there already counts, also in the moment of an eviction.
        biased;
        first = timeout(shared.config.limits.first_frame, first_frame(&mut socket, early)) => first,
        stage = knock.decided() => {
            debug_assert_eq!(stage, Stage::Evicted, "only this task admits it");
            return say_and_close(&mut socket, &sent_away(&shared), 1013).await;
        }
    };
    let first = match first {
        Err(_) => {
            let error =
                Error::new(ErrorCode::TooSlow, "no frame in time; send join, resume or migrate first");
            return say_and_close(&mut socket, &FromServer::Error(error), 1008).await;
        }
        Ok(Err(over)) => return over.answer(&mut socket).await,
        Ok(Ok(first)) => first,
    };
    if let FromClient::Presence(_) = &first.message {
        return presence::run(&shared, socket, first, knock).await;
    }
    if directory::is_asked(&first.message) {
        return directory::run(shared, socket, &knock, first.message).await;
    }
    let (out, outbox) = mpsc::channel(OUTBOX);
    let link = Link { number: LINKS.fetch_add(1, Ordering::Relaxed), out };
    let number = link.number;
    let mail = match entrance::come_in(&shared, &mut socket, &knock, first.message, link, called).await {
        Ok(mail) => mail,
        Err(NotIn::Refused(refusal)) => {
            let code = close_code(&refusal);
            return say_and_close(&mut socket, &refusal, code).await;
        }
        Err(NotIn::Over(over)) => return over.answer(&mut socket).await,
    };
    knock.admit();
    drop(knock);
    tracing::debug!(link = number, local = caller.is_local, "a socket was let in");
    let closed = pump(&shared, socket, outbox, &mail, number).await;
    // The member learns of the loss at once; where it is gone there is nobody to tell.
    let _ = mail.send(Mail::SocketGone { link: number, closed }).await;
}

/// How a socket closes after a refusal.
pub(crate) fn close_code(refusal: &FromServer) -> u16 {
    match refusal {
        FromServer::GoAway(_) => 1001,
        FromServer::Ended(_) => 1000,
        FromServer::Error(error) if error.code == ErrorCode::ShuttingDown => 1012,
        _ => 1008,
    }
}

/// Too many at the door, or nobody is let in any more.
fn sent_away(shared: &Shared) -> FromServer {
    if shared.is_closing() {
        return *door::going_down(shared);
    }
    let mut error = Error::new(
        ErrorCode::RateLimited,
        "too many wait at the door; dial again and send the first frame at once",
    );
    error.retry_after_ms = Some(1_000);
    FromServer::Error(error)
}

async fn first_frame(socket: &mut WebSocket, early: Option<HeaderValue>) -> Result<Frame<FromClient>, Over> {
    if let Some(early) = early {
        return decode_from_client(early.as_bytes()).map_err(Over::Bad);
    }
    loop {
        if let Some(frame) = heard(socket.next().await)? {
            return Ok(frame);
        }
    }
}

/// A frame, or nothing but a sign of life.
pub(crate) fn heard(
    message: Option<Result<Message, axum::Error>>,
) -> Result<Option<Frame<FromClient>>, Over> {
    match message {
        Some(Ok(Message::Text(text))) => decode_from_client(text.as_bytes()).map(Some).map_err(Over::Bad),
        Some(Ok(Message::Binary(bytes))) => decode_from_client(&bytes).map(Some).map_err(Over::Bad),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) => Err(Over::Closed),
        Some(Err(error)) => Err(Over::of(error)),
        None => Err(Over::Lost),
    }
}

/// Why nothing more is read from a socket.
pub(crate) enum Over {
    /// The client closed it.
    Closed,
    /// The connection broke.
    Lost,
    /// A frame that is none of the protocol's.
    Bad(DecodeError),
    /// Not even a message of RFC 6455; the close code says in what.
    Unreadable(u16),
}

impl Over {
    fn of(error: axum::Error) -> Self {
        // What axum speaks WebSocket with; a message over the limit is seen there first.
        match error.into_inner().downcast_ref::<tungstenite::Error>() {
            Some(tungstenite::Error::Capacity(_)) => Self::Unreadable(1009),
            Some(tungstenite::Error::Utf8(_)) => Self::Unreadable(1007),
            Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Self::Lost,
            Some(tungstenite::Error::Protocol(_)) => Self::Unreadable(1002),
            _ => Self::Lost,
        }
    }

    pub(crate) async fn answer(self, socket: &mut WebSocket) {
        match self {
            Self::Lost => {}
            // The other half of the handshake goes out while the stream is read to its end.
            Self::Closed => {
                let _ = timeout(CLOSING, async { while let Some(Ok(_)) = socket.next().await {} }).await;
            }
            Self::Bad(error) => refuse(socket, error.to_string(), error.close_code()).await,
            Self::Unreadable(code) => {
                let text = match code {
                    1009 => format!(
                        "a frame has at most {} bytes; send large content in chunks",
                        limits::FRAME_BYTES
                    ),
                    _ => "that was not a WebSocket message; send JSON text frames".to_owned(),
                };
                refuse(socket, text, code).await;
            }
        }
    }
}

/// Carries frames both ways until the socket is over. True if its client closed it in due form.
async fn pump(
    shared: &Shared,
    mut socket: WebSocket,
    mut outbox: mpsc::Receiver<ToSocket>,
    mail: &Mailbox,
    link: u64,
) -> bool {
    let mut bucket = Bucket::new(shared.config.limits.frames_per_second);
    let mut farewell = None;
    loop {
        tokio::select! {
            out = outbox.recv() => match out {
                Some(ToSocket::Farewell(words)) => farewell = Some(words),
                Some(ToSocket::Frame(text)) => {
                    // A peer that does not read is as good as gone.
                    let sent = timeout(shared.config.limits.first_frame, socket.send(Message::Text(text.into())));
                    if !matches!(sent.await, Ok(Ok(()))) {
                        return false;
                    }
                }
                Some(ToSocket::Close(code)) => {
                    close_hearing(&mut socket, code, farewell).await;
                    return false;
                }
                None => {
                    close_hearing(&mut socket, 1000, farewell).await;
                    return false;
                }
            },
            frame = socket.next() => {
                // Before it is read: a flood costs its sender more than us.
                if !bucket.take() {
                    let error = Error::new(ErrorCode::RateLimited, "too many frames a second; slow down");
                    say_and_close(&mut socket, &FromServer::Error(error), 1008).await;
                    return false;
                }
                match heard(frame) {
                    Ok(Some(frame)) => {
                        if is_full_chunk(&frame.message) {
                            bucket.give_back();
                        }
                        let letter = Mail::Frame { link, frame: Box::new(frame) };
                        if let Err(SendError(letter)) = mail.send(letter).await {
                            drain(&mut socket, &mut outbox, farewell, letter).await;
                            return false;
                        }
                    }
                    Ok(None) => {}
                    Err(over) => {
                        let closed = matches!(over, Over::Closed);
                        over.answer(&mut socket).await;
                        return closed;
                    }
                }
            }
        }
    }
}

/// A whole piece of an image: large, and asked for by us piece by piece.
fn is_full_chunk(message: &FromClient) -> bool {
    matches!(message, FromClient::ImageChunk(chunk) if chunk.bytes.len() == limits::CHUNK_BYTES.div_ceil(3) * 4)
}

/// The member is gone: what it said last still goes out.
async fn drain(
    socket: &mut WebSocket,
    outbox: &mut mpsc::Receiver<ToSocket>,
    mut farewell: Option<Box<Farewell>>,
    unread: Mail,
) {
    let mut code = 1000;
    while let Ok(out) = outbox.try_recv() {
        match out {
            ToSocket::Frame(text) => {
                if !matches!(timeout(CLOSING, socket.send(Message::Text(text.into()))).await, Ok(Ok(()))) {
                    return;
                }
            }
            ToSocket::Farewell(words) => farewell = Some(words),
            ToSocket::Close(wanted) => code = wanted,
        }
    }
    if let Mail::Frame { frame, .. } = unread {
        hear_last(&mut farewell, *frame);
    }
    close_hearing(socket, code, farewell).await;
}

/// Closes a socket whose member is gone, and hears what its client says of it last (F74).
async fn close_hearing(socket: &mut WebSocket, code: u16, mut farewell: Option<Box<Farewell>>) {
    let frame = CloseFrame { code, reason: "".into() };
    let shut = async {
        socket.send(Message::Close(Some(frame))).await?;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(_) => break,
                Message::Text(text) if farewell.is_some() => {
                    if let Ok(frame) = decode_from_client(text.as_bytes()) {
                        hear_last(&mut farewell, frame);
                    }
                }
                _ => {}
            }
        }
        Ok::<(), axum::Error>(())
    };
    let _ = timeout(CLOSING, shut).await;
}

fn hear_last(farewell: &mut Option<Box<Farewell>>, frame: Frame<FromClient>) {
    if let FromClient::Telemetry(batch) = frame.message
        && let Some(words) = farewell.take()
    {
        words.take(batch);
    }
}

async fn refuse(socket: &mut WebSocket, text: String, code: u16) {
    let refusal = FromServer::Error(Error::new(ErrorCode::ProtocolError, text));
    say_and_close(socket, &refusal, code).await;
}

/// Says something outside of any numbering; false if nobody reads it.
pub(crate) async fn say(socket: &mut WebSocket, message: &FromServer) -> bool {
    let Ok(text) = encode(None, 0, message) else { return false };
    matches!(timeout(CLOSING, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}

pub(crate) async fn say_and_close(socket: &mut WebSocket, message: &FromServer, code: u16) {
    // The first and the last of its link, so its number, where it has one, is the first.
    if let Ok(text) = encode(message.is_reliable().then_some(1), 0, message) {
        let _ = timeout(CLOSING, socket.send(Message::Text(text.into()))).await;
    }
    close(socket, code).await;
}

pub(crate) async fn close(socket: &mut WebSocket, code: u16) {
    let frame = CloseFrame { code, reason: "".into() };
    let shut = async {
        socket.send(Message::Close(Some(frame))).await?;
        // Until the other side's close, so that the last frame is not lost to a reset.
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
        Ok::<(), axum::Error>(())
    };
    let _ = timeout(CLOSING, shut).await;
}

/// A token bucket: so many frames a second, four times that in a burst (S10).
pub(crate) struct Bucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate.max(1));
        Self { rate, tokens: rate * 4.0, at: Instant::now() }
    }

    /// The frame just taken counts for a tenth of one.
    fn give_back(&mut self) {
        self.tokens += 0.9;
    }

    pub(crate) fn take(&mut self) -> bool {
        let now = Instant::now();
        let earned = now.duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + earned).min(self.rate * 4.0);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}
