//! The certificate of a session: made once, in this process, shared by the session's dials.

use super::PeerError;
use super::error::shown;
use rtc::crypto::SignatureScheme;
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use std::fmt;

/// A self-signed ECDSA P-256 certificate with its key.
///
/// Making one costs about a millisecond; make it ahead of the dial. Sharing it over the
/// dials of one session lets the far side see that it is still the same peer; sharing it
/// over sessions would let far sides link them, so do not. Cloning shares the key.
#[derive(Clone)]
pub struct Certificate(RTCCertificate);

impl Certificate {
    /// Makes a fresh key and certificate.
    ///
    /// # Errors
    /// [`PeerError::Local`] when the system gives no randomness.
    pub fn generate() -> Result<Self, PeerError> {
        let local = |text: String| PeerError::Local(text);
        let provider = rtc::crypto::default_provider().map_err(|error| local(shown(&error)))?;
        let params =
            CertificateParams::new(vec!["offhook".to_owned()]).map_err(|error| local(shown(&error)))?;
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
            .map(Self)
            .map_err(|error| local(shown(&error)))
    }

    pub(super) fn inner(&self) -> RTCCertificate {
        self.0.clone()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(..)")
    }
}
