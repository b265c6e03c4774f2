//! What servers of one key sign for each other: tickets that their clients carry, and vouchers
//! that they show themselves. Neither is a credential, nor the other: each has its own audience.

use super::{Claims, Grants, MintError, Signer, TokenError, now};
use crate::config::TICKET_LIFE;
use crate::member::Silenced;
use crate::model::Model;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// Whom a ticket is for.
const TICKET_AUDIENCE: &str = "offhook-move";
/// Whom a voucher is for.
const PEER_AUDIENCE: &str = "offhook-peer";
/// Both live for a minute at most, so the clocks of servers that share a key must agree.
const NO_LEEWAY: Duration = Duration::ZERO;

/// The name and the end of a credential, and whether a kick takes it away.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) jti: String,
    /// Seconds since 1970.
    pub(crate) exp: u64,
    /// Is it good for one session only? One that is not carries the user's other sessions as well.
    #[serde(default)]
    pub(crate) of_one_session: bool,
}

impl Credential {
    /// Of a credential that says this.
    pub(crate) fn of(claims: &Claims) -> Self {
        let of_one_session = claims.session.is_some();
        Self { jti: claims.jti.clone(), exp: claims.exp, of_one_session }
    }
}

/// Who is let into another server, as the server it comes from knows it. Nothing in it is secret
/// from its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    /// `kind/id`.
    pub(crate) session: String,
    /// The name that the session keeps.
    pub(crate) session_id: String,
    pub(crate) instance: String,
    pub(crate) grants: Grants,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) viewer: bool,
    #[serde(default)]
    pub(crate) model: Model,
    /// What it came in with at first.
    pub(crate) credential: Credential,
    /// When its membership is over, in milliseconds since 1970; none where nobody set an end to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at_ms: Option<u64>,
    /// How many generations it had, and what they used in all: both go on rising.
    #[serde(default)]
    pub(crate) generations: u64,
    #[serde(default)]
    pub(crate) generated_ms: u64,
    /// What a moderator muted of it.
    #[serde(default, skip_serializing_if = "Silenced::is_nothing")]
    pub(crate) silenced: Silenced,
}

impl Pass {
    /// The end of a membership that may go on for so long.
    pub(crate) fn ends_in(left: Duration) -> Option<u64> {
        let now = SystemTime::UNIX_EPOCH.elapsed().ok()?;
        u64::try_from(now.saturating_add(left).as_millis()).ok()
    }

    /// How long the membership may still go on.
    pub(crate) fn left(&self) -> Option<Duration> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        self.ends_at_ms.map(|end| Duration::from_millis(end).saturating_sub(now))
    }
}

/// A one-use ticket to this server from one that lets its members go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) sub: String,
    aud: String,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    /// The server it is for, as its clients call it (host and port).
    pub(crate) target: String,
    pub(crate) pass: Pass,
}

/// One server's word to another that it holds the key, in answer to nobody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voucher {
    /// Which life of which server speaks.
    pub(crate) sub: String,
    aud: String,
    pub(crate) exp: u64,
    pub(crate) nonce: String,
    /// Whom it speaks to (host and port); none in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// In the answer, the nonce of the one it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<String>,
}

impl Signer {
    /// A ticket for this user to the server that clients reach by this URL.
    pub(crate) fn ticket(&self, user: &str, pass: Pass, target: &str) -> Result<String, MintError> {
        self.sign(&Ticket {
            sub: user.into(),
            aud: TICKET_AUDIENCE.into(),
            exp: (now()? + TICKET_LIFE).as_secs(),
            jti: random()?,
            target: authority(target).into(),
            pass,
        })
    }

    /// Reads a ticket. Whom and what it is for is for the door to judge.
    pub(crate) fn check_ticket(&self, ticket: &str) -> Result<Ticket, TokenError> {
        self.read(ticket, TICKET_AUDIENCE, NO_LEEWAY)
    }

    /// A voucher, and its nonce.
    pub(crate) fn vouch(
        &self,
        server: &str,
        target: Option<&str>,
        answers: Option<String>,
    ) -> Result<(String, String), MintError> {
        let nonce = random()?;
        let voucher = Voucher {
            sub: server.into(),
            aud: PEER_AUDIENCE.into(),
            exp: (now()? + TICKET_LIFE).as_secs(),
            nonce: nonce.clone(),
            target: target.map(|target| authority(target).into()),
            answers,
        };
        Ok((self.sign(&voucher)?, nonce))
    }

    /// Reads a voucher.
    pub(crate) fn check_voucher(&self, voucher: &str) -> Result<Voucher, TokenError> {
        self.read(voucher, PEER_AUDIENCE, NO_LEEWAY)
    }
}

fn random() -> Result<String, MintError> {
    crate::hex::random::<16>().map_err(|_| MintError::Random)
}

/// Host and port of a URL, as a client puts them into `Host`.
pub(crate) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}
