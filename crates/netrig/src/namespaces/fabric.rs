//! The networks between the namespaces, as a pure thing: frames in, frames out, time as a duration since the lab began.
//! One router joins all networks. Each has an access line, with conditions for each way, and perhaps a NAT.
//! Devices, threads and clocks are in `driver`.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use tokio::sync::watch;

use super::{
    nat::Nat,
    packet::{self, End, Frame, Mac, Packet},
};
use crate::{
    Conditions, Direction, FlowKey, Tally, Way, Ways,
    fate::Fates,
    lane::{Lane, Link, Passage},
};

/// The router's own Ethernet address, the same on all networks: locally administered.
const ROUTER: Mac = [0x02, 0, 0, 0, 0, 0x01];
/// What a host addresses to nobody in particular.
const BROADCAST: Mac = [0xff; 6];
/// Networks a lab can have, and interfaces a network can have over time: their numbers are octets of addresses.
pub(super) const MANY: usize = 250;

/// A number that is never given twice.
pub(super) type PortId = u64;

/// A frame for the device of a port.
pub(super) type Outgoing = (PortId, Vec<u8>);

pub(super) struct Fabric {
    seed: u64,
    nets: Vec<Net>,
    ports: BTreeMap<PortId, Port>,
    next_port: PortId,
}

struct Port {
    net: usize,
    ip: Ipv4Addr,
    mac: Mac,
}

/// What an interface has to be given, so that the router knows it without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) id: PortId,
    pub(super) mac: Mac,
    pub(super) ip: Ipv4Addr,
    pub(super) gateway: Ipv4Addr,
}

struct Net {
    /// Addresses are this with another last octet; 1 is the router.
    base: [u8; 3],
    nat: Option<Nat>,
    hosts: u8,
    conditions: Ways<Conditions>,
    silent: Ways<bool>,
    legs: Ways<Leg>,
    stats: watch::Sender<Ways<Tally>>,
}

struct Leg {
    lane: Lane<InTheAir>,
    link: Link,
    fates: Fates,
}

struct InTheAir {
    packet: Packet,
    duplicate: bool,
}

/// How a packet ends up, for the counters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
}

impl Fabric {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, nets: Vec::new(), ports: BTreeMap::new(), next_port: 0 }
    }

    /// Adds a network and gives its number. None if there are too many.
    pub(super) fn add_net(&mut self, nat: bool) -> Option<usize> {
        let number = self.nets.len();
        let octet = u8::try_from(number).ok().filter(|_| number < MANY)?;
        let leg = |way| Leg {
            lane: Lane::new(),
            link: Link::default(),
            fates: Fates::new(FlowKey { seed: self.seed, relay: number as u64, flow: 0, way }),
        };
        self.nets.push(Net {
            base: if nat { [192, 168, octet] } else { [10, 77, octet] },
            // TEST-NET-3, which is nobody's (RFC 5737).
            nat: nat.then(|| Nat::new(Ipv4Addr::new(203, 0, 113, octet + 1))),
            hosts: 1,
            conditions: Ways::default(),
            silent: Ways::default(),
            legs: Ways { up: leg(Way::Up), down: leg(Way::Down) },
            stats: watch::Sender::new(Ways::default()),
        });
        Some(number)
    }

    /// Adds an interface to a network, with the next address there.
    pub(super) fn add_port(&mut self, net: usize) -> Option<Card> {
        let there = self.nets.get_mut(net)?;
        if usize::from(there.hosts) > MANY {
            return None;
        }
        there.hosts += 1;
        let (ip, gateway) = (there.address(there.hosts), there.address(1));
        let id = self.next_port;
        self.next_port += 1;
        // Locally administered, and no other's: a lab has fewer than 2^16 interfaces, MANY on each of MANY networks.
        let [.., high, low] = id.to_be_bytes();
        let mac = [0x02, 0, 0, 1, high, low];
        self.ports.insert(id, Port { net, ip, mac });
        Some(Card { id, mac, ip, gateway })
    }

    pub(super) fn remove_port(&mut self, id: PortId) {
        self.ports.remove(&id);
    }

    pub(super) fn set(&mut self, net: usize, direction: Direction, conditions: Conditions) {
        if let Some(net) = self.nets.get_mut(net) {
            net.conditions.put(direction, &conditions);
        }
    }

    pub(super) fn conditions(&self, net: usize) -> Ways<Conditions> {
        self.nets.get(net).map(|net| net.conditions).unwrap_or_default()
    }

    pub(super) fn black_hole(&mut self, net: usize, direction: Direction) {
        let Some(net) = self.nets.get_mut(net) else { return };
        net.silent.put(direction, &true);
        for way in [Way::Up, Way::Down].into_iter().filter(|way| direction.covers(*way)) {
            let leg = net.legs.of_mut(way);
            leg.link = Link::default();
            let cut = leg.lane.purge().filter(|item| !item.duplicate).count() as u64;
            net.count(way, |tally| {
                tally.held = tally.held.saturating_sub(cut);
                tally.cut += cut;
            });
        }
    }

    pub(super) fn restore(&mut self, net: usize) {
        if let Some(net) = self.nets.get_mut(net) {
            net.silent = Ways::default();
        }
    }

    /// Whether there was a NAT to forget something.
    pub(super) fn rebind(&mut self, net: usize) -> bool {
        let nat = self.nets.get_mut(net).and_then(|net| net.nat.as_mut());
        nat.map(Nat::forget).is_some()
    }

    /// The address under which others see the hosts of a network behind a NAT.
    pub(super) fn public(&self, net: usize) -> Option<Ipv4Addr> {
        self.nets.get(net)?.nat.as_ref().map(Nat::public)
    }

    pub(super) fn stats(&self, net: usize) -> Option<watch::Receiver<Ways<Tally>>> {
        self.nets.get(net).map(|net| net.stats.subscribe())
    }

    /// A host has sent a frame. What comes back is for it, at once.
    pub(super) fn arrived(&mut self, now: Duration, id: PortId, frame: &[u8]) -> Option<Outgoing> {
        let port = self.ports.get(&id)?;
        match packet::read(frame) {
            // The router stands for everybody but the asker, so that all packets come to it.
            Frame::Who { sender, sender_ip, target } if target != port.ip => {
                Some((id, packet::at(ROUTER, target, sender, sender_ip)))
            }
            Frame::Who { .. } | Frame::Other => None,
            Frame::Ip(content) => {
                let sent = Packet::read(content)?;
                // Multicast, broadcast, and addresses that are not the host's own here go nowhere.
                let unicast = !sent.ip(End::Destination).is_multicast() && !frame.starts_with(&BROADCAST);
                if unicast && sent.ip(End::Source) == port.ip {
                    let net = port.net;
                    self.nets.get_mut(net)?.enter(Way::Up, now, sent);
                }
                None
            }
        }
    }

    /// Moves everything on whose time has come; `out` gets the frames for the devices.
    pub(super) fn advance(&mut self, now: Duration, out: &mut Vec<Outgoing>) {
        for net in 0..self.nets.len() {
            while let Some(item) = self.nets.get_mut(net).and_then(|net| net.pop(Way::Up, now)) {
                let outcome = self.route(net, now, item.packet.clone());
                self.settle(net, Way::Up, &item, outcome);
            }
        }
        // Routing has only put packets into the ways down, so these come last.
        for net in 0..self.nets.len() {
            while let Some(item) = self.nets.get_mut(net).and_then(|net| net.pop(Way::Down, now)) {
                let to = item.packet.ip(End::Destination);
                let port = self.ports.iter().find(|(_, port)| port.net == net && port.ip == to);
                let outcome = match port.map(|(id, port)| (*id, port.mac)) {
                    Some((id, mac)) => {
                        out.push((id, packet::framed(mac, ROUTER, item.packet.bytes())));
                        Outcome::Passed
                    }
                    // Nobody is there.
                    None => Outcome::Failed,
                };
                self.settle(net, Way::Down, &item, outcome);
            }
        }
    }

    /// When something will be due next.
    pub(super) fn wake(&self) -> Option<Duration> {
        let wakes = self.nets.iter().flat_map(|net| {
            [Way::Up, Way::Down].map(|way| {
                let leg = net.legs.of(way);
                leg.lane.wake(&leg.link, net.conditions.of(way))
            })
        });
        wakes.flatten().min()
    }

    /// From the way up of one network to the way down of another.
    fn route(&mut self, from: usize, now: Duration, mut packet: Packet) -> Outcome {
        if let Some(nat) = self.nets.get_mut(from).and_then(|net| net.nat.as_mut())
            && nat.outbound(&mut packet).is_none()
        {
            return Outcome::Failed;
        }
        let to = packet.ip(End::Destination);
        let Some(net) = self.nets.iter_mut().find(|net| net.answers_to(to)) else { return Outcome::Failed };
        if let Some(nat) = &net.nat
            && nat.inbound(&mut packet).is_none()
        {
            return Outcome::Failed;
        }
        net.enter(Way::Down, now, packet);
        Outcome::Passed
    }

    fn settle(&self, net: usize, way: Way, item: &InTheAir, outcome: Outcome) {
        let Some(net) = self.nets.get(net) else { return };
        net.count(way, |tally| {
            tally.held = tally.held.saturating_sub(u64::from(!item.duplicate));
            match (outcome, item.duplicate) {
                (Outcome::Passed, false) => {
                    tally.passed += 1;
                    tally.bytes += item.packet.bytes().len() as u64;
                }
                (Outcome::Passed, true) => tally.duplicated += 1,
                (Outcome::Failed, false) => tally.failed += 1,
                (Outcome::Failed, true) => {}
            }
        });
    }
}

impl Net {
    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.base;
        Ipv4Addr::new(a, b, c, last)
    }

    /// Whether the rest of the world sends packets for `ip` here.
    fn answers_to(&self, ip: Ipv4Addr) -> bool {
        match &self.nat {
            Some(nat) => nat.public() == ip,
            None => ip.octets().starts_with(&self.base),
        }
    }

    fn enter(&mut self, way: Way, now: Duration, packet: Packet) {
        let conditions = *self.conditions.of(way);
        let silent = *self.silent.of(way);
        let leg = self.legs.of_mut(way);
        let fate = leg.fates.draw(&conditions);
        if silent {
            return self.count(way, |tally| tally.cut += 1);
        }
        if fate.lost {
            return self.count(way, |tally| tally.lost += 1);
        }
        let mut passage = Passage { wire: packet.bytes().len(), delay: fate.delay, in_order: true };
        if fate.reordered {
            passage.delay = passage.delay.saturating_add(conditions.reorder_by);
            passage.in_order = false;
        }
        let twin = fate.duplicated.then(|| InTheAir { packet: packet.clone(), duplicate: true });
        if leg.lane.offer(now, passage, conditions.queue, InTheAir { packet, duplicate: false }).is_err() {
            return self.count(way, |tally| tally.overflowed += 1);
        }
        if let Some(twin) = twin {
            // A queue too full for the second copy has simply not doubled it.
            let _ = leg.lane.offer(now, passage, conditions.queue, twin);
        }
        self.count(way, |tally| tally.held += 1);
    }

    fn pop(&mut self, way: Way, now: Duration) -> Option<InTheAir> {
        let conditions = *self.conditions.of(way);
        let Leg { lane, link, .. } = self.legs.of_mut(way);
        lane.advance(now, link, &conditions);
        lane.pop(now)
    }

    fn count(&self, way: Way, change: impl FnOnce(&mut Tally)) {
        self.stats.send_modify(|stats| change(stats.of_mut(way)));
    }
}

#[cfg(test)]
mod tests;
