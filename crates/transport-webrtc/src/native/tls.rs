//! Whom TLS trusts: the system's roots and those the owner added. There is no way to trust
//! everybody.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

/// Why TLS cannot be used here at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RootsError {
    /// A root given by the owner cannot be read.
    #[error("an extra root is not a PEM certificate; pass the CA's certificate as PEM text")]
    Pem,
    /// Nobody is trusted.
    #[error("this system has no trusted roots; install ca-certificates, or give a root with extra_root()")]
    None,
    /// The crypto library refused its own settings.
    #[error("TLS cannot be set up here ({0}); please report this")]
    Setup(String),
}

/// The roots; read once, at the first dial that needs them.
#[derive(Default)]
pub(super) struct Roots {
    extra: Vec<Vec<u8>>,
    connector: OnceLock<Result<TlsConnector, RootsError>>,
}

impl Roots {
    /// These and one more.
    pub(super) fn with(&self, pem: Vec<u8>) -> Self {
        let mut extra = self.extra.clone();
        extra.push(pem);
        Self { extra, connector: OnceLock::new() }
    }

    /// Blocks for some milliseconds the first time: call it where that does no harm.
    pub(super) fn connector(&self) -> Result<TlsConnector, RootsError> {
        self.connector.get_or_init(|| self.load()).clone()
    }

    fn load(&self) -> Result<TlsConnector, RootsError> {
        let mut store = RootCertStore::empty();
        for pem in &self.extra {
            let mut any = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                store.add(certificate.map_err(|_| RootsError::Pem)?).map_err(|_| RootsError::Pem)?;
                any = true;
            }
            if !any {
                return Err(RootsError::Pem);
            }
        }
        let system = rustls_native_certs::load_native_certs();
        let (taken, left) = store.add_parsable_certificates(system.certs);
        tracing::debug!(taken, left, unreadable = system.errors.len(), "the system's roots");
        if store.is_empty() {
            return Err(RootsError::None);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| RootsError::Setup(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
