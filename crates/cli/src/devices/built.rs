//! The machine's own devices. Opening one may take a second: none is opened on a thread that
//! the session needs.

use super::DevicesError;
use crate::args::{Devices, Input};
use crate::input::{self, InputError};
use offhook::transport::media::{Kind, TrackReceiver};
use offhook::{Camera, CameraOptions, Join, Lack, Lacking, Microphone, Opened, Preferred, Window};
use offhook_media::I420;
use std::panic::resume_unwind;

/// Where the picture that comes back is shown.
pub(crate) struct Screen(Window);

/// Where the sound that comes back is played.
pub(crate) struct Speaker(offhook::Speaker);

/// What is sent, in a join: the camera, or what stands in for it, is required; the microphone is
/// wished for.
pub(crate) async fn publish(input: &Input, devices: &Devices) -> Result<Join, DevicesError> {
    if !devices.any() {
        return Ok(Join::new().publish(input::source(input)?));
    }
    let (input, devices) = (input.clone(), devices.clone());
    blocking(move || {
        let join = match &*devices.camera {
            [] => Join::new().publish(input::source(&input)?),
            names => Join::new().publish(camera(names, &input)),
        };
        Ok(match &*devices.microphone {
            [] => join,
            names => join.publish_if_there(microphone(names)),
        })
    })
    .await
}

/// Opens what shows and plays.
pub(crate) async fn listen(devices: &Devices) -> Result<(Option<Speaker>, Option<Screen>), DevicesError> {
    let (speaker, window) = (devices.speaker, devices.window);
    blocking(move || {
        let speaker = speaker.then(|| offhook::Speaker::open(None)).transpose()?;
        let window = window.then(|| Window::open("offhook", 640, 360)).transpose()?;
        Ok((speaker.map(Speaker), window.map(Screen)))
    })
    .await
}

/// The first of these cameras; where none opens, what was named beside them.
fn camera(names: &[String], input: &Input) -> Opened {
    let mut ways = Preferred::new(Kind::Video);
    for name in names {
        let options = CameraOptions { device: named(name), ..CameraOptions::default() };
        ways = ways.or("camera", move || Camera::open(&options));
    }
    if input.input.is_some() || input.pattern {
        let input = input.clone();
        ways = ways.or("what stands in for it", move || input::source(&input));
    }
    told(ways.open())
}

/// The first of these microphones.
fn microphone(names: &[String]) -> Opened {
    let mut ways = Preferred::new(Kind::Audio);
    for name in names {
        let name = named(name);
        ways = ways.or("microphone", move || Microphone::open(name.as_deref()));
    }
    told(ways.open())
}

/// Says on stderr what was passed over, and what that led to.
fn told(opened: Opened) -> Opened {
    for passed in opened.passed_over() {
        eprintln!("offhook: {passed}");
    }
    match opened.taken() {
        Some(taken) if !opened.passed_over().is_empty() => eprintln!("offhook: sending {taken}"),
        _ => {}
    }
    opened
}

/// An empty name means none in particular.
fn named(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DevicesError> + Send + 'static,
) -> Result<T, DevicesError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // It is never cancelled, so it panicked.
        Err(error) => resume_unwind(error.into_panic()),
    }
}

impl Screen {
    /// Shows a picture; once the window was closed, none.
    pub(crate) fn show(&self, picture: &I420) {
        if self.0.is_open() {
            self.0.show(picture.clone());
        }
    }
}

impl Speaker {
    /// Plays a track, in the place of the one before, until it is dropped.
    pub(crate) fn play(&mut self, track: TrackReceiver) -> Result<(), DevicesError> {
        Ok(self.0.play(track)?)
    }
}

impl Lacking for InputError {
    fn lack(&self) -> Lack {
        match self {
            Self::Clip(error) => error.lack(),
            Self::Picture(_) | Self::Encode(_) => Lack::Unusable,
        }
    }
}
