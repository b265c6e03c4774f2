//! What an application keeps to take its session up again from another process.

use offhook_lifecycle::Epoch;
use offhook_transport::{InstanceId, ResumeKey, Secret};
use std::fmt;

/// Takes a session up again: the far side's id of it, who held it, how far its dials were
/// counted, and the secret that proves it. A level: it changes with every link, the newest
/// counts. Good for as long as the far side keeps a lost session (the resume window, mostly).
///
/// It holds a secret: `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumeToken {
    pub(crate) key: ResumeKey,
    pub(crate) instance: InstanceId,
    pub(crate) epoch: Epoch,
}

impl ResumeToken {
    /// The far side's id of the session.
    pub fn session(&self) -> &str {
        &self.key.session
    }

    /// As one line of text, to be stored as carefully as a password.
    pub fn to_secret(&self) -> secrecy::SecretString {
        let (instance, epoch) = (self.instance, self.epoch);
        format!("1.{instance}.{epoch}.{}.{}", self.key.secret.expose(), self.key.session).into()
    }

    /// Back from [`to_secret`](Self::to_secret).
    ///
    /// # Errors
    /// [`BadToken`] for any other text.
    pub fn from_secret(text: &secrecy::SecretString) -> Result<Self, BadToken> {
        use secrecy::ExposeSecret;
        let mut parts = text.expose_secret().splitn(5, '.');
        let mut part = || parts.next().ok_or(BadToken);
        if part()? != "1" {
            return Err(BadToken);
        }
        let instance = instance(part()?).ok_or(BadToken)?;
        let epoch = Epoch(part()?.parse().map_err(|_| BadToken)?);
        let secret = Secret::new(part()?);
        let session = part()?.to_owned();
        Ok(Self { key: ResumeKey { session, secret }, instance, epoch })
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeToken").field("session", &self.key.session).finish_non_exhaustive()
    }
}

/// The text is not a resume token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a resume token; join without it")]
pub struct BadToken;

fn instance(hex: &str) -> Option<InstanceId> {
    let digits: Option<Vec<u8>> = hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let bytes: Vec<u8> = digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Some(InstanceId(bytes.try_into().ok()?))
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
