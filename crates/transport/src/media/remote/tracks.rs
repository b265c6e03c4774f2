//! Tracks of other members: named by whose they are and what their publisher calls them, and not by
//! the section or link that brings them. So a handle goes on over every recovery of its own session
//! and of its publisher's (F41, F62). Who is there to be heard is not decided here.

use super::{EncodedFrame, Kind, Queue, RECEIVER_DEPTH, Remote, RemoteSink, TrackReceiver};
use crate::Epoch;
use std::fmt;
use std::sync::{Arc, Weak};

/// Names one track of one member of a session. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId {
    member: Arc<str>,
    label: Arc<str>,
}

impl TrackId {
    /// The track that this member ([`Member::id`](crate::Member)) calls so.
    pub fn new(member: impl AsRef<str>, label: impl AsRef<str>) -> Self {
        Self { member: member.as_ref().into(), label: label.as_ref().into() }
    }

    /// The id of the member whose it is.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What its publisher calls it. Untrusted text.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// Shows a far side's words, so they are escaped.
impl fmt::Debug for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrackId({}/{})", self.member.escape_debug(), self.label.escape_debug())
    }
}

/// One track that somebody holds a handle of.
#[derive(Debug)]
pub(super) struct Stream {
    kind: Kind,
    /// Whose frames get through now; `None` before the first.
    epoch: Option<Epoch>,
    queues: Vec<Weak<Queue>>,
    /// The newest wish for a key frame of this track.
    pub(super) wish: u64,
}

impl Stream {
    pub(super) fn close(&self) {
        self.queues.iter().filter_map(Weak::upgrade).for_each(|queue| queue.close());
    }
}

impl Remote {
    /// A handle of one member's track, for the application. It may be taken before the track is
    /// there: frames come when the far side sends some. Several may be taken; each gets every frame.
    ///
    /// A name stands for one kind: a handle of the other kind takes the place of those there are,
    /// which end.
    pub fn track(&self, id: &TrackId, kind: Kind) -> TrackReceiver {
        let queue = Arc::new(Queue::new(RECEIVER_DEPTH));
        if kind == Kind::Video {
            queue.await_key();
        }
        let mut selection = self.hub.lock();
        if selection.closed {
            queue.close();
        } else {
            // Bounded by the handles that live: the others go with the next one that is taken.
            selection.tracks.retain(|_, stream| {
                stream.queues.retain(|queue| queue.strong_count() > 0);
                !stream.queues.is_empty()
            });
            if selection.tracks.get(id).is_some_and(|stream| stream.kind != kind)
                && let Some(before) = selection.tracks.remove(id)
            {
                before.close();
            }
            let fresh = || Stream { kind, epoch: None, queues: Vec::new(), wish: 0 };
            let stream = selection.tracks.entry(id.clone()).or_insert_with(fresh);
            stream.queues.push(Arc::downgrade(&queue));
        }
        drop(selection);
        if kind == Kind::Video {
            self.hub.want_key(Some(id));
        }
        TrackReceiver::new(self.hub.clone(), queue, kind, Some(id.clone()))
    }

    /// The track is gone for good: its handles end, after what they hold. One that is published
    /// under this name later is another one.
    pub fn end_track(&self, id: &TrackId) {
        let ended = self.hub.lock().tracks.remove(id);
        if let Some(stream) = ended {
            stream.close();
        }
    }
}

impl RemoteSink {
    /// Passes one received frame of a member's track on, if this epoch is the chosen one; dropped
    /// and counted where nobody holds a handle of it. Never waits.
    ///
    /// True if a handle took it.
    pub fn push_track(&self, id: &TrackId, frame: &EncodedFrame) -> bool {
        let kind = frame.codec.kind();
        let mut selection = self.hub.lock();
        let target = selection.target();
        let Some(stream) = selection.tracks.get_mut(id).filter(|stream| stream.kind == kind) else {
            return self.hub.count(false);
        };
        if target == Some(self.epoch) && (frame.key || stream.epoch.is_none()) {
            stream.epoch = target;
        }
        // Sound follows the newest link.
        let chosen = match kind {
            Kind::Audio => target,
            Kind::Video => stream.epoch,
        };
        if chosen != Some(self.epoch) {
            return self.hub.count(false);
        }
        let (mut taken, mut ask) = (false, false);
        for queue in stream.queues.iter().filter_map(Weak::upgrade) {
            taken |= queue.push(frame.clone());
            ask |= queue.take_key_wanted();
        }
        drop(selection);
        if ask {
            self.hub.want_key(Some(id));
        }
        self.hub.count(taken)
    }
}
