//! Facts about reading and rewriting packets: checksums stay right, and nothing that a device delivers makes it panic.

use std::net::{Ipv4Addr, SocketAddrV4};

use proptest::prelude::*;

use super::{End, Frame, Packet, Ported, at, framed, read};
use crate::{namespaces::testing::packet, testing::saved_seeds};

/// The Internet checksum over a packet's header, and over its content with the pseudo header; 0 where it is right.
fn sums(packet: &[u8]) -> (u16, u16) {
    let (header, content) = packet.split_at(20);
    let pseudo =
        [&packet[12..20], &[0, packet[9]], &u16::try_from(content.len()).unwrap().to_be_bytes(), content];
    (sum(header), sum(&pseudo.concat()))
}

fn sum(bytes: &[u8]) -> u16 {
    let mut total: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !u16::try_from(total).unwrap()
}

fn addr() -> impl Strategy<Value = SocketAddrV4> {
    (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| SocketAddrV4::new(ip.into(), port))
}

proptest! {
    #![proptest_config(saved_seeds("netrig-packet.txt"))]

    #[test]
    fn a_packet_addressed_anew_has_the_new_ends_and_right_checksums(
        tcp: bool,
        from in addr(),
        to in addr(),
        new in addr(),
        at_source: bool,
        text in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let protocol = if tcp { Ported::Tcp } else { Ported::Udp };
        let mut packet = Packet::read(&packet(protocol, from, to, &text)).unwrap();
        prop_assert_eq!(sums(packet.bytes()), (0, 0));
        prop_assert_eq!(packet.ends(), Some((protocol, from, to)));
        let (end, ends) = if at_source { (End::Source, (new, to)) } else { (End::Destination, (from, new)) };
        packet.readdress(end, new).unwrap();
        prop_assert_eq!(packet.ends(), Some((protocol, ends.0, ends.1)));
        prop_assert_eq!(sums(packet.bytes()), (0, 0));
        prop_assert!(packet.bytes().ends_with(&text));
    }

    #[test]
    fn whatever_a_device_delivers_is_read_without_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..80),
        version_4: bool,
    ) {
        let _ = read(&bytes);
        if let (true, Some(first)) = (version_4, bytes.first_mut()) {
            *first = 0x45;
        }
        if let Some(mut packet) = Packet::read(&bytes) {
            prop_assert!(packet.bytes().len() <= bytes.len());
            let _ = packet.ends();
            let _ = packet.readdress(End::Source, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));
        }
    }
}

#[test]
fn a_udp_datagram_without_a_checksum_stays_without_one() {
    let [from, to] = [1, 2].map(|n| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, n), 5));
    let mut bytes = packet(Ported::Udp, from, to, b"text");
    bytes[26..28].fill(0);
    let mut packet = Packet::read(&bytes).unwrap();
    packet.readdress(End::Source, to).unwrap();
    assert_eq!(packet.bytes()[26..28], [0, 0]);
    assert_eq!(sum(&packet.bytes()[..20]), 0);
}

#[test]
fn later_fragments_and_other_protocols_have_no_ports() {
    let ends = [1, 2].map(|n| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, n), 5));
    let mut bytes = packet(Ported::Udp, ends[0], ends[1], b"text");
    bytes[7] = 1;
    assert_eq!(Packet::read(&bytes).unwrap().ends(), None);
    (bytes[7], bytes[9]) = (0, 1);
    assert_eq!(Packet::read(&bytes).unwrap().ends(), None);
}

#[test]
fn a_question_for_an_address_is_read_and_its_answer_is_well_formed() {
    let (asker, router) = ([2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 1]);
    let [asker_ip, ip] = [9, 1].map(|n| Ipv4Addr::new(10, 0, 0, n));
    let answer = at(router, ip, asker, asker_ip);
    assert_eq!(read(&answer), Frame::Other, "an answer is not a question");
    let mut question = at(asker, asker_ip, [0xff; 6], ip);
    question[21] = 1;
    assert_eq!(read(&question), Frame::Who { sender: asker, sender_ip: asker_ip, target: ip });
    question.truncate(40);
    assert_eq!(read(&question), Frame::Other);
}

#[test]
fn the_padding_of_a_short_frame_is_not_part_of_its_packet() {
    let ends = [1, 2].map(|n| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, n), 5));
    let bytes = packet(Ported::Udp, ends[0], ends[1], b"x");
    let mut frame = framed([1; 6], [2; 6], &bytes);
    frame.resize(60, 0);
    let Frame::Ip(content) = read(&frame) else { panic!("an IPv4 frame") };
    assert_eq!(Packet::read(content).unwrap().bytes(), bytes);
}
