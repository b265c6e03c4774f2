//! Short-lived signed credentials: minting for tests, demos and backends, and checking at the
//! door. The algorithm, audience and leeway are pinned here and nowhere else.

mod ring;
#[cfg(test)]
mod tests;
mod ticket;

pub(crate) use ring::RingPass;
pub(crate) use ticket::{Credential, Pass, authority};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whom a credential of this server is for.
const AUDIENCE: &str = "offhook";
/// How far two clocks may differ (I9).
const LEEWAY: Duration = Duration::from_secs(60);
/// Longest token looked at: anything longer is not one of ours.
const MAX_TOKEN: usize = 4096;

/// What a credential lets its bearer do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Send media.
    pub publish: bool,
    /// Change the prompt and the image.
    pub prompt: bool,
    /// Make sessions by name.
    pub create: bool,
    /// Steer a session as its director.
    pub direct: bool,
    /// Remove others from a session, mute them, end it for everybody.
    pub moderate: bool,
    /// Undo a moderator's mute of oneself.
    pub unmute: bool,
}

impl Grants {
    /// Takes part, and is nobody's master.
    const MEMBER: Self =
        Self { publish: true, prompt: true, create: true, direct: false, moderate: false, unmute: true };
    /// Takes part, and keeps order (F64).
    pub const MODERATOR: Self = Self { moderate: true, ..Self::MEMBER };
    /// Looks on and nothing else (F53).
    pub const VIEWER: Self = Self { publish: false, prompt: false, create: false, ..Self::MEMBER };
    /// An application's backend: makes sessions and steers them, and is no member (F59).
    pub const DIRECTOR: Self = Self { publish: false, prompt: false, direct: true, ..Self::MEMBER };
}

impl Default for Grants {
    fn default() -> Self {
        Self::MEMBER
    }
}

/// What a credential says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    aud: String,
    /// End of its life, seconds since 1970.
    pub exp: u64,
    /// Its own name: a credential bound to a session is bound by this to the first instance.
    pub jti: String,
    /// The only session it is good for, as `kind/id`; `None` is any session of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What it allows.
    #[serde(default)]
    pub grants: Grants,
}

/// A credential that does not open the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Past its time, clock differences allowed for.
    #[error("the credential is expired; ask for a fresh one")]
    Expired,
    /// Not signed by this server's key, for another audience, or not a credential at all.
    #[error("the credential is not valid here; ask the one who issues them")]
    Invalid,
}

/// What a new credential shall say.
#[derive(Clone, Debug)]
pub struct Mint {
    user: String,
    session: Option<String>,
    life: Duration,
    grants: Grants,
}

impl Mint {
    /// For this user, any session, ten minutes.
    pub fn user(user: impl Into<String>) -> Self {
        Self { user: user.into(), session: None, life: Duration::from_secs(600), grants: Grants::default() }
    }

    /// Good for one session only, and for the first instance that shows it.
    #[must_use]
    pub fn session(mut self, kind: &str, id: &str) -> Self {
        self.session = Some(format!("{kind}/{id}"));
        self
    }

    /// How long it is good; zero makes one that is past its time beyond any leeway.
    #[must_use]
    pub fn life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// What it allows.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }
}

/// The key that signs and checks. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Signer {
    key: SecretSlice<u8>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// Signs with this key (HMAC-SHA-256, RFC 7518 §3.2).
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self { key: SecretSlice::from(key.into()) }
    }

    /// Signs with a fresh random key: what it signs is good until the process ends.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self::new(key))
    }

    /// Makes a credential.
    ///
    /// # Errors
    /// When the system has no random numbers, or the clock is before 1970.
    pub fn mint(&self, mint: &Mint) -> Result<offhook_transport::Secret, MintError> {
        let exp = if mint.life.is_zero() { Duration::ZERO } else { now()? + mint.life };
        let claims = Claims {
            sub: mint.user.clone(),
            aud: AUDIENCE.into(),
            exp: exp.as_secs(),
            jti: crate::hex::random::<16>().map_err(|_| MintError::Random)?,
            session: mint.session.clone(),
            grants: mint.grants.clone(),
        };
        self.sign(&claims).map(offhook_transport::Secret::new)
    }

    /// Reads a credential and checks signature, audience and time. Whether it fits the session
    /// is for the door to say.
    ///
    /// # Errors
    /// As [`TokenError`] says; the text never repeats the credential.
    pub fn check(&self, token: &str) -> Result<Claims, TokenError> {
        self.read(token, AUDIENCE, LEEWAY)
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String, MintError> {
        let key = EncodingKey::from_secret(self.key.expose_secret());
        encode(&Header::new(Algorithm::HS256), claims, &key).map_err(|_| MintError::Sign)
    }

    fn read<C: serde::de::DeserializeOwned>(
        &self,
        token: &str,
        audience: &str,
        leeway: Duration,
    ) -> Result<C, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = leeway.as_secs();
        let key = DecodingKey::from_secret(self.key.expose_secret());
        match decode::<C>(token, &key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            }),
        }
    }
}

fn now() -> Result<Duration, MintError> {
    SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| MintError::Clock)
}

/// A credential that could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// No random numbers.
    #[error("the system gives no random numbers; check the machine's entropy source")]
    Random,
    /// The clock is before 1970.
    #[error("the system clock is before 1970; set it")]
    Clock,
    /// The key cannot sign.
    #[error("the key cannot sign; use at least one byte")]
    Sign,
}
