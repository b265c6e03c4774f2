//! Which of a camera's forms is taken.

use crate::camera::CameraOptions;
use crate::camera::format::{Format, Given, nearest};
use crate::camera::layout::Layout;
use crate::rate::FrameRate;

const YUYV: Format = Format::Raw(Layout::Yuyv);
const NV12: Format = Format::Raw(Layout::Nv12);

fn wish(width: u32, height: u32) -> CameraOptions {
    CameraOptions { width, height, ..CameraOptions::default() }
}

/// A camera: its formats, and the sizes of each with the rate that it has there.
type Has<'a> = &'a [(Format, &'a [(u32, u32, u32)])];

/// What is taken, and what was asked for until then, of a camera that is to give 1280 × 720. Its
/// driver answers with the size that is nearest.
fn taken(has: Has<'_>) -> (Given, Vec<Format>) {
    let wanted = wish(1280, 720);
    let mut asked = Vec::new();
    let listed = Format::ALL.into_iter().filter(|format| has.iter().any(|(known, _)| known == format));
    let given = nearest(listed, &wanted, |format| {
        asked.push(format);
        let (_, sizes) = has.iter().find(|(known, _)| *known == format).expect("it is listed");
        let far = |(width, height, _): &&(u32, u32, u32)| width.abs_diff(1280) + height.abs_diff(720);
        let (width, height, rate) = *sizes.iter().min_by_key(far).expect("each has a size");
        Ok::<_, ()>(Given { format, width, height, frame_rate: FrameRate::new(rate, 1).unwrap() })
    });
    (given.expect("it gives something"), asked)
}

#[test]
fn raw_pictures_are_taken_where_size_and_rate_are_as_wished_and_jpeg_is_not_even_asked_for() {
    let (given, asked) =
        taken(&[(YUYV, &[(640, 480, 30), (1280, 720, 30)]), (Format::MotionJpeg, &[(1280, 720, 60)])]);
    assert_eq!((given.format, asked), (YUYV, vec![YUYV]));
}

#[test]
fn jpeg_is_taken_where_raw_pictures_are_slower_or_smaller_than_wished() {
    for raw in [&[(640, 480, 30), (1280, 720, 10)][..], &[(640, 480, 30)]] {
        let (given, asked) = taken(&[(YUYV, raw), (Format::MotionJpeg, &[(1280, 720, 30)])]);
        assert_eq!((given.width, given.height, given.frame_rate.as_f64()), (1280, 720, 30.0));
        assert_eq!((given.format, asked), (Format::MotionJpeg, vec![YUYV, Format::MotionJpeg]));
    }
}

#[test]
fn what_is_no_better_as_jpeg_is_taken_raw_and_a_size_counts_more_than_a_rate() {
    let (given, _) = taken(&[(YUYV, &[(640, 480, 30)]), (Format::MotionJpeg, &[(640, 480, 30)])]);
    assert_eq!(given.format, YUYV);
    let (given, _) = taken(&[(YUYV, &[(1280, 720, 10)]), (Format::MotionJpeg, &[(640, 480, 30)])]);
    assert_eq!(given.format, YUYV);
    let (given, _) =
        taken(&[(YUYV, &[(640, 480, 30)]), (NV12, &[(1280, 800, 15)]), (Format::Jpeg, &[(320, 240, 30)])]);
    assert_eq!(given.format, NV12);
}

#[test]
fn a_rate_that_is_counted_in_other_units_is_the_rate_that_was_wished() {
    let american =
        Given { format: YUYV, width: 640, height: 480, frame_rate: FrameRate::new(30_000, 1_001).unwrap() };
    let given = nearest([YUYV, Format::MotionJpeg], &wish(640, 480), |format| match format {
        YUYV => Ok(american),
        _ => Err("it is not asked for"),
    });
    assert_eq!(given, Ok(american));
}

#[test]
fn a_format_that_is_listed_and_not_given_is_passed_over_and_the_first_failure_told_if_all_are() {
    let jpeg = Given {
        format: Format::MotionJpeg,
        width: 640,
        height: 480,
        frame_rate: FrameRate::new(30, 1).unwrap(),
    };
    let given = nearest([YUYV, Format::MotionJpeg], &wish(640, 480), |format| match format {
        Format::MotionJpeg => Ok(jpeg),
        _ => Err("busy"),
    });
    assert_eq!(given, Ok(jpeg));
    let mut reasons = ["busy", "gone"].into_iter();
    let given = nearest([YUYV, NV12], &wish(640, 480), |_| Err(reasons.next().unwrap()));
    assert_eq!(given, Err(Some("busy")));
    assert_eq!(nearest::<()>([], &wish(640, 480), |_| panic!("there is none")), Err(None));
}
