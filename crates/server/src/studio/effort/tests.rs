//! When a painter paints smaller, and when larger again.

use super::{Effort, LITTLE_FOR, TOO_MUCH_FOR, Verdict};
use std::time::Duration;

const HD: (u32, u32) = (1280, 720);

/// A stream of 25 pictures a second.
struct Stream {
    effort: Effort,
    pictures: u32,
}

impl Stream {
    fn new() -> Self {
        Self { effort: Effort::new(), pictures: 0 }
    }

    /// Seconds of pictures of which each costs this share of its time; what was said of it but to
    /// go on.
    fn goes_on(&mut self, seconds: u32, share: f64, size: (u32, u32)) -> Vec<Verdict> {
        let cost = Duration::from_millis(40).mul_f64(share);
        let mut said = Vec::new();
        for _ in 0..seconds * 25 {
            let at = Duration::from_millis(40) * self.pictures;
            self.pictures += 1;
            said.push(self.effort.note(at, cost, size));
        }
        said.retain(|verdict| *verdict != Verdict::GoOn);
        said
    }
}

#[test]
fn who_keeps_up_paints_as_large_as_it_comes() {
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(60, 0.9, HD), []);
    assert_eq!(stream.effort.size(1280, 720), HD);
}

#[test]
fn who_does_not_keep_up_for_seconds_paints_smaller_and_larger_again_when_there_is_time() {
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(TOO_MUCH_FOR - 1, 2.0, HD), [], "a busy moment is no reason");
    assert_eq!(stream.goes_on(1, 0.5, HD), []);
    assert_eq!(stream.goes_on(TOO_MUCH_FOR + 1, 2.0, HD), [Verdict::Smaller]);
    assert_eq!(stream.effort.size(1280, 720), (640, 360));
    assert_eq!(stream.goes_on(60, 0.5, HD), [], "four times that is too much");
    assert_eq!(stream.goes_on(LITTLE_FOR + 2, 0.1, HD), [Verdict::Larger]);
    assert_eq!(stream.effort.size(1280, 720), HD);
}

#[test]
fn a_size_that_proved_too_large_is_tried_less_and_less_often() {
    let mut stream = Stream::new();
    let mut tried = Vec::new();
    for _ in 0..200 {
        let share = if stream.effort.size(1280, 720) == HD { 1.5 } else { 0.1 };
        let before = stream.pictures;
        tried.extend(stream.goes_on(1, share, HD).into_iter().map(|verdict| (verdict, before / 25)));
    }
    let larger: Vec<u32> =
        tried.iter().filter(|(verdict, _)| *verdict == Verdict::Larger).map(|(_, at)| *at).collect();
    assert!(larger.len() >= 3, "{tried:?}");
    let waits: Vec<u32> = larger.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(waits.is_sorted() && waits[1] > waits[0], "{waits:?}");
}

#[test]
fn a_small_picture_is_never_made_smaller() {
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(60, 3.0, (640, 360)), []);
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(60, 3.0, HD), [Verdict::Smaller], "and half of half would be one");
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(60, 3.0, (3840, 2160)), [Verdict::Smaller, Verdict::Smaller]);
}

// F58: a member that was told sends smaller pictures, and those are not halved once more.
#[test]
fn what_comes_smaller_meanwhile_is_painted_as_it_comes() {
    let mut stream = Stream::new();
    assert_eq!(stream.goes_on(TOO_MUCH_FOR + 1, 2.0, HD), [Verdict::Smaller]);
    assert_eq!(stream.effort.most(), Some(360));
    assert_eq!(stream.effort.size(640, 360), (640, 360));
    assert_eq!(stream.goes_on(LITTLE_FOR + 2, 0.1, (640, 360)), [Verdict::Larger]);
    assert_eq!((stream.effort.most(), stream.effort.size(1280, 720)), (None, HD));
}

#[test]
fn a_hole_in_the_stream_says_nothing() {
    let mut stream = Stream::new();
    for _ in 0..10 {
        stream.goes_on(TOO_MUCH_FOR - 1, 2.0, HD);
        // Seconds in which nothing came, or a stream that begins anew.
        stream.pictures += 200;
    }
    assert_eq!(stream.effort.size(1280, 720), HD, "never three spans in a row");
    let mut again = Stream::new();
    again.goes_on(2, 2.0, HD);
    again.pictures = 0;
    assert_eq!(again.goes_on(1, 2.0, HD), []);
}
