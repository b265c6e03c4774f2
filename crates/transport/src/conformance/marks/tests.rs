//! Tests of the marked frames: what they promise to the rigs that carry them.

use super::*;
use bytes::Bytes;

#[test]
fn every_mark_is_found_again_also_when_the_frame_was_framed_anew() {
    for n in [1, 5, 127, 128, 300, 16_384, 2_097_151, 268_435_455] {
        for key in [false, true] {
            let frame = marked(n, key);
            assert_eq!(mark_of(&frame), Some(n));
            let short = frame.data.to_vec().split_off(1);
            assert_eq!(mark_of(&EncodedFrame { data: short.into(), ..frame }), Some(n));
        }
    }
}

#[test]
fn a_marked_frame_has_only_the_start_codes_it_should_have() {
    for n in 0..2_000 {
        for (key, units) in [(false, 1), (true, 3)] {
            let data = marked(n, key).data;
            assert_eq!(data.windows(3).filter(|bytes| *bytes == [0, 0, 1]).count(), units, "frame {n}");
            assert_eq!(data.windows(3).filter(|bytes| *bytes == [0, 0, 0]).count(), units, "frame {n}");
        }
    }
}

#[test]
fn a_frame_without_a_mark_and_a_torn_mark_bear_no_number() {
    let whole = marked(9, false);
    let end = whole.data.windows(MARK.len()).position(|window| window == MARK).unwrap() + MARK.len();
    for data in [Bytes::new(), whole.data.slice(..end), whole.data.slice(..end + 3)] {
        assert_eq!(mark_of(&EncodedFrame { data, ..whole.clone() }), None);
    }
}

#[test]
fn frames_that_came_twice_or_crossed_are_out_of_order() {
    assert_eq!(in_order(&[1, 2, 7]), Ok(()));
    assert!(in_order(&[1, 1]).is_err());
    assert!(in_order(&[2, 1]).is_err());
}
