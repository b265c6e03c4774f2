//! Facts about cutting Annex B streams.

use super::*;
use proptest::prelude::*;

const CLIP: &[u8] = include_bytes!("../../assets/bunny-640x360-25fps.h264");

fn clip() -> Bytes {
    Bytes::from_static(CLIP)
}

fn parsed(bytes: &[u8]) -> Result<Stream, AnnexBError> {
    parse(&Bytes::copy_from_slice(bytes))
}

/// The clip's own parameter sets, with their start codes.
fn headers() -> Vec<u8> {
    let first_slice = CLIP.windows(4).position(|four| four[..3] == [0, 0, 1] && four[3] == 6).unwrap();
    CLIP[..first_slice].to_vec()
}

#[test]
fn the_clip_is_cut_into_125_pictures_with_a_key_frame_every_50() {
    let stream = parse(&clip()).unwrap();
    assert_eq!(stream.units.len(), 125);
    let keys: Vec<_> = (0..125).filter(|at| stream.units[*at].key).collect();
    assert_eq!(keys, [0, 50, 100]);
    assert_eq!((stream.sps.width, stream.sps.height), (640, 360));
    assert!(stream.sps.is_baseline());
    assert_eq!(stream.skipped, 0);
}

#[test]
fn the_pictures_are_slices_that_put_together_are_the_file() {
    let data = clip();
    let stream = parse(&data).unwrap();
    let mut at = data.as_ptr() as usize;
    for unit in &stream.units {
        assert_eq!(unit.data.as_ptr() as usize, at, "no copy, no gap");
        at += unit.data.len();
    }
    assert_eq!(at, data.as_ptr() as usize + data.len());
}

#[test]
fn the_frame_rate_is_read_from_the_timing_in_the_headers() {
    let (frames, seconds) = parse(&clip()).unwrap().sps.frame_rate.unwrap();
    assert_eq!(f64::from(frames) / f64::from(seconds), 25.0);
}

#[test]
fn a_stream_that_begins_in_the_middle_starts_at_its_next_key_frame() {
    let whole = parse(&clip()).unwrap();
    let before: usize = whole.units[..40].iter().map(|unit| unit.data.len()).sum();
    let stream = parsed(&CLIP[before..]).unwrap();
    assert_eq!((stream.skipped, stream.units.len()), (10, 75));
    assert!(stream.units[0].key);
}

#[test]
fn a_key_frame_without_its_parameter_sets_gets_them_put_in_front() {
    let whole = parse(&clip()).unwrap();
    let headers = headers();
    let bare = &whole.units[50].data[headers.len()..];
    assert!(find_sps(bare).is_none());
    let file = [whole.units[0].data.as_ref(), bare].concat();
    let stream = parsed(&file).unwrap();
    assert_eq!(stream.units.len(), 2);
    assert_eq!(stream.units[1].data, whole.units[50].data);
}

#[test]
fn what_is_no_h264_stream_is_told_apart_by_what_is_missing() {
    let whole = parse(&clip()).unwrap();
    let headers = headers();
    let second = whole.units[1].data.as_ref();
    assert_eq!(parsed(b""), Err(AnnexBError::Empty));
    assert_eq!(parsed(b"hello, this is text"), Err(AnnexBError::NotH264));
    assert_eq!(parsed(&[0, 0, 0, 1]), Err(AnnexBError::NotH264));
    assert_eq!(parsed(&[7, 0, 0, 0, 1, 0x67, 66, 0, 30]), Err(AnnexBError::NotH264), "junk in front");
    assert_eq!(parsed(&[0, 0, 0, 1, 0x40, 1, 0x0c, 1]), Err(AnnexBError::NotH264), "an H.265 header");
    assert_eq!(parsed(&[headers.as_slice(), second].concat()), Err(AnnexBError::NoKeyFrame));
    assert_eq!(parsed(second), Err(AnnexBError::NoHeaders));
}

#[test]
fn a_stream_cut_off_in_headers_says_so() {
    let headers = headers();
    assert_eq!(parsed(&CLIP[..8]), Err(AnnexBError::Truncated { inside: "its first header" }));
    assert_eq!(parsed(&headers), Err(AnnexBError::Truncated { inside: "the headers of a picture" }));
    let whole = parse(&clip()).unwrap();
    let dangling = [whole.units[0].data.as_ref(), &[0, 0, 0, 1]].concat();
    assert_eq!(parsed(&dangling), Err(AnnexBError::Truncated { inside: "a start code" }));
    let short = [whole.units[0].data.as_ref(), &[0, 0, 0, 1, 0x41]].concat();
    assert_eq!(parsed(&short), Err(AnnexBError::Truncated { inside: "the header of a picture" }));
    let next = [whole.units[0].data.as_ref(), headers.as_slice()].concat();
    assert_eq!(parsed(&next), Err(AnnexBError::Truncated { inside: "the headers of a picture" }));
}

#[test]
fn several_slices_are_one_picture() {
    let headers = headers();
    // first_mb_in_slice 0 has its first bit set; any other has not.
    let idr = [&headers[..], &[0, 0, 1, 0x65, 0x88, 1, 1], &[0, 0, 1, 0x65, 0x08, 1, 1]].concat();
    let next = [0, 0, 0, 1, 0x41, 0x9a, 1, 1];
    let stream = parsed(&[&idr[..], &next].concat()).unwrap();
    assert_eq!(stream.units.len(), 2);
    assert_eq!((stream.units[0].data.as_ref(), stream.units[1].data.as_ref()), (&idr[..], &next[..]));
}

#[test]
fn a_delimiter_and_long_start_codes_belong_to_the_picture_they_open() {
    let headers = headers();
    let delimiter = [0, 0, 0, 0, 0, 1, 0x09, 0x10];
    let key = [&delimiter[..], &headers, &[0, 0, 1, 0x65, 0x88, 1, 1]].concat();
    let next = [&delimiter[..], &[0, 0, 1, 0x41, 0x9a, 1, 1]].concat();
    let stream = parsed(&[&key[..], &next].concat()).unwrap();
    assert_eq!((stream.units[0].data.as_ref(), stream.units[1].data.as_ref()), (&key[..], &next[..]));
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-annexb.txt"))
}

proptest! {
    #![proptest_config(seeds())]

    #[test]
    fn arbitrary_bytes_never_panic_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parsed(&bytes);
        let _ = is_key(&bytes);
        let _ = find_sps(&bytes);
        let _ = Sps::parse(&bytes);
    }

    /// Dense in start codes and headers, so that the rarer paths are reached.
    #[test]
    fn nearly_h264_never_panics_and_its_pictures_are_in_order(
        nals in prop::collection::vec((2usize..5, 0u8..32, prop::collection::vec(0u8..4, 0..12)), 0..24)
    ) {
        let mut bytes = headers();
        for (zeros, kind, payload) in nals {
            bytes.resize(bytes.len() + zeros, 0);
            bytes.extend_from_slice(&[1, 0x60 | kind]);
            bytes.extend_from_slice(&payload);
        }
        let data = Bytes::from(bytes);
        if let Ok(stream) = parse(&data) {
            prop_assert!(stream.units[0].key);
            let mut at = data.as_ptr() as usize;
            let end = at + data.len();
            for unit in &stream.units {
                let begin = unit.data.as_ptr() as usize;
                // A key frame that was given its headers lies elsewhere; it may not be short.
                if begin < at || begin > end {
                    prop_assert!(unit.key && find_sps(&unit.data).is_some());
                    continue;
                }
                prop_assert!(unit.data.len() > 3 && begin + unit.data.len() <= end, "in order, none twice");
                at = begin + unit.data.len();
            }
        }
    }

    #[test]
    fn the_clip_cut_anywhere_is_whole_pictures_or_a_typed_error(cut in 0usize..CLIP.len()) {
        match parse(&clip().slice(..cut)) {
            Ok(stream) => prop_assert_eq!(stream.units.iter().map(|unit| unit.data.len()).sum::<usize>(), cut),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn start_codes_are_found_as_the_plain_search_finds_them(bytes in prop::collection::vec(0u8..3, 0..200)) {
        let plain: Vec<usize> =
            (0..bytes.len().saturating_sub(2)).filter(|at| bytes[*at..*at + 3] == [0, 0, 1]).map(|at| at + 3).collect();
        let quick: Vec<usize> = nal_units(&bytes).map(|nal| nal.payload.start).collect();
        prop_assert_eq!(plain, quick);
    }
}
