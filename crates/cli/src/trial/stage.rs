//! The demo's stage: a server, and a bad network between it and whoever joins.

use super::network::Network;
use offhook::webrtc::WebRtc;
use offhook_netrig::{RigError, TcpRelay};
use offhook_server::{Mint, MintError, Server, StartError};

/// The session that is joined.
pub(crate) const SESSION: (&str, &str) = ("studio", "demo");

/// A stage that could not be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Server(#[from] StartError),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Rig(#[from] RigError),
    #[error("the system gives no random numbers; check the machine's entropy source")]
    Random,
    #[error("a server gets no threads or no socket ({0}); check the limits of this process")]
    System(#[from] std::io::Error),
    #[error("a server's thread died: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Server and network.
pub(crate) struct Stage {
    server: Server,
    network: Network,
    signaling: TcpRelay,
    credential: offhook::transport::Secret,
}

impl Stage {
    /// Starts both; the network's chance follows from the seed.
    pub(crate) async fn set(seed: u64) -> Result<Self, StageError> {
        let server = Server::builder().bind("127.0.0.1:0").start().await?;
        let network = Network::new(seed);
        let signaling = network.leads_to(server.address()).await?;
        let credential = server.mint(&Mint::user("demo").session(SESSION.0, SESSION.1))?;
        Ok(Self { server, network, signaling, credential })
    }

    /// A transport that reaches the server through the rig only.
    pub(crate) fn transport(&self) -> WebRtc {
        WebRtc::new(self.server.url()).via(self.signaling.addr()).udp_map(self.network.media())
    }

    /// What lets one in.
    pub(crate) fn credential(&self) -> &str {
        self.credential.expose()
    }

    /// TCP is reset, dials are refused, datagrams are dropped.
    pub(crate) fn cut(&self) {
        self.network.rig().cut();
    }

    /// And back.
    pub(crate) fn restore(&self) -> Result<(), RigError> {
        self.network.rig().restore()
    }

    /// Takes everything down, and waits for it.
    pub(crate) async fn strike(self) {
        self.server.shutdown().await;
        self.signaling.shutdown().await;
        self.network.strike().await;
    }
}
