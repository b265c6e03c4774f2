//! JPEG out of cameras: read in its colours, or refused with the reason.

use crate::camera::format::{Damage, Format};
use crate::i420::I420;
use proptest::prelude::*;

const SIDE: u32 = 64;
const BY_CHROMA: [(&str, &[u8]); 3] = [
    ("4:2:0", include_bytes!("../../../assets/quarters-420.jpg")),
    ("4:2:2", include_bytes!("../../../assets/quarters-422.jpg")),
    ("4:4:4", include_bytes!("../../../assets/quarters-444.jpg")),
];
const GREY: &[u8] = include_bytes!("../../../assets/quarters-grey.jpg");

/// What the files were made of: four colours.
fn quarters() -> I420 {
    let side = SIDE as usize;
    let colour = |at: usize| match (at / side < side / 2, at % side < side / 2) {
        (true, true) => [200, 40, 30],
        (true, false) => [40, 160, 60],
        (false, true) => [30, 60, 190],
        (false, false) => [230, 220, 120],
    };
    let rgb: Vec<u8> = (0..side * side).flat_map(colour).collect();
    I420::from_rgb(SIDE, SIDE, &rgb).unwrap()
}

fn read(bytes: &[u8]) -> Result<I420, Damage> {
    Format::MotionJpeg.picture(bytes, SIDE, SIDE, 0)
}

/// Without the segments of this kind.
fn without(kind: u8, file: &[u8]) -> Vec<u8> {
    let (mut left, mut rest) = (file[..2].to_vec(), &file[2..]);
    // Segments, each with its length, up to the one behind which the picture begins.
    while rest[1] != 0xda {
        let (segment, behind) = rest.split_at(2 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
        if segment[1] != kind {
            left.extend_from_slice(segment);
        }
        rest = behind;
    }
    [left, rest.to_vec()].concat()
}

/// Where the header says how large the picture is: height, then width (T.81 section B.2.2).
fn size_at(file: &[u8]) -> usize {
    file.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a baseline frame") + 5
}

#[test]
fn jpeg_is_read_in_its_colours_however_its_chroma_is_sampled() {
    for (chroma, file) in BY_CHROMA {
        for format in [Format::MotionJpeg, Format::Jpeg] {
            let picture = format.picture(file, SIDE, SIDE, 0).unwrap();
            let apart = picture.mean_abs_difference(&quarters()).unwrap();
            assert!(apart < 2.0, "{chroma}: {apart}");
        }
    }
}

#[test]
fn grey_jpeg_is_read_without_any_colour() {
    let picture = read(GREY).unwrap();
    assert!(picture.u().iter().chain(picture.v()).all(|chroma| *chroma == 128));
    let apart = picture.y().iter().zip(quarters().y()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    assert!(apart < 2 * u64::from(SIDE * SIDE), "{apart}");
}

#[test]
fn motion_jpeg_without_its_tables_is_the_same_picture() {
    for (chroma, file) in BY_CHROMA {
        let bare = without(0xc4, file);
        assert!(bare.len() < file.len() - 100, "the tables are gone");
        assert_eq!(read(&bare), read(file), "{chroma}");
    }
}

#[test]
fn bytes_behind_the_picture_are_no_part_of_it_and_its_end_need_not_be_marked() {
    for (chroma, file) in BY_CHROMA {
        let padded = [file, &[0; 4_096]].concat();
        assert_eq!(read(&padded), read(file), "{chroma}");
        assert_eq!(read(&file[..file.len() - 2]), read(file), "{chroma}");
    }
}

#[test]
fn a_picture_that_ends_in_the_middle_is_damaged_and_never_half_a_picture() {
    for (chroma, file) in BY_CHROMA {
        let start = file.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        // In every part of the header, and in the picture up to half of it.
        for end in (2..start).step_by(7).chain(start..start + (file.len() - start) / 2) {
            assert!(read(&file[..end]).is_err(), "{chroma}: {end} of {}", file.len());
        }
    }
}

#[test]
fn nothing_and_what_is_no_jpeg_are_told_apart() {
    assert_eq!(read(&[]), Err(Damage::Empty));
    for other in [&[0; 4_096][..], b"\x89PNG\r\n\x1a\n", &[0xff]] {
        assert_eq!(read(other), Err(Damage::NoJpeg));
    }
    assert!(matches!(read(&[0xff, 0xd8]), Err(Damage::Jpeg(_))));
    assert!(matches!(read(&[0xff, 0xd8, 0xff, 0xd9]), Err(Damage::Jpeg(_))));
}

#[test]
fn a_header_that_says_another_size_is_refused_whichever_way_it_lies() {
    let mut file = BY_CHROMA[1].1.to_vec();
    let at = size_at(&file);
    for (width, height) in [(32_u16, 32_u16), (64, 32), (48, 64)] {
        file[at..at + 2].copy_from_slice(&height.to_be_bytes());
        file[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
        let said = (u32::from(width), u32::from(height));
        assert_eq!(read(&file), Err(Damage::Size { said, agreed: (SIDE, SIDE) }));
    }
    // Larger: by its header, before there is any memory for it.
    for (width, height) in [(65_u16, 64_u16), (65_535, 65_535), (0, 64), (64, 0)] {
        file[at..at + 2].copy_from_slice(&height.to_be_bytes());
        file[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
        assert!(matches!(read(&file), Err(Damage::Jpeg(_))), "{width}x{height}: {:?}", read(&file));
    }
    // What is right is of the wrong size, too, where another one was agreed upon.
    let agreed = Format::Jpeg.picture(BY_CHROMA[0].1, 640, 480, 0);
    assert_eq!(agreed, Err(Damage::Size { said: (SIDE, SIDE), agreed: (640, 480) }));
}

#[test]
fn an_odd_last_row_and_column_of_a_jpeg_are_left_out() {
    let mut file = BY_CHROMA[2].1.to_vec();
    let at = size_at(&file);
    // As many blocks as before.
    file[at..at + 4].copy_from_slice(&[0, 63, 0, 61]);
    let picture = Format::Jpeg.picture(&file, 61, 63, 0).unwrap();
    assert_eq!((picture.width(), picture.height()), (60, 62));
    let whole = read(BY_CHROMA[2].1).unwrap();
    for row in 0..62 {
        assert_eq!(picture.y()[row * 60..][..60], whole.y()[row * 64..][..60], "row {row}");
    }
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../proptest-regressions/media-camera-jpeg.txt"
    ))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..seeds() })]

    #[test]
    fn a_jpeg_with_any_bytes_changed_is_a_picture_of_its_size_or_damaged(
        which in 0..4_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        end in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut file = BY_CHROMA.map(|(_, file)| file).into_iter().chain([GREY]).nth(which).unwrap().to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(end) = end {
            file.truncate(end.index(file.len()));
        }
        if let Ok(picture) = read(&file) {
            prop_assert_eq!((picture.width(), picture.height()), (SIDE, SIDE));
        }
    }

    #[test]
    fn any_bytes_behind_a_beginning_are_a_picture_or_damaged(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let _ = read(&[&[0xff, 0xd8, 0xff][..], &bytes].concat());
    }
}
