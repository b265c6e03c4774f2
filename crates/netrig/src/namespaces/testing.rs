//! What the tests of the fabric share: packets made from scratch, with right checksums.

use std::net::SocketAddrV4;

use super::packet::{End, Packet, Ported};

/// A packet with an empty checksummed content, which rewriting brings to the ends asked for. Starts from all zeros,
/// whose checksums are known, so that rewriting is checked against arithmetic of its own.
pub(super) fn packet(protocol: Ported, from: SocketAddrV4, to: SocketAddrV4, text: &[u8]) -> Vec<u8> {
    let (number, header, sum) = match protocol {
        Ported::Tcp => (6, 20, 16),
        Ported::Udp => (17, 8, 6),
    };
    let content = u16::try_from(header + text.len()).unwrap();
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + content).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, number, 0, 0]);
    bytes.extend(from.ip().octets());
    bytes.extend(to.ip().octets());
    let total = checksum(&bytes);
    bytes[10..12].copy_from_slice(&total.to_be_bytes());
    let mut inner = vec![0; header];
    inner[..2].copy_from_slice(&from.port().to_be_bytes());
    inner[2..4].copy_from_slice(&to.port().to_be_bytes());
    if protocol == Ported::Udp {
        inner[4..6].copy_from_slice(&content.to_be_bytes());
    } else {
        inner[12] = 0x50;
    }
    inner.extend(text);
    let pseudo = [&bytes[12..20], &[0, number], &content.to_be_bytes(), &inner].concat();
    let total = match checksum(&pseudo) {
        0 if protocol == Ported::Udp => 0xffff,
        total => total,
    };
    inner[sum..sum + 2].copy_from_slice(&total.to_be_bytes());
    bytes.extend(inner);
    bytes
}

/// Where a packet says it comes from and goes to.
pub(super) fn ends(bytes: &[u8]) -> (SocketAddrV4, SocketAddrV4) {
    let packet = Packet::read(bytes).unwrap();
    assert_eq!(packet.ip(End::Source), *packet.ends().unwrap().1.ip());
    let (_, from, to) = packet.ends().unwrap();
    (from, to)
}

fn checksum(bytes: &[u8]) -> u16 {
    let mut total: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !u16::try_from(total).unwrap()
}
