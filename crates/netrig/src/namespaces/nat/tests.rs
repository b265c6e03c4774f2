//! Facts about the NAT.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{MAPPINGS, Nat};
use crate::namespaces::{
    packet::{Packet, Ported},
    testing::{ends, packet},
};

const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

fn at(last: u8, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 1, 0, last), port)
}

fn out(nat: &mut Nat, protocol: Ported, from: SocketAddrV4, to: SocketAddrV4) -> SocketAddrV4 {
    let mut packet = Packet::read(&packet(protocol, from, to, b"out")).unwrap();
    nat.outbound(&mut packet).unwrap();
    let (seen, sent_to) = ends(packet.bytes());
    assert_eq!((*seen.ip(), sent_to), (PUBLIC, to));
    seen
}

fn back(nat: &Nat, protocol: Ported, from: SocketAddrV4, to: SocketAddrV4) -> Option<SocketAddrV4> {
    let mut packet = Packet::read(&packet(protocol, from, to, b"in")).unwrap();
    nat.inbound(&mut packet)?;
    Some(ends(packet.bytes()).1)
}

#[test]
fn an_inside_address_has_one_public_port_whatever_the_destination() {
    let mut nat = Nat::new(PUBLIC);
    let seen = out(&mut nat, Ported::Udp, at(2, 5_000), at(9, 1));
    assert_eq!(out(&mut nat, Ported::Udp, at(2, 5_000), at(8, 1)), seen);
    assert_ne!(out(&mut nat, Ported::Udp, at(2, 5_001), at(9, 1)), seen);
    assert_ne!(out(&mut nat, Ported::Udp, at(3, 5_000), at(9, 1)), seen);
}

#[test]
fn only_those_who_were_sent_to_get_in() {
    let mut nat = Nat::new(PUBLIC);
    let seen = out(&mut nat, Ported::Udp, at(2, 5_000), at(9, 1));
    assert_eq!(back(&nat, Ported::Udp, at(9, 1), seen), Some(at(2, 5_000)));
    assert_eq!(back(&nat, Ported::Udp, at(9, 2), seen), None);
    assert_eq!(back(&nat, Ported::Udp, at(8, 1), seen), None);
    assert_eq!(back(&nat, Ported::Tcp, at(9, 1), seen), None);
}

#[test]
fn after_forgetting_the_old_port_is_dead_and_the_new_one_another() {
    let mut nat = Nat::new(PUBLIC);
    for protocol in [Ported::Udp, Ported::Tcp] {
        let old = out(&mut nat, protocol, at(2, 5_000), at(9, 1));
        nat.forget();
        assert_eq!(back(&nat, protocol, at(9, 1), old), None);
        let new = out(&mut nat, protocol, at(2, 5_000), at(9, 1));
        assert_ne!(new, old);
        assert_eq!(back(&nat, protocol, at(9, 1), new), Some(at(2, 5_000)));
    }
}

#[test]
fn a_nat_that_is_full_turns_new_addresses_away_and_keeps_the_others() {
    let mut nat = Nat::new(PUBLIC);
    let first = out(&mut nat, Ported::Udp, at(2, 0), at(9, 1));
    for port in 1..u16::try_from(MAPPINGS).unwrap() {
        out(&mut nat, Ported::Udp, at(2, port), at(9, 1));
    }
    let mut one_more = Packet::read(&packet(Ported::Udp, at(3, 1), at(9, 1), b"")).unwrap();
    assert_eq!(nat.outbound(&mut one_more), None);
    assert_eq!(out(&mut nat, Ported::Udp, at(2, 0), at(9, 1)), first);
}
