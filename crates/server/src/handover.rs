//! Sessions that move whole: what one server tells another about the members it sends there, so
//! that they are known before they arrive. The giving end is here, the taking end in `taking.rs`;
//! `docs/decisions/0006` says why it is so.
//!
//! One WebSocket, JSON text frames, one question and one answer at a time. Before anything is
//! said, both ends show that they hold the same key.

mod onward;
mod taking;
#[cfg(test)]
mod tests;

pub(crate) use onward::{Onward, Passed, Passing};
pub(crate) use taking::take;

use crate::Shared;
use crate::member::{Heed, Mail, Mailbox, Silenced, Silencing, Told, media_kind};
use crate::model::Model;
use crate::rooms::{Directed, Record};
use crate::token::{Credential, Grants, authority};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use offhook_signaling::address::{AddressPolicy, Host, check_target};
use offhook_signaling::{Desired, Ended, Instance, MediaKind, Member, Profile, limits};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longest thing that is said on the channel, in bytes. What a client may say of itself is bounded by its frames
/// and takes a tenth of it, whatever there is to escape.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;
/// Longest that it may be before the key was shown.
pub(crate) const HELLO_BYTES: usize = limits::FRAME_BYTES;
/// How long the other server may take for any one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Everything a server knows of one member that is worth keeping. Never logged: it has the resume
/// secrets.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Dossier {
    /// `kind/id`.
    pub(crate) session: String,
    pub(crate) session_id: String,
    /// Who it is, as the others see it.
    pub(crate) member: Member,
    pub(crate) grants: Grants,
    pub(crate) credential: Credential,
    /// The newest dial that came.
    pub(crate) epoch: u64,
    /// The resume secret, and the one before it where that is still good.
    pub(crate) secrets: Vec<String>,
    /// What it asked for last that was applied.
    pub(crate) desired: Desired,
    /// How many generations it had.
    pub(crate) generations: u64,
    /// What they used in all.
    #[serde(default)]
    pub(crate) generated_ms: u64,
    /// Whom it was joined with.
    #[serde(default)]
    pub(crate) model: Model,
    /// What a moderator muted of it.
    #[serde(default)]
    pub(crate) silenced: Silenced,
    /// How long it may stay.
    #[serde(default)]
    pub(crate) expires_in_ms: Option<u64>,
    /// What its session's director said last.
    #[serde(default)]
    pub(crate) directed: Option<Directed>,
    /// How far it does as that says.
    #[serde(default)]
    pub(crate) heed: Heed,
}

/// What the giving end says.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Give {
    /// I hold the key.
    Hello { voucher: String },
    /// This one comes to you within the time.
    Member { dossier: Box<Dossier>, within_ms: u64 },
    /// A session that was made by name.
    Record {
        session: String,
        session_id: String,
        profile: Box<Profile>,
        /// What its director said last.
        #[serde(default)]
        directed: Option<Directed>,
    },
    /// A piece of an image that a session has.
    Image { session: String, sha256: String, offset: u64, total: u64, bytes: String },
    /// This one was kicked and is to stay out.
    KeepOut { session: String, user: String, left_ms: u64 },
    /// This one is muted should it come, as it may not undo it.
    KeepSilent { session: String, user: String, silenced: Silenced, left_ms: u64 },
    /// A moderator muted one that was handed over before, or took that back.
    Silence { session: String, member: Instance, by: Instance, kind: MediaKind, muted: bool },
    /// These, or everybody in the session, were ended after they had been handed over.
    End { session: String, user: Option<String>, ended: Ended, keep_out_ms: Option<u64> },
}

/// What the taking end answers.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Took {
    /// So do I.
    Hello {
        voucher: String,
    },
    Taken,
    /// There is no room.
    NoRoom,
    /// There is nobody here whom that is about.
    Nobody,
}

/// What became of a server's members when it was emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Drained {
    /// Handed over and told to go.
    pub moved: usize,
    /// Not taken by the other server, and still here.
    pub stayed: usize,
}

/// Why a server could not be emptied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// The channel between the two is not encrypted, so it stays on this machine.
    #[error(
        "sessions are handed over to a `ws` URL on this machine only; use `go_away` for any other: its tickets keep the session and the member"
    )]
    NotHere,
    /// Nobody answers there, or not as a server of this kind does.
    #[error("the other server cannot be reached ({0}); check that it listens there")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the other server does not answer; check its load and try again")]
    NoAnswer,
    /// It said what makes no sense here.
    #[error("the other server does not speak this language; run the same version on both")]
    Garbled,
    /// It keeps as many sessions as it may.
    #[error("the other server keeps no more sessions; raise its limit, or empty into another")]
    NoRoom,
    /// It does not hold the key.
    #[error("the other server has another key; give both the same signer")]
    NotTrusted,
    /// It is this very server.
    #[error("a server cannot be emptied into itself; name another")]
    Itself,
    /// The system has no random numbers, or its clock is wrong.
    #[error(transparent)]
    Mint(#[from] crate::MintError),
}

/// What a member tells of itself; `None` of one that is just ending.
pub(crate) async fn describe(mail: &Mailbox) -> Option<Box<Dossier>> {
    let (tell, told) = oneshot::channel();
    mail.send(Mail::Describe(tell)).await.ok()?;
    told.await.ok().flatten()
}

/// Passes a mute on to one that was handed over, when it is in effect here.
pub(crate) fn pass_silence(
    shared: &Arc<Shared>,
    session: &str,
    member: Instance,
    silencing: Silencing,
    told: Told,
) -> Passing {
    let Silencing { by, kind, muted } = silencing;
    let kind = media_kind(kind);
    let give = Give::Silence { session: session.to_owned(), member, by, kind, muted };
    onward::pass(shared, give, Some(told))
}

/// Passes on that a user, or everybody, was ended in a session; and is kept out of it, for so long.
pub(crate) fn pass_end(
    shared: &Arc<Shared>,
    session: &str,
    user: Option<&str>,
    ended: &Ended,
    keep_out: Option<Duration>,
) -> Passing {
    let (session, user) = (session.to_owned(), user.map(str::to_owned));
    let give = Give::End { session, user, ended: ended.clone(), keep_out_ms: keep_out.map(millis) };
    onward::pass(shared, give, None)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The channel to another server that takes sessions over.
pub(crate) struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Peer {
    /// Dials, shows the key and has the other show it.
    pub(crate) async fn dial(shared: &Shared, target: &str) -> Result<Self, DrainError> {
        let url = channel(target).ok_or(DrainError::NotHere)?;
        let dialled = timeout(ANSWER_WITHIN, tokio_tungstenite::connect_async(&url)).await;
        let (socket, _) = dialled.map_err(|_| DrainError::NoAnswer)?.map_err(unreachable)?;
        let mut peer = Self { socket };
        let (voucher, nonce) = shared.signer.vouch(&shared.life, Some(target), None)?;
        let Took::Hello { voucher } = peer.ask(&Give::Hello { voucher }).await? else {
            return Err(DrainError::Garbled);
        };
        let theirs = shared.signer.check_voucher(&voucher).map_err(|_| DrainError::NotTrusted)?;
        if theirs.answers.as_deref() != Some(&*nonce) {
            return Err(DrainError::NotTrusted);
        }
        if theirs.sub == shared.life {
            return Err(DrainError::Itself);
        }
        Ok(peer)
    }

    /// True if the other has taken it. One that is too long to be said stays as one that there is no room for.
    pub(crate) async fn hand_over(
        &mut self,
        dossier: Box<Dossier>,
        within: Duration,
    ) -> Result<bool, DrainError> {
        let text = written(&Give::Member { dossier, within_ms: millis(within) })?;
        if text.len() > MOST_BYTES {
            tracing::warn!(bytes = text.len(), "a member is too large to be handed over and stays");
            return Ok(false);
        }
        match self.say(text).await? {
            Took::Taken => Ok(true),
            Took::NoRoom => Ok(false),
            Took::Nobody | Took::Hello { .. } => Err(DrainError::Garbled),
        }
    }

    /// Hands over what was said of a session. One that the other server has no room for is made
    /// anew there by its first member, and then closed to nobody: so that is an error.
    pub(crate) async fn hand_over_record(&mut self, session: &str, record: Record) -> Result<(), DrainError> {
        let Record { session_id, profile, directed } = record;
        let (session, profile) = (session.to_owned(), Box::new(profile));
        match self.ask(&Give::Record { session, session_id, profile, directed }).await? {
            Took::Taken => Ok(()),
            Took::NoRoom => Err(DrainError::NoRoom),
            Took::Nobody | Took::Hello { .. } => Err(DrainError::Garbled),
        }
    }

    /// Hands over an image of a session, in pieces. One that the other does not want is asked for
    /// there by whoever needs it.
    pub(crate) async fn hand_over_image(
        &mut self,
        session: &str,
        sha256: &str,
        file: &[u8],
    ) -> Result<(), DrainError> {
        let total = file.len() as u64;
        for (number, piece) in file.chunks(limits::CHUNK_BYTES).enumerate() {
            let give = Give::Image {
                session: session.to_owned(),
                sha256: sha256.to_owned(),
                offset: (number * limits::CHUNK_BYTES) as u64,
                total,
                bytes: STANDARD.encode(piece),
            };
            match self.ask(&give).await? {
                Took::Taken => {}
                Took::NoRoom => return Ok(()),
                Took::Nobody | Took::Hello { .. } => return Err(DrainError::Garbled),
            }
        }
        Ok(())
    }

    /// Has the other keep somebody out as well.
    pub(crate) async fn keep_out(
        &mut self,
        session: String,
        user: String,
        left: Duration,
    ) -> Result<(), DrainError> {
        self.tell(&Give::KeepOut { session, user, left_ms: millis(left) }).await
    }

    /// Has the other keep somebody muted as well.
    pub(crate) async fn keep_silent(
        &mut self,
        session: String,
        user: String,
        silenced: Silenced,
        left: Duration,
    ) -> Result<(), DrainError> {
        self.tell(&Give::KeepSilent { session, user, silenced, left_ms: millis(left) }).await
    }

    /// Something that the other takes whatever it has.
    async fn tell(&mut self, give: &Give) -> Result<(), DrainError> {
        match self.ask(give).await? {
            Took::Taken => Ok(()),
            Took::NoRoom | Took::Nobody | Took::Hello { .. } => Err(DrainError::Garbled),
        }
    }

    async fn ask(&mut self, give: &Give) -> Result<Took, DrainError> {
        self.say(written(give)?).await
    }

    async fn say(&mut self, text: String) -> Result<Took, DrainError> {
        let answer = timeout(ANSWER_WITHIN, async {
            self.socket.send(Message::text(text)).await.map_err(unreachable)?;
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return serde_json::from_str(&text).map_err(|_| DrainError::Garbled);
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    // It hangs up on those who do not hold the key.
                    Some(Ok(_)) | None => return Err(DrainError::NotTrusted),
                    Some(Err(error)) => return Err(unreachable(error)),
                }
            }
        });
        answer.await.map_err(|_| DrainError::NoAnswer)?
    }
}

fn written(give: &Give) -> Result<String, DrainError> {
    serde_json::to_string(give).map_err(|_| DrainError::Garbled)
}

/// Where a server that clients reach by this URL takes sessions over; only on this machine.
fn channel(target: &str) -> Option<String> {
    let checked = check_target(target, false, AddressPolicy::LOCAL).ok()?;
    let here = match &checked.host {
        Host::Ip(ip) => ip.is_loopback(),
        Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
    };
    (here && !checked.secure).then(|| format!("ws://{}/handover", authority(target)))
}

fn unreachable(error: tungstenite::Error) -> DrainError {
    DrainError::Unreachable(Box::new(error))
}
