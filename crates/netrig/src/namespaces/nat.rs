//! A NAT for IPv4: one public address, a port for each inside address and port, whatever the destination
//! (endpoint-independent mapping, RFC 4787, REQ-1), and in from nobody who was not sent to (address and port-dependent
//! filtering). Mappings last until they are forgotten.

use std::{
    collections::{HashMap, HashSet},
    net::{Ipv4Addr, SocketAddrV4},
};

use super::packet::{End, Packet, Ported};

/// The first public port given out; below are ports that servers use.
const FIRST: u16 = 20_000;
/// As many mappings as a small router has.
const MAPPINGS: usize = 4_096;
/// Far addresses remembered for one mapping.
const PEERS: usize = 4_096;

#[derive(Debug)]
pub(super) struct Nat {
    public: Ipv4Addr,
    next: u16,
    ports: HashMap<(Ported, SocketAddrV4), u16>,
    mappings: HashMap<(Ported, u16), Mapping>,
}

#[derive(Debug)]
struct Mapping {
    inside: SocketAddrV4,
    sent_to: HashSet<SocketAddrV4>,
}

impl Nat {
    pub(super) fn new(public: Ipv4Addr) -> Self {
        Self { public, next: FIRST, ports: HashMap::new(), mappings: HashMap::new() }
    }

    pub(super) fn public(&self) -> Ipv4Addr {
        self.public
    }

    /// A packet on its way out gets the public address. None if it cannot: no ports, or no room for it.
    pub(super) fn outbound(&mut self, packet: &mut Packet) -> Option<()> {
        let (protocol, inside, to) = packet.ends()?;
        let port = match self.ports.get(&(protocol, inside)) {
            Some(port) => *port,
            None => self.map(protocol, inside)?,
        };
        let mapping = self.mappings.get_mut(&(protocol, port))?;
        if !mapping.sent_to.contains(&to) {
            if mapping.sent_to.len() >= PEERS {
                return None;
            }
            mapping.sent_to.insert(to);
        }
        packet.readdress(End::Source, SocketAddrV4::new(self.public, port))
    }

    /// A packet on its way in gets the inside address. None if nobody inside has sent to where it comes from.
    pub(super) fn inbound(&self, packet: &mut Packet) -> Option<()> {
        let (protocol, from, to) = packet.ends()?;
        let mapping = self.mappings.get(&(protocol, to.port()))?;
        if !mapping.sent_to.contains(&from) {
            return None;
        }
        packet.readdress(End::Destination, mapping.inside)
    }

    /// Forgets all mappings. Later ones get ports that the forgotten ones did not have.
    pub(super) fn forget(&mut self) {
        self.ports.clear();
        self.mappings.clear();
    }

    fn map(&mut self, protocol: Ported, inside: SocketAddrV4) -> Option<u16> {
        if self.mappings.len() >= MAPPINGS {
            return None;
        }
        while self.mappings.contains_key(&(protocol, self.next)) {
            self.step();
        }
        let port = self.next;
        self.step();
        self.ports.insert((protocol, inside), port);
        self.mappings.insert((protocol, port), Mapping { inside, sent_to: HashSet::new() });
        Some(port)
    }

    fn step(&mut self) {
        self.next = self.next.checked_add(1).unwrap_or(FIRST);
    }
}

#[cfg(test)]
mod tests;
