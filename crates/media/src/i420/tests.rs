//! Facts about raw pictures: sizes, scaling, colours, and telling pictures apart.

use super::*;
use crate::pattern::Pattern;
use proptest::prelude::*;

#[test]
fn sizes_that_cannot_be_are_refused_before_anything_is_allocated() {
    for (width, height) in
        [(0, 2), (2, 0), (3, 2), (2, 5), (3842, 2), (2162, 2162), (u32::MAX - 1, u32::MAX - 1)]
    {
        assert_eq!(I420::black(width, height), Err(PictureError::Size { width, height }));
    }
    assert!(I420::black(3840, 2160).is_ok() && I420::black(2160, 3840).is_ok());
}

#[test]
fn planes_must_fit_their_size_exactly() {
    let short = I420::from_planes(4, 2, vec![0; 8], vec![0; 2], vec![0; 1]);
    assert_eq!(short, Err(PictureError::Length { needed: 12, given: 11 }));
    // The right sum is not enough.
    assert!(I420::from_planes(4, 2, vec![0; 7], vec![0; 2], vec![0; 3]).is_err());
    assert!(I420::from_packed(4, 2, &[0; 13]).is_err());
    assert!(I420::from_rgb(4, 2, &[0; 23]).is_err());
}

#[test]
fn a_packed_picture_is_unpacked_as_it_was() {
    let picture = Pattern::new(64, 48).unwrap().frame(7);
    assert_eq!(I420::from_packed(64, 48, &picture.to_packed()).unwrap(), picture);
}

#[test]
fn primary_colours_have_the_codes_of_bt601() {
    let cases: [([u8; 3], [u8; 3]); 6] = [
        ([0, 0, 0], [16, 128, 128]),
        ([255, 255, 255], [235, 128, 128]),
        ([255, 0, 0], [81, 90, 240]),
        ([0, 255, 0], [145, 54, 34]),
        ([0, 0, 255], [41, 240, 110]),
        ([128, 128, 128], [126, 128, 128]),
    ];
    for (rgb, yuv) in cases {
        let picture = I420::from_rgb(2, 2, &rgb.repeat(4)).unwrap();
        let is = [picture.y()[0], picture.u()[0], picture.v()[0]];
        assert!(is.iter().zip(yuv).all(|(a, b)| a.abs_diff(b) <= 1), "{rgb:?} is {is:?}, not {yuv:?}");
        let back = picture.to_rgb();
        assert!(back[..3].iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= 3), "{rgb:?} comes back as {back:?}");
    }
}

#[test]
fn halving_a_picture_averages_four_pixels() {
    let mut picture = I420::black(4, 4).unwrap();
    let (luma, ..) = picture.planes_mut();
    luma.copy_from_slice(&[10, 20, 0, 0, 30, 40, 0, 4, 100, 100, 50, 50, 100, 100, 50, 50]);
    assert_eq!(picture.scaled(2, 2).unwrap().y(), [25, 1, 100, 50]);
}

#[test]
fn scaling_up_and_down_again_looks_the_same() {
    let picture = Pattern::new(160, 90).unwrap().frame(0);
    let there = picture.scaled(480, 270).unwrap();
    assert_eq!((there.width(), there.height()), (480, 270));
    let back = there.scaled(160, 90).unwrap();
    assert!(back.psnr(&picture).unwrap() > 28.0, "{}", back.psnr(&picture).unwrap());
    assert_eq!(picture.scaled(160, 90).unwrap(), picture);
}

#[test]
fn equal_pictures_have_no_distance_and_unequal_sizes_are_refused() {
    let picture = Pattern::new(64, 64).unwrap().frame(0);
    assert_eq!(picture.psnr(&picture).unwrap(), f64::INFINITY);
    assert_eq!(picture.mean_abs_difference(&picture).unwrap(), 0.0);
    let other = I420::black(32, 64).unwrap();
    assert_eq!(picture.psnr(&other), Err(PictureError::Size { width: 32, height: 64 }));
    let black = I420::black(64, 64).unwrap();
    let mut off_by_one = black.clone();
    off_by_one.planes_mut().0.fill(17);
    assert!((black.psnr(&off_by_one).unwrap() - 48.13).abs() < 0.01, "one step everywhere is 48.13 dB");
    assert!((black.mean_abs_difference(&off_by_one).unwrap() - 2.0 / 3.0).abs() < 1e-9);
}

/// What filters do to a picture, each in its simplest form.
#[cfg(feature = "h264")]
fn repainted(picture: &I420) -> Vec<(&'static str, I420)> {
    let with = |change: &dyn Fn(&mut I420)| {
        let mut copy = picture.clone();
        change(&mut copy);
        copy
    };
    let width = picture.width() as usize;
    let (small_w, small_h) = (picture.width() / 10 / 2 * 2, picture.height() / 10 / 2 * 2);
    vec![
        (
            "greyscale",
            with(&|p| {
                p.u.fill(128);
                p.v.fill(128);
            }),
        ),
        (
            "sepia",
            with(&|p| {
                p.u.fill(108);
                p.v.fill(144);
            }),
        ),
        ("invert", with(&|p| p.y.iter_mut().for_each(|y| *y = 251 - (*y).min(251)))),
        ("mirror", with(&|p| p.y.chunks_exact_mut(width).for_each(<[u8]>::reverse))),
        ("posterize", with(&|p| p.y.iter_mut().for_each(|y| *y = *y / 64 * 64 + 32))),
        (
            "blur",
            picture.scaled(small_w, small_h).unwrap().scaled(picture.width(), picture.height()).unwrap(),
        ),
        ("black", I420::black(picture.width(), picture.height()).unwrap()),
    ]
}

#[cfg(feature = "h264")]
#[test]
fn every_repainting_of_the_sample_clip_is_visibly_different() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/bunny-640x360-25fps.h264");
    let clip = crate::clip::Clip::open(path).unwrap();
    let mut decoder = crate::h264::Decoder::new().unwrap();
    for (number, frame) in clip.frames().enumerate() {
        let picture = decoder.decode_frame(frame).unwrap().unwrap();
        if number % 40 != 0 {
            continue;
        }
        let signature = picture.signature();
        assert_eq!(signature.distance(&signature), 0.0);
        for (name, other) in repainted(&picture) {
            let distance = signature.distance(&other.signature());
            assert!(
                signature.is_visibly_different(&other.signature()),
                "frame {number} {name}: {distance:.3}"
            );
        }
    }
}

#[test]
fn a_signature_does_not_depend_on_the_size() {
    let picture = Pattern::new(640, 360).unwrap().frame(3);
    let half = picture.scaled(320, 180).unwrap();
    assert!(picture.signature().grid.iter().zip(half.signature().grid).all(|(a, b)| (a - b).abs() < 3.0));
    assert!((picture.signature().luma - half.signature().luma).abs() < 1.0);
}

#[test]
fn a_rectangle_is_cut_off_at_the_edges() {
    let mut picture = I420::black(4, 4).unwrap();
    picture.fill_rect(2, 2, u32::MAX, 9, [200, 10, 20]);
    picture.fill_rect(9, 0, 4, 4, [1, 1, 1]);
    assert_eq!(picture.y(), [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 200, 200, 16, 16, 200, 200]);
    assert_eq!((picture.u(), picture.v()), (&[128, 128, 128, 10][..], &[128, 128, 128, 20][..]));
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-i420.txt"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..seeds() })]

    #[test]
    fn scaling_keeps_flat_pictures_flat(
        from in (1u32..40, 1u32..40), to in (1u32..60, 1u32..60), colour in any::<[u8; 3]>()
    ) {
        let mut picture = I420::black(from.0 * 2, from.1 * 2).unwrap();
        picture.fill_rect(0, 0, 80, 80, colour);
        let scaled = picture.scaled(to.0 * 2, to.1 * 2).unwrap();
        prop_assert_eq!((scaled.width(), scaled.height()), (to.0 * 2, to.1 * 2));
        prop_assert!(scaled.y().iter().all(|y| *y == colour[0]));
        prop_assert!(scaled.u().iter().all(|u| *u == colour[1]) && scaled.v().iter().all(|v| *v == colour[2]));
    }

    #[test]
    fn grey_goes_to_rgb_and_back(level in 0u8..=255) {
        let there = I420::from_rgb(2, 2, &[level; 12]).unwrap();
        prop_assert!(there.to_rgb().iter().all(|value| value.abs_diff(level) <= 1));
    }
}
