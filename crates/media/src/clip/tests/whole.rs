//! Facts about a clip that is played once: it is sent whole, whatever key frames are wished for, and
//! whoever lost the beginning sees the rest.

use super::*;

/// What the clip gives, asked for a key frame at these pictures.
fn played(mut clip: Clip, wishes: impl Fn(usize) -> bool) -> Vec<EncodedFrame> {
    let mut frames = Vec::new();
    loop {
        let due = clip.next_due();
        match clip.next_frame(wishes(frames.len())).unwrap() {
            Next::Frame(frame) => {
                assert_eq!(frame.pts, due);
                frames.push(frame);
            }
            Next::Nothing => panic!("picture {} was left out", frames.len()),
            Next::Over => return frames,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..seeds() })]

    /// F50, F61: VP8 cannot be encoded here, and without the feature nothing can.
    #[test]
    fn where_nothing_can_be_encoded_a_clip_waits_for_its_own_key_frames_and_is_whole(
        wishes in prop::collection::vec(any::<bool>(), 126),
    ) {
        let films: &[&[u8]] = if cfg!(feature = "h264") { &[VP8] } else { &[VP8, H264] };
        for film in films {
            let clip = of(film).unwrap().once();
            let film: Vec<_> = clip.frames().cloned().collect();
            prop_assert_eq!(played(clip, |number| wishes[number]), film);
        }
    }
}

#[cfg(feature = "h264")]
mod anew {
    use super::*;
    use crate::h264::{Decoder, Encoder, EncoderOptions};
    use crate::i420::I420;
    use std::collections::HashMap;

    /// All pictures of a stream, which begins with a key frame.
    fn all(frames: &[EncodedFrame]) -> Vec<I420> {
        let mut decoder = Decoder::new().unwrap();
        frames.iter().map(|frame| decoder.decode_frame(frame).unwrap().expect("each is a picture")).collect()
    }

    fn bytes(frames: &[EncodedFrame]) -> Vec<&Bytes> {
        frames.iter().map(|frame| &frame.data).collect()
    }

    /// A clip of these pictures whose only key frame is the first, but for cuts.
    fn one_key(pictures: impl Iterator<Item = I420>, bitrate: u32) -> Clip {
        let options = EncoderOptions { bitrate, ..EncoderOptions::default() };
        let mut encoder = Encoder::new(options).unwrap();
        let mut stream = Vec::new();
        for (number, picture) in pictures.enumerate() {
            let pts = options.frame_rate.due(number as u64);
            stream.extend(encoder.encode(&picture, pts).unwrap().into_iter().flat_map(|frame| frame.data));
        }
        of(&stream).unwrap()
    }

    // F50, F61
    #[test]
    fn a_wish_between_two_key_frames_gets_one_at_once_and_no_picture_is_left_out() {
        let clip = of(H264).unwrap().once();
        let own: Vec<_> = clip.frames().cloned().collect();
        let frames = played(clip, |number| number == 5);
        assert_eq!(frames.len(), 125);
        let keys: Vec<_> = (0..125).filter(|at| frames[*at].key).collect();
        assert_eq!(keys, [0, 5, 50, 100]);
        assert_eq!(bytes(&frames[..5]), bytes(&own[..5]), "before the wish they are the file's own");
        assert_eq!(bytes(&frames[50..]), bytes(&own[50..]), "and from its next key frame on");
        let original = all(&own);
        for (number, picture) in all(&frames).iter().enumerate() {
            let psnr = picture.psnr(&original[number]).unwrap();
            assert!(psnr > 34.0, "picture {number} is not the file's: {psnr} dB");
        }
        // Whoever lost everything before it has the rest.
        assert_eq!(all(&frames[5..]).len(), 120);
    }

    // F50, F61
    #[test]
    fn a_wish_long_after_the_last_key_frame_is_granted_within_300_ms() {
        let clip = of(H264).unwrap().once();
        let own: Vec<_> = clip.frames().cloned().collect();
        let frames = played(clip, |number| number == 42);
        assert!(frames[42..].iter().take_while(|frame| !frame.key).count() <= 7);
        assert_eq!(bytes(&frames[50..]), bytes(&own[50..]));
        // Of a file that has no other: the wait is that of its decoding.
        let small: Vec<_> = all(&own).iter().map(|picture| picture.scaled(320, 180).unwrap()).collect();
        let clip = one_key(small.into_iter(), 1_000_000).once();
        assert_eq!(clip.frames().filter(|frame| frame.key).count(), 1);
        let (many, wish) = (clip.spec().frames, 100);
        let frames = played(clip, |number| number == wish);
        assert_eq!(frames.len(), many);
        let key = (wish..many).find(|at| frames[*at].key).expect("there is one");
        assert!(key - wish <= 7, "{}", key - wish);
        assert_eq!(all(&frames[key..]).len(), many - key, "a late one sees the rest");
        assert_eq!(all(&frames).len(), many, "and who was there, all of it");
    }

    /// F50, F61: others come all the time, and each wants one; none is made that nobody wished for.
    #[test]
    fn wishes_that_go_on_get_a_key_frame_each_and_no_others() {
        let clip = of(H264).unwrap().once();
        let file: usize = clip.frames().map(|frame| frame.data.len()).sum();
        let wished = |number: usize| number % 10 == 5;
        let frames = played(clip, wished);
        assert_eq!(frames.len(), 125);
        let keys: Vec<_> = (0..125).filter(|at| frames[*at].key).collect();
        let unasked: Vec<_> =
            keys.iter().filter(|at| **at % 50 != 0 && !(at.saturating_sub(7)..=**at).any(wished)).collect();
        assert!(unasked.is_empty(), "{unasked:?} of {keys:?}");
        assert!(keys.len() <= 3 + 13, "{keys:?}");
        let sent: usize = frames.iter().map(|frame| frame.data.len()).sum();
        assert!(sent < file * 3, "{sent} bytes for a file of {file}");
    }

    #[test]
    fn a_key_frame_of_the_files_own_that_comes_soon_is_waited_for() {
        let clip = of(H264).unwrap().once();
        let own: Vec<_> = clip.frames().cloned().collect();
        assert_eq!(played(clip, |number| (45..=50).contains(&number)), own);
    }

    /// F50, F61: an encoder that leaves pictures out to hold its bit rate does so here. A key frame in the
    /// place of each cost more still, and led to the next.
    #[test]
    fn a_clip_too_rich_for_the_bit_rate_is_whole_all_the_same() {
        let mut seed = 7u32;
        let mut noise = |most: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 24) * most / 255) as u8
        };
        let mut noisy = |most| {
            let mut plane = |length| (0..length).map(|_| noise(most)).collect::<Vec<u8>>();
            let (y, u, v) = (plane(640 * 360), plane(320 * 180), plane(320 * 180));
            I420::from_planes(640, 360, y, u, v).unwrap()
        };
        // Little for most of its time, then more than any budget that goes by the average.
        let still = I420::black(640, 360).unwrap();
        let film = (0..230u32).map(|at| if at < 200 { still.clone() } else { noisy((at - 199) * 3) });
        let clip = one_key(film, 4_000_000).once();
        let many = clip.spec().frames;
        // Where the black ends its encoder made one of its own.
        let keys: Vec<_> = clip.frames().map(|frame| frame.key).collect();
        let wish = 1 + keys.iter().rposition(|key| *key).unwrap();
        let frames = played(clip, |number| number == wish);
        let keys = frames[wish..].iter().filter(|frame| frame.key).count();
        assert_eq!(keys, 1, "the one that was wished for");
        assert_eq!(frames.len(), many);
        assert_eq!(all(&frames).len(), many);
    }

    /// Damage is in the file: it is not made worse, and it ends with the file's next key frame.
    #[test]
    fn a_damaged_picture_is_left_out_of_what_is_encoded_anew() {
        let clip = of(H264).unwrap();
        let own: Vec<_> = clip.frames().cloned().collect();
        let header = Header { codec: Codec::H264, width: 640, height: 360, rate: 25, scale: 1 };
        let mut writer = ivf::Writer::new(Vec::new(), header).unwrap();
        for (number, frame) in own.iter().enumerate() {
            let mut frame = frame.clone();
            if number == 20 {
                frame.data = frame.data.iter().map(|byte| byte ^ 0x55).collect();
            }
            writer.write(&frame).unwrap();
        }
        let mut clip = of(&writer.finish().unwrap()).unwrap().once();
        let mut given = HashMap::new();
        for number in 0..125 {
            if let Next::Frame(frame) = clip.next_frame(number == 10).unwrap() {
                given.insert(number, frame);
            }
        }
        assert_eq!(clip.next_frame(false).unwrap(), Next::Over);
        assert!((0..20).chain(50..125).all(|number| given.contains_key(&number)));
        assert!(!given.contains_key(&20));
        assert_eq!(given[&50].data, own[50].data);
    }

    // F50, F61
    proptest! {
        #![proptest_config(ProptestConfig { cases: 4, ..seeds() })]

        #[test]
        fn whatever_is_wished_for_a_clip_is_whole_and_can_be_decoded(wishes in prop::collection::vec(prop::bool::weighted(0.1), 125)) {
            let clip = of(H264).unwrap().once();
            let frames = played(clip, |number| wishes.get(number).copied().unwrap_or_default());
            prop_assert_eq!(frames.len(), 125);
            prop_assert!((0..125).all(|at| frames[at].pts == Duration::from_millis(40) * at as u32));
            prop_assert_eq!(all(&frames).len(), 125);
        }
    }
}
