//! A program without devices: files are sent, and nothing is shown or played.

use super::DevicesError;
use crate::args::{Devices, Input};
use crate::input;
use offhook::Join;
use offhook::transport::media::TrackReceiver;
use offhook_media::I420;
use std::convert::Infallible;

/// There is none.
pub(crate) struct Screen(Infallible);

/// There is none.
pub(crate) struct Speaker(Infallible);

/// What is sent, in a join.
pub(crate) async fn publish(input: &Input, devices: &Devices) -> Result<Join, DevicesError> {
    if devices.any() {
        return Err(DevicesError::NotBuilt);
    }
    Ok(Join::new().publish(input::source(input)?))
}

/// Nothing is shown or played.
pub(crate) async fn listen(_: &Devices) -> Result<(Option<Speaker>, Option<Screen>), DevicesError> {
    Ok((None, None))
}

impl Screen {
    pub(crate) fn show(&self, _: &I420) {
        match self.0 {}
    }
}

impl Speaker {
    pub(crate) fn play(&mut self, _: TrackReceiver) -> Result<(), DevicesError> {
        match self.0 {}
    }
}
