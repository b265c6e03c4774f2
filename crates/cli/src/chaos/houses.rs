//! The servers of a run: two that trust each other's tickets, each reached through the network
//! only, and each in a runtime of its own, so that one can die as a process dies: at once, and
//! without a word. And the places that a session can be sent to in vain.

use super::plan::Astray;
use crate::trial::network::Network;
use crate::trial::stage::{SESSION, StageError};
use offhook::webrtc::WebRtc;
use offhook_netrig::TcpRelay;
use offhook_server::{Census, DrainError, Drained, GoAwayCode, Mint, Server, Signer};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// Threads of a server.
const THREADS: usize = 2;
/// How long a runtime may take to end its threads.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
/// How long an address may stay taken that was just left.
const FREE_WITHIN: Duration = Duration::from_secs(2);
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// What the servers are called where they are told.
pub(crate) const NAMES: [&str; 2] = ["first", "second"];

/// One life of a server.
struct Life {
    server: Server,
    runtime: Own,
}

/// A runtime that may be dropped anywhere, also by a run that is broken off.
struct Own(Option<Runtime>);

impl Own {
    fn new() -> std::io::Result<Self> {
        Ok(Self(Some(Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?)))
    }

    /// Ends every task of it, whatever it is at, and waits for its threads.
    async fn end(mut self) -> Result<(), tokio::task::JoinError> {
        match self.0.take() {
            // Not on a thread that others wait on.
            Some(runtime) => {
                tokio::task::spawn_blocking(move || runtime.shutdown_timeout(ENDED_WITHIN)).await
            }
            None => Ok(()),
        }
    }

    fn tasks(&self) -> usize {
        self.0.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A server at an address, or the place where it was and will be again.
struct House {
    address: SocketAddr,
    signer: Signer,
    life: Mutex<Option<Life>>,
    relay: TcpRelay,
    /// Connections that the relay had carried when last looked at.
    opened: AtomicUsize,
}

/// All of them, and the network before them.
pub(crate) struct Houses {
    network: Network,
    houses: [House; 2],
    /// The one that holds the session.
    here: AtomicUsize,
    /// Of another key: tickets are nothing to it.
    stranger: Life,
    /// Takes sockets and says nothing.
    mute: TcpListener,
    credential: offhook::transport::Secret,
}

impl Life {
    async fn begin(bind: SocketAddr, signer: Signer) -> Result<Self, StageError> {
        let runtime = Own::new()?;
        let deadline = Instant::now() + FREE_WITHIN;
        loop {
            let builder = Server::builder().bind(bind.to_string()).signer(signer.clone());
            let started = match &runtime.0 {
                Some(tasks) => tasks.spawn(builder.start()).await?,
                None => builder.start().await,
            };
            match started {
                Ok(server) => return Ok(Self { server, runtime }),
                Err(error) if Instant::now() >= deadline => return Err(error.into()),
                // The last life's socket may not be gone yet.
                Err(_) => sleep(TRY_AGAIN).await,
            }
        }
    }

    /// As a killed process: every task and socket is gone, and nobody was told.
    async fn crash(self) -> Result<(), StageError> {
        let Self { server, runtime } = self;
        runtime.end().await?;
        drop(server);
        Ok(())
    }

    /// Everybody is told to come back.
    async fn restart(self) -> Result<(), StageError> {
        let Self { server, runtime } = self;
        server.shutdown_for_restart().await;
        Ok(runtime.end().await?)
    }

    /// For good. Says how many tasks of it were left.
    async fn end(self, settle: Duration) -> usize {
        let Self { server, runtime } = self;
        server.shutdown().await;
        let deadline = Instant::now() + settle;
        while runtime.tasks() > 0 && Instant::now() < deadline {
            sleep(TRY_AGAIN).await;
        }
        runtime.tasks()
    }
}

impl House {
    async fn build(network: &Network, signer: &Signer) -> Result<Self, StageError> {
        let life = Life::begin(SocketAddr::from(([127, 0, 0, 1], 0)), signer.clone()).await?;
        let address = life.server.address();
        let relay = network.leads_to(address).await?;
        let (life, opened) = (Mutex::new(Some(life)), AtomicUsize::new(0));
        Ok(Self { address, signer: signer.clone(), life, relay, opened })
    }

    /// As others are sent to it: through the network.
    fn url(&self) -> String {
        format!("ws://{}/session", self.relay.addr())
    }

    async fn rise(&self) -> Result<(), StageError> {
        let life = Life::begin(self.address, self.signer.clone()).await?;
        *self.life.lock().await = Some(life);
        Ok(())
    }
}

impl Houses {
    /// Starts everything; the network's chance follows from the seed.
    pub(crate) async fn build(seed: u64) -> Result<Self, StageError> {
        let signer = Signer::random().map_err(|_| StageError::Random)?;
        let network = Network::new(seed);
        let houses = [House::build(&network, &signer).await?, House::build(&network, &signer).await?];
        let other = Signer::random().map_err(|_| StageError::Random)?;
        let stranger = Life::begin(SocketAddr::from(([127, 0, 0, 1], 0)), other).await?;
        let mute = TcpListener::bind("127.0.0.1:0")?;
        let credential = signer.mint(&Mint::user("demo").session(SESSION.0, SESSION.1))?;
        Ok(Self { network, houses, here: AtomicUsize::new(0), stranger, mute, credential })
    }

    /// A transport that reaches the first server through the network only; the second is where
    /// the first sends it.
    pub(crate) fn transport(&self) -> WebRtc {
        let [first, _] = &self.houses;
        WebRtc::new(format!("ws://{}/session", first.address))
            .via(first.relay.addr())
            .udp_map(self.network.media())
    }

    /// What lets one in.
    pub(crate) fn credential(&self) -> &str {
        self.credential.expose()
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// What is in each server now; nothing of one that is down.
    pub(crate) fn census(&self) -> [Census; 2] {
        [0, 1].map(|of| {
            let life = self.houses[of].life.try_lock();
            life.ok().and_then(|life| Some(life.as_ref()?.server.census())).unwrap_or_default()
        })
    }

    /// The server that the client dialled last: the newest connection through either relay.
    pub(crate) fn look_where(&self) -> usize {
        for (number, house) in self.houses.iter().enumerate() {
            let stats = house.relay.stats();
            let opened = usize::try_from(stats.opened).unwrap_or(usize::MAX);
            let news = house.opened.swap(opened, Ordering::Relaxed) != opened;
            if news && stats.open > 0 {
                self.here.store(number, Ordering::Relaxed);
            }
        }
        self.here()
    }

    pub(crate) fn here(&self) -> usize {
        self.here.load(Ordering::Relaxed)
    }

    /// Asks everybody in this server to go to the other. Says how many were asked.
    pub(crate) async fn send_over(&self, from: usize, within: Duration) -> usize {
        let to = self.houses[1 - from].url();
        self.send_to(from, &to, within).await
    }

    /// Asks everybody in this server to go to a place that does not take them.
    pub(crate) async fn send_astray(&self, from: usize, astray: Astray, within: Duration) -> usize {
        let to = match astray {
            Astray::Refused => self.stranger.server.url(),
            // Nobody listens on the first port.
            Astray::Unreachable => "ws://127.0.0.1:1/session".to_owned(),
            Astray::Unanswered => match self.mute.local_addr() {
                Ok(place) => format!("ws://{place}/session"),
                Err(_) => return 0,
            },
        };
        self.send_to(from, &to, within).await
    }

    async fn send_to(&self, from: usize, to: &str, within: Duration) -> usize {
        match self.houses[from].life.lock().await.as_ref() {
            Some(life) => life.server.go_away(None, Some(to), within, GoAwayCode::Rebalance).await,
            None => 0,
        }
    }

    /// Hands everybody in this server over to the other.
    pub(crate) async fn drain(&self, from: usize, within: Duration) -> Result<Drained, DrainError> {
        let to = self.houses[1 - from].url();
        match self.houses[from].life.lock().await.as_ref() {
            Some(life) => life.server.drain(&to, within, GoAwayCode::ShuttingDown).await,
            None => Ok(Drained::default()),
        }
    }

    /// This server dies without a word.
    pub(crate) async fn crash(&self, of: usize) -> Result<(), StageError> {
        match self.houses[of].life.lock().await.take() {
            Some(life) => life.crash().await,
            None => Ok(()),
        }
    }

    /// This server goes down for a restart, and says so.
    pub(crate) async fn go_down(&self, of: usize) -> Result<(), StageError> {
        match self.houses[of].life.lock().await.take() {
            Some(life) => life.restart().await,
            None => Ok(()),
        }
    }

    /// It is there again, and knows nothing.
    pub(crate) async fn rise(&self, of: usize) -> Result<(), StageError> {
        self.houses[of].rise().await
    }

    /// Takes everything down, and waits for it. Says how many tasks of the servers were left.
    pub(crate) async fn strike(self, settle: Duration) -> usize {
        let mut left = 0;
        for House { life, relay, .. } in self.houses {
            if let Some(life) = life.into_inner() {
                left += life.end(settle).await;
            }
            relay.shutdown().await;
        }
        left += self.stranger.end(settle).await;
        self.network.strike().await;
        left
    }
}
