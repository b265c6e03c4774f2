//! The embeddable reference server: what a developer needs on a laptop and in tests, honest
//! about its limits (one process; for more, a real SFU cluster).
//!
//! A member joins over the native protocol with a signed short-lived credential; the *studio*
//! decodes its picture, lays a reference image into it, repaints it as the prompt asks and sends it
//! back.
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

mod assets;
mod config;
mod directory;
mod door;
mod doormat;
mod endings;
mod entrance;
mod handle;
mod handover;
mod hex;
mod images;
mod kicks;
mod listen;
mod lobby;
mod member;
mod model;
mod pace;
mod persona;
mod queue;
mod relics;
mod rings;
mod rooms;
mod router;
mod silences;
mod socket;
pub mod studio;
mod telemetry;
mod token;

pub use assets::{AssetsFailed, Loading};
pub use config::Limits;
pub use handle::{Builder, Census, Server, StartError};
pub use handover::{DrainError, Drained};
pub use offhook_signaling::{EndCode, GoAwayCode, Strategy};
/// What a [`TelemetryReport`] is made of.
pub mod reported {
    pub use offhook_signaling::{Happened, Statistics, Step, Telemetry, TelemetryEntry};
}
pub use offhook_transport_webrtc::peer::IceServer;
pub use telemetry::{TelemetryIntake, TelemetryReport, TelemetryReports};
pub use token::{Claims, Grants, Mint, MintError, Signer, TokenError};

use config::Config;
use doormat::Doormat;
use endings::{Ending, Endings};
use handover::{Dossier, Onward};
use images::Images;
use kicks::Kicks;
use lobby::Lobby;
use member::{Mail, Mailbox};
use offhook_signaling::{Ended, Error, ErrorCode, FromServer, Instance, Rejoin, SessionRef};
use offhook_transport_webrtc::peer::Certificate;
use pace::Pace;
use queue::Queue;
use relics::Relics;
use rings::Rings;
use rooms::Rooms;
use silences::Silences;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Held by every task of a server; when all are dropped, nothing of it runs any more.
pub(crate) type Alive = mpsc::Sender<()>;

/// What every task of a server can see.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) signer: Signer,
    pub(crate) certificate: Certificate,
    pub(crate) rooms: Rooms,
    pub(crate) queue: Arc<Queue>,
    /// Members whose window is over and whose resume tokens are still good.
    pub(crate) relics: Relics,
    pub(crate) rings: Rings,
    pub(crate) doormat: Doormat,
    pub(crate) lobby: Arc<Lobby>,
    pub(crate) pace: Pace,
    pub(crate) kicks: Kicks,
    pub(crate) silences: Silences,
    pub(crate) endings: Endings,
    /// Packets of members' media that a connection had no room for.
    pub(crate) unforwarded: Arc<AtomicU64>,
    pub(crate) images: Images,
    /// What it runs on, for those who tell it something from elsewhere.
    pub(crate) runtime: tokio::runtime::Handle,
    /// Which life of which server this is: the ids of the sessions it makes begin with it.
    pub(crate) life: String,
    started: Instant,
    /// What is done to those who were handed over, on its way after them.
    pub(crate) onward: Onward,
    /// Where everybody is sent who wants in.
    emptied_to: Mutex<Option<String>>,
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

    /// Over how long those who lost their sessions in a restart are to spread their rejoins.
    pub(crate) fn spread_ms(&self) -> u64 {
        u64::try_from(self.config.restart_spread.as_millis()).unwrap_or(u64::MAX)
    }

    /// Was this session made by another life of this server, that just ended?
    pub(crate) fn was_before_restart(&self, session_id: &str) -> bool {
        let ours = session_id.strip_prefix(&self.life).is_some_and(|rest| rest.starts_with('-'));
        !ours && self.started.elapsed() < config::RESTART_REMEMBERED
    }

    /// A member whose window is over and whose token is good still is expected again: its client is
    /// at the door with it.
    pub(crate) fn take_back(
        self: &Arc<Self>,
        session: &SessionRef,
        instance: Instance,
        user: &str,
        rejoin: &Rejoin,
    ) -> Result<(), Box<FromServer>> {
        let key = door::key(session);
        if self.rooms.find(session, instance).is_some() {
            return Ok(());
        }
        // Of a session that was made anew since, nothing old is taken up.
        if self.rooms.session_id(&key).is_some_and(|known| known != rejoin.session_id) {
            return Ok(());
        }
        let now = Instant::now();
        let Some((dossier, until)) = self.relics.take(&key, instance, user, rejoin, now) else {
            return Ok(());
        };
        let refused = self.rooms.admits(&key, user);
        if refused.is_ok() && self.rooms.adopt(self, dossier.clone(), self.config.limits.first_frame) {
            return Ok(());
        }
        // Its right is not used up by a house that was full.
        self.relics.keep(dossier, until, now);
        refused?;
        let mut error =
            Error::new(ErrorCode::Busy, "there is no room to take the session up in; try again later");
        error.retry_after_ms = Some(2_000);
        Err(Box::new(FromServer::Error(error)))
    }

    /// Ends the members of a session (`kind/id`; any where none is named), of one user or of all,
    /// whoever waits to become one, and what is kept of those who were one. True if there was a membership to end.
    pub(crate) async fn end_members(&self, session: Option<&str>, user: Option<&str>, ended: &Ended) -> bool {
        self.end_members_but(None, (session, user), ended).await
    }

    /// As [`end_members`](Self::end_members), but for one.
    pub(crate) async fn end_members_but(
        &self,
        but: Option<&Mailbox>,
        (session, user): (Option<&str>, Option<&str>),
        ended: &Ended,
    ) -> bool {
        self.queue.turn_away(session, user, &FromServer::Ended(ended.clone()));
        let mut kept = self.end_relics(session, user, ended);
        let mut mailboxes = self.rooms.mailboxes(session, user);
        mailboxes.retain(|mail| !but.is_some_and(|but| but.same_channel(mail)));
        // Side by side, so that nobody waits for a busy one. A member that is just ending needs no
        // second word.
        let letters = mailboxes.iter().map(|mail| mail.send(Mail::End(Box::new(ended.clone()))));
        futures_util::future::join_all(letters).await;
        // One whose window was over at this very moment had no ear for the letter.
        kept |= self.end_relics(session, user, ended);
        kept || !mailboxes.is_empty()
    }

    /// Ends what is kept of members whose window is over: who comes to take it up hears why it cannot.
    /// True if there was any.
    pub(crate) fn end_relics(&self, session: Option<&str>, user: Option<&str>, ended: &Ended) -> bool {
        let relics = self.relics.end(session, user);
        let (any, now) = (!relics.is_empty(), Instant::now());
        for (dossier, until) in relics {
            let Dossier { session, session_id, member, secrets, .. } = dossier;
            let (user, instance) = (member.user, member.instance);
            let ending = Ending { user, session_id, secrets, ended: ended.clone(), until };
            self.endings.keep(&session, instance, ending, now);
        }
        any
    }

    /// Where everybody is sent who wants in, if the server is being emptied.
    pub(crate) fn emptied_to(&self) -> Option<String> {
        self.emptied_to.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn empty_to(&self, target: Option<&str>) {
        *self.emptied_to.lock().unwrap_or_else(PoisonError::into_inner) = target.map(str::to_owned);
    }
}
