//! A raw far end of the protocol: a WebSocket that speaks frames and nothing more, so that a
//! test can say exactly what a broken, hostile or clever client would.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use futures_util::{SinkExt, StreamExt};
use offhook_server::{Builder, Mint, Server, Signer};
use offhook_signaling::{
    Apply, Desired, Error, FromClient, FromServer, Goodbye, GoodbyeCode, Instance, Join, Joined, Migrate,
    Ping, Prompt, Reliability, Resume, Secret, SessionRef, Versions, decode_from_server, encode,
};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than anything here may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const KEY: &[u8] = b"the key of every server in these tests";

/// One WebSocket.
pub struct Wire {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Numbering of this client, carried over to the next link by a resume.
    pub frames: Reliability<FromClient>,
}

/// A member, as far as its client knows.
pub struct Member {
    pub wire: Wire,
    pub join: Join,
    pub joined: Joined,
}

pub fn signer() -> Signer {
    Signer::new(KEY)
}

/// A server of the key that all here share.
pub fn builder() -> Builder {
    Server::builder().bind("127.0.0.1:0").signer(signer())
}

pub async fn server() -> Server {
    builder().start().await.expect("loopback has a free port")
}

pub fn credential(mint: &Mint) -> Secret {
    Secret::new(signer().mint(mint).expect("a key that signs").expose().to_owned())
}

pub fn studio() -> SessionRef {
    SessionRef { kind: "studio".into(), id: "1".into() }
}

/// A good join of a user, without media; a test spoils what it wants spoilt.
pub fn join(user: &str, instance: u128) -> Join {
    Join {
        versions: Versions::OURS,
        features: Vec::new(),
        requires: Vec::new(),
        session: studio(),
        instance: Instance(instance),
        epoch: 1,
        credential: Some(credential(&Mint::user(user))),
        join_ticket: None,
        rejoin: None,
        desired: desired(1, None),
        tracks: Vec::new(),
        offer: None,
        model: None,
        wait_in_queue: false,
        viewer: false,
        name: None,
        avoid: Vec::new(),
    }
}

pub fn desired(revision: u64, prompt: Option<&str>) -> Desired {
    let prompt = prompt.map(|text| Prompt { text: text.into(), enhance: false });
    Desired { revision, prompt, ..Desired::default() }
}

pub fn apply(id: u64, revision: u64, prompt: &str) -> FromClient {
    FromClient::Apply(Apply { id, desired: desired(revision, Some(prompt)) })
}

pub fn goodbye() -> FromClient {
    FromClient::Goodbye(Goodbye { reason: GoodbyeCode::LeftByUser })
}

impl Wire {
    pub async fn dial(server: &Server) -> Self {
        Self::dial_url(&server.url()).await
    }

    pub async fn dial_url(url: &str) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("the server listens");
        Self { socket, frames: Reliability::new() }
    }

    /// A good join from the first frame to `joined`.
    pub async fn enter(server: &Server, user: &str, instance: u128) -> Member {
        Self::enter_with(server, join(user, instance)).await
    }

    pub async fn enter_with(server: &Server, join: Join) -> Member {
        let mut wire = Self::dial(server).await;
        wire.say(&FromClient::Join(join.clone())).await;
        let joined = wire.joined().await;
        Member { wire, join, joined }
    }

    pub async fn say(&mut self, message: &FromClient) {
        let text = self.frames.frame(message).expect("a message within the limits");
        self.raw(Message::text(text)).await;
    }

    /// Says it outside the numbering.
    pub async fn say_once(&mut self, message: &FromClient) {
        self.raw(Message::text(encode(None, 0, message).expect("within the limits"))).await;
    }

    pub async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("the socket is open");
    }

    /// The next message that is no ping; `Err` is how the socket ended.
    pub async fn next(&mut self) -> Result<FromServer, Option<CloseCode>> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a frame, or an end, in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = decode_from_server(text.as_bytes()).expect("the server keeps the protocol");
                    self.frames.receive(&frame).expect("the server keeps the numbering");
                    match frame.message {
                        FromServer::Ping(_) => {}
                        message => return Ok(message),
                    }
                }
                Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code)),
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::Io(_) | tungstenite::Error::Protocol(_))) | None => {
                    return Err(None);
                }
                Some(Err(error)) => panic!("unexpected: {error}"),
            }
        }
    }

    /// The first message that fits; what comes before is passed by.
    pub async fn until<T>(&mut self, what: &str, fits: impl Fn(FromServer) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.next().await {
                Ok(message) => {
                    if let Some(found) = fits(message) {
                        return found;
                    }
                }
                Err(code) => panic!("the socket closed ({code:?}) before {what}"),
            }
        }
        panic!("no {what} in time");
    }

    /// Looks at every message up to the one that is it.
    pub async fn next_until(&mut self, mut is_it: impl FnMut(&FromServer) -> bool) {
        loop {
            match self.next().await {
                Ok(message) if is_it(&message) => return,
                Ok(_) => {}
                Err(code) => panic!("the socket closed ({code:?})"),
            }
        }
    }

    pub async fn joined(&mut self) -> Joined {
        self.until("joined", |message| match message {
            FromServer::Joined(joined) => Some(joined),
            FromServer::Error(error) => panic!("refused: {error:?}"),
            _ => None,
        })
        .await
    }

    /// A refusal and the close that follows it; the refusal is all that is said.
    pub async fn refused(&mut self) -> (Error, CloseCode) {
        let error = match self.next().await {
            Ok(FromServer::Error(error)) => error,
            other => panic!("an error was due: {other:?}"),
        };
        match self.next().await {
            Err(Some(code)) => (error, code),
            other => panic!("a close was due after {error:?}: {other:?}"),
        }
    }

    /// Everything until the close, and its code.
    pub async fn rest(&mut self) -> (Vec<FromServer>, Option<CloseCode>) {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Ok(message) => said.push(message),
                Err(code) => return (said, code),
            }
        }
    }

    /// As a pulled cable with a reset: no close frame.
    pub fn lose(self) -> Reliability<FromClient> {
        let Self { socket, frames } = self;
        drop(socket);
        frames
    }
}

impl Member {
    /// The resume that this member's client would send next.
    pub fn resume(&self, epoch: u64, secret: &Secret) -> Resume {
        Resume {
            session: self.join.session.clone(),
            session_id: self.joined.session_id.clone(),
            instance: self.join.instance,
            epoch,
            secret: secret.clone(),
            last_seen: self.wire.frames.last_seen(),
            offer: None,
            path: None,
        }
    }
}

/// The migrate that this member's client would send with a ticket.
pub fn migrate(member: &Member, ticket: &Secret) -> Migrate {
    Migrate {
        versions: Versions::OURS,
        features: Vec::new(),
        requires: Vec::new(),
        session: member.join.session.clone(),
        instance: member.join.instance,
        epoch: member.join.epoch + 1,
        ticket: ticket.clone(),
        desired: desired(6, Some("sepia")),
        tracks: Vec::new(),
        offer: None,
    }
}

/// A token of any content, signed with the key that all here share.
pub fn signed(claims: &serde_json::Value) -> Secret {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let key = EncodingKey::from_secret(KEY);
    Secret::new(encode(&Header::new(Algorithm::HS256), claims, &key).expect("a key that signs"))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

/// A sign of life that is answered: everything before it was dealt with.
pub async fn pong(member: &mut Member, id: u64) {
    member.wire.say(&FromClient::Ping(Ping { id })).await;
    member.wire.until("a pong", |message| (message == FromServer::Pong(Ping { id })).then_some(())).await;
}

/// What a first frame is answered with.
pub async fn refusal_of(server: &Server, first: &FromClient) -> (Error, CloseCode) {
    let mut wire = Wire::dial(server).await;
    wire.say_once(first).await;
    wire.refused().await
}

/// Comes again no sooner than it was told to.
pub async fn wait_as_told(retry_after_ms: u64) {
    tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
}

/// A level that nobody announces, looked at until it holds.
pub async fn settled(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Nothing of anybody is left in this server.
pub async fn empty(server: &Server) {
    settled("nobody and nothing is left", || {
        let census = server.census();
        (census.members, census.sessions, census.tasks) == (0, 0, 0)
    })
    .await;
}

pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// One HTTP request, the whole answer as text.
pub async fn http(server: &Server, path: &str, headers: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a connection");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
    answer
}
