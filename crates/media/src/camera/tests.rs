//! Facts about cameras that hold without one.

mod choosing;
mod jpeg;
mod taking;

use super::layout::Layout;
use super::*;
use crate::i420::I420;
use std::fs::{self, File};

/// A 4 × 4 picture whose luma counts up, with padding behind each row of 4 bytes.
const STRIDE: usize = 6;

fn rows(from: u8, count: usize, width: usize, stride: usize) -> Vec<u8> {
    let row = |at: usize| {
        let mut row: Vec<u8> = (0..width).map(|column| from + (at * width + column) as u8).collect();
        row.resize(stride, 0xee);
        row
    };
    (0..count).flat_map(row).collect()
}

#[test]
fn planes_are_read_without_their_padding() {
    let mut bytes = rows(16, 4, 4, STRIDE);
    bytes.extend(rows(100, 2, 2, STRIDE / 2));
    bytes.extend(rows(200, 2, 2, STRIDE / 2));
    let picture = Layout::Yu12.picture(&bytes, 4, 4, STRIDE as u32).unwrap();
    assert_eq!(picture.y(), (16..32).collect::<Vec<u8>>());
    assert_eq!((picture.u(), picture.v()), (&[100, 101, 102, 103][..], &[200, 201, 202, 203][..]));
}

#[test]
fn interleaved_chroma_is_taken_apart() {
    let mut bytes = rows(16, 4, 4, STRIDE);
    bytes.extend(rows(100, 2, 4, STRIDE));
    let picture = Layout::Nv12.picture(&bytes, 4, 4, STRIDE as u32).unwrap();
    assert_eq!(picture.y(), (16..32).collect::<Vec<u8>>());
    assert_eq!((picture.u(), picture.v()), (&[100, 102, 104, 106][..], &[101, 103, 105, 107][..]));
}

#[test]
fn packed_pixels_give_their_luma_and_the_mean_chroma_of_two_rows() {
    // Y U Y V; the second row's chroma is 10 more.
    let bytes = [16, 100, 17, 200, 0xee, 0xee, 18, 110, 19, 210, 0xee, 0xee];
    let picture = Layout::Yuyv.picture(&bytes, 2, 2, 6).unwrap();
    assert_eq!((picture.y(), picture.u(), picture.v()), (&[16, 17, 18, 19][..], &[105][..], &[205][..]));
}

#[test]
fn an_odd_last_row_and_column_are_left_out_and_too_few_bytes_are_refused() {
    for layout in [Layout::Yu12, Layout::Nv12, Layout::Yuyv] {
        let bytes = vec![99; 1_000];
        let picture = layout.picture(&bytes, 7, 5, 0).unwrap();
        assert_eq!((picture.width(), picture.height()), (6, 4), "{layout:?}");
        assert!(picture.y().iter().chain(picture.u()).chain(picture.v()).all(|byte| *byte == 99));
        assert!(layout.picture(&bytes[..20], 7, 5, 0).is_err(), "{layout:?}");
        assert!(layout.picture(&bytes, 0, 5, 0).is_err(), "{layout:?}");
    }
}

/// A camera whose pictures the test takes.
fn camera(frame_rate: FrameRate) -> Camera {
    let opened = Opened { name: "test".into(), width: 64, height: 48, frame_rate };
    let encoder = Fitting::new(EncoderOptions { frame_rate, ..Default::default() }).unwrap();
    Camera { opened, shared: Arc::new(Shared::new()), encoder, mirror: Mirror::new(), number: 0 }
}

// F61
#[test]
fn the_newest_picture_is_sent_when_it_is_due_and_a_key_frame_when_it_is_asked_for() {
    let mut camera = camera(FrameRate::DEFAULT);
    let black = I420::black(64, 48).unwrap();
    assert_eq!(camera.next_frame(false).unwrap(), Next::Nothing, "no picture yet");
    assert_eq!(camera.next_due(), Duration::from_millis(40), "time goes on");
    for key in [true, false, true] {
        // The first of them is lost.
        camera.shared.latest.put(black.clone());
        camera.shared.latest.put(black.clone());
        let due = camera.next_due();
        let Next::Frame(frame) = camera.next_frame(key).unwrap() else { panic!("a picture was there") };
        assert_eq!((frame.key, frame.pts, frame.codec), (key, due, Codec::H264));
    }
    assert_eq!(camera.lost(), 3);
    assert_eq!(camera.lack(), None);
}

// F58, F60
#[test]
fn a_camera_mirrors_and_scales_what_it_sends() {
    let mirror = Mirror::new();
    let mut camera = camera(FrameRate::DEFAULT).mirrored(&mirror);
    let mut decoder = crate::h264::Decoder::new().unwrap();
    let mut left_and_right = |camera: &mut Camera| {
        let mut picture = I420::black(64, 48).unwrap();
        picture.planes_mut().0.chunks_exact_mut(64).for_each(|row| row[..32].fill(200));
        camera.shared.latest.put(picture);
        let Next::Frame(frame) = camera.next_frame(true).unwrap() else { panic!("a picture was there") };
        let shown = decoder.decode_frame(&frame).unwrap().expect("a key frame");
        let row = &shown.y()[shown.width() as usize * 8..][..shown.width() as usize];
        (shown.width(), row[row.len() / 4], row[row.len() * 3 / 4])
    };
    let (width, left, right) = left_and_right(&mut camera);
    assert!(width == 64 && left > 150 && right < 60, "{width}: {left} {right}");
    mirror.set(true);
    camera.want(VideoWish::new(32, 32, 25));
    let (width, left, right) = left_and_right(&mut camera);
    assert!(width == 32 && left < 60 && right > 150, "{width}: {left} {right}");
}

// F61
#[test]
fn a_camera_that_is_unplugged_in_the_middle_is_a_failed_device_with_the_next_step() {
    let mut camera = camera(FrameRate::DEFAULT);
    camera.shared.latest.put(I420::black(64, 48).unwrap());
    // ENODEV, which is what reading says then.
    let gone = std::io::Error::from_raw_os_error(19);
    camera.shared.fail(DeviceError::new("test", system::lack_of(&gone), gone.to_string()));
    let error = camera.next_frame(false).unwrap_err();
    assert!(matches!(error, SourceError::Device(_)));
    assert!(error.to_string().contains("open it again"), "{error}");
    assert_eq!(camera.lack(), Some(Lack::Absent), "a join that would take it is told");
}

// F61
#[test]
fn a_machine_without_a_camera_has_none() {
    let dir = tempdir("none");
    let error = Camera::open_in(&dir, &CameraOptions::default()).unwrap_err();
    assert_eq!(error.lack(), Lack::Absent, "{error}");
    assert!(error.to_string().contains("plug it in"), "{error}");
    assert!(system::list(&dir).is_empty());
    let real = fs::read_dir(DEVICES).into_iter().flatten().flatten();
    if real.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| name.starts_with("video")) {
        println!("this machine has video devices: that it has no camera is not asserted of it");
    } else {
        println!("this machine has no video device: it has no camera");
        assert_eq!(Camera::open(&CameraOptions::default()).unwrap_err().lack(), Lack::Absent);
    }
}

// F61
#[cfg(target_os = "linux")]
#[test]
fn a_camera_that_does_not_open_is_unusable_and_one_that_is_not_meant_is_not_touched() {
    let dir = tempdir("crooked");
    // What is no video device does not answer as one.
    File::create(dir.join("video3")).unwrap();
    for device in [None, Some("3")] {
        let options = CameraOptions { device: device.map(str::to_owned), ..Default::default() };
        let error = Camera::open_in(&dir, &options).unwrap_err();
        assert_eq!(error.lack(), Lack::Unusable, "{error}");
        assert!(error.to_string().contains("video3"), "{error}");
    }
    let other = CameraOptions { device: Some("2".into()), ..Default::default() };
    assert_eq!(Camera::open_in(&dir, &other).unwrap_err().lack(), Lack::Absent);
    let path = dir.join("video4").display().to_string();
    let missing = CameraOptions { device: Some(path), ..Default::default() };
    assert_eq!(Camera::open_in(&dir, &missing).unwrap_err().lack(), Lack::Absent);
    // EBUSY, EACCES.
    let of = |code| system::lack_of(&std::io::Error::from_raw_os_error(code));
    assert_eq!([16, 13].map(of), [Lack::Unusable, Lack::Declined]);
}

fn tempdir(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("offhook-camera-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}
