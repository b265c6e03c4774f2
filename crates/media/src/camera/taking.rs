//! The camera's thread: takes pictures until it is told to stop or the camera fails. What is
//! shared with whoever reads them, and what is counted.

use super::format::Damage;
use super::system;
use crate::device::DeviceError;
use crate::i420::I420;
use crate::latest::Latest;
use crate::source::Lack;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may be before a dropped camera is closed, when no picture comes.
const LOOK: Duration = Duration::from_millis(100);
/// A camera that delivers nothing for so long has failed; the first picture may take seconds.
pub(super) const STALLED: Duration = Duration::from_secs(5);

/// What came of waiting for a picture.
#[derive(Debug)]
pub(super) enum Taken {
    Picture(I420),
    /// Something came that is none.
    Damaged(Damage),
    /// Nothing came in time.
    Nothing,
}

/// What pictures are taken from: a device of this system.
pub(super) trait Pictures {
    /// Waits for a picture, and no longer than this.
    ///
    /// # Errors
    /// When the device is gone or failed: there will be no more.
    fn next(&mut self, most: Duration) -> io::Result<Taken>;
}

/// Between the thread and its reader.
pub(super) struct Shared {
    pub(super) latest: Latest<I420>,
    pub(super) stop: AtomicBool,
    pub(super) damaged: AtomicU64,
    failure: Mutex<Option<DeviceError>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            latest: Latest::new(),
            stop: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn failure(&self) -> Option<DeviceError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn fail(&self, failure: DeviceError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }
}

/// Takes pictures of the camera of this name until it is told to stop, it failed, or no whole
/// picture came for as long as `stalled`.
pub(super) fn take(pictures: &mut impl Pictures, name: &str, shared: &Shared, stalled: Duration) {
    let broken = Broken { name, shared };
    let mut last = Instant::now();
    let mut damage = None;
    while !shared.stop.load(Ordering::Acquire) {
        match pictures.next(LOOK) {
            Ok(Taken::Picture(picture)) => {
                (last, damage) = (Instant::now(), None);
                shared.latest.put(picture);
                continue;
            }
            Ok(Taken::Damaged(what)) => {
                shared.damaged.fetch_add(1, Ordering::Relaxed);
                damage = Some(what);
            }
            Ok(Taken::Nothing) => {}
            Err(error) => {
                shared.fail(DeviceError::new(name, system::lack_of(&error), error.to_string()));
                break;
            }
        }
        if last.elapsed() >= stalled {
            let what = match damage {
                None => format!("no picture for {stalled:?}"),
                Some(damage) => format!("no whole picture for {stalled:?} (the last one: {damage})"),
            };
            shared.fail(DeviceError::new(name, Lack::Unusable, what));
            break;
        }
    }
    drop(broken);
}

/// Says that the thread fell over, if it did: its reader would wait for pictures for ever.
struct Broken<'a> {
    name: &'a str,
    shared: &'a Shared,
}

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let what = "the program that reads it broke on what it gave";
            self.shared.fail(DeviceError::new(self.name, Lack::Unusable, what));
        }
    }
}
