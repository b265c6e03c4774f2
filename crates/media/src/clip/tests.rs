//! Facts about clips: which files open, what the others are told, how a clip repeats.

mod whole;

use super::*;
use crate::annexb::AnnexBError;
use crate::ivf::{self, Header, IvfError};
use proptest::prelude::*;
use std::fs;

const H264: &[u8] = include_bytes!("../../assets/bunny-640x360-25fps.h264");
const VP8: &[u8] = include_bytes!("../../assets/bunny-640x360-25fps.vp8.ivf");

fn of(bytes: &[u8]) -> Result<Clip, ClipError> {
    Clip::from_bytes("me.h264", Bytes::copy_from_slice(bytes))
}

fn next(clip: &mut Clip, key: bool) -> EncodedFrame {
    match clip.next_frame(key).unwrap() {
        Next::Frame(frame) => frame,
        other => panic!("a clip yields frames, not {other:?}"),
    }
}

/// A file of its own, gone with the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("offhook-media-{}-{name}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_is_told_by_its_content_not_by_its_name() {
    let file = TempFile::new("h264-in-disguise.ivf", H264);
    let clip = Clip::open(&file.0).unwrap();
    let spec = clip.spec();
    assert_eq!((spec.codec, spec.width, spec.height), (Codec::H264, 640, 360));
    assert_eq!((spec.frames, spec.duration), (125, Duration::from_secs(5)));
    assert_eq!(spec.frame_rate.as_f64(), 25.0);
    assert_eq!(clip.frames().len(), 125);
}

#[test]
fn vp8_in_ivf_opens_and_a_demand_for_h264_names_the_way_there() {
    let clip = of(VP8).unwrap();
    assert_eq!((clip.spec().codec, clip.spec().frames), (Codec::Vp8, 125));
    assert_eq!(clip.spec().duration, Duration::from_secs(5));
    let error = clip.require(Codec::H264).unwrap_err();
    assert!(
        error.to_string().starts_with("the clip is VP8, H.264 is needed; convert it with: ffmpeg"),
        "{error}"
    );
    assert!(of(H264).unwrap().require(Codec::H264).is_ok());
}

#[test]
fn h264_in_ivf_plays_like_the_same_h264_in_annex_b() {
    let plain = of(H264).unwrap();
    let header = Header { codec: Codec::H264, width: 640, height: 360, rate: 25, scale: 1 };
    let mut writer = ivf::Writer::new(Vec::new(), header).unwrap();
    plain.frames().for_each(|frame| writer.write(frame).unwrap());
    let boxed = of(&writer.finish().unwrap()).unwrap();
    assert_eq!(boxed.spec(), plain.spec());
    assert!(boxed.frames().eq(plain.frames()));
}

#[test]
fn a_given_frame_rate_wins_over_the_files_own() {
    let file = TempFile::new("rate.h264", H264);
    let clip = Clip::open_at(&file.0, FrameRate::new(50, 1).unwrap()).unwrap();
    assert_eq!(clip.spec().duration, Duration::from_millis(2500));
    assert_eq!(clip.frames().nth(3).unwrap().pts, Duration::from_millis(60));
}

#[test]
fn a_missing_file_a_directory_and_an_empty_file_each_say_what_to_do() {
    let missing = Clip::open("/nowhere/me.h264").unwrap_err();
    assert!(matches!(missing, ClipError::Missing { .. }));
    assert_eq!(missing.to_string(), "/nowhere/me.h264 does not exist; check the path");
    let directory = Clip::open(std::env::temp_dir()).unwrap_err();
    assert!(directory.to_string().contains("it is a directory; name a file in it"), "{directory}");
    let file = TempFile::new("empty.h264", b"");
    let empty = Clip::open(&file.0).unwrap_err();
    assert!(matches!(empty, ClipError::Empty { .. }));
    assert!(empty.to_string().contains("is empty; was its recording"), "{empty}");
}

#[test]
fn another_format_is_named_with_the_command_that_converts_it() {
    let cases: &[(&[u8], &str)] = &[
        (b"\0\0\0\x20ftypisom\0\0\0\0", "MP4 or QuickTime"),
        (b"\x1a\x45\xdf\xa3\0\0\0\0", "Matroska or WebM"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"OggS\0\x02\0\0", "Ogg"),
        (b"\0\0\0\x01\x40\x01\x0c\x01", "H.265 video"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"just a note to myself\n", "text"),
    ];
    for (bytes, name) in cases {
        let error = of(bytes).unwrap_err();
        assert!(matches!(error, ClipError::OtherFormat { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("me.h264 looks like {name};")) && text.contains("ffmpeg -i"),
            "{text}"
        );
    }
    assert!(of(&[0xfe; 64]).unwrap_err().to_string().contains("is no known media format"));
}

#[test]
fn a_profile_that_may_reorder_pictures_is_refused_by_name() {
    let mut bytes = H264.to_vec();
    bytes[5] = 77;
    let error = of(&bytes).unwrap_err();
    assert!(matches!(error, ClipError::Profile { profile: 77, .. }));
    assert!(error.to_string().contains("main profile") && error.to_string().contains("-profile:v baseline"));
}

#[test]
fn a_file_cut_off_is_a_typed_error_that_says_where() {
    let annexb = of(&H264[..8]).unwrap_err();
    assert!(matches!(annexb, ClipError::AnnexB { source: AnnexBError::Truncated { .. }, .. }), "{annexb}");
    let ivf = of(&VP8[..VP8.len() - 5]).unwrap_err();
    assert!(matches!(ivf, ClipError::Ivf { source: IvfError::Truncated { .. }, .. }));
    assert!(ivf.to_string().contains("it ends inside frame 124"), "{ivf}");
}

/// F60: it would be sent for ever, and nobody would see anything.
#[cfg(feature = "h264")]
#[test]
fn a_file_cut_off_inside_its_first_picture_is_refused_with_what_to_do() {
    let first = of(H264).unwrap().frames().next().unwrap().data.len();
    for cut in [20_000.min(first / 2), first / 3] {
        let error = of(&H264[..cut]).unwrap_err();
        assert!(matches!(error, ClipError::NoPicture { frames: 1, .. }), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("me.h264 cannot be played: its only picture is not whole;"), "{text}");
        assert!(text.contains("get the whole file, or convert it with: ffmpeg"), "{text}");
    }
    // In an IVF file too, whose own frames are whole.
    let header = Header { codec: Codec::H264, width: 640, height: 360, rate: 25, scale: 1 };
    let mut writer = ivf::Writer::new(Vec::new(), header).unwrap();
    for frame in of(H264).unwrap().frames().take(3) {
        let data = frame.data.slice(..frame.data.len() / 3);
        writer.write(&EncodedFrame { data, ..frame.clone() }).unwrap();
    }
    let error = of(&writer.finish().unwrap()).unwrap_err();
    assert!(error.to_string().contains("none of its 3 pictures decodes"), "{error}");
}

#[cfg(feature = "h264")]
#[test]
fn a_cut_inside_the_last_picture_is_found_by_verifying() {
    let last = of(H264).unwrap().frames().last().unwrap().data.len();
    let clip = of(&H264[..H264.len() - last * 2 / 3]).unwrap();
    let error = clip.verify().unwrap_err();
    assert!(matches!(error, ClipError::Damaged { frame: 124, frames: 125 }), "{error}");
    assert!(error.to_string().contains("(the file is cut off)"), "{error}");
    of(VP8).unwrap().verify().expect("what cannot be looked into passes");
}

#[cfg(feature = "samples")]
#[test]
fn the_sample_is_compiled_in() {
    assert_eq!(Clip::sample().spec().frames, 125);
}

#[test]
fn a_clip_repeats_without_a_gap_and_its_times_go_on_rising() {
    let mut clip = of(H264).unwrap();
    let first = clip.frames().next().unwrap().clone();
    for number in 0..400u32 {
        let due = clip.next_due();
        let frame = next(&mut clip, false);
        assert_eq!(frame.pts, Duration::from_millis(40) * number);
        assert_eq!(frame.pts, due);
        assert_eq!(frame.key, [0, 50, 100].contains(&(number % 125)));
        if number % 125 == 0 {
            assert_eq!(frame.data, first.data);
        }
    }
}

#[test]
fn frames_share_the_bytes_of_the_file_over_every_loop() {
    let mut clip = of(H264).unwrap();
    let first = next(&mut clip, false).data.as_ptr();
    (1..125).for_each(|_| drop(next(&mut clip, false)));
    assert_eq!(next(&mut clip, false).data.as_ptr(), first);
}

#[test]
fn a_wish_for_a_key_frame_jumps_to_the_next_one_without_a_gap_in_time() {
    let mut clip = of(H264).unwrap();
    let frames: Vec<_> = clip.frames().cloned().collect();
    (0..10).for_each(|_| drop(next(&mut clip, false)));
    let jumped = next(&mut clip, true);
    assert_eq!((jumped.data, jumped.pts), (frames[50].data.clone(), Duration::from_millis(400)));
    assert_eq!(next(&mut clip, false).data, frames[51].data);
    assert_eq!(next(&mut clip, true).data, frames[100].data);
    assert_eq!(next(&mut clip, true).data, frames[0].data, "past the last one it begins again");
}

#[test]
fn a_clip_played_once_ends_and_stays_ended() {
    let mut clip = of(VP8).unwrap().once();
    (0..125).for_each(|_| drop(next(&mut clip, false)));
    assert_eq!(clip.next_frame(false).unwrap(), Next::Over);
    assert_eq!(clip.next_frame(true).unwrap(), Next::Over);
    let mut again = clip.clone();
    assert!(next(&mut again, false).key, "a clone plays from the start");
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-clip.txt"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..seeds() })]

    #[test]
    fn times_never_fall_whatever_key_frames_are_wished_for(wishes in prop::collection::vec(any::<bool>(), 1..300)) {
        let mut clip = of(H264).unwrap();
        let mut last = None;
        for wish in wishes {
            let frame = next(&mut clip, wish);
            prop_assert!(!wish || frame.key);
            prop_assert!(last.is_none_or(|last| frame.pts == last + Duration::from_millis(40)));
            last = Some(frame.pts);
        }
    }

    #[test]
    fn a_damaged_file_never_panics(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        vp8 in any::<bool>(),
    ) {
        let mut bytes = if vp8 { VP8[..4000].to_vec() } else { H264[..4000].to_vec() };
        for (at, value) in flips {
            let length = bytes.len();
            bytes[at.index(length)] = value;
        }
        let _ = of(&bytes);
    }
}
