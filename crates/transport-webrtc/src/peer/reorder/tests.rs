//! Order, holes, doubles and restarts.

use super::*;
use bytes::Bytes;
use offhook_transport::media::Codec;

const WAIT: Duration = Duration::from_millis(100);

fn packet(sequence: u16) -> RtpPacket {
    RtpPacket { codec: Codec::H264, sequence, timestamp: 0, marker: false, ssrc: 1, payload: Bytes::new() }
}

fn all(reorder: &mut Reorder, now: Instant) -> Vec<Option<u16>> {
    std::iter::from_fn(|| reorder.pop(now))
        .map(|step| match step {
            Step::Packet(packet) => Some(packet.sequence),
            Step::Gap => None,
        })
        .collect()
}

#[test]
fn late_packets_take_their_place_and_doubles_vanish() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    for sequence in [65_534, 0, 65_535, 65_535, 1] {
        reorder.push(packet(sequence), now);
    }
    assert_eq!(all(&mut reorder, now), [Some(65_534), Some(65_535), Some(0), Some(1)]);
    reorder.push(packet(65_535), now);
    assert_eq!(all(&mut reorder, now), []);
    assert_eq!(reorder.deadline(), None);
}

#[test]
fn a_hole_is_waited_for_and_then_told() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    for sequence in [1, 3, 4, 6] {
        reorder.push(packet(sequence), now);
    }
    assert_eq!(all(&mut reorder, now), [Some(1)]);
    assert_eq!(reorder.deadline(), Some(now + WAIT));
    assert_eq!(all(&mut reorder, now + WAIT), [None, Some(3), Some(4)]);
    let second = reorder.deadline().expect("the second hole has its own time");
    assert_eq!(second, now + WAIT + WAIT);
    reorder.push(packet(5), now + WAIT);
    assert_eq!(all(&mut reorder, now + WAIT), [Some(5), Some(6)]);
    assert_eq!(reorder.deadline(), None);
}

/// R14: what was lost before a mute or an outage and is sent again after it is a picture of then, and
/// comes too late; nothing waits for it. A pause in which nothing is lost is none.
#[test]
fn what_is_missing_from_before_a_pause_is_not_waited_for() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    reorder.push(packet(1), now);
    reorder.push(packet(2), now + PAUSE);
    assert_eq!(all(&mut reorder, now + PAUSE), [Some(1), Some(2)]);
    let after = now + PAUSE + PAUSE;
    reorder.push(packet(6), after);
    assert_eq!(all(&mut reorder, after), [None, Some(6)]);
    assert_eq!(reorder.deadline(), None);
    for sequence in [3, 4, 5, 7] {
        reorder.push(packet(sequence), after);
    }
    assert_eq!(all(&mut reorder, after), [Some(7)]);
}

#[test]
fn the_window_is_bounded() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    let mut got = Vec::new();
    for sequence in (0..=(WINDOW as u16 + 2)).filter(|sequence| *sequence != 1) {
        reorder.push(packet(sequence), now);
        got.extend(all(&mut reorder, now));
    }
    assert_eq!(got[..2], [Some(0), None], "the hole is given up before its time");
    assert_eq!(got.len(), WINDOW + 3);
}

#[test]
fn a_far_jump_begins_anew() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    reorder.push(packet(10), now);
    assert_eq!(all(&mut reorder, now), [Some(10)]);
    reorder.push(packet(40_000), now);
    reorder.push(packet(40_001), now);
    assert_eq!(all(&mut reorder, now), [None, Some(40_000), Some(40_001)]);
}

#[test]
fn a_hole_before_a_key_frame_is_given_up_soon() {
    let (mut reorder, now) = (Reorder::new(WAIT), Instant::now());
    reorder.push(packet(1), now);
    assert_eq!(all(&mut reorder, now), [Some(1)]);
    reorder.push(packet(5), now);
    reorder.push(RtpPacket { payload: Bytes::from_static(&[0x67, 1]), ..packet(6) }, now);
    assert_eq!(reorder.deadline(), Some(now + KEY_WAIT));
    assert_eq!(all(&mut reorder, now + KEY_WAIT), [None, Some(5), Some(6)]);
}
