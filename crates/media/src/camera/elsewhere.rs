//! Systems whose cameras are not read yet: none is there.

use super::taking::{Pictures, Taken};
use super::{CameraOptions, Opened, called};
use crate::device::DeviceError;
use crate::source::Lack;
use std::io;
use std::path::Path;
use std::time::Duration;

pub(super) enum Capture {}

impl Capture {
    pub(super) fn open(_: &Path, options: &CameraOptions) -> Result<(Self, Opened), DeviceError> {
        let what = "cameras of this system are not read; push its pictures into a `LiveSender`";
        Err(DeviceError::new(called(options), Lack::Absent, what))
    }
}

impl Pictures for Capture {
    fn next(&mut self, _: Duration) -> io::Result<Taken> {
        match *self {}
    }
}

pub(super) fn list(_: &Path) -> Vec<String> {
    Vec::new()
}

pub(super) fn lack_of(error: &io::Error) -> Lack {
    crate::device::of_io(error)
}
