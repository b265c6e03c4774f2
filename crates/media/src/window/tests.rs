//! Facts about the window. Where there is a screen it is opened, otherwise the reason is said.

use super::*;

// F61
#[test]
fn a_window_opens_where_there_is_a_screen_and_is_absent_where_there_is_none() {
    let screen = std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
    match Window::open("offhook", 320, 240) {
        Ok(window) => {
            assert!(window.show(I420::black(320, 240).unwrap()));
            assert!(window.is_open());
        }
        Err(error) if screen => println!("the screen that DISPLAY names does not answer: {error}"),
        Err(error) => {
            println!("no window: {error}");
            assert_eq!(error.lack(), Lack::Absent, "{error}");
        }
    }
}

#[test]
fn who_watches_lets_the_track_go_when_the_window_is_closed() {
    use offhook_transport::Epoch;
    use offhook_transport::media::{Codec, EncodedFrame, Kind, Remote};
    let latest = Arc::new(Latest::new());
    let mut window = Window { latest: latest.clone(), watching: None };
    let remote = Remote::new();
    remote.switch_to(Epoch(1));
    window.play(remote.receiver(Kind::Video)).unwrap();
    let mut encoder = crate::h264::Encoder::new(crate::h264::EncoderOptions::default()).unwrap();
    let picture = I420::black(64, 48).unwrap();
    let frame = encoder.encode(&picture, Duration::ZERO).unwrap().unwrap();
    let sink = remote.sink(Epoch(1));
    assert!(sink.push(&EncodedFrame { codec: Codec::H264, ..frame.clone() }));
    assert_eq!(latest.wait(Duration::from_secs(60)).map(|picture| picture.width()), Some(64));
    // As its user does.
    latest.close();
    assert!(!window.is_open() && !window.show(picture));
    let began = std::time::Instant::now();
    while sink.push(&frame) {
        assert!(began.elapsed() < Duration::from_secs(60), "the track is let go");
        thread::yield_now();
    }
}
