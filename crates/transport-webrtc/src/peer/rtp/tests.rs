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
