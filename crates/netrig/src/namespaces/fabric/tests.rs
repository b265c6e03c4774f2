//! Facts about the networks between the namespaces, in virtual time and without a namespace.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use super::{Card, Fabric, Outgoing, ROUTER};
use crate::{
    Conditions, Direction, Tally, Ways,
    namespaces::{
        packet::{Frame, Ported, at, framed, read},
        testing::{ends, packet},
    },
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const START: Duration = Duration::ZERO;

impl Card {
    fn at(&self, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.ip, port)
    }
}

fn plug(fabric: &mut Fabric, net: usize) -> Card {
    fabric.add_port(net).unwrap()
}

fn send(fabric: &mut Fabric, now: Duration, card: Card, from: SocketAddrV4, to: SocketAddrV4, text: &str) {
    let frame = framed(ROUTER, card.mac, &packet(Ported::Udp, from, to, text.as_bytes()));
    assert_eq!(fabric.arrived(now, card.id, &frame), None);
}

fn due(fabric: &mut Fabric, now: Duration) -> Vec<Outgoing> {
    let mut out = Vec::new();
    fabric.advance(now, &mut out);
    out
}

/// The ends of the only frame due, which is for this card.
fn gets(fabric: &mut Fabric, now: Duration, card: Card) -> (SocketAddrV4, SocketAddrV4) {
    let out = due(fabric, now);
    let [(id, frame)] = out.as_slice() else { panic!("{} frames", out.len()) };
    assert_eq!((*id, &frame[..6]), (card.id, &card.mac[..]));
    let Frame::Ip(packet) = read(frame) else { panic!("an IPv4 frame") };
    ends(packet)
}

fn tally(fabric: &Fabric, net: usize) -> Ways<Tally> {
    *fabric.stats(net).unwrap().borrow()
}

#[test]
fn a_packet_crosses_the_senders_line_up_and_the_receivers_line_down() {
    let mut fabric = Fabric::new(1);
    let (home, centre) = (fabric.add_net(false).unwrap(), fabric.add_net(false).unwrap());
    fabric.set(home, Direction::Up, Conditions::clear().delay(ms(25)));
    fabric.set(centre, Direction::Down, Conditions::clear().delay(ms(5)));
    // Neither of these is on its way.
    fabric.set(home, Direction::Down, Conditions::clear().delay(ms(500)));
    fabric.set(centre, Direction::Up, Conditions::clear().delay(ms(500)));
    let (laptop, server) = (plug(&mut fabric, home), plug(&mut fabric, centre));
    send(&mut fabric, START, laptop, laptop.at(5), server.at(9), "hello");
    assert_eq!(fabric.wake(), Some(START));
    assert_eq!(due(&mut fabric, START), []);
    assert_eq!(fabric.wake(), Some(ms(25)));
    assert_eq!(due(&mut fabric, ms(25)), []);
    assert_eq!(fabric.wake(), Some(ms(30)));
    assert_eq!(gets(&mut fabric, ms(30), server), (laptop.at(5), server.at(9)));
    assert_eq!(fabric.wake(), None);
    assert_eq!((tally(&fabric, home).up.passed, tally(&fabric, centre).down.passed), (1, 1));
}

#[test]
fn the_router_answers_for_every_address_but_the_askers_own() {
    let mut fabric = Fabric::new(1);
    let net = fabric.add_net(false).unwrap();
    let (card, other) = (plug(&mut fabric, net), plug(&mut fabric, net));
    assert_ne!((card.mac, card.ip), (other.mac, other.ip));
    let mut question = |target| {
        let mut frame = at(card.mac, card.ip, [0xff; 6], target);
        frame[21] = 1;
        fabric.arrived(START, card.id, &frame)
    };
    for target in [card.gateway, other.ip] {
        assert_eq!(question(target), Some((card.id, at(ROUTER, target, card.mac, card.ip))));
    }
    // A host that asks for its own address wants to know whether it is taken.
    assert_eq!(question(card.ip), None);
}

#[test]
fn a_black_hole_swallows_what_is_in_the_air_and_what_comes_one_way_only() {
    let mut fabric = Fabric::new(1);
    let net = fabric.add_net(false).unwrap();
    fabric.set(net, Direction::Both, Conditions::clear().delay(ms(10)));
    let (a, b) = (plug(&mut fabric, net), plug(&mut fabric, net));
    send(&mut fabric, START, a, a.at(1), b.at(2), "on its way");
    due(&mut fabric, ms(10));
    send(&mut fabric, ms(10), a, a.at(1), b.at(2), "at the start");
    fabric.black_hole(net, Direction::Up);
    send(&mut fabric, ms(10), a, a.at(1), b.at(2), "later");
    // What was past the way up still arrives.
    assert_eq!(gets(&mut fabric, ms(20), b), (a.at(1), b.at(2)));
    assert_eq!(due(&mut fabric, ms(1_000)), []);
    let Ways { up, down } = tally(&fabric, net);
    assert_eq!((up.cut, up.held, down.cut), (2, 0, 0));
    fabric.restore(net);
    send(&mut fabric, ms(1_000), a, a.at(1), b.at(2), "again");
    due(&mut fabric, ms(1_000));
    due(&mut fabric, ms(1_010));
    gets(&mut fabric, ms(1_020), b);
}

#[test]
fn loss_duplicates_and_reordering_follow_the_seed() {
    let run = |seed| {
        let mut fabric = Fabric::new(seed);
        let (home, centre) = (fabric.add_net(false).unwrap(), fabric.add_net(false).unwrap());
        let bad = Conditions::clear().loss(0.2).duplicate(0.1).reorder(0.1, ms(5));
        fabric.set(home, Direction::Up, bad);
        let (laptop, server) = (plug(&mut fabric, home), plug(&mut fabric, centre));
        let mut order = Vec::new();
        for n in 0..2_000 {
            send(&mut fabric, ms(u64::from(n)), laptop, laptop.at(n), server.at(9), "");
            order.extend(due(&mut fabric, ms(u64::from(n))));
        }
        order.extend(due(&mut fabric, ms(3_000)));
        let order: Vec<u16> = order
            .iter()
            .map(|(_, frame)| match read(frame) {
                Frame::Ip(packet) => ends(packet).0.port(),
                _ => panic!("an IPv4 frame"),
            })
            .collect();
        (order, tally(&fabric, home).up)
    };
    let (order, up) = run(7);
    assert!((300..500).contains(&up.lost), "{} of 2,000 lost", up.lost);
    assert!((100..220).contains(&up.duplicated), "{} of 1,600 twice", up.duplicated);
    assert_eq!(order.len() as u64, up.passed + up.duplicated);
    assert_eq!(up.passed + up.lost, 2_000);
    let overtaken = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((100..250).contains(&overtaken), "{overtaken} of 1,600 overtaken");
    assert_eq!(run(7), (order.clone(), up));
    assert_ne!(run(8).0, order);
}

#[test]
fn a_narrow_line_drops_what_its_queue_cannot_hold() {
    let mut fabric = Fabric::new(1);
    let net = fabric.add_net(false).unwrap();
    fabric.set(net, Direction::Up, Conditions::clear().rate(1_000).queue(500));
    let (a, b) = (plug(&mut fabric, net), plug(&mut fabric, net));
    for _ in 0..20 {
        send(&mut fabric, START, a, a.at(1), b.at(2), &"x".repeat(72));
    }
    assert_eq!(due(&mut fabric, ms(10_000)).len(), 5);
    assert_eq!(tally(&fabric, net).up.overflowed, 15);
}

#[test]
fn behind_a_nat_the_server_sees_the_public_address_and_another_port_after_a_rebind() {
    let mut fabric = Fabric::new(1);
    let (home, centre) = (fabric.add_net(true).unwrap(), fabric.add_net(false).unwrap());
    let (laptop, server) = (plug(&mut fabric, home), plug(&mut fabric, centre));
    send(&mut fabric, START, laptop, laptop.at(5), server.at(9), "out");
    let (seen, _) = gets(&mut fabric, START, server);
    assert_eq!(Some(*seen.ip()), fabric.public(home));
    send(&mut fabric, START, server, server.at(9), seen, "back");
    assert_eq!(gets(&mut fabric, START, laptop), (server.at(9), laptop.at(5)));

    assert!(fabric.rebind(home));
    assert!(!fabric.rebind(centre), "there is no NAT");
    send(&mut fabric, START, server, server.at(9), seen, "to the old port");
    assert_eq!(due(&mut fabric, START), []);
    assert_eq!(tally(&fabric, centre).up.failed, 1);
    send(&mut fabric, START, laptop, laptop.at(5), server.at(9), "out");
    let (moved, _) = gets(&mut fabric, START, server);
    assert_eq!((moved.ip(), moved.port() == seen.port()), (seen.ip(), false));
}

#[test]
fn nothing_reaches_an_address_that_is_gone_nor_leaves_under_a_foreign_one() {
    let mut fabric = Fabric::new(1);
    let net = fabric.add_net(false).unwrap();
    let (old, server) = (plug(&mut fabric, net), plug(&mut fabric, net));
    fabric.remove_port(old.id);
    let new = plug(&mut fabric, net);
    assert_ne!(new.ip, old.ip);
    send(&mut fabric, START, server, server.at(9), old.at(5), "to the old address");
    send(&mut fabric, START, new, old.at(5), server.at(9), "from the old address");
    send(
        &mut fabric,
        START,
        server,
        server.at(9),
        SocketAddrV4::new(Ipv4Addr::new(8, 8, 8, 8), 53),
        "elsewhere",
    );
    send(
        &mut fabric,
        START,
        server,
        server.at(9),
        SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353),
        "all",
    );
    assert_eq!(due(&mut fabric, START), []);
    let Ways { up, down } = tally(&fabric, net);
    assert_eq!((up.passed, up.failed, down.failed), (1, 1, 1));
}

#[test]
fn a_fabric_has_an_end_to_its_networks_and_addresses() {
    let mut fabric = Fabric::new(1);
    assert!((0..super::MANY).all(|_| fabric.add_net(true).is_some()));
    assert_eq!(fabric.add_net(false), None);
    assert!((0..super::MANY).all(|_| fabric.add_port(0).is_some()));
    assert_eq!(fabric.add_port(0), None);
}
