//! Facts about the test pattern.

use super::*;

#[test]
fn a_frame_is_the_same_picture_always_and_each_differs_from_the_next() {
    let pattern = Pattern::new(320, 180).unwrap();
    assert_eq!(pattern.frame(41), Pattern::new(320, 180).unwrap().frame(41));
    let frames: Vec<_> = pattern.clone().take(5).collect();
    for number in 0..4 {
        assert_eq!(frames[number], pattern.frame(number as u64));
        let moved = frames[number].mean_abs_difference(&frames[number + 1]).unwrap();
        assert!(moved > 0.05, "frame {number} and the next differ by {moved}");
    }
}

#[test]
fn the_bars_are_where_and_what_they_should_be() {
    let picture = Pattern::new(700, 360).unwrap().frame(0);
    for (number, colour) in BARS.iter().enumerate() {
        // The middle of a bar, on a row above where the box can be at frame 0.
        let (x, y) = (number * 100 + 90, 200);
        let is =
            [picture.y()[y * 700 + x], picture.u()[y / 2 * 350 + x / 2], picture.v()[y / 2 * 350 + x / 2]];
        assert_eq!(is, *colour, "bar {number}");
    }
}

#[test]
fn any_size_and_any_number_can_be_drawn() {
    for (width, height) in [(2, 2), (16, 16), (2, 360), (640, 2), (1920, 1080)] {
        let pattern = Pattern::new(width, height).unwrap();
        for number in [0, 1, 999_999, u64::MAX] {
            let picture = pattern.frame(number);
            assert_eq!((picture.width(), picture.height()), (width, height));
        }
    }
}

#[test]
fn the_box_turns_at_the_edges() {
    assert_eq!([0, 4, 8, 12, 16].map(|way| bounce(way, 8)), [0, 4, 8, 4, 0]);
    assert_eq!(bounce(u64::MAX, 0), 0);
}
