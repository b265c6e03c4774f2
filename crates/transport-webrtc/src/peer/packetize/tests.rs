//! Payloads stay within bounds, and small units are not copied.

use super::*;

fn stream(units: &[&[u8]], long_code: bool) -> Bytes {
    let mut out = Vec::new();
    for unit in units {
        out.extend_from_slice(if long_code { &[0, 0, 0, 1] } else { &[0, 0, 1] });
        out.extend_from_slice(unit);
    }
    out.into()
}

#[test]
fn units_are_found_behind_long_and_short_start_codes() {
    for long in [true, false] {
        let units = nal_units(&stream(&[&[0x67, 1, 0, 2], &[0x68, 3], &[0x65, 0, 0, 3, 1]], long));
        assert_eq!(units, [&[0x67, 1, 0, 2][..], &[0x68, 3], &[0x65, 0, 0, 3, 1]]);
    }
    assert_eq!(nal_units(&Bytes::from_static(&[0, 0, 1])), Vec::<Bytes>::new());
    assert_eq!(nal_units(&Bytes::new()), Vec::<Bytes>::new());
    assert_eq!(nal_units(&Bytes::from_static(&[0x41, 9])), [&[0x41, 9][..]]);
}

#[test]
fn parameter_sets_and_a_small_picture_share_one_packet() {
    let mut out = Vec::new();
    Packetizer::new(Codec::H264).packetize(&stream(&[&[0x67, 1], &[0x68, 2], &[0x65, 3]], true), &mut out);
    assert_eq!(out, [&[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2, 0, 2, 0x65, 3][..]]);
}

#[test]
fn a_single_unit_is_a_slice_of_the_frame() {
    let frame = stream(&[&[0x41; 900]], true);
    let mut out = Vec::new();
    Packetizer::new(Codec::H264).packetize(&frame, &mut out);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].as_ptr(), frame[4..].as_ptr(), "not copied");
}

#[test]
fn a_long_unit_is_cut_with_one_start_and_one_end() {
    for size in [MAX_PAYLOAD + 1, 5 * MAX_PAYLOAD, 100_000] {
        let unit = vec![0x65; size];
        let mut out = Vec::new();
        Packetizer::new(Codec::H264).packetize(&stream(&[&unit], true), &mut out);
        assert!(out.iter().all(|payload| payload.len() <= MAX_PAYLOAD && payload[0] == 0x7c));
        let starts: Vec<_> = out.iter().map(|payload| payload[1] & 0x80 != 0).collect();
        let ends: Vec<_> = out.iter().map(|payload| payload[1] & 0x40 != 0).collect();
        assert!(starts[0] && !starts[1..].contains(&true));
        assert!(ends[out.len() - 1] && !ends[..out.len() - 1].contains(&true));
        assert_eq!(out.iter().map(|payload| payload.len() - 2).sum::<usize>(), size - 1);
    }
}

#[test]
fn vp8_counts_its_pictures() {
    let mut packetizer = Packetizer::new(Codec::Vp8);
    let mut out = Vec::new();
    packetizer.packetize(&vec![7; 3000].into(), &mut out);
    assert_eq!(out.len(), 3);
    assert_eq!(&out[0][..4], &[0x90, 0x80, 0x80, 0]);
    assert_eq!(&out[1][..4], &[0x80, 0x80, 0x80, 0]);
    out.clear();
    packetizer.packetize(&vec![7; 10].into(), &mut out);
    assert_eq!(&out[0][..4], &[0x90, 0x80, 0x80, 1]);
}

/// Design §7: an encoded sample is copied at most once on our side, here; what a payload does not
/// share with its frame is a copy.
#[test]
fn each_byte_of_a_frame_is_copied_at_most_once() {
    let sizes = [1, 2, 30, 400, MAX_PAYLOAD - 3, MAX_PAYLOAD, MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD, 60_000];
    for (place, size) in sizes.iter().enumerate() {
        let units: Vec<Vec<u8>> = sizes[place..].iter().chain([size]).map(|size| vec![0x41; *size]).collect();
        let frame = stream(&units.iter().map(Vec::as_slice).collect::<Vec<_>>(), true);
        let mut out = Vec::new();
        Packetizer::new(Codec::H264).packetize(&frame, &mut out);
        let (from, to) = (frame.as_ptr() as usize, frame.as_ptr() as usize + frame.len());
        let copied = out.iter().filter(|payload| !(from..to).contains(&(payload.as_ptr() as usize)));
        let copied: usize = copied.map(Bytes::len).sum();
        // Two bytes head each fragment and each unit of an aggregate, three an aggregate.
        let heads = 2 * out.len() + 3 * units.len();
        assert!(copied <= frame.len() + heads, "{copied} bytes copied of a frame of {}", frame.len());
    }
}
