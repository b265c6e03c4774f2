//! Tickets of rings that were taken: each lets one instance of one user into one session. Not a
//! credential, and no ticket to another server: the audience is its own.

use super::{Credential, Grants, MintError, Signer, TokenError, now};
use crate::config::TICKET_LIFE;
use crate::rings::Tickets;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const RING_AUDIENCE: &str = "offhook-ring";

/// What a ring's ticket is good for. Nothing in it is secret from its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RingPass {
    pub(crate) ring: String,
    /// `kind/id`.
    pub(crate) session: String,
    pub(crate) instance: String,
    pub(crate) grants: Grants,
    /// What its bearer's presence came in with: what a kick takes away.
    pub(crate) credential: Credential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RingTicket {
    pub(crate) sub: String,
    aud: String,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    pub(crate) pass: RingPass,
}

impl Signer {
    fn ring_ticket(&self, user: &str, pass: RingPass) -> Result<String, MintError> {
        self.sign(&RingTicket {
            sub: user.to_owned(),
            aud: RING_AUDIENCE.into(),
            exp: (now()? + TICKET_LIFE).as_secs(),
            jti: crate::hex::random::<16>().map_err(|_| MintError::Random)?,
            pass,
        })
    }

    /// Reads a ring's ticket. Whom and what it is for is for the door to judge.
    pub(crate) fn check_ring_ticket(&self, ticket: &str) -> Result<RingTicket, TokenError> {
        // Made and read by the same process: its clock agrees with itself.
        self.read(ticket, RING_AUDIENCE, Duration::ZERO)
    }
}

impl Tickets for Signer {
    fn ticket(&self, user: &str, pass: RingPass) -> Option<String> {
        self.ring_ticket(user, pass).ok()
    }
}
