//! Received media: where connections put frames, and the handles that outlive them. There are two
//! sorts: what the far side sends of its own (a studio's picture, a persona's voice), one receiver
//! for each kind; and the tracks of other members (`remote/tracks.rs`), each with a name of its own.
//!
//! Frames of one epoch at a time get through. A switch to another epoch is armed by
//! [`Remote::switch_to`] and happens at that epoch's first key frame, for each track on its own, so
//! that no picture breaks and no frame of the old link follows one of the new (R13).

mod receiver;
mod tracks;

pub use receiver::TrackReceiver;
pub use tracks::TrackId;

use super::queue::Queue;
use super::{EncodedFrame, Kind};
use crate::Epoch;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use tracks::Stream;

/// Frames a receiver holds before it loses the oldest.
const RECEIVER_DEPTH: usize = 64;

#[derive(Debug, Default)]
struct Selection {
    current: Option<Epoch>,
    next: Option<Epoch>,
    receivers: Vec<(Kind, Weak<Queue>)>,
    /// Tracks of other members that somebody holds a handle of.
    tracks: HashMap<TrackId, Stream>,
    /// The newest wish for a key frame that is not about one member's track alone.
    wish: u64,
    key_wakers: Vec<Waker>,
    closed: bool,
}

impl Selection {
    /// The epoch that was chosen last.
    fn target(&self) -> Option<Epoch> {
        self.next.or(self.current)
    }
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

    /// Wants a key frame of one member's track, or of everything.
    fn want_key(&self, of: Option<&TrackId>) {
        let mut selection = self.lock();
        let wish = self.key_wishes.fetch_add(1, Ordering::AcqRel) + 1;
        match of {
            None => selection.wish = wish,
            Some(track) => match selection.tracks.get_mut(track) {
                Some(stream) => stream.wish = wish,
                None => return,
            },
        }
        let wakers = std::mem::take(&mut selection.key_wakers);
        drop(selection);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Counts what became of a frame.
    fn count(&self, taken: bool) -> bool {
        let counter = if taken { &self.forwarded } else { &self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        taken
    }
}

/// What key frames are wanted of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyWishes {
    /// Of everything that comes in.
    pub all: bool,
    /// Of these members' tracks, whether or not `all` is set.
    pub tracks: Vec<TrackId>,
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
    /// before), this epoch's frames get through and no other's. Each member's track switches at a
    /// key frame of its own.
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
        self.hub.want_key(None);
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
            self.hub.want_key(None);
        }
        TrackReceiver::new(self.hub.clone(), queue, kind, None)
    }

    /// Ends every receiver, for good.
    pub fn close(&self) {
        let mut selection = self.hub.lock();
        selection.closed = true;
        let receivers = std::mem::take(&mut selection.receivers);
        let tracks = std::mem::take(&mut selection.tracks);
        drop(selection);
        for queue in receivers.iter().filter_map(|(_, queue)| queue.upgrade()) {
            queue.close();
        }
        tracks.values().for_each(Stream::close);
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
    /// Passes one received frame of the far side's own on, if this epoch is the chosen one. Never
    /// waits.
    pub fn push(&self, frame: &EncodedFrame) -> bool {
        let kind = frame.codec.kind();
        let mut selection = self.hub.lock();
        if selection.next == Some(self.epoch) && kind == Kind::Video && frame.key {
            selection.current = selection.next.take();
        }
        // Sound has no key frames and no picture to break; it follows the newest link.
        let chosen = match kind {
            Kind::Audio => selection.target(),
            Kind::Video => selection.current,
        };
        if chosen != Some(self.epoch) || selection.closed {
            return self.hub.count(false);
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
            self.hub.want_key(None);
        }
        self.hub.count(taken)
    }

    /// Do its frames get through: still, already, or from its next key frame on?
    pub fn is_chosen(&self) -> bool {
        let selection = self.hub.lock();
        [selection.current, selection.next].contains(&Some(self.epoch))
    }

    /// Ready when somebody wants a key frame since the last time this said so.
    pub fn poll_key_frame_wanted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_key_wishes(cx).map(|_| ())
    }

    /// As [`poll_key_frame_wanted`](Self::poll_key_frame_wanted), and of what: for a link that
    /// brings several pictures.
    pub fn poll_key_wishes(&mut self, cx: &mut Context<'_>) -> Poll<KeyWishes> {
        let mut selection = self.hub.lock();
        let wishes = self.hub.key_wishes.load(Ordering::Acquire);
        if wishes != self.seen_wishes {
            let seen = std::mem::replace(&mut self.seen_wishes, wishes);
            let wished = |(_, stream): &(&TrackId, &Stream)| stream.wish > seen;
            let tracks = selection.tracks.iter().filter(wished).map(|(id, _)| id.clone()).collect();
            return Poll::Ready(KeyWishes { all: selection.wish > seen, tracks });
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
