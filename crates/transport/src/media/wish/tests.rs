//! What becomes of a picture where another size is wanted, and whose wish counts.

use super::VideoWish;
use crate::media::{Codec, TrackSpec, local};

fn wish(width: u32, height: u32, fps: u32) -> VideoWish {
    VideoWish::new(width, height, fps).expect("it can be meant")
}

#[test]
fn what_nobody_can_mean_is_no_wish() {
    for (width, height, fps) in [
        (0, 720, 25),
        (1280, 15, 25),
        (1280, 720, 0),
        (1280, 720, 241),
        (u32::MAX, 720, 25),
        (1280, 16_385, 25),
    ] {
        assert_eq!(VideoWish::new(width, height, fps), None, "{width}x{height}@{fps}");
    }
    assert_eq!(wish(1280, 720, 30).to_string(), "1280x720@30");
}

#[test]
fn a_picture_keeps_its_shape_and_never_grows() {
    let hd = wish(1280, 720, 30);
    for (given, sent) in [
        ((640, 360), (640, 360)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((1024, 1024), (720, 720)),
        ((4000, 400), (1280, 128)),
        ((16_000, 20), (1280, 16)),
        ((642, 722), (642, 722)),
        ((644, 1300), (634, 1280)),
        ((2, 2), (2, 2)),
    ] {
        assert_eq!(hd.fit(given.0, given.1), sent, "{given:?}");
    }
    assert_eq!(wish(720, 1280, 30), hd, "either orientation is meant");
}

#[test]
fn every_size_there_is_comes_out_even_and_within_the_wish() {
    let odd = wish(637, 359, 30);
    for width in [0, 16, 638, 641, 3840, 16_384, u32::MAX] {
        for height in [0, 16, 360, 361, 2160, 16_384, u32::MAX] {
            let (wide, high) = odd.fit(width, height);
            assert!(wide <= width && high <= height, "{width}x{height} grew");
            let fits = |long: u32, short: u32| long <= 637 && short <= 359;
            assert!(fits(wide.max(high), wide.min(high)), "{width}x{height} became {wide}x{high}");
            let untouched = (wide, high) == (width, height);
            assert!(untouched || (wide % 2 == 0 && high % 2 == 0), "{width}x{height} became {wide}x{high}");
        }
    }
}

// F58: a track that several take is made for the one that wants most of it.
#[test]
fn of_several_takers_the_one_that_wants_most_decides() {
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    assert_eq!(sender.video_wanted(), None);
    let first = track.tap();
    first.want_video(Some(wish(640, 360, 30)));
    assert_eq!(sender.video_wanted(), Some(wish(640, 360, 30)));
    let second = track.tap();
    assert_eq!(sender.video_wanted(), None, "the second takes it as it is");
    second.want_video(Some(wish(720, 320, 15)));
    assert_eq!(sender.video_wanted(), Some(wish(720, 360, 30)));
    drop(first);
    assert_eq!(sender.video_wanted(), Some(wish(720, 320, 15)));
    track.want_video(Some(wish(160, 90, 5)));
    assert_eq!(sender.video_wanted(), Some(wish(160, 90, 5)), "its owner has the last word");
    track.want_video(None);
    drop(second);
    assert_eq!(sender.video_wanted(), None);
}
