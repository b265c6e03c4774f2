//! The way from this machine to one session's far side: which address of ours a packet there would
//! be sent from. The routing table is asked by connecting a UDP socket, which sends nothing. So an
//! interface that is of no use to this session may come and go.

use offhook_transport::NetworkFact;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Addresses of one far side that are asked about.
const PLACES: usize = 8;

/// Stand for "anywhere", as documentation does (RFC 5737, RFC 3849): whether there is a default route.
const ANYWHERE: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
];

/// The routing table of the machine.
pub(super) trait Routes: Send + Sync {
    /// The address of ours that a packet there would be sent from; none if there is no route.
    ///
    /// # Errors
    /// When it could not be found out, which says nothing of routes.
    fn source(&self, to: SocketAddr) -> io::Result<Option<IpAddr>>;

    /// Is this an address of ours, still?
    fn is_ours(&self, address: IpAddr) -> bool;
}

/// That of the system, as the calling thread sees it.
pub(super) struct System;

impl Routes for System {
    fn source(&self, to: SocketAddr) -> io::Result<Option<IpAddr>> {
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        match socket.connect(to) {
            Ok(()) => Ok(Some(socket.local_addr()?.ip())),
            Err(error) => match error.kind() {
                ErrorKind::NetworkUnreachable
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        UdpSocket::bind((address, 0)).is_ok()
    }
}

/// Where a session's far side is, as its dials found it. Until the first of them knows an address
/// nothing is known, and nothing is said.
pub(in crate::native) struct Destination {
    routes: Arc<dyn Routes>,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    /// Counts the dials that arrived.
    serial: u64,
    place: SocketAddr,
    /// Where it may be as well; asked when there is no route to the first.
    others: Vec<SocketAddr>,
    /// What it was reached from.
    from: Option<IpAddr>,
}

impl Destination {
    pub(super) const fn new(routes: Arc<dyn Routes>) -> Self {
        Self { routes, known: Mutex::new(None) }
    }

    /// A dial is about to try these places, known by a name or not. Only the first dial has
    /// anything to say by it.
    pub(in crate::native) fn heading(&self, places: &[SocketAddr], named: bool) {
        let mut known = self.lock();
        let (None, Some(place)) = (&*known, places.first()) else { return };
        let others = others(*place, places, named);
        let mut fresh = Known { serial: 0, place: *place, others, from: None };
        if let Ok(from) = self.from(&fresh) {
            fresh.from = from;
            *known = Some(fresh);
        }
    }

    /// A dial arrived, from this address of ours.
    pub(in crate::native) fn reached(
        &self,
        place: SocketAddr,
        from: IpAddr,
        places: &[SocketAddr],
        named: bool,
    ) {
        // The table's own word, so that it is compared with its like.
        let from = self.routes.source(place).ok().flatten().unwrap_or(from);
        let mut known = self.lock();
        let serial = known.as_ref().map_or(0, |known| known.serial) + 1;
        let others = others(place, places, named);
        *known = Some(Known { serial, place, others, from: Some(from) });
    }

    /// What the far side would be reached from now.
    fn from(&self, known: &Known) -> io::Result<Option<IpAddr>> {
        if let Some(from) = self.routes.source(known.place)? {
            return Ok(Some(from));
        }
        // Another family, say, on a network that has only that.
        Ok(known.others.iter().find_map(|other| self.routes.source(*other).ok().flatten()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name may stand for something else on another network, so that any way out is one.
fn others(place: SocketAddr, places: &[SocketAddr], named: bool) -> Vec<SocketAddr> {
    let further = places.iter().copied().filter(|other| *other != place).take(PLACES);
    let anywhere = ANYWHERE.into_iter().filter(|_| named && !place.ip().is_loopback());
    further.chain(anywhere).collect()
}

/// The way to a destination, and what was last said of it.
pub(super) struct Way {
    destination: Arc<Destination>,
    serial: u64,
    /// What the far side is reached from; outer none before anything is known.
    from: Option<Option<IpAddr>>,
}

impl Way {
    pub(super) const fn to(destination: Arc<Destination>) -> Self {
        Self { destination, serial: 0, from: None }
    }

    /// What became of it since it was last looked at, or since a dial arrived.
    pub(super) fn look(&mut self) -> Option<NetworkFact> {
        let known = self.destination.lock().clone()?;
        let before = match self.from {
            Some(from) if known.serial == self.serial => from,
            _ => known.from,
        };
        self.serial = known.serial;
        self.from = Some(before);
        let now = self.destination.from(&known).ok()?;
        let fact = match (before, now) {
            (None, None) => return None,
            (None, Some(_)) => NetworkFact::Up,
            (Some(_), None) => NetworkFact::Down,
            (Some(before), Some(now)) if self.is_same(before, now) => return None,
            (Some(_), Some(_)) => NetworkFact::Changed,
        };
        self.from = Some(now);
        Some(fact)
    }

    /// A temporary address of IPv6 is followed by another one of the same network (RFC 8981), and
    /// what was made over the first goes on while the machine has it.
    fn is_same(&self, before: IpAddr, now: IpAddr) -> bool {
        let same_network = match (before, now) {
            (IpAddr::V6(before), IpAddr::V6(now)) => before.segments()[..4] == now.segments()[..4],
            (before, now) => before == now,
        };
        before == now || same_network && self.destination.routes.is_ours(before)
    }
}

#[cfg(test)]
mod tests;
