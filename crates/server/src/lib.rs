//! The embeddable reference server: what a developer needs on a laptop and in tests, honest
//! about its limits (one process; for more, a real SFU cluster).
//!
//! A member joins over the native protocol with a signed short-lived credential; the *studio*
//! decodes its picture, repaints it as the prompt asks and sends it back.
//!
//! ```
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use offhook_server::{Mint, Server};
//!
//! let server = Server::builder().bind("127.0.0.1:0").start().await?;
//! let credential = server.mint(&Mint::user("ada").session("studio", "7"))?;
//! println!("join {} with {} bytes of credential", server.url(), credential.expose().len());
//! server.shutdown().await;
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod config;
mod door;
mod doormat;
mod handle;
mod hex;
mod listen;
mod lobby;
mod member;
mod rooms;
mod socket;
pub mod studio;
mod token;

pub use config::Limits;
pub use handle::{Builder, Census, Server, StartError};
pub use offhook_signaling::{EndCode, GoAwayCode};
pub use offhook_transport_webrtc::peer::IceServer;
pub use token::{Claims, Grants, Mint, MintError, Signer, TokenError};

use config::Config;
use doormat::Doormat;
use lobby::Lobby;
use offhook_transport_webrtc::peer::Certificate;
use rooms::Rooms;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, watch};

/// Held by every task of a server; when all are dropped, nothing of it runs any more.
pub(crate) type Alive = mpsc::Sender<()>;

/// What every task of a server can see.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) signer: Signer,
    pub(crate) certificate: Certificate,
    pub(crate) rooms: Rooms,
    pub(crate) doormat: Doormat,
    pub(crate) lobby: Arc<Lobby>,
    closing: AtomicBool,
    /// Says true when everything that still runs must end at once.
    cut: watch::Sender<bool>,
    alive: mpsc::WeakSender<()>,
}

impl Shared {
    /// A share in the server's life. Of a server that is gone: one that nobody counts.
    pub(crate) fn alive(&self) -> Alive {
        self.alive.upgrade().unwrap_or_else(|| mpsc::channel(1).0)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}
