//! Facts about frame rates.

use super::*;

#[test]
fn the_hour_of_an_odd_rate_is_exact_to_a_nanosecond() {
    let rate = FrameRate::new(30_000, 1001).unwrap();
    assert_eq!(rate.due(30_000 * 3600), Duration::from_secs(1001 * 3600));
    assert_eq!(FrameRate::DEFAULT.due(u64::MAX), Duration::from_nanos(u64::MAX), "saturates");
}

#[test]
fn equal_rates_are_equal_and_show_as_decimals() {
    assert_eq!(FrameRate::new(50, 2).unwrap(), FrameRate::DEFAULT);
    assert_eq!(FrameRate::new(30_000, 1001).unwrap().to_string(), "29.97");
}

#[test]
fn rates_that_cannot_be_are_refused_with_the_range() {
    for (frames, seconds) in [(0, 1), (1, 0), (1, 2), (241, 1)] {
        let error = FrameRate::new(frames, seconds).unwrap_err();
        assert!(error.to_string().contains("from 1 to 240"));
    }
}
