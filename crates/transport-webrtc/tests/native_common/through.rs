//! One relay in the way of the media.

use futures_util::FutureExt;
use offhook_netrig::{Rig, UdpRelay};
use offhook_transport_webrtc::peer::UdpMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub struct Through {
    pub net: Rig,
    relay: Mutex<Option<UdpRelay>>,
}

impl Through {
    pub fn new(net: Rig) -> Arc<Self> {
        Arc::new(Self { net, relay: Mutex::default() })
    }

    /// Datagrams that a cut has taken on their way to the far side.
    pub fn cut(&self) -> u64 {
        let relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner);
        relay.as_ref().map_or(0, |relay| relay.stats().up.cut)
    }
}

impl UdpMap for Through {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        let relay = self.net.udp(candidate).now_or_never()?.ok()?;
        let place = relay.addr();
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner) = Some(relay);
        Some(place)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
