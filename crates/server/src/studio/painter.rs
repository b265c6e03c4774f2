//! One member's painter: a thread between what comes in and what goes back. It is one of its own,
//! because it lives as long as its member: in the runtime's pool it would keep others out.
//!
//! Every picture is decoded, because later ones need it; when pictures wait behind it, it is
//! not painted, so that a slow machine returns fewer pictures rather than later ones. Where that
//! goes on, what is large is painted smaller (`effort`).

#[cfg(test)]
mod tests;

use super::Recipe;
use super::effort::{Effort, Verdict};
use futures_util::FutureExt;
use offhook_media::h264::{Decoder, Encoder, EncoderOptions};
use offhook_media::{FrameRate, I420};
use offhook_transport::media::{EncodedFrame, TrackReceiver, TrackSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// Pictures left out in a row at most: one that is late is better than none at all.
const MOST_SKIPPED: u32 = 4;

/// Nothing came in for this long: nothing is going back either, and is not to be waited for.
const PAUSED_AFTER: Duration = Duration::from_secs(2);

/// Shortest edge in pixels that the encoder takes: a macroblock.
const SMALLEST: u32 = 16;

/// What a painter needs to know, beside the pictures.
pub(crate) struct Orders {
    /// Bits a second of what goes back.
    pub(crate) bitrate: u32,
    /// Longest edge that is painted; a larger picture is left out, and [`Said::Paused`] says so.
    pub(crate) edge: usize,
}

/// Holds the brush.
pub(crate) struct Painter {
    recipe: Arc<Mutex<Recipe>>,
    /// Where it is.
    told: watch::Receiver<Told>,
    /// What was said of that.
    said: Told,
    begun: bool,
    /// Told, by being dropped, when the thread is at its end. `None` once that was heard.
    thread: Option<oneshot::Receiver<()>>,
}

/// What the thread tells: levels, of which the newest counts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    /// Are pictures handed on?
    flows: bool,
    /// The longest shorter side that it keeps up with.
    most: Option<u32>,
}

/// What a painter has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The first painted picture was handed on.
    FirstPicture,
    /// Nothing comes in any more, or nothing that fits, so nothing is handed on.
    Paused,
    /// It comes again, or fits again.
    Resumed,
    /// It keeps up with pictures whose shorter side has at most so many pixels; `None`: with all that
    /// are wanted.
    KeepsUpWith(Option<u32>),
    /// It paints no more: its input ended, or it failed.
    Stopped,
}

impl Painter {
    /// Begins to paint; ends when `received` does.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        received: TrackReceiver,
        returned: TrackSender,
        recipe: Recipe,
        orders: Orders,
    ) -> std::io::Result<Self> {
        let recipe = Arc::new(Mutex::new(recipe));
        let (tell, told) = watch::channel(Told::default());
        let (at_its_end, thread) = oneshot::channel::<()>();
        let runtime = Handle::current();
        let brush = recipe.clone();
        std::thread::Builder::new().name("offhook-studio".into()).spawn(move || {
            let _at_its_end = at_its_end;
            let mut easel = Easel { received, returned, recipe: brush, orders, told: tell };
            if let Err(error) = easel.paint(&runtime) {
                tracing::warn!(%error, "the painter stopped");
            }
        })?;
        Ok(Self { recipe, told, said: Told::default(), begun: false, thread: Some(thread) })
    }

    /// From the next picture on.
    pub(crate) fn paint_with(&self, recipe: Recipe) {
        *self.recipe.lock().unwrap_or_else(PoisonError::into_inner) = recipe;
    }

    /// The next thing it has to say. Pending for ever once it has stopped.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Said {
        let Some(thread) = &mut self.thread else { return std::future::pending().await };
        // Its end is heard on the thread alone.
        loop {
            let now = *self.told.borrow_and_update();
            if std::mem::replace(&mut self.said.most, now.most) != now.most {
                return Said::KeepsUpWith(now.most);
            }
            if std::mem::replace(&mut self.said.flows, now.flows) != now.flows {
                return match (now.flows, std::mem::replace(&mut self.begun, true)) {
                    (true, false) => Said::FirstPicture,
                    (true, true) => Said::Resumed,
                    (false, _) => Said::Paused,
                };
            }
            if self.told.changed().await.is_err() {
                break;
            }
        }
        // One that panicked has stopped as any other.
        let _ = thread.await;
        self.thread = None;
        Said::Stopped
    }

    /// Waits for the thread, which ends when its input did.
    pub(crate) async fn ended(self) {
        if let Some(thread) = self.thread {
            // One that panicked has ended as any other.
            let _ = thread.await;
        }
    }
}

struct Easel {
    received: TrackReceiver,
    returned: TrackSender,
    recipe: Arc<Mutex<Recipe>>,
    orders: Orders,
    told: watch::Sender<Told>,
}

impl Easel {
    fn paint(&mut self, runtime: &Handle) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut decoder = Decoder::new()?;
        let mut encoder: Option<(Encoder, (u32, u32))> = None;
        let mut waiting = None;
        let mut skipped = 0;
        let mut effort = Effort::new();
        let mut unfit = None;
        loop {
            let Some(frame) = waiting.take().or_else(|| runtime.block_on(self.next())) else {
                return Ok(());
            };
            let begun = Instant::now();
            let decoded = decoder.decode_frame(&frame);
            waiting = self.received.next().now_or_never().flatten();
            let mut picture = match decoded {
                Ok(Some(picture)) if self.fits(&picture) => picture,
                Ok(Some(picture)) => {
                    self.leave_out(&mut unfit, (picture.width(), picture.height()));
                    continue;
                }
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!(%error, "a picture cannot be decoded; a key frame is asked for");
                    self.received.want_key_frame();
                    continue;
                }
            };
            unfit = None;
            let size = (picture.width(), picture.height());
            if waiting.is_some() && skipped < MOST_SKIPPED {
                skipped += 1;
                self.keep_up(&mut effort, frame.pts, begun, size);
                continue;
            }
            skipped = 0;
            let (width, height) = effort.size(size.0, size.1);
            if (width, height) != size {
                picture = picture.scaled(width, height)?;
            }
            // A copy: whoever brings the next prompt must not wait for the brush.
            let recipe = self.recipe.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if recipe.is_held() {
                // Nothing goes back, and is not to be waited for.
                self.tell(false);
                continue;
            }
            recipe.apply(&mut picture);
            self.hand_on(&mut encoder, &picture, frame.pts)?;
            self.keep_up(&mut effort, frame.pts, begun, size);
        }
    }

    /// A picture of this size is not painted, nor is anything to be waited for: whoever is told of no pause
    /// takes the silence for a dead path. `before` is the size that was left out last.
    fn leave_out(&self, before: &mut Option<(u32, u32)>, size: (u32, u32)) {
        self.tell(false);
        if before.replace(size) != Some(size) {
            let (size, edge) = (format!("{}x{}", size.0, size.1), self.orders.edge);
            tracing::warn!(
                size,
                edge,
                "pictures of this size are not painted; nothing goes back until they fit"
            );
        }
    }

    /// Says so where it changes what is painted.
    fn keep_up(&self, effort: &mut Effort, at: Duration, begun: Instant, size: (u32, u32)) {
        let verdict = effort.note(at, begun.elapsed(), size);
        let (width, height) = effort.size(size.0, size.1);
        let most = effort.most();
        self.told.send_if_modified(|told| std::mem::replace(&mut told.most, most) != most);
        match verdict {
            Verdict::GoOn => {}
            Verdict::Smaller => {
                let (from, to) = (format!("{}x{}", size.0, size.1), format!("{width}x{height}"));
                tracing::warn!(from, to, "this machine cannot repaint so large a picture in time");
            }
            Verdict::Larger => {
                tracing::info!(to = format!("{width}x{height}"), "there is time to paint larger");
            }
        }
    }

    async fn next(&mut self) -> Option<EncodedFrame> {
        match timeout(PAUSED_AFTER, self.received.next()).await {
            Ok(frame) => frame,
            Err(_) => {
                self.tell(false);
                self.received.next().await
            }
        }
    }

    fn tell(&self, flows: bool) {
        self.told.send_if_modified(|told| std::mem::replace(&mut told.flows, flows) != flows);
    }

    fn fits(&self, picture: &I420) -> bool {
        let (width, height) = (picture.width(), picture.height());
        width.max(height) as usize <= self.orders.edge && width.min(height) >= SMALLEST
    }

    fn hand_on(
        &mut self,
        encoder: &mut Option<(Encoder, (u32, u32))>,
        picture: &I420,
        pts: Duration,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let size = (picture.width(), picture.height());
        if encoder.as_ref().is_none_or(|(_, of)| *of != size) {
            let options = EncoderOptions {
                bitrate: self.orders.bitrate,
                frame_rate: FrameRate::DEFAULT,
                key_every: None,
            };
            *encoder = Some((Encoder::new(options)?, size));
        }
        let Some((encoder, _)) = encoder else { return Ok(()) };
        if self.returned.key_frame_wanted() {
            encoder.force_key_frame();
        }
        match encoder.encode(picture, pts)? {
            Some(frame) => {
                if self.returned.try_send(frame) {
                    self.tell(true);
                }
            }
            None => {
                let left_out = encoder.left_out();
                tracing::debug!(left_out, "a picture costs many times the bit rate and does not go back");
            }
        }
        Ok(())
    }
}
