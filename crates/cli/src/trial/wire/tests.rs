//! Facts about media on the wire.

use super::Wire;

fn rtp(stream: u32, number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend_from_slice(&number.to_be_bytes());
    packet.extend_from_slice(&[0; 4]);
    packet.extend_from_slice(&stream.to_be_bytes());
    packet
}

#[test]
fn what_is_sent_again_is_not_new_and_numbers_go_round() {
    let mut wire = Wire::default();
    for number in [65_534, 65_535, 65_534, 0, 1, 65_535] {
        wire.sent(&rtp(1, number));
    }
    wire.sent(&rtp(2, 7));
    assert_eq!(wire.packets(), 5);
}

#[test]
fn reports_checks_handshakes_data_and_rubbish_are_no_media() {
    let mut wire = Wire::default();
    for first in [0_u8, 20, 63, 64, 127, 192, 255] {
        let mut datagram = rtp(1, 1);
        datagram[0] = first;
        wire.sent(&datagram);
    }
    for kind in [192_u8, 200, 201, 205, 206, 223] {
        let mut datagram = rtp(1, 1);
        datagram[1] = kind;
        wire.sent(&datagram);
    }
    for len in 0..12 {
        wire.sent(&rtp(1, 1)[..len]);
    }
    assert_eq!(wire.packets(), 0);
    // The marker of a picture's last packet is the first bit of its type.
    let mut last = rtp(1, 1);
    last[1] |= 0x80;
    wire.sent(&last);
    assert_eq!(wire.packets(), 1);
}
