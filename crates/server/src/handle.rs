//! Starting a server, and what its owner can do with it: mint credentials, end members, look,
//! stop. Sending members elsewhere is in `moving.rs`.

mod forwarding;
mod moving;
mod naming;
mod telemetry;

use crate::config::{Config, LAST_WORDS, Limits};
use crate::doormat::Doormat;
use crate::endings::Endings;
use crate::handover::{Onward, Passed, pass_end};
use crate::images::Images;
use crate::kicks::Kicks;
use crate::listen::{Caller, Lines};
use crate::lobby::Lobby;
use crate::member::Mail;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::relics::Relics;
use crate::rings::Rings;
use crate::rooms::Rooms;
use crate::silences::Silences;
use crate::token::{Mint, MintError, Signer};
use crate::{EndCode, Shared, door, hex, listen};
use futures_util::future::join_all;
use offhook_signaling::{Ended, FromServer, Party, limits};
use offhook_transport::Secret;
use offhook_transport::media::VideoWish;
use offhook_transport_webrtc::peer::{Certificate, IceServer};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// What a server shall be.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Config,
}

impl Builder {
    /// The address of the HTTP side; port 0 takes a free one. `127.0.0.1:0` unless told.
    #[must_use]
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.config.bind = address.into();
        self
    }

    /// The key that credentials are signed with. A random one unless told: then only this
    /// server's own [`Server::mint`] makes credentials for it. Servers that send members to each
    /// other share a key.
    #[must_use]
    pub fn signer(mut self, signer: Signer) -> Self {
        self.config.signer = Some(signer);
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// How long a lost member's place is kept; 25 s unless told.
    #[must_use]
    pub fn resume_window(mut self, window: Duration) -> Self {
        self.config.resume_window = window;
        self
    }

    /// Where media sockets are bound; loopback unless told.
    #[must_use]
    pub fn media_bind(mut self, addresses: Vec<SocketAddr>) -> Self {
        self.config.media_bind = addresses;
        self
    }

    /// The STUN and TURN servers that members are told to use; none unless told. Each member sees
    /// their credentials: give short-lived ones.
    #[must_use]
    pub fn ice_servers(mut self, servers: impl IntoIterator<Item = IceServer>) -> Self {
        self.config.ice_servers = servers.into_iter().map(named).collect();
        self
    }

    /// One more name that this server answers to, beside `localhost` and addresses: checked against `Host`
    /// and `Origin` of every request. A page may use it that comes from such a name, from loopback, or from
    /// the very address that is dialled.
    #[must_use]
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.config.allowed_hosts.push(name.into());
        self
    }

    /// Bits a second of the returned picture; 1,500,000 unless told.
    #[must_use]
    pub fn bitrate(mut self, bits_per_second: u32) -> Self {
        self.config.bitrate = bits_per_second;
        self
    }

    /// The largest picture and the highest rate that the studio asks its members for; 1280 × 720 at 30
    /// unless told. A member scales what it sends to it; larger pictures are repainted all the same, up
    /// to [`Limits::edge`]. A studio that does not keep up asks for less, and says so.
    #[must_use]
    pub fn studio_video(mut self, wish: VideoWish) -> Self {
        self.config.video = wish;
        self
    }

    /// Over how long the members of a server that was restarted are asked to spread their
    /// rejoins; 8 s unless told.
    #[must_use]
    pub fn restart_spread(mut self, spread: Duration) -> Self {
        self.config.restart_spread = spread;
        self
    }

    /// How long somebody who was kicked stays out of the session; ten minutes unless told.
    #[must_use]
    pub fn kick_life(mut self, life: Duration) -> Self {
        self.config.kick_life = life;
        self
    }

    /// A user may be in a session only once: a second instance of the same user ends the first
    /// with [`EndCode::Replaced`]. Unless told, one user may be there on any number of devices.
    #[must_use]
    pub fn one_instance_per_user(mut self) -> Self {
        self.config.one_instance = true;
        self
    }

    /// What this node of a service is called: members are told, so that one whose links fail here
    /// can ask to be taken elsewhere ([`elsewhere`](Builder::elsewhere)). None unless told.
    #[must_use]
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.config.node = Some(name.into());
        self
    }

    /// Another server of the same key, as clients call it, that takes those who ask to avoid this
    /// [`node`](Builder::node). Without one they are taken here all the same.
    #[must_use]
    pub fn elsewhere(mut self, url: impl Into<String>) -> Self {
        self.config.elsewhere = Some(url.into());
        self
    }

    /// How long a membership lasts at most, whatever its client does: counted from its first join,
    /// over every recovery and every server it is sent to. Then it ends with [`EndCode::MaxDuration`]. For ever unless told.
    #[must_use]
    pub fn max_duration(mut self, duration: Duration) -> Self {
        self.config.max_duration = Some(duration);
        self
    }

    /// How long a user may do nothing, while there: then the membership ends with
    /// [`EndCode::IdleTimeout`] (F56). Joining and coming back count as doing something, and so do
    /// text, a change of what is desired, a message, a reaction, speech for as long as a
    /// persona hears it, and `keep_alive`. Media that flows alone does not, unless
    /// [`media_is_interaction`](Builder::media_is_interaction) says so. For ever unless told.
    #[must_use]
    pub fn idle(mut self, after: Duration) -> Self {
        self.config.idle = Some(after);
        self
    }

    /// A user whose media flows is not idle, whatever else they do or leave: where looking is
    /// what a session is for.
    #[must_use]
    pub fn media_is_interaction(mut self) -> Self {
        self.config.media_is_interaction = true;
        self
    }

    /// Opens the port and serves until the server is shut down or dropped.
    ///
    /// # Errors
    /// As [`StartError`] says; nothing is left open.
    pub async fn start(self) -> Result<Server, StartError> {
        for (what, value, most) in [
            ("node", &self.config.node, limits::ID_BYTES),
            ("elsewhere", &self.config.elsewhere, limits::URL_BYTES),
        ] {
            if let Some(bad) = value.as_ref().filter(|value| !is_word(value, most)) {
                return Err(StartError::Name { what, name: bad.clone() });
            }
        }
        let bind = self.config.bind.clone();
        let listener =
            TcpListener::bind(&bind).await.map_err(|source| StartError::bind(bind.clone(), source))?;
        let address = listener.local_addr().map_err(|source| StartError::bind(bind, source))?;
        let signer = match self.config.signer.clone() {
            Some(signer) => signer,
            None => Signer::random().map_err(|_| StartError::Random)?,
        };
        let certificate = Certificate::generate().map_err(|_| StartError::Random)?;
        let (alive, gone) = mpsc::channel(1);
        let (cut, is_cut) = watch::channel(false);
        let lobby = Arc::new(Lobby::new(self.config.limits.sockets_before_auth));
        let patience = self.config.limits.first_frame.saturating_mul(2);
        let queue = Arc::new(Queue::new(self.config.limits.queue));
        let life = hex::random::<4>().map_err(|_| StartError::Random)?;
        let rings = Rings::new(&self.config.limits, &life);
        let shared = Arc::new(Shared {
            rings,
            lobby: lobby.clone(),
            pace: Pace::new(self.config.limits.rejoins_per_second),
            kicks: Kicks::default(),
            silences: Silences::default(),
            endings: Endings::default(),
            unforwarded: Arc::default(),
            runtime: tokio::runtime::Handle::current(),
            images: Images::default(),
            life,
            started: Instant::now(),
            onward: Onward::default(),
            emptied_to: Mutex::default(),
            config: self.config,
            signer,
            certificate,
            rooms: Rooms::default(),
            queue,
            relics: Relics::default(),
            doormat: Doormat::default(),
            closing: AtomicBool::new(false),
            cut,
            alive: alive.downgrade(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let app = listen::router(shared.clone()).into_make_service_with_connect_info::<Caller>();
        let lines = Lines { listener, lobby, patience, cut: is_cut };
        let serving = axum::serve(lines, app).with_graceful_shutdown(async {
            // Either word stops it: `shutdown`, or the server's drop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the server's listener failed");
            }
            drop(alive);
        });
        Ok(Server { address, shared, stop: Some(stop), gone, task })
    }
}

/// An ending by the owner of the server.
fn by_owner(reason: EndCode) -> Ended {
    let may_retry = matches!(reason, EndCode::ServerShutdown | EndCode::ServerRotation);
    Ended { reason, by: Party::Server, text: String::new(), may_retry }
}

/// Can this be said on the wire? Nobody could be let in with a name that cannot.
fn is_word(value: &str, most: usize) -> bool {
    (1..=most).contains(&value.len()) && value.chars().all(|c| limits::Charset::Visible.allows(c))
}

/// As members are told of it.
fn named(server: IceServer) -> offhook_signaling::IceServer {
    let credential = server.credential.map(|secret| offhook_signaling::Secret::new(secret.expose()));
    offhook_signaling::IceServer { urls: server.urls, username: server.username, credential }
}

/// A server that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error("{address} is in use; stop what listens there, or bind to port 0 for a free one")]
    InUse {
        /// The address asked for.
        address: String,
    },
    /// The address cannot be bound.
    #[error("cannot listen on {address} ({source}); use an address of this machine, such as 127.0.0.1:0")]
    Bind {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A name that members could not be told.
    #[error("`{}` cannot be the server's `{what}`; use printable ASCII without spaces, not too long", name.escape_debug())]
    Name {
        /// Which setting.
        what: &'static str,
        /// What it was set to.
        name: String,
    },
    /// No random numbers, so no keys.
    #[error("the system gives no random numbers; check the machine's entropy source")]
    Random,
}

impl StartError {
    fn bind(address: String, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            Self::InUse { address }
        } else {
            Self::Bind { address, source }
        }
    }
}

/// What is in a server now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Census {
    /// Sessions with at least one member.
    pub sessions: usize,
    /// Members, those away included.
    pub members: usize,
    /// Rings that stand.
    pub rings: usize,
    /// Devices that hear of rings.
    pub presences: usize,
    /// Tasks of the server beside its listener: one a socket, one a member, one a ring.
    pub tasks: usize,
}

/// A running server.
///
/// # Drop
/// Stops listening; members that are inside run on until they end or are lost. Use
/// [`shutdown`](Server::shutdown) to tell them.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    gone: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Server {
    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Settings for a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client dials.
    pub fn url(&self) -> String {
        format!("ws://{}/session", self.address)
    }

    /// The small page to try it from a browser; put a credential behind `#`.
    pub fn page(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Makes a credential that opens this server.
    ///
    /// # Errors
    /// As [`MintError`] says.
    pub fn mint(&self, mint: &Mint) -> Result<Secret, MintError> {
        self.shared.signer.mint(mint)
    }

    /// Ends a user's membership in a session (`kind/id`), for any reason the wire knows. True if
    /// there was somebody to end. Who is kicked stays out for a while, there or not
    /// ([`Builder::kick_life`]). Who cannot hear it now is told when it comes to resume. Of a server that is
    /// being emptied the other one is told as well ([`drain`](Server::drain)); one that cannot be told, for
    /// five seconds, is logged as a warning.
    ///
    /// # Cancel safety
    /// Those already told are ended; the other server may not have been told.
    pub async fn end(&self, session: &str, user: &str, reason: EndCode) -> bool {
        let keep_out = (reason == EndCode::Kicked).then_some(self.shared.config.kick_life);
        if let Some(life) = keep_out {
            self.shared.kicks.keep_out(session, user, life, Instant::now());
        }
        let ended = by_owner(reason);
        let here = self.shared.end_members(Some(session), Some(user), &ended).await;
        let passed = pass_end(&self.shared, session, Some(user), &ended, keep_out).passed().await;
        here || passed == Passed::Heeded
    }

    /// Ends every ring into a session (`kind/id`) that nobody took yet, for everybody: the session
    /// ended before anybody picked up. How many there were.
    pub fn end_rings(&self, session: &str) -> usize {
        self.shared.rings.lock().end_session(session, Instant::now())
    }

    /// What is in it now.
    pub fn census(&self) -> Census {
        let (sessions, members) = self.shared.rooms.count();
        // The listener's own share is not counted.
        let tasks = self.gone.sender_strong_count().saturating_sub(1);
        let (rings, presences) = self.shared.rings.count();
        Census { sessions, members, rings, presences, tasks }
    }

    /// Tells every member that it is over because the server goes down, waits for the words to
    /// reach the wire and stops; a socket that does not close within a second is cut. When it
    /// returns nothing of the server runs.
    ///
    /// # Cancel safety
    /// Dropped half way, the rest goes on by itself without the waiting.
    pub async fn shutdown(mut self) {
        self.close_doors();
        let ended = by_owner(EndCode::ServerShutdown);
        let _ = timeout(LAST_WORDS, self.shared.end_members(None, None, &ended)).await;
        self.stop().await;
    }

    /// As [`shutdown`](Server::shutdown), but nobody's session ends: another life of this server
    /// will listen here soon. Every member is told over how long to spread its return, and its
    /// link is closed with code 1012. What the server knew is lost; the members bring their state
    /// along.
    ///
    /// # Cancel safety
    /// As `shutdown`.
    pub async fn shutdown_for_restart(mut self) {
        self.close_doors();
        let mailboxes = self.shared.rooms.mailboxes(None, None);
        let told = join_all(mailboxes.iter().map(|mail| mail.send(Mail::Restart)));
        let _ = timeout(LAST_WORDS, told).await;
        self.stop().await;
    }

    fn close_doors(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.rooms.close();
        self.shared.queue.turn_away(None, None, &crate::door::going_down(&self.shared));
        self.shared.rooms.wake_watchers();
        self.shared.lobby.clear();
        // Presence is over either way: each device dials again, spread out, and is shown what stands.
        if let FromServer::Error(words) = *door::going_down(&self.shared) {
            self.shared.rings.close(&words);
        }
    }

    async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if timeout(LAST_WORDS, self.emptied()).await.is_err() {
            tracing::warn!("some sockets did not close in time and are cut");
            self.shared.cut.send_replace(true);
            let _ = timeout(LAST_WORDS, self.emptied()).await;
        }
        self.task.abort();
    }

    async fn emptied(&mut self) {
        while self.gone.recv().await.is_some() {}
    }
}
