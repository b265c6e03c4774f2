//! Facts about encoding and decoding in process.

use super::*;
use crate::annexb;
use crate::clip::Clip;
use crate::i420::I420;
use crate::pattern::Pattern;
use crate::rate::FrameRate;
use crate::source::{Next, Publication, Source};
use bytes::Bytes;
use offhook_transport::media::{Codec, EncodedFrame};
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

fn asset(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

fn encode(encoder: &mut Encoder, pattern: &Pattern, number: u64) -> EncodedFrame {
    let frame = encoder.encode(&pattern.frame(number), FrameRate::DEFAULT.due(number)).unwrap();
    frame.expect("the pattern is within its bit rate")
}

fn is_send<T: Send + 'static>() {}

#[test]
fn encoder_and_decoder_can_move_to_another_thread() {
    is_send::<Encoder>();
    is_send::<Decoder>();
}

#[test]
fn a_pattern_that_was_encoded_and_decoded_looks_like_itself() {
    let pattern = Pattern::new(640, 360).unwrap();
    let mut encoder = Encoder::new(EncoderOptions { bitrate: 3_000_000, ..Default::default() }).unwrap();
    let mut decoder = Decoder::new().unwrap();
    for number in 0..30 {
        let frame = encode(&mut encoder, &pattern, number);
        assert_eq!(frame.key, number == 0, "only the first frame is a key frame");
        assert_eq!(frame.pts, FrameRate::DEFAULT.due(number));
        let back = decoder.decode_frame(&frame).unwrap().expect("every frame gives its picture at once");
        let psnr = back.psnr(&pattern.frame(number)).unwrap();
        assert!(psnr > 30.0, "frame {number}: {psnr:.1} dB");
        assert!(!back.signature().is_visibly_different(&pattern.frame(number).signature()));
    }
}

#[test]
fn every_key_frame_that_is_asked_for_carries_its_parameter_sets() {
    let pattern = Pattern::new(320, 240).unwrap();
    let mut encoder = Encoder::new(EncoderOptions::default()).unwrap();
    for number in 0..40 {
        if number % 10 == 5 {
            encoder.force_key_frame();
        }
        let frame = encode(&mut encoder, &pattern, number);
        let due = number == 0 || number % 10 == 5;
        assert_eq!(frame.key, due, "frame {number}");
        assert_eq!(frame.key, annexb::is_key(&frame.data));
        assert_eq!(annexb::find_sps(&frame.data).is_some(), due, "frame {number}");
        if due {
            let sps = annexb::find_sps(&frame.data).unwrap();
            assert!(sps.is_baseline(), "profile {}", sps.profile);
            assert_ne!(sps.constraints & 0x40, 0, "constrained baseline (A.2.1)");
            assert_eq!((sps.width, sps.height), (320, 240));
            let late = Decoder::new().unwrap().decode(&frame.data).unwrap();
            assert!(late.is_some(), "a late joiner can begin at frame {number}");
        }
    }
}

#[test]
fn a_size_that_changes_begins_a_new_sequence_in_both() {
    let mut encoder = Encoder::new(EncoderOptions::default()).unwrap();
    let mut decoder = Decoder::new().unwrap();
    for (at, (width, height)) in [(640, 360), (160, 90), (320, 180)].into_iter().enumerate() {
        let pattern = Pattern::new(width, height).unwrap();
        let frame = encode(&mut encoder, &pattern, at as u64);
        assert!(frame.key);
        let back = decoder.decode_frame(&frame).unwrap().unwrap();
        assert_eq!((back.width(), back.height()), (width, height));
    }
}

#[test]
fn a_picture_smaller_than_a_macroblock_is_refused_with_the_next_step() {
    let mut encoder = Encoder::new(EncoderOptions::default()).unwrap();
    let error = encoder.encode(&I420::black(8, 32).unwrap(), Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("at least 16x16"), "{error}");
}

#[test]
fn every_picture_of_the_sample_clip_decodes() {
    let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut pictures = 0;
    for frame in clip.frames() {
        let picture = decoder.decode_frame(frame).unwrap().expect("one picture per access unit");
        assert_eq!((picture.width(), picture.height()), (640, 360));
        pictures += 1;
    }
    assert_eq!(pictures, 125);
    clip.verify().unwrap();
}

#[test]
fn re_encoding_the_sample_clip_leaves_its_look_as_it_was() {
    let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut encoder = Encoder::new(EncoderOptions::default()).unwrap();
    let mut again = Decoder::new().unwrap();
    let mut worst: f64 = 0.0;
    for frame in clip.frames() {
        let picture = decoder.decode_frame(frame).unwrap().unwrap();
        let Some(encoded) = encoder.encode(&picture, frame.pts).unwrap() else { continue };
        let back = again.decode_frame(&encoded).unwrap().unwrap();
        worst = worst.max(back.signature().distance(&picture.signature()));
    }
    assert!(worst < 0.03, "half of what is called visible: {worst}");
}

/// Bits of each of 250 pictures at 25 a second, a key frame asked for every second; and how many were left out.
fn ten_seconds(pictures: &[I420], bitrate: u32) -> (Vec<u64>, u64) {
    let mut encoder = Encoder::new(EncoderOptions { bitrate, ..Default::default() }).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut bits = Vec::new();
    for (number, picture) in (0..250).zip(pictures.iter().cycle()) {
        if number % 25 == 3 {
            encoder.force_key_frame();
        }
        let frame = encoder.encode(picture, FrameRate::DEFAULT.due(number)).unwrap();
        assert!(frame.is_some() || number % 25 != 3, "a key frame that was asked for");
        if let Some(frame) = &frame {
            let back = decoder.decode_frame(frame).unwrap().expect("each is a picture");
            assert!(back.psnr(picture).unwrap() > 15.0, "frame {number}");
        }
        bits.push(frame.map_or(0, |frame| frame.data.len() as u64 * 8));
    }
    (bits, encoder.left_out())
}

/// The outlines of a picture, white on black: few things cost more.
fn outlined(picture: &I420) -> I420 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let luma = picture.y();
    let mut y = vec![0; width * height];
    let inner = width + 1..width * (height - 1) - 1;
    for (at, dot) in inner.clone().zip(&mut y[inner]) {
        let step = |one: usize, other: usize| u32::from(luma[one].abs_diff(luma[other]));
        let steps = step(at - 1, at + 1) + step(at - width, at + width);
        *dot = u8::try_from(steps * 3).unwrap_or(u8::MAX);
    }
    let grey = vec![128; width * height / 4];
    I420::from_planes(picture.width(), picture.height(), y, grey.clone(), grey).unwrap()
}

/// F50, F61: a picture that is due is encoded, however often key frames are asked for, and the bit rate holds.
#[test]
fn no_picture_is_left_out_after_a_key_frame_and_the_bit_rate_stays_near_what_was_asked_for() {
    let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let film: Vec<_> = clip.frames().map(|frame| decoder.decode_frame(frame).unwrap().unwrap()).collect();
    let outlines: Vec<_> = film.iter().map(outlined).collect();
    for (name, pictures) in [("film", &film), ("outlines", &outlines)] {
        for (bitrate, over) in [(500_000, 2.0), (1_500_000, 1.25)] {
            let (bits, left_out) = ten_seconds(pictures, bitrate);
            assert_eq!(left_out, 0, "{name} at {bitrate}");
            assert!(bits.iter().all(|bits| *bits > 0), "{name} at {bitrate}");
            let rate = bits.iter().sum::<u64>() as f64 / 10.0;
            assert!(rate < f64::from(bitrate) * over, "{name} at {bitrate}: {rate}");
        }
    }
}

/// What cannot be coded within twice the bit rate for long does not flood the path, and is counted.
#[test]
fn pictures_of_noise_are_left_out_and_counted() {
    let mut seed = 7u32;
    let mut plane = |length: usize| {
        let noise = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..length).map(noise).collect::<Vec<u8>>()
    };
    let mut noise = || I420::from_planes(640, 360, plane(640 * 360), plane(320 * 180), plane(320 * 180));
    let pictures: Vec<_> = (0..5).map(|_| noise().unwrap()).collect();
    let mut encoder = Encoder::new(EncoderOptions { bitrate: 500_000, ..Default::default() }).unwrap();
    let (mut given, mut bits) = (0, 0);
    for (number, picture) in (0..100).zip(pictures.iter().cycle()) {
        if let Some(frame) = encoder.encode(picture, FrameRate::DEFAULT.due(number)).unwrap() {
            given += 1;
            bits += frame.data.len() * 8;
        }
    }
    assert!(bits / 4 < 500_000 * 3, "{bits} in four seconds");
    assert!(given > 0 && encoder.left_out() > 0);
    assert_eq!(given + encoder.left_out(), 100, "each is given or counted");
}

/// F41, R13: what follows a loss is not shown before a key frame.
#[test]
fn a_decoder_waits_for_a_key_frame_at_first_and_after_a_loss() {
    let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
    let frames: Vec<_> = clip.frames().collect();
    let mut decoder = Decoder::new().unwrap();
    assert!(decoder.needs_key_frame());
    assert!(matches!(decoder.decode_frame(frames[1]), Err(DecodeError::NeedsKeyFrame)));
    assert!(decoder.decode_frame(frames[0]).unwrap().is_some());
    assert!(decoder.decode_frame(frames[1]).unwrap().is_some());
    decoder.lost_pictures();
    assert!(matches!(decoder.decode_frame(frames[5]), Err(DecodeError::NeedsKeyFrame)));
    assert!(decoder.decode_frame(frames[50]).unwrap().is_some());
    assert!(decoder.decode_frame(frames[51]).unwrap().is_some());
}

#[test]
fn damage_is_a_typed_error_and_the_next_key_frame_heals_it() {
    let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
    let frames: Vec<_> = clip.frames().collect();
    let mut decoder = Decoder::new().unwrap();
    decoder.decode_frame(frames[0]).unwrap();
    let cut = frames[1].data.slice(..frames[1].data.len() / 3);
    let result = decoder.decode(&cut);
    assert!(!matches!(result, Ok(Some(_))), "a third of a picture is no picture");
    decoder.lost_pictures();
    let healed = decoder.decode_frame(frames[50]).unwrap().unwrap();
    let clean = Decoder::new().unwrap().decode_frame(frames[50]).unwrap().unwrap();
    assert_eq!(healed, clean);
}

#[test]
fn another_codec_and_an_oversize_unit_are_typed_errors() {
    let mut decoder = Decoder::new().unwrap();
    let vp8 =
        EncodedFrame { codec: Codec::Vp8, data: Bytes::from_static(b"x"), pts: Duration::ZERO, key: true };
    assert!(matches!(decoder.decode_frame(&vp8), Err(DecodeError::OtherCodec(Codec::Vp8))));
    let huge = vec![0; MAX_UNIT + 1];
    assert!(matches!(decoder.decode(&huge), Err(DecodeError::TooLarge { bytes }) if bytes == MAX_UNIT + 1));
    assert!(matches!(decoder.decode(&[]), Err(DecodeError::NeedsKeyFrame)));
}

#[test]
fn a_header_that_asks_for_a_giant_picture_never_reaches_the_codec() {
    // Baseline, level 5.2, 16383 by 16383 macroblocks, and a slice that claims to be IDR.
    let mut bits = String::from("010000100100000000110100");
    for ue in [0u32, 0, 2, 1] {
        bits += &exp_golomb(ue);
    }
    bits += "0";
    bits += &exp_golomb(16_382);
    bits += &exp_golomb(16_382);
    bits += "11001";
    let mut unit = vec![0, 0, 0, 1, 0x67];
    while bits.len() % 8 != 0 {
        bits += "0";
    }
    for at in (0..bits.len()).step_by(8) {
        unit.push(u8::from_str_radix(&bits[at..at + 8], 2).unwrap());
    }
    unit.extend_from_slice(&[0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21]);
    let error = Decoder::new().unwrap().decode(&unit).unwrap_err();
    assert!(matches!(error, DecodeError::Picture(_)), "{error}");
    assert!(error.to_string().contains("262128x262128"), "{error}");
}

fn exp_golomb(value: u32) -> String {
    let digits = format!("{:b}", value + 1);
    "0".repeat(digits.len() - 1) + &digits
}

#[test]
fn a_pattern_is_a_source_that_makes_key_frames_on_demand() {
    let options = EncoderOptions { frame_rate: FrameRate::new(30, 1).unwrap(), ..Default::default() };
    let mut source = Encoding::pattern(320, 180, options).unwrap();
    for number in 0..20 {
        assert_eq!(source.next_due(), options.frame_rate.due(number));
        let Next::Frame(frame) = source.next_frame(number == 13).unwrap() else { panic!("a frame") };
        assert_eq!(frame.key, number == 0 || number == 13);
        assert_eq!(frame.pts, options.frame_rate.due(number));
    }
    assert!(matches!(Publication::from(source), Publication::Taken(_)));
}

#[test]
fn raw_pictures_are_over_when_their_iterator_is() {
    let mut source = Encoding::new(Pattern::new(64, 64).unwrap().take(2), EncoderOptions::default()).unwrap();
    assert!(matches!(source.next_frame(false).unwrap(), Next::Frame(_)));
    assert!(matches!(source.next_frame(false).unwrap(), Next::Frame(_)));
    assert_eq!(source.next_frame(false).unwrap(), Next::Over);
}

#[test]
fn a_live_sender_encodes_only_while_somebody_takes_the_track() {
    let (mut live, track) = LiveSender::new("camera", EncoderOptions::default()).unwrap();
    let pattern = Pattern::new(64, 64).unwrap();
    assert!(!live.push(&pattern.frame(0), Duration::ZERO).unwrap());
    let tap = track.tap();
    assert!(live.push(&pattern.frame(1), Duration::from_millis(40)).unwrap());
    assert!(live.push(&pattern.frame(2), Duration::from_millis(80)).unwrap());
    drop(tap);
    assert!(!live.push(&pattern.frame(3), Duration::from_millis(120)).unwrap());
    assert_eq!(live.sender().sent(), 2);
    // A second session borrows the same track and begins with a key frame.
    let _tap = track.tap();
    assert!(
        live.push(&pattern.frame(4), Duration::from_millis(160)).unwrap(),
        "the tap waits for a key frame"
    );
}

fn seeds() -> ProptestConfig {
    crate::test_config(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-h264.txt"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..seeds() })]

    /// R19: the far side's bytes never panic us.
    #[test]
    fn arbitrary_bytes_never_panic_the_decoder(units in prop::collection::vec(garbage(), 1..6)) {
        let mut decoder = Decoder::new().unwrap();
        for unit in units {
            let _ = decoder.decode(&unit);
        }
    }

    #[test]
    fn a_clip_with_flipped_bytes_never_panics_the_decoder(
        flips in prop::collection::vec((0usize..8, any::<prop::sample::Index>(), any::<u8>()), 1..24)
    ) {
        let clip = Clip::open(asset("bunny-640x360-25fps.h264")).unwrap();
        let mut units: Vec<Vec<u8>> = clip.frames().take(8).map(|frame| frame.data.to_vec()).collect();
        for (unit, at, value) in flips {
            let length = units[unit].len();
            units[unit][at.index(length)] ^= value;
        }
        let mut decoder = Decoder::new().unwrap();
        for unit in units {
            let _ = decoder.decode(&unit);
        }
    }
}

/// Bytes that look enough like H.264 to get past the first check.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let nal = (0u8..32, prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(kind, payload)| [vec![0, 0, 1, 0x60 | kind], payload].concat());
    let key = prop::collection::vec(any::<u8>(), 0..200)
        .prop_map(|payload| [vec![0, 0, 1, 0x65], payload].concat());
    (prop::collection::vec(nal, 0..5), key).prop_map(|(nals, key)| [nals.concat(), key].concat())
}
