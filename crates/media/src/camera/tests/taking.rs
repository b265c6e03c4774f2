//! The camera's thread, with a device that the test holds: what comes, what does not, and what
//! becomes of it.

use crate::camera::format::{Damage, Format};
use crate::camera::taking::{Pictures, STALLED, Shared, Taken, take};
use crate::i420::I420;
use crate::source::Lack;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

const WHOLE: &[u8] = include_bytes!("../../../assets/quarters-422.jpg");
/// Nothing here takes longer, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A device that gives what it is given, as bytes or as an error of the system.
struct Plugged(Receiver<Result<Vec<u8>, i32>>);

impl Pictures for Plugged {
    fn next(&mut self, most: Duration) -> io::Result<Taken> {
        match self.0.recv_timeout(most) {
            Ok(Ok(bytes)) if bytes == b"panic" => std::panic::resume_unwind(Box::new("as a decoder may")),
            Ok(Ok(bytes)) => {
                Ok(Format::MotionJpeg.picture(&bytes, 64, 64, 0).map_or_else(Taken::Damaged, Taken::Picture))
            }
            Ok(Err(code)) => Err(io::Error::from_raw_os_error(code)),
            // Also when the test has let go of it: a device that gives nothing any more.
            Err(_) => Ok(Taken::Nothing),
        }
    }
}

/// Runs the thread beside the test, to its end.
fn with_camera(stalled: Duration, test: impl FnOnce(&SyncSender<Result<Vec<u8>, i32>>, &Shared)) -> Shared {
    let shared = Shared::new();
    let (device, comes) = sync_channel(64);
    thread::scope(|scope| {
        let taking = scope.spawn(|| take(&mut Plugged(comes), "the camera", &shared, stalled));
        test(&device, &shared);
        shared.stop.store(true, Ordering::Release);
        // It may have fallen over, which is what is looked at.
        let _ = taking.join();
    });
    shared
}

fn ended(shared: &Shared) {
    let began = Instant::now();
    while shared.failure().is_none() {
        assert!(began.elapsed() < LONG, "the camera never failed");
        thread::yield_now();
    }
}

// F61
#[test]
fn damaged_pictures_are_counted_and_the_stream_goes_on() {
    let shared = with_camera(STALLED, |device, shared| {
        for damaged in [&WHOLE[..300], &[], &[0; 64], &WHOLE[..WHOLE.len() / 2]] {
            device.send(Ok(damaged.to_vec())).unwrap();
            device.send(Ok(WHOLE.to_vec())).unwrap();
            let picture: I420 = shared.latest.wait(LONG).expect("the next one is whole");
            assert_eq!((picture.width(), picture.height()), (64, 64));
        }
    });
    assert_eq!((shared.damaged.load(Ordering::Relaxed), shared.latest.lost()), (4, 0));
    assert_eq!(shared.failure(), None);
}

// F61
#[test]
fn a_camera_that_is_unplugged_while_it_is_waited_for_is_absent() {
    // ENODEV, EIO.
    for (code, lack) in [(19, Lack::Absent), (5, Lack::Unusable)] {
        let shared = with_camera(STALLED, |device, shared| {
            device.send(Ok(WHOLE.to_vec())).unwrap();
            assert!(shared.latest.wait(LONG).is_some());
            device.send(Err(code)).unwrap();
            ended(shared);
        });
        let failure = shared.failure().unwrap();
        assert_eq!((failure.lack(), failure.device()), (lack, "the camera"), "{failure}");
    }
}

// F61
#[test]
fn a_camera_that_falls_silent_or_gives_nothing_whole_fails_and_says_which() {
    let silent = with_camera(Duration::from_millis(300), |_, shared| ended(shared)).failure().unwrap();
    assert_eq!(silent.lack(), Lack::Unusable);
    assert!(silent.to_string().contains("no picture for 300ms"), "{silent}");
    let began = Instant::now();
    let broken = with_camera(Duration::from_millis(300), |device, shared| {
        while shared.failure().is_none() {
            assert!(began.elapsed() < LONG, "damaged pictures are no pictures");
            let _ = device.try_send(Ok(Vec::new()));
            thread::yield_now();
        }
    });
    let failure = broken.failure().unwrap();
    assert!(failure.to_string().contains("no whole picture for 300ms"), "{failure}");
    assert!(failure.to_string().contains(&Damage::Empty.to_string()), "{failure}");
    assert!(broken.damaged.load(Ordering::Relaxed) > 0);
}

// F61
#[cfg(target_os = "linux")]
#[test]
fn a_device_is_waited_for_no_longer_than_was_said_and_a_dead_one_not_at_all() {
    use crate::camera::system::comes;
    use std::io::Write;
    let (read, mut write) = io::pipe().unwrap();
    let (short, began) = (Duration::from_millis(30), Instant::now());
    assert!(!comes(&read, short).unwrap(), "nothing came");
    assert!(began.elapsed() >= short);
    let began = Instant::now();
    write.write_all(b"a picture").unwrap();
    assert!(comes(&read, LONG).unwrap());
    // The other end is gone, as a device is that was unplugged: there is its end to be read.
    let (gone, other) = io::pipe().unwrap();
    drop(other);
    assert!(comes(&gone, LONG).unwrap());
    assert!(began.elapsed() < LONG, "at once");
}

// F61
#[test]
fn a_camera_that_is_let_go_while_nothing_comes_is_closed() {
    let began = Instant::now();
    let shared = with_camera(STALLED, |_, _| {});
    assert!(began.elapsed() < STALLED, "it looks ten times a second");
    assert_eq!(shared.failure(), None, "which is no failure");
}

// F61
#[test]
fn a_thread_that_falls_over_is_a_failed_camera_and_no_picture_for_ever() {
    let shared = with_camera(STALLED, |device, shared| {
        device.send(Ok(b"panic".to_vec())).unwrap();
        ended(shared);
    });
    let failure = shared.failure().unwrap();
    assert_eq!(failure.lack(), Lack::Unusable);
    assert!(failure.to_string().contains("the camera"), "{failure}");
}
