//! Numbers that wrap.

use super::*;

#[test]
fn sequence_numbers_grow_over_the_wrap_and_accept_late_ones() {
    let mut sequence = Sequence::default();
    assert_eq!(sequence.extend(65_534), 65_534);
    assert_eq!(sequence.extend(1), 65_537);
    assert_eq!(sequence.extend(65_535), 65_535, "a late one keeps its place");
    assert_eq!(sequence.extend(2), 65_538);
}

#[test]
fn media_time_goes_on_over_the_wrap_of_timestamps() {
    let mut clock = MediaClock::default();
    assert_eq!(clock.pts(u32::MAX - 3599, 90_000), Duration::ZERO);
    assert_eq!(clock.pts(0, 90_000), Duration::from_millis(40));
    assert_eq!(clock.pts(3600, 90_000), Duration::from_millis(80));
}

#[test]
fn forty_milliseconds_are_the_same_ticks_there_and_back() {
    for frame in 0..10_000u32 {
        let pts = Duration::from_millis(40) * frame;
        assert_eq!(ticks_to_time(u64::from(time_to_ticks(pts, 90_000)), 90_000), pts);
    }
}

fn h264(payload: &'static [u8]) -> RtpPacket {
    let payload = Bytes::from_static(payload);
    RtpPacket { codec: Codec::H264, sequence: 1, timestamp: 1, marker: false, ssrc: 1, payload }
}

/// F62: who is forwarded to begins with one of these, and with nothing else.
#[test]
fn a_key_frame_begins_with_its_parameter_sets_or_its_slices_however_they_are_packed() {
    let begins: [&[u8]; 5] = [
        &[0x67, 1, 2],                         // a sequence parameter set
        &[0x65, 0x88],                         // an IDR slice
        &[0x7c, 0x85, 1],                      // its first fragment
        &[0x78, 0, 2, 0x67, 1, 0, 1, 0x68],    // both parameter sets in one packet
        &[0x78, 0, 2, 0x09, 0xf0, 0, 1, 0x67], // behind an access unit delimiter
    ];
    for payload in begins {
        assert!(h264(payload).starts_key_frame(), "{payload:?}");
    }
    let not: [&[u8]; 7] = [
        &[],
        &[0x41, 0x9a],          // a slice of another picture
        &[0x7c, 0x05, 1],       // a later fragment of an IDR slice
        &[0x7c, 0x81, 1],       // the first fragment of another slice
        &[0x7c],                // a fragment without its header
        &[0x78, 0, 9, 0x67],    // a unit that is longer than its packet
        &[0x78, 0, 0, 0, 0, 0], // units without anything
    ];
    for payload in not {
        assert!(!h264(payload).starts_key_frame(), "{payload:?}");
    }
    let sound = RtpPacket { codec: Codec::Opus, ..h264(&[1]) };
    assert!(sound.starts_key_frame(), "sound begins anywhere");
}
