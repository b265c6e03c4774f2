//! What comes out of an encoder of which less is wanted than it is given.

use super::Fitting;
use crate::h264::{Decoder, EncoderOptions};
use crate::i420::I420;
use crate::pattern::Pattern;
use crate::rate::FrameRate;
use offhook_transport::media::VideoWish;
use std::time::Duration;

fn wish(width: u32, height: u32, fps: u32) -> VideoWish {
    VideoWish::new(width, height, fps).expect("it can be meant")
}

/// Sizes of the pictures that come out, each with its number.
fn through(
    fitting: &mut Fitting,
    decoder: &mut Decoder,
    pictures: &[(u64, I420)],
    rate: FrameRate,
) -> Vec<(u64, (u32, u32))> {
    let mut out = Vec::new();
    for (number, picture) in pictures {
        let Some(frame) = fitting.encode(picture, rate.due(*number)).expect("it encodes") else { continue };
        let shown = decoder.decode_frame(&frame).expect("it decodes").expect("a picture");
        out.push((*number, (shown.width(), shown.height())));
    }
    out
}

fn pictures(from: u64, count: u64, width: u32, height: u32) -> Vec<(u64, I420)> {
    let pattern = Pattern::new(width, height).expect("a size that can be");
    (from..from + count).zip(pattern).collect()
}

// F58: the picture is scaled to what is wanted, in the middle of the stream and back again.
#[test]
fn a_smaller_picture_is_encoded_from_the_moment_that_it_is_wanted() {
    let rate = FrameRate::DEFAULT;
    let mut fitting =
        Fitting::new(EncoderOptions { bitrate: 4_000_000, ..EncoderOptions::default() }).expect("an encoder");
    let mut decoder = Decoder::new().expect("a decoder");
    let sizes = |out: Vec<(u64, (u32, u32))>| out.into_iter().map(|(_, size)| size).collect::<Vec<_>>();
    let before = sizes(through(&mut fitting, &mut decoder, &pictures(0, 3, 640, 360), rate));
    assert_eq!(before, [(640, 360); 3]);
    fitting.want(Some(wish(320, 240, 25)));
    let fitted = sizes(through(&mut fitting, &mut decoder, &pictures(3, 3, 640, 360), rate));
    assert_eq!(fitted, [(320, 180); 3], "of the same shape, within what is wanted");
    fitting.want(Some(wish(1280, 720, 25)));
    let never_larger = sizes(through(&mut fitting, &mut decoder, &pictures(6, 2, 640, 360), rate));
    assert_eq!(never_larger, [(640, 360); 2]);
    fitting.want(None);
    assert_eq!(sizes(through(&mut fitting, &mut decoder, &pictures(8, 2, 640, 360), rate)), [(640, 360); 2]);
}

// F58: fewer pictures, evenly, as many as are wanted.
#[test]
fn as_many_pictures_are_encoded_as_are_wanted() {
    let rate = |fps| FrameRate::new(fps, 1).expect("a rate that can be");
    for (given, wanted, at_most) in [(30, 15, 15), (30, 25, 25), (30, 10, 10), (25, 25, 25), (25, 60, 25)] {
        let mut fitting =
            Fitting::new(EncoderOptions { frame_rate: rate(given), ..EncoderOptions::default() })
                .expect("an encoder");
        fitting.want(Some(wish(64, 64, wanted)));
        let seconds = 4;
        let all = pictures(0, u64::from(given) * seconds, 64, 64);
        let taken = all
            .iter()
            .filter(|(number, _)| fitting.has_its_turn(wish(64, 64, wanted), rate(given).due(*number)))
            .map(|(number, _)| *number)
            .collect::<Vec<_>>();
        let due = u64::from(at_most) * seconds;
        assert!(due <= taken.len() as u64 && taken.len() as u64 <= due + 1, "{given} to {wanted}: {taken:?}");
        let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        assert!(widest <= u64::from(given.div_ceil(at_most)), "{given} to {wanted} is uneven: {taken:?}");
    }
}

// A camera's clock is not steady: none is lost for being a little early, and a stream that begins
// again is not waited out.
#[test]
fn an_unsteady_clock_loses_no_picture_and_a_new_beginning_none_either() {
    let mut fitting = Fitting::new(EncoderOptions::default()).expect("an encoder");
    let each = Duration::from_micros(33_333);
    for number in 0..90u32 {
        let jitter = Duration::from_millis([0, 9, 3, 12, 6][number as usize % 5]);
        assert!(fitting.has_its_turn(wish(64, 64, 30), each * number + jitter), "picture {number} was lost");
    }
    assert!(fitting.has_its_turn(wish(64, 64, 30), Duration::from_millis(7)), "it began again");
    assert!(fitting.has_its_turn(wish(64, 64, 30), Duration::from_secs(60)), "after a pause");
    assert!(!fitting.has_its_turn(wish(64, 64, 30), Duration::from_millis(60_005)), "and not two for one");
}
