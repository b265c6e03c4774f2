//! Facts about samples on their way, without any device.

use super::Microphone;
use super::device::{Kept, Opened, of};
use super::hearing::Hearing;
use super::resample::Running;
use super::ring::Ring;
use crate::device::DeviceError;
use crate::sound::{FRAME, FrameEncoder, RATE};
use crate::source::{Lack, Next, Source, SourceError};
use bytes::Bytes;
use offhook_transport::media::{Codec, EncodedFrame};
use std::f32::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

fn tone(hertz: f32, rate: usize, frames: usize, channels: usize) -> Vec<f32> {
    let one = |at: usize| 0.5 * (TAU * hertz * at as f32 / rate as f32).sin();
    (0..frames).flat_map(|at| std::iter::repeat_n(one(at), channels)).collect()
}

/// How often a channel crosses zero upwards in a second.
fn pitch(samples: &[f32], rate: usize, channels: usize) -> f32 {
    let channel: Vec<f32> = samples.iter().copied().step_by(channels).collect();
    let crossings = channel.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    crossings as f32 * rate as f32 / channel.len() as f32
}

fn loudness(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

fn whole(count: usize) -> impl ExactSizeIterator<Item = f32> {
    (0..count as u16).map(f32::from)
}

#[test]
fn a_full_ring_loses_its_oldest_frames_and_counts_them() {
    let ring = Ring::new(2, 4);
    ring.push(whole(6));
    assert!(!ring.take_overrun());
    ring.push(whole(6));
    assert_eq!((ring.frames(), ring.lost(), ring.take_overrun(), ring.take_overrun()), (4, 2, true, false));
    let mut taken = Vec::new();
    assert!(!ring.take(5, &mut taken) && taken.is_empty(), "all or nothing");
    assert!(ring.take(4, &mut taken));
    assert_eq!(taken, [4.0, 5.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // A piece larger than all of it.
    ring.push(whole(20));
    assert_eq!((ring.frames(), ring.lost(), ring.piece()), (4, 8, 10));
}

#[test]
fn what_is_played_waits_for_a_cushion_at_first_and_whenever_it_ran_dry() {
    let ring = Ring::new(1, 100);
    let play = |frames| {
        let mut heard = Vec::new();
        ring.play(frames, 6, |_, frame| heard.push(frame[0]));
        heard
    };
    ring.push(whole(5));
    assert!(play(2).is_empty(), "not enough yet");
    ring.push(whole(1));
    assert_eq!(play(2), [0.0, 1.0]);
    assert_eq!(play(2), [2.0, 3.0], "it flows, with less than the cushion");
    assert_eq!((play(4), ring.dry()), (vec![4.0, 0.0], 1), "the rest of the piece is silence");
    ring.push(whole(5));
    assert!(play(2).is_empty());
    ring.push(whole(1));
    assert_eq!(play(1).len(), 1);
}

#[test]
fn the_first_failure_of_a_device_is_the_one_that_is_told() {
    let ring = Ring::new(1, 1);
    assert_eq!(ring.failure(), None);
    for lack in [Lack::Absent, Lack::Unusable] {
        ring.fail(DeviceError::new("it", lack, "was unplugged"));
    }
    assert_eq!(ring.failure().map(|failure| failure.lack()), Some(Lack::Absent));
}

#[test]
fn a_tone_keeps_its_pitch_its_loudness_and_its_length_over_any_pair_of_rates() {
    for (from, to) in [
        (48_000, 48_000),
        (44_100, 48_000),
        (48_000, 44_100),
        (16_000, 48_000),
        (96_000, 48_000),
        (11_025, 48_000),
    ] {
        for channels in [1, 2] {
            let mut running = Running::new(from, to, channels).unwrap();
            let samples = tone(440.0, from, from, channels);
            let mut out = Vec::new();
            for piece in samples.chunks_exact(running.piece() * channels) {
                running.process(piece, &mut out);
            }
            let frames = out.len() / channels;
            assert!(frames.abs_diff(to) < to / 20, "{from} to {to}: {frames}");
            let settled = &out[out.len() / 10 / channels * channels..];
            assert!((pitch(settled, to, channels) - 440.0).abs() < 4.0, "{from} to {to}");
            assert!((loudness(settled) - 0.354).abs() < 0.01, "{from} to {to}: {}", loudness(settled));
        }
    }
}

fn packets(count: usize) -> Vec<EncodedFrame> {
    let mut encoder = FrameEncoder::new(1).unwrap();
    let samples = tone(440.0, RATE, FRAME * count, 1);
    let packet = |(at, samples): (usize, &[f32])| EncodedFrame {
        codec: Codec::Opus,
        data: encoder.encode(samples).unwrap(),
        pts: Duration::from_millis(20 * at as u64),
        key: true,
    };
    samples.chunks_exact(FRAME).enumerate().map(packet).collect()
}

#[test]
fn what_was_encoded_is_heard_as_it_was() {
    let mut hearing = Hearing::new(48_000).unwrap();
    let mut out = Vec::new();
    packets(20).iter().for_each(|packet| hearing.take(packet, &mut out));
    assert_eq!(out.len(), 20 * FRAME * 2, "two channels of one");
    assert_eq!((hearing.heard.packets, hearing.heard.concealed), (20, 0));
    let settled = &out[FRAME * 4..];
    assert!((pitch(settled, RATE, 2) - 440.0).abs() < 5.0);
    assert!((loudness(settled) - 0.354).abs() < 0.05);
}

#[test]
fn packets_that_are_missing_are_made_up_and_time_is_kept() {
    let mut hearing = Hearing::new(48_000).unwrap();
    let (mut out, all) = (Vec::new(), packets(20));
    for (at, packet) in all.iter().enumerate() {
        if !(10..13).contains(&at) {
            hearing.take(packet, &mut out);
        }
    }
    assert_eq!(out.len(), 20 * FRAME * 2, "no moment is lost");
    assert_eq!((hearing.heard.packets, hearing.heard.concealed), (17, 3));
    // What is made up first goes on with the tone.
    assert!(loudness(&out[10 * FRAME * 2..11 * FRAME * 2]) > 0.1);
}

#[test]
fn a_late_packet_is_left_out_and_a_pause_or_a_new_start_is_no_loss() {
    let mut hearing = Hearing::new(44_100).unwrap();
    let (mut out, all) = (Vec::new(), packets(20));
    for at in [3, 5, 4, 6] {
        hearing.take(&all[at], &mut out);
    }
    let heard = hearing.heard;
    assert_eq!((heard.packets, heard.concealed, heard.late), (3, 1, 1));
    // Over a second later, then from the beginning again: a new session, or a pause.
    for pts in [Duration::from_secs(9), Duration::ZERO] {
        hearing.take(&EncodedFrame { pts, ..all[0].clone() }, &mut out);
    }
    assert_eq!((hearing.heard.packets, hearing.heard.concealed, hearing.heard.late), (5, 1, 1));
}

#[test]
fn what_is_no_opus_is_counted_and_passed_over() {
    let mut hearing = Hearing::new(48_000).unwrap();
    let mut out = Vec::new();
    let good = packets(1).remove(0);
    let video = EncodedFrame { codec: Codec::H264, ..good.clone() };
    let empty = EncodedFrame { data: Bytes::new(), ..good };
    let broken = EncodedFrame { data: Bytes::from_static(&[0xff, 0x41]), ..good };
    for frame in [&video, &empty, &broken] {
        hearing.take(frame, &mut out);
    }
    assert_eq!((hearing.heard.undecodable, hearing.heard.packets, out.len()), (3, 0, 0));
    let next = EncodedFrame { pts: Duration::from_secs(1), ..good };
    hearing.take(&next, &mut out);
    assert_eq!(out.len(), FRAME * 2);
}

/// A microphone whose device is the test: mono, at this rate, in pieces of 10 ms.
fn microphone(rate: u32) -> (Microphone, Arc<Ring>) {
    let ring = Arc::new(Ring::new(1, rate as usize / 2));
    let opened = Opened { name: "test".into(), rate, channels: 1 };
    (Microphone::of(opened, ring.clone(), Kept::nothing()).unwrap(), ring)
}

fn speak(ring: &Ring, rate: u32, pieces: u32) {
    for _ in 0..pieces {
        ring.push(tone(440.0, rate as usize, rate as usize / 100, 1).into_iter());
    }
}

// F61
#[test]
fn a_microphone_yields_a_packet_each_20_ms_and_says_when_the_device_had_nothing() {
    for rate in [48_000, 44_100, 16_000] {
        let (mut microphone, ring) = microphone(rate);
        assert_eq!(microphone.next_frame(false).unwrap(), Next::Nothing, "before anything was heard");
        // The reserve, and as much as is read: the device's clock is that of its reader.
        speak(&ring, rate, 4);
        let mut packets = 0;
        for tick in 1..=50 {
            assert_eq!(microphone.next_due(), Duration::from_millis(20 * tick));
            packets += u64::from(matches!(microphone.next_frame(false).unwrap(), Next::Frame(_)));
            speak(&ring, rate, 2);
        }
        let spoken = microphone.spoken();
        assert_eq!((spoken.packets, spoken.missing, spoken.lost), (packets, 51 - packets, 0), "{rate}");
        assert!(packets >= 49, "{rate}: {spoken:?}");
    }
}

// F61
#[test]
fn what_was_heard_while_nobody_read_is_forgotten_and_counted() {
    let (mut microphone, ring) = microphone(48_000);
    speak(&ring, 48_000, 200);
    assert_eq!(ring.lost(), 3 * 24_000, "two seconds came, half a one is held");
    assert!(matches!(microphone.next_frame(false).unwrap(), Next::Frame(_)));
    // A piece of the device and a packet of ours: no more delay than that.
    assert_eq!(microphone.spoken().lost, 96_000 - 480 - 960);
}

// F61
#[test]
fn a_microphone_that_is_unplugged_in_the_middle_is_a_failed_device_with_the_next_step() {
    let (mut microphone, ring) = microphone(48_000);
    speak(&ring, 48_000, 10);
    assert!(matches!(microphone.next_frame(false).unwrap(), Next::Frame(_)));
    ring.fail(of("test", &cpal::ErrorKind::DeviceNotAvailable.into()));
    let error = microphone.next_frame(false).unwrap_err();
    assert!(matches!(error, SourceError::Device(_)));
    assert!(error.to_string().contains("open it again"), "{error}");
    assert_eq!(microphone.lack(), Some(Lack::Absent));
}

// F61
#[test]
fn what_the_system_says_of_a_sound_device_is_one_of_the_three_causes() {
    use cpal::ErrorKind::{BackendError, DeviceBusy, DeviceNotAvailable, HostUnavailable, PermissionDenied};
    let lacks = [DeviceNotAvailable, HostUnavailable, DeviceBusy, BackendError, PermissionDenied]
        .map(|kind| of("it", &kind.into()).lack());
    assert_eq!(lacks, [Lack::Absent, Lack::Absent, Lack::Unusable, Lack::Unusable, Lack::Declined]);
}
