//! Received tracks: where connections put frames, and the handles that outlive them.
//!
//! Frames of one epoch at a time get through. A switch to another epoch is armed by
//! [`Remote::switch_to`] and happens at that epoch's first key frame, so that the picture
//! never breaks and no frame of the old link follows one of the new (R13).

use super::queue::Queue;
use super::{EncodedFrame, Kind};
use crate::Epoch;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Frames a receiver holds before it loses the oldest.
const RECEIVER_DEPTH: usize = 64;

#[derive(Debug, Default)]
struct Selection {
    current: Option<Epoch>,
    next: Option<Epoch>,
    receivers: Vec<(Kind, Weak<Queue>)>,
    key_wakers: Vec<Waker>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Hub {
    selection: Mutex<Selection>,
    /// Rises with every wish for a key frame, so that no sink misses one.
    key_wishes: AtomicU64,
    forwarded: AtomicU64,
    dropped: AtomicU64,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Selection> {
        self.selection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want_key(&self) {
        self.key_wishes.fetch_add(1, Ordering::AcqRel);
        let wakers = std::mem::take(&mut self.lock().key_wakers);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The host's end: says which epoch's frames get through, and makes the other two ends.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    hub: Arc<Hub>,
}

impl Remote {
    /// Lets nothing through yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The end a connection of this epoch pushes into.
    pub fn sink(&self, epoch: Epoch) -> RemoteSink {
        RemoteSink { hub: self.hub.clone(), epoch, seen_wishes: self.hub.key_wishes.load(Ordering::Acquire) }
    }

    /// From its next key frame on (at once for sound, and at once if nothing was chosen
    /// before), this epoch's frames get through and no other's.
    pub fn switch_to(&self, epoch: Epoch) {
        let mut selection = self.hub.lock();
        if selection.current == Some(epoch) {
            selection.next = None;
        } else if selection.current.is_none() {
            selection.current = Some(epoch);
        } else {
            selection.next = Some(epoch);
        }
        drop(selection);
        self.hub.want_key();
    }

    /// Which epoch's frames get through now.
    pub fn current(&self) -> Option<Epoch> {
        self.hub.lock().current
    }

    /// A handle for the application: one kind of media, whichever link brings it. Several
    /// may be taken; each gets every frame.
    pub fn receiver(&self, kind: Kind) -> TrackReceiver {
        let queue = Arc::new(Queue::new(RECEIVER_DEPTH));
        let mut selection = self.hub.lock();
        if selection.closed {
            queue.close();
        }
        selection.receivers.retain(|(_, queue)| queue.strong_count() > 0);
        selection.receivers.push((kind, Arc::downgrade(&queue)));
        drop(selection);
        if kind == Kind::Video {
            queue.await_key();
            self.hub.want_key();
        }
        TrackReceiver { hub: self.hub.clone(), queue, kind }
    }

    /// Ends every receiver, for good.
    pub fn close(&self) {
        let mut selection = self.hub.lock();
        selection.closed = true;
        let receivers = std::mem::take(&mut selection.receivers);
        drop(selection);
        for queue in receivers.iter().filter_map(|(_, queue)| queue.upgrade()) {
            queue.close();
        }
    }

    /// Frames that got through.
    pub fn forwarded(&self) -> u64 {
        self.hub.forwarded.load(Ordering::Relaxed)
    }

    /// Frames of a link that was not chosen, or that no receiver took.
    pub fn dropped(&self) -> u64 {
        self.hub.dropped.load(Ordering::Relaxed)
    }
}

/// One connection's end: frames go in here. Cloning shares the epoch.
#[derive(Clone, Debug)]
pub struct RemoteSink {
    hub: Arc<Hub>,
    epoch: Epoch,
    seen_wishes: u64,
}

impl RemoteSink {
    /// Passes one received frame on, if this epoch is the chosen one. Never waits.
    pub fn push(&self, frame: &EncodedFrame) -> bool {
        let kind = frame.codec.kind();
        let mut selection = self.hub.lock();
        if selection.next == Some(self.epoch) && kind == Kind::Video && frame.key {
            selection.current = selection.next.take();
        }
        // Sound has no key frames and no picture to break; it follows the newest link.
        let chosen = match (kind, selection.next) {
            (Kind::Audio, Some(next)) => Some(next),
            _ => selection.current,
        };
        if chosen != Some(self.epoch) || selection.closed {
            self.hub.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let mut taken = false;
        let mut ask = false;
        for queue in
            selection.receivers.iter().filter(|(of, _)| *of == kind).filter_map(|(_, queue)| queue.upgrade())
        {
            taken |= queue.push(frame.clone());
            ask |= queue.take_key_wanted();
        }
        drop(selection);
        if ask {
            self.hub.want_key();
        }
        let counter = if taken { &self.hub.forwarded } else { &self.hub.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        taken
    }

    /// Do its frames get through: still, already, or from its next key frame on?
    pub fn is_chosen(&self) -> bool {
        let selection = self.hub.lock();
        [selection.current, selection.next].contains(&Some(self.epoch))
    }

    /// Ready when somebody wants a key frame since the last time this said so.
    pub fn poll_key_frame_wanted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut selection = self.hub.lock();
        let wishes = self.hub.key_wishes.load(Ordering::Acquire);
        if wishes != self.seen_wishes {
            self.seen_wishes = wishes;
            return Poll::Ready(());
        }
        if !selection.key_wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            selection.key_wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The epoch it was made for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// The application's end of one received kind of media. It goes on over every recovery.
#[derive(Debug)]
pub struct TrackReceiver {
    hub: Arc<Hub>,
    queue: Arc<Queue>,
    kind: Kind,
}

impl TrackReceiver {
    /// The next frame; `None` when the session is over.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](TrackReceiver::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.queue.poll(cx)
    }

    /// Asks the far side for a picture that can be decoded by itself.
    pub fn want_key_frame(&self) {
        self.hub.want_key();
    }

    /// Audio or video.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Frames lost here because the reader was slow, or waiting for a key frame.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Is the session over? Frames already received can still be read.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}
