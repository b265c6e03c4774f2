//! There and back, with losses, and with hostile payloads.

use super::super::packetize::Packetizer;
use super::*;
use bytes::Bytes;

fn packets(codec: Codec, frames: &[Vec<u8>]) -> Vec<RtpPacket> {
    let mut packetizer = Packetizer::new(codec);
    let mut all = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let mut payloads = Vec::new();
        packetizer.packetize(&Bytes::from(frame.clone()), &mut payloads);
        let last = payloads.len() - 1;
        for (place, payload) in payloads.into_iter().enumerate() {
            all.push(RtpPacket {
                codec,
                sequence: all.len() as u16,
                timestamp: 3600 * number as u32,
                marker: place == last,
                ssrc: 1,
                payload,
            });
        }
    }
    all
}

fn picture(key: bool, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut unit = |head: u8, size: usize| {
        out.extend_from_slice(&[0, 0, 0, 1, head]);
        // The first bit says that this is the first slice of its picture.
        out.extend((0..size).map(|at| if at == 0 { 0x88 } else { (at % 255 + 1) as u8 }));
    };
    if key {
        unit(0x67, 20);
        unit(0x68, 4);
    }
    unit(if key { 0x65 } else { 0x41 }, size);
    out
}

#[test]
fn frames_of_every_size_come_back_bit_exact() {
    for size in [1, 100, 1130, 1157, 1158, 1159, 1160, 1161, 1200, 2319, 50_000] {
        let frames = [picture(true, size), picture(false, size), picture(true, 3)];
        let mut assembler = Assembler::new(Codec::H264);
        let got: Vec<_> = packets(Codec::H264, &frames).iter().filter_map(|p| assembler.push(p)).collect();
        let data: Vec<_> = got.iter().map(|frame| frame.data.to_vec()).collect();
        assert_eq!(data, frames, "size {size}");
        assert_eq!(got.iter().map(|frame| frame.key).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(got[2].pts, std::time::Duration::from_millis(80));
    }
}

#[test]
fn after_a_loss_nothing_comes_until_the_next_key_frame() {
    let frames = [picture(true, 3000), picture(false, 3000), picture(false, 10), picture(true, 10)];
    let all = packets(Codec::H264, &frames);
    for lost in 0..all.len() - 1 {
        let mut assembler = Assembler::new(Codec::H264);
        let mut got = Vec::new();
        for (place, packet) in all.iter().enumerate() {
            if place == lost {
                continue;
            }
            if place == lost + 1 {
                assembler.gap();
            }
            got.extend(assembler.push(packet));
        }
        let last = got.last().unwrap_or_else(|| panic!("nothing came, lost {lost}"));
        assert!(last.key && last.data == frames[3], "lost {lost}");
        assert!(got.iter().all(|frame| frames.iter().any(|sent| frame.data == sent[..])), "lost {lost}");
        assert!(!assembler.needs_key());
        let whole = got.iter().filter(|frame| !frame.key).count();
        let expected = all[..=lost].iter().filter(|p| p.marker).count();
        assert!(whole <= expected, "deltas after a loss are not given, lost {lost}");
    }
}

/// A source that stops in the middle of a picture: that one is never handed on, and what it sends
/// when it begins anew is whole.
#[test]
fn a_picture_that_stops_in_the_middle_is_never_handed_on() {
    let first = [picture(true, 3000), picture(false, 3000)];
    let all = packets(Codec::H264, &first);
    for stops in 4..all.len() {
        let mut assembler = Assembler::new(Codec::H264);
        let before: Vec<_> = all[..stops].iter().filter_map(|packet| assembler.push(packet)).collect();
        assert_eq!(before.len(), 1, "stopped at {stops}");
        let anew = [picture(true, 2000), picture(false, 2000)];
        let anew_packets = packets(Codec::H264, &anew).into_iter().map(|packet| RtpPacket {
            sequence: packet.sequence + stops as u16,
            timestamp: packet.timestamp + 900_000,
            ..packet
        });
        let after: Vec<_> = anew_packets.filter_map(|packet| assembler.push(&packet)).collect();
        let data: Vec<_> = after.iter().map(|frame| frame.data.to_vec()).collect();
        assert_eq!(data, anew, "stopped at {stops}");
    }
}

/// A picture in three slices, each a packet of its own, as encoders for little delay make them.
fn sliced(key: bool) -> Vec<u8> {
    let mut out = if key { picture(true, 700) } else { picture(false, 700) };
    for _ in 0..2 {
        out.extend_from_slice(&[0, 0, 0, 1, if key { 0x65 } else { 0x41 }]);
        // Not the first slice of its picture.
        out.extend(std::iter::repeat_n(0x44, 700));
    }
    out
}

/// Nothing in what came shows that slices are missing, but that the marker is.
#[test]
fn a_picture_that_stops_between_two_slices_is_never_handed_on() {
    let frames = [sliced(true), sliced(false), sliced(true), sliced(false), sliced(true)];
    let all = packets(Codec::H264, &frames);
    for cut in 1..4 {
        let of_it: Vec<_> = (0..all.len()).filter(|at| all[*at].timestamp == 3600 * cut).collect();
        // What comes between it and the next key frame needs it.
        let until_key = if cut == 2 { 4 } else { cut as usize + 1 };
        let whole: Vec<_> = frames[..cut as usize].iter().chain(&frames[until_key..]).cloned().collect();
        for stops in 1..of_it.len() {
            let mut assembler = Assembler::new(Codec::H264);
            let sent = all.iter().enumerate().filter(|(at, _)| !of_it[stops..].contains(at));
            let got = sent.filter_map(|(_, packet)| assembler.push(packet));
            let got: Vec<_> = got.map(|frame| frame.data.to_vec()).collect();
            assert_eq!(got, whole, "picture {cut} stopped after {stops} packets");
        }
    }
}

#[test]
fn a_sender_that_sets_no_markers_is_understood_from_its_second_picture_on() {
    let frames = [sliced(true), sliced(true), sliced(false), picture(true, 3000), sliced(false)];
    let all = packets(Codec::H264, &frames).into_iter().map(|p| RtpPacket { marker: false, ..p });
    let mut assembler = Assembler::new(Codec::H264);
    let got: Vec<_> = all.filter_map(|p| assembler.push(&p)).map(|frame| frame.data.to_vec()).collect();
    assert_eq!(got, frames[1..4], "the last one has not ended");
}

/// The picture after one without a marker is given with what comes next, and is as whole as any.
#[test]
fn a_picture_of_one_packet_after_one_that_stopped_is_given() {
    let frames = [picture(true, 10), picture(false, 3000), picture(true, 10), picture(false, 10)];
    let all: Vec<_> = packets(Codec::H264, &frames).into_iter().collect();
    let unmarked = |at: usize| all[at].timestamp == 3600;
    let mut assembler = Assembler::new(Codec::H264);
    let sent =
        all.iter().enumerate().map(|(at, p)| RtpPacket { marker: p.marker && !unmarked(at), ..p.clone() });
    let got: Vec<_> = sent.filter_map(|p| assembler.push(&p)).map(|frame| frame.data.to_vec()).collect();
    assert_eq!(got, [frames[0].clone(), frames[2].clone(), frames[3].clone()]);
}

/// Another codec than was agreed on: nothing of it is handed on, small pictures neither, and what comes
/// afterwards waits for a key frame.
#[test]
fn vp8_that_is_passed_off_as_h264_makes_no_frame() {
    let mut assembler = Assembler::new(Codec::H264);
    let good = packets(Codec::H264, &[picture(true, 3000), picture(false, 10)]);
    assert_eq!(good.iter().filter_map(|packet| assembler.push(packet)).count(), 2);
    let other: Vec<Vec<u8>> = [0u8, 1, 1].map(|tag| std::iter::once(tag).chain(3..50).collect()).into();
    let other = packets(Codec::Vp8, &other).into_iter();
    let mut got = other.filter_map(|p| assembler.push(&RtpPacket { timestamp: p.timestamp + 90_000, ..p }));
    assert_eq!(got.next(), None);
    assert!(assembler.needs_key());
    let frames = [picture(false, 10), picture(true, 10)];
    let anew = packets(Codec::H264, &frames).into_iter();
    let mut got = anew.filter_map(|p| assembler.push(&RtpPacket { timestamp: p.timestamp + 180_000, ..p }));
    assert_eq!(got.next().map(|frame| frame.data.to_vec()), Some(frames[1].clone()));
}

// A unit of a reserved type is left out, whole or in fragments, and what stands beside it is untouched.
#[test]
fn a_fragmented_unit_of_a_reserved_type_leaves_no_trace() {
    let (parameters, slice) = ([0x67, 1, 2, 3], [0x65, 0x88, 7, 7, 7]);
    let like = packets(Codec::H264, &[picture(true, 10)]).remove(0);
    let packet = |sequence: u16, payload: &[u8], marker| RtpPacket {
        sequence,
        marker,
        payload: payload.to_vec().into(),
        ..like.clone()
    };
    for reserved in [0, 16, 22, 23] {
        let mut whole = Assembler::new(Codec::H264);
        let fragment = |flags: u8, part: u8| [0x60 | 28, flags | reserved, part, part, part];
        assert_eq!(whole.push(&packet(1, &parameters, false)), None);
        assert_eq!(whole.push(&packet(2, &slice, false)), None);
        assert_eq!(whole.push(&packet(3, &fragment(0x80, 9), false)), None);
        assert_eq!(whole.push(&packet(4, &fragment(0, 9), false)), None);
        let frame = whole.push(&packet(5, &fragment(0x40, 9), true)).expect("the slice is whole");
        let code = &[0, 0, 0, 1][..];
        assert_eq!(*frame.data, [code, &parameters, code, &slice].concat(), "type {reserved}");
    }
}

#[test]
fn a_stream_that_starts_in_the_middle_waits_for_its_key_frame() {
    let frames = [picture(false, 10), picture(false, 10), picture(true, 10)];
    let mut assembler = Assembler::new(Codec::H264);
    assert!(assembler.needs_key());
    let got: Vec<_> = packets(Codec::H264, &frames).iter().filter_map(|p| assembler.push(p)).collect();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].data, frames[2]);
}

#[test]
fn vp8_comes_back_too_and_knows_its_key_frames() {
    let frames: Vec<Vec<u8>> = [0u8, 1, 1, 0]
        .into_iter()
        .map(|tag| std::iter::once(tag).chain((0..3000).map(|at| at as u8)).collect())
        .collect();
    let mut assembler = Assembler::new(Codec::Vp8);
    let got: Vec<_> = packets(Codec::Vp8, &frames).iter().filter_map(|p| assembler.push(p)).collect();
    assert_eq!(got.iter().map(|frame| frame.key).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(got.iter().zip(&frames).all(|(got, sent)| got.data == sent[..]));
}

#[test]
fn hostile_payloads_never_panic_and_make_no_frames_out_of_thin_air() {
    // A small generator; the point is breadth, not quality.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for codec in [Codec::H264, Codec::Vp8, Codec::Opus] {
        let mut assembler = Assembler::new(codec);
        for number in 0..20_000u32 {
            let size = (random() % 40) as usize;
            let payload: Vec<u8> = (0..size).map(|_| random() as u8).collect();
            let packet = RtpPacket {
                codec,
                sequence: number as u16,
                timestamp: ((random() % 8) as u32).wrapping_mul(1_000_000_000),
                marker: random() % 3 == 0,
                ssrc: 1,
                payload: payload.into(),
            };
            if random() % 10 == 0 {
                assembler.gap();
            }
            if let Some(frame) = assembler.push(&packet) {
                assert!(!frame.data.is_empty() && frame.data.len() <= MAX_FRAME);
            }
        }
    }
}

#[test]
fn a_frame_without_end_is_dropped_not_kept() {
    let mut assembler = Assembler::new(Codec::H264);
    for number in 0..10_000u32 {
        let packet = RtpPacket {
            codec: Codec::H264,
            sequence: number as u16,
            timestamp: 0,
            marker: false,
            ssrc: 1,
            payload: vec![0x65; 1100].into(),
        };
        assert_eq!(assembler.push(&packet), None);
        assert!(assembler.frame.len() <= MAX_FRAME);
    }
}
