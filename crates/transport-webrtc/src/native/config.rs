//! What a transport was told by its owner. Judged at the dial, not here.

use super::tls::Roots;
use crate::peer::{IceServer, UdpMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Config {
    pub(super) url: String,
    pub(super) roots: Arc<Roots>,
    pub(super) plain_ws: bool,
    /// `None`: the far side names them on letting us in.
    pub(super) ice_servers: Option<Vec<IceServer>>,
    pub(super) bind: Option<Vec<SocketAddr>>,
    pub(super) udp_map: Option<Arc<dyn UdpMap>>,
    pub(super) via: Option<SocketAddr>,
    pub(super) relay_only: bool,
    pub(super) ignore_network: bool,
}

impl Config {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            roots: Arc::default(),
            plain_ws: false,
            ice_servers: None,
            bind: None,
            udp_map: None,
            via: None,
            relay_only: false,
            ignore_network: false,
        }
    }
}

impl fmt::Debug for Config {
    /// No address: a path or query may hold what somebody thinks a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("plain_ws", &self.plain_ws)
            .field("relay_only", &self.relay_only)
            .finish_non_exhaustive()
    }
}
