//! Facts about sounds: what is read, what is refused, and that it still sounds the same.

use super::*;
use std::io::Cursor;

/// A WAV file by hand, so that the reader is not judged by its own writer.
fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * u32::from(channels) * 2).to_le_bytes());
    file.extend_from_slice(&(channels * 2).to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(&data);
    file
}

/// An Ogg Opus file of these packets.
fn ogg(channels: u8, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    {
        let mut writer = ::ogg::PacketWriter::new(&mut file);
        let mut head = b"OpusHead\x01".to_vec();
        head.extend_from_slice(&[channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0]);
        let page = ::ogg::PacketWriteEndInfo::EndPage;
        writer.write_packet(head, 7, page, 0).unwrap();
        writer.write_packet(b"OpusTags\0\0\0\0\0\0\0\0".to_vec(), 7, page, 0).unwrap();
        for (n, packet) in packets.iter().enumerate() {
            let last = n + 1 == packets.len();
            let info = if last {
                ::ogg::PacketWriteEndInfo::EndStream
            } else {
                ::ogg::PacketWriteEndInfo::NormalPacket
            };
            writer.write_packet(packet.clone(), 7, info, 960 * (n as u64 + 1)).unwrap();
        }
    }
    file
}

fn read(file: Vec<u8>) -> Result<Sound, SoundError> {
    Sound::read(Cursor::new(file))
}

#[test]
fn packets_say_how_long_they_are() {
    let millis = |packet: &[u8]| packet::lasts(packet).map(|lasts| lasts.as_micros());
    assert_eq!(millis(SILENCE), Some(20_000));
    assert_eq!(millis(&[0x00]), Some(10_000), "SILK");
    assert_eq!(millis(&[0x18]), Some(60_000));
    assert_eq!(millis(&[0x80]), Some(2_500), "CELT");
    assert_eq!(millis(&[0x19]), Some(120_000), "two frames");
    assert_eq!(millis(&[0xfb, 6]), Some(120_000), "six, counted");
    for none in [&[][..], &[0xfb], &[0xfb, 0], &[0xfb, 7], &[0x1b, 3]] {
        assert_eq!(millis(none), None, "{none:?}");
    }
}

/// F54: Ogg Opus is sent as it is.
#[test]
fn an_ogg_file_gives_its_packets_unchanged() {
    let packets: Vec<Vec<u8>> = (0..50).map(|n| vec![0xf8, n, 3]).collect();
    let sound = read(ogg(2, &packets)).unwrap();
    assert_eq!(sound.lasts(), Duration::from_secs(1));
    assert!(sound.packets().iter().map(|packet| packet.data.to_vec()).eq(packets));
}

#[test]
fn bad_files_are_refused_with_a_word_each() {
    let good = ogg(1, &[SILENCE.to_vec()]);
    let mut damaged = good.clone();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    let cases: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "neither Ogg Opus nor WAV"),
        (b"\x1aE\xdf\xa3 webm".to_vec(), "neither Ogg Opus nor WAV"),
        (b"OggS".to_vec(), "Ogg pages are damaged"),
        (damaged, "Ogg pages are damaged"),
        (ogg(6, &[SILENCE.to_vec()]), "6 channels"),
        (ogg(1, &[vec![0xfb, 63]]), "not Opus"),
        (good[..47].to_vec(), "no sound"),
    ];
    for (file, expected) in cases {
        let text = read(file).unwrap_err().to_string();
        assert!(text.contains(expected), "{text} is not {expected}");
    }
    let endless = std::iter::repeat_n(Bytes::from_static(&[0xfb, 6]), 5_001);
    assert!(matches!(Sound::from_packets(endless), Err(SoundError::TooLong)));
    assert!(matches!(Sound::open("no/such/file.ogg"), Err(SoundError::Open { .. })));
}

/// F54, F08: whatever is wrong with a sound, its text says what to do about it.
#[test]
fn every_error_of_a_sound_has_a_next_step() {
    let io = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    for error in [
        SoundError::Open { path: "a".into(), source: io() },
        SoundError::Read(io()),
        SoundError::Unknown,
        SoundError::NeedsEncoder,
        SoundError::Broken("its end is missing"),
        SoundError::NotTaken("nine channels".to_owned()),
        SoundError::Empty,
        SoundError::TooLong,
        SoundError::Encode("it said so".to_owned()),
    ] {
        let text = error.to_string();
        let next = text.rsplit_once("; ").map_or("", |(_, next)| next);
        assert!(next.split(' ').count() >= 3, "no next step: {text}");
    }
}

#[cfg(not(feature = "opus"))]
#[test]
fn without_an_encoder_wav_is_refused_with_the_next_step() {
    let text = read(wav(48_000, 1, &[0; 960])).unwrap_err().to_string();
    assert!(text.contains("feature `opus`"), "{text}");
}

#[cfg(feature = "opus")]
mod encoded {
    use super::*;
    use opusic_c::{Channels, Decoder, SampleRate};

    /// A tone of a thousand hertz, half as loud as it can be.
    fn tone(rate: u32, seconds: f64, channels: u16) -> Vec<i16> {
        let frames = (f64::from(rate) * seconds) as u32;
        (0..frames)
            .flat_map(|n| {
                let at = f64::from(n) / f64::from(rate) * 1_000.0 * std::f64::consts::TAU;
                std::iter::repeat_n((at.sin() * 16_384.0) as i16, usize::from(channels))
            })
            .collect()
    }

    fn decoded(sound: &Sound) -> Vec<f32> {
        let mut decoder = Decoder::new(Channels::Mono, SampleRate::Hz48000).unwrap();
        let mut all = Vec::new();
        for packet in sound.packets() {
            let mut samples = vec![0.0; 5_760];
            let len = decoder.decode_float_to_slice(&packet.data, &mut samples, false).unwrap();
            all.extend_from_slice(&samples[..len]);
        }
        all
    }

    /// How often a second it swings, counted where it rises through zero; and how loud it is.
    fn pitch_and_loudness(samples: &[f32]) -> (f64, f64) {
        let rises = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let seconds = samples.len() as f64 / 48_000.0;
        (rises as f64 / seconds, (power / samples.len() as f64).sqrt())
    }

    /// F54: whatever a WAV file is like, what is heard is what is in it.
    #[test]
    fn a_tone_is_still_that_tone_from_any_rate_and_any_channels() {
        for (rate, channels) in [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 1), (48_000, 2), (96_000, 6)]
        {
            let sound = read(wav(rate, channels, &tone(rate, 1.0, channels))).unwrap();
            let off = sound.lasts().abs_diff(Duration::from_secs(1));
            assert!(off <= Duration::from_millis(40), "{rate} Hz, {channels}: {:?}", sound.lasts());
            let heard = decoded(&sound);
            // Its middle, where no codec begins and none ends.
            let (pitch, loudness) = pitch_and_loudness(&heard[12_000..36_000]);
            assert!((pitch - 1_000.0).abs() < 5.0, "{rate} Hz, {channels}: {pitch} Hz");
            assert!((0.25..0.42).contains(&loudness), "{rate} Hz, {channels}: {loudness}");
        }
    }

    #[test]
    fn samples_that_make_no_sense_are_refused_or_silenced() {
        let refused = [
            (Sound::from_samples(&[], 48_000, 1), "no sound"),
            (Sound::from_samples(&[0.0], 48_000, 0), "0 channels"),
            (Sound::from_samples(&[0.0; 9], 48_000, 9), "9 channels"),
            (Sound::from_samples(&[0.0; 3], 48_000, 2), "misses a channel"),
            (Sound::from_samples(&[0.0], 7_999, 1), "7999 samples"),
            (Sound::from_samples(&[0.0], 192_001, 1), "192001 samples"),
            (Sound::from_samples(&vec![0.0; 8_000 * 601], 8_000, 1), "10 minutes"),
        ];
        for (sound, expected) in refused {
            let text = sound.unwrap_err().to_string();
            assert!(text.contains(expected), "{text} is not {expected}");
        }
        let wild = Sound::from_samples(&[f32::NAN, f32::INFINITY, -9.0, 1e30], 48_000, 1).unwrap();
        assert_eq!(wild.packets().len(), 1);
        assert!(decoded(&wild).iter().all(|sample| sample.is_finite()));
    }

    #[test]
    fn a_wav_file_that_is_cut_off_or_is_not_samples_is_refused() {
        let whole = wav(48_000, 1, &tone(48_000, 0.1, 1));
        assert!(matches!(read(whole[..200].to_vec()), Err(SoundError::Broken(_))));
        assert!(matches!(read(whole[..20].to_vec()), Err(SoundError::Broken(_))));
        let mut other = whole;
        other[20] = 0x55;
        assert!(read(other).is_err());
        assert!(matches!(read(wav(48_000, 1, &[])), Err(SoundError::Empty)));
    }
}
