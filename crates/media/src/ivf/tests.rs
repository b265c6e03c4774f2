//! Facts about IVF files.

use super::*;
use proptest::prelude::*;

const CLIP: &[u8] = include_bytes!("../../assets/bunny-640x360-25fps.vp8.ivf");

fn parsed(bytes: &[u8]) -> Result<File, IvfError> {
    parse(&Bytes::copy_from_slice(bytes))
}

fn written(header: Header, frames: &[EncodedFrame]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header).unwrap();
    frames.iter().for_each(|frame| writer.write(frame).unwrap());
    writer.finish().unwrap()
}

#[test]
fn the_vp8_clip_has_125_frames_40_ms_apart() {
    let file = parse(&Bytes::from_static(CLIP)).unwrap();
    assert_eq!(file.header, Header { codec: Codec::Vp8, width: 640, height: 360, rate: 25, scale: 1 });
    assert_eq!(file.frames.len(), 125);
    for (number, frame) in (0u32..).zip(&file.frames) {
        assert_eq!(frame.pts, Duration::from_millis(40) * number);
    }
    assert!(file.frames[0].key && !file.frames[1].key);
}

#[test]
fn frames_are_slices_of_the_file() {
    let data = Bytes::from_static(CLIP);
    let file = parse(&data).unwrap();
    let inside = data.as_ptr() as usize..data.as_ptr() as usize + data.len();
    assert!(file.frames.iter().all(|frame| inside.contains(&(frame.data.as_ptr() as usize))));
}

#[test]
fn a_codec_that_is_not_carried_is_named() {
    for (fourcc, name) in
        [(b"VP90", "VP9"), (b"AV01", "AV1"), (b"HEVC", "H.265"), (b"\x01abc", "codec '\\x01abc'")]
    {
        let mut bytes = CLIP.to_vec();
        bytes[8..12].copy_from_slice(fourcc);
        assert_eq!(parsed(&bytes), Err(IvfError::Codec { name: name.to_owned() }));
    }
}

#[test]
fn a_file_cut_off_says_in_which_frame() {
    let inside = |text: &str| Err(IvfError::Truncated { inside: text.to_owned() });
    assert_eq!(parsed(&CLIP[..20]), inside("its header"));
    assert_eq!(parsed(&CLIP[..40]), inside("frame 0"));
    assert_eq!(parsed(&CLIP[..CLIP.len() - 1]), inside("frame 124"));
    assert_eq!(parsed(&CLIP[..32]), Err(IvfError::NoFrames));
}

#[test]
fn a_size_that_reaches_past_the_end_is_a_cut_not_an_allocation() {
    let mut bytes = CLIP[..44].to_vec();
    bytes[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(parsed(&bytes), Err(IvfError::Truncated { .. })));
}

#[test]
fn a_time_base_with_a_zero_and_times_that_fall_are_typed_errors() {
    let mut bytes = CLIP.to_vec();
    bytes[16..20].fill(0);
    assert_eq!(parsed(&bytes), Err(IvfError::TimeBase { rate: 0, scale: 1 }));
    let header = Header { codec: Codec::Vp8, width: 2, height: 2, rate: 10, scale: 1 };
    let frame = |tenths: u64| EncodedFrame {
        codec: Codec::Vp8,
        data: Bytes::from_static(&[0]),
        pts: Duration::from_millis(100 * tenths),
        key: true,
    };
    let bytes = written(header, &[frame(1), frame(3), frame(2)]);
    assert_eq!(parsed(&bytes), Err(IvfError::Disordered { frame: 2 }));
    let text = IvfError::Disordered { frame: 2 }.to_string();
    assert_eq!(text, "frame 2 is timed before frame 1");
}

#[test]
fn the_writer_refuses_what_ivf_cannot_carry() {
    let header = Header { codec: Codec::Opus, width: 0, height: 0, rate: 1, scale: 1 };
    assert_eq!(Writer::new(Vec::new(), header).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let header = Header { codec: Codec::Vp8, width: 2, height: 2, rate: 0, scale: 1 };
    assert_eq!(Writer::new(Vec::new(), header).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn the_clip_written_again_is_the_clip() {
    let file = parse(&Bytes::from_static(CLIP)).unwrap();
    let again = written(file.header, &file.frames);
    assert_eq!(parsed(&again).unwrap(), file);
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-ivf.txt"))
}

proptest! {
    #![proptest_config(seeds())]

    #[test]
    fn arbitrary_bytes_never_panic_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parsed(&bytes);
        let _ = parsed(&[&CLIP[..32], &bytes].concat());
        let _ = parsed(&[b"DKIF".as_slice(), &bytes].concat());
    }

    #[test]
    fn what_is_written_is_read_again(
        gaps in prop::collection::vec((0u64..500, prop::collection::vec(any::<u8>(), 0..40)), 1..30),
        rate in 1u32..2000,
        scale in 1u32..20,
    ) {
        let header = Header { codec: Codec::Vp8, width: 320, height: 240, rate, scale };
        let mut ticks = 0;
        let frames: Vec<_> = gaps.into_iter().enumerate().map(|(number, (gap, data))| {
            ticks += if number == 0 { 0 } else { gap };
            let data = Bytes::from(data);
            EncodedFrame { codec: Codec::Vp8, key: is_key(Codec::Vp8, &data), data, pts: header.time(ticks) }
        }).collect();
        prop_assert_eq!(parsed(&written(header, &frames)).unwrap(), File { header, frames });
    }
}
