//! A window that shows pictures (feature `window`): a preview, no player. It has a thread of its
//! own; pictures wait for it in a cell that holds the newest, so it never holds anybody up.

#[cfg(test)]
mod tests;

use crate::decoded::DecodedFrames;
use crate::device::DeviceError;
use crate::i420::I420;
use crate::latest::Latest;
use crate::source::Lack;
use minifb::{ScaleMode, WindowOptions};
use offhook_transport::media::TrackReceiver;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// How often the window looks to its keys, its frame and its end.
const LOOK: Duration = Duration::from_millis(20);
/// A window that did not open within this never will.
const OPENING: Duration = Duration::from_secs(10);

/// A window on the screen. Its user closes it by its frame, as any other.
///
/// On Linux it is one of X11, which Wayland's desktops bring along. On macOS windows belong to the
/// main thread alone: there it does not open.
///
/// # Drop
/// Closes it, on its own thread; waits for nothing.
pub struct Window {
    latest: Arc<Latest<I420>>,
    watching: Option<Watching>,
}

/// The thread that decodes one track.
struct Watching {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Window {
    /// Opens a window with this title and, until the user sizes it, of this size in pixels.
    ///
    /// Blocks for as long as opening takes, ten seconds at most.
    ///
    /// # Errors
    /// [`Lack::Absent`] without a screen, [`Lack::Unusable`] when the window does not open.
    pub fn open(title: impl Into<String>, width: u32, height: u32) -> Result<Self, DeviceError> {
        let error = |lack, what: String| DeviceError::new("the window", lack, what);
        if cfg!(target_os = "macos") {
            return Err(error(Lack::Absent, "windows belong to the main thread on this system".into()));
        }
        if cfg!(target_os = "linux") && std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
            return Err(error(Lack::Absent, "there is no screen: DISPLAY is not set".into()));
        }
        let latest = Arc::new(Latest::new());
        let (say, hear) = sync_channel(1);
        let (theirs, title) = (latest.clone(), title.into());
        thread::Builder::new()
            .name("offhook-window".to_owned())
            .spawn(move || run(&title, width, height, &theirs, &say))
            .map_err(|why| error(Lack::Unusable, format!("no thread could be started ({why})")))?;
        match hear.recv_timeout(OPENING) {
            Ok(Ok(())) => Ok(Self { latest, watching: None }),
            Ok(Err(why)) => Err(error(Lack::Unusable, why)),
            Err(_) => {
                latest.close();
                Err(error(Lack::Unusable, format!("it did not open within {OPENING:?}")))
            }
        }
    }

    /// Shows a picture in the place of the one before. Never waits. False once the window is
    /// closed.
    pub fn show(&self, picture: I420) -> bool {
        self.latest.put(picture)
    }

    /// Shows a received track, decoded on a thread of its own, in the place of the one before;
    /// over every recovery, until its session ends or the window is closed, which lets the track
    /// go. The last picture stays. Needs no runtime.
    ///
    /// # Errors
    /// When no thread can be started. The track ends with that.
    pub fn play(&mut self, track: TrackReceiver) -> Result<(), DeviceError> {
        self.watching = None;
        let (stop, latest) = (Arc::new(AtomicBool::new(false)), self.latest.clone());
        let theirs = stop.clone();
        let thread = thread::Builder::new()
            .name("offhook-watching".to_owned())
            .spawn(move || watch(DecodedFrames::new(track), &latest, &theirs))
            .map_err(|why| {
                DeviceError::new("the window", Lack::Unusable, format!("no thread could be started ({why})"))
            })?;
        self.watching = Some(Watching { stop, thread: thread.thread().clone() });
        Ok(())
    }

    /// Is it still open?
    pub fn is_open(&self) -> bool {
        !self.latest.is_closed()
    }

    /// Pictures that came faster than the window showed them.
    pub fn lost(&self) -> u64 {
        self.latest.lost()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.latest.close();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// The window's thread, until somebody closes it.
fn run(title: &str, width: u32, height: u32, latest: &Latest<I420>, say: &SyncSender<Result<(), String>>) {
    let options =
        WindowOptions { resize: true, scale_mode: ScaleMode::AspectRatioStretch, ..WindowOptions::default() };
    let opened = minifb::Window::new(
        title,
        width.clamp(16, 8_192) as usize,
        height.clamp(16, 8_192) as usize,
        options,
    );
    let mut window = match opened {
        Ok(window) => window,
        Err(error) => return drop(say.send(Err(error.to_string()))),
    };
    if say.send(Ok(())).is_err() {
        return;
    }
    let mut pixels: Vec<u32> = Vec::new();
    while window.is_open() && !latest.is_closed() {
        let Some(picture) = latest.wait(LOOK) else {
            window.update();
            continue;
        };
        pixels.clear();
        let dot = |rgb: &[u8]| u32::from_be_bytes([0, rgb[0], rgb[1], rgb[2]]);
        pixels.extend(picture.to_rgb().chunks_exact(3).map(dot));
        // It fails for a size that does not fit the pixels, which these do.
        let _ = window.update_with_buffer(&pixels, picture.width() as usize, picture.height() as usize);
    }
    latest.close();
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Until the track is over, the window closed, or another track shown in it.
fn watch(mut frames: DecodedFrames, latest: &Latest<I420>, stop: &AtomicBool) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        let mut next = pin!(frames.next());
        let decoded = loop {
            if stop.load(Ordering::Acquire) || latest.is_closed() {
                return;
            }
            match next.as_mut().poll(&mut cx) {
                Poll::Ready(decoded) => break decoded,
                // Not for ever: nobody wakes it when the window is closed.
                Poll::Pending => thread::park_timeout(LOOK * 5),
            }
        };
        let shown = decoded.is_some_and(|decoded| latest.put(decoded.picture));
        if !shown {
            return;
        }
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("open", &self.is_open()).field("lost", &self.lost()).finish()
    }
}
