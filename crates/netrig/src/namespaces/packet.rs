//! Ethernet, ARP and IPv4 as far as a router needs them: reading addresses and ports, and writing them anew with their
//! checksums. Everything read here comes from a device, so nothing is taken for granted about its length.

use std::net::{Ipv4Addr, SocketAddrV4};

pub(super) type Mac = [u8; 6];

/// Length of an Ethernet header.
const ETHERNET: usize = 14;
/// Length of an ARP packet for Ethernet and IPv4 (RFC 826).
const ARP: usize = 28;

/// What a frame carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Somebody asks who has `target`.
    Who { sender: Mac, sender_ip: Ipv4Addr, target: Ipv4Addr },
    /// An IPv4 packet, Ethernet's padding still at its end.
    Ip(&'a [u8]),
    /// IPv6, answers to ARP, and whatever else a host says of its own accord.
    Other,
}

pub(super) fn read(frame: &[u8]) -> Frame<'_> {
    let Some((header, content)) = frame.split_at_checked(ETHERNET) else { return Frame::Other };
    match header.last_chunk::<2>() {
        Some([0x08, 0x00]) => Frame::Ip(content),
        Some([0x08, 0x06]) => who(content).unwrap_or(Frame::Other),
        _ => Frame::Other,
    }
}

fn who(arp: &[u8]) -> Option<Frame<'_>> {
    let (kind, addresses) = arp.get(..ARP)?.split_at_checked(8)?;
    // Ethernet and IPv4, lengths 6 and 4, a request.
    if kind != [0, 1, 8, 0, 6, 4, 0, 1] {
        return None;
    }
    let (sender, rest) = addresses.split_first_chunk::<6>()?;
    let (sender_ip, rest) = rest.split_first_chunk::<4>()?;
    let target = rest.get(6..)?.first_chunk::<4>()?;
    Some(Frame::Who { sender: *sender, sender_ip: (*sender_ip).into(), target: (*target).into() })
}

/// The answer: `ip` is at `mac`.
pub(super) fn at(mac: Mac, ip: Ipv4Addr, asker: Mac, asker_ip: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET + ARP);
    frame.extend(asker);
    frame.extend(mac);
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(mac);
    frame.extend(ip.octets());
    frame.extend(asker);
    frame.extend(asker_ip.octets());
    frame
}

/// An IPv4 packet in a frame.
pub(super) fn framed(to: Mac, from: Mac, packet: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET + packet.len());
    frame.extend(to);
    frame.extend(from);
    frame.extend([0x08, 0x00]);
    frame.extend(packet);
    frame
}

/// The protocols that have ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ported {
    Tcp,
    Udp,
}

/// An IPv4 packet whose header is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    bytes: Vec<u8>,
    header: usize,
}

/// Which end of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Source,
    Destination,
}

impl End {
    /// Where the address stands in the IPv4 header.
    fn address(self) -> usize {
        match self {
            Self::Source => 12,
            Self::Destination => 16,
        }
    }

    /// Where the port stands in the TCP or UDP header.
    fn port(self) -> usize {
        match self {
            Self::Source => 0,
            Self::Destination => 2,
        }
    }
}

impl Packet {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let header = usize::from(first & 0x0f) * 4;
        let length = usize::from(u16::from_be_bytes(word(bytes, 2)?));
        if first >> 4 != 4 || header < 20 || length < header {
            return None;
        }
        // Ethernet pads short packets; the padding is not part of it.
        Some(Self { bytes: bytes.get(..length)?.to_vec(), header })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn ip(&self, end: End) -> Ipv4Addr {
        let octets = self.bytes.get(end.address()..).and_then(<[u8]>::first_chunk::<4>);
        // The header is whole.
        octets.map_or(Ipv4Addr::UNSPECIFIED, |octets| (*octets).into())
    }

    /// Protocol, source and destination of a TCP segment or a UDP datagram. A later fragment has no ports, and neither
    /// has any other protocol.
    pub(super) fn ends(&self) -> Option<(Ported, SocketAddrV4, SocketAddrV4)> {
        let protocol = match self.bytes.get(9)? {
            6 => Ported::Tcp,
            17 => Ported::Udp,
            _ => return None,
        };
        if u16::from_be_bytes(word(&self.bytes, 6)?) & 0x1fff != 0 {
            return None;
        }
        let addr = |end: End| {
            let port = u16::from_be_bytes(word(&self.bytes, self.header + end.port())?);
            Some(SocketAddrV4::new(self.ip(end), port))
        };
        Some((protocol, addr(End::Source)?, addr(End::Destination)?))
    }

    /// Writes another address and port at one end, and mends the checksums (RFC 1624). None, and an unusable packet,
    /// if it has no ports or is cut short.
    pub(super) fn readdress(&mut self, end: End, to: SocketAddrV4) -> Option<()> {
        let (protocol, ..) = self.ends()?;
        let (ip_sum, sum) = match protocol {
            Ported::Tcp => (10, self.header + 16),
            Ported::Udp => (10, self.header + 6),
        };
        // A UDP checksum of zero says that there is none (RFC 768).
        let summed = !(protocol == Ported::Udp && word(&self.bytes, sum)? == [0, 0]);
        let [a, b, c, d] = to.ip().octets();
        for (at, new) in [(end.address(), [a, b]), (end.address() + 2, [c, d])] {
            let old = self.replace(at, new)?;
            self.mend(ip_sum, old, new)?;
            if summed {
                self.mend(sum, old, new)?;
            }
        }
        let port = to.port().to_be_bytes();
        let old = self.replace(self.header + end.port(), port)?;
        if summed {
            self.mend(sum, old, port)?;
            if protocol == Ported::Udp && word(&self.bytes, sum)? == [0, 0] {
                self.replace(sum, [0xff, 0xff])?;
            }
        }
        Some(())
    }

    fn replace(&mut self, at: usize, new: [u8; 2]) -> Option<[u8; 2]> {
        let place = self.bytes.get_mut(at..)?.first_chunk_mut::<2>()?;
        Some(std::mem::replace(place, new))
    }

    fn mend(&mut self, at: usize, old: [u8; 2], new: [u8; 2]) -> Option<()> {
        let [sum, old, new] =
            [word(&self.bytes, at)?, old, new].map(|word| u32::from(u16::from_be_bytes(word)));
        let mut mended = (!sum & 0xffff) + (!old & 0xffff) + new;
        while mended > 0xffff {
            mended = (mended & 0xffff) + (mended >> 16);
        }
        let mended = u16::try_from(!mended & 0xffff).ok()?;
        self.replace(at, mended.to_be_bytes()).map(drop)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    bytes.get(at..)?.first_chunk::<2>().copied()
}

#[cfg(test)]
mod tests;
