//! A published track: the application's end, and the ends that connections take of it.

#[cfg(test)]
mod tests;

use super::queue::Queue;
use super::{Codec, EncodedFrame, Kind, VideoWish};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Frames a tap holds before it loses the oldest.
const TAP_DEPTH: usize = 64;

/// What a published track carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackSpec {
    /// The codec of every frame.
    pub codec: Codec,
    /// A name for it; unique among the published tracks of a session, of 1 to [`LABEL`](Self::LABEL)
    /// bytes, without control characters.
    pub label: String,
}

impl TrackSpec {
    /// The longest label, in bytes. It is not empty, and holds no control characters.
    pub const LABEL: usize = 128;
    /// The most tracks that a session publishes at once. An offer of so many leaves room in a frame for
    /// half as many sections of others.
    pub const MOST: usize = 32;

    /// Audio or video.
    pub fn kind(&self) -> Kind {
        self.codec.kind()
    }
}

#[derive(Debug)]
struct Hub {
    spec: TrackSpec,
    flow: Mutex<Flow>,
    sent: AtomicU64,
    /// Holds the wish for a key frame that no tap owns, and its waker.
    keys: Queue,
    /// Said by the owner of the track, instead of its taps.
    wish: Mutex<Option<VideoWish>>,
}

/// Where frames go. One lock for all of it: who begins to take a track that ends at that moment, and what is
/// sent beside a mute, comes before it or after.
#[derive(Debug, Default)]
struct Flow {
    taps: Vec<Arc<Queue>>,
    muted: bool,
    closed: bool,
}

impl Hub {
    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something of the track is missing: pictures go on with a key frame.
    fn begin_anew(&self, flow: &Flow) {
        if self.spec.kind() == Kind::Video {
            flow.taps.iter().for_each(|tap| tap.await_key());
            self.keys.want_key();
        }
    }
}

/// Makes a track: the end that frames go into, and the end that transports tap.
pub fn local(spec: TrackSpec) -> (TrackSender, LocalTrack) {
    let hub = Arc::new(Hub {
        spec,
        flow: Mutex::default(),
        sent: AtomicU64::new(0),
        keys: Queue::new(0),
        wish: Mutex::new(None),
    });
    (TrackSender { hub: hub.clone() }, LocalTrack { hub })
}

/// The end that frames go into. Dropping it ends the track; every tap then runs dry.
#[derive(Debug)]
pub struct TrackSender {
    hub: Arc<Hub>,
}

impl TrackSender {
    /// Hands a frame to every connection that sends this track. Never waits. With no
    /// connection, while muted, or where one is slow, the frame is dropped and counted. So is one of
    /// another codec than the track's, which nobody over there could read; video goes on with a key
    /// frame after it, which is asked for.
    ///
    /// True if at least one connection took it.
    pub fn try_send(&self, frame: EncodedFrame) -> bool {
        let flow = self.hub.flow();
        if flow.taps.is_empty() || flow.muted {
            self.hub.keys.count_drop();
            return false;
        }
        if frame.codec != self.hub.spec.codec {
            self.hub.keys.count_drop();
            self.hub.begin_anew(&flow);
            return false;
        }
        let mut taken = false;
        for tap in &flow.taps {
            taken |= tap.push(frame.clone());
        }
        if taken {
            self.hub.sent.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Did the far side, or a connection that just began, ask for a key frame since the last
    /// call?
    pub fn key_frame_wanted(&self) -> bool {
        self.hub.keys.take_key_wanted()
    }

    /// The size and rate that are wanted of this track: what its owner said, otherwise the most that
    /// any of its takers said. `None` while one of them takes it as it is, or nobody takes it.
    pub fn video_wanted(&self) -> Option<VideoWish> {
        let said = *self.hub.wish.lock().unwrap_or_else(PoisonError::into_inner);
        said.or_else(|| {
            let flow = self.hub.flow();
            let mut wishes = flow.taps.iter().map(|tap| tap.wish());
            let first = wishes.next()??;
            wishes.try_fold(first, |most, wish| Some(most.or_more(wish?)))
        })
    }

    /// Is any connection sending this track now?
    pub fn is_tapped(&self) -> bool {
        !self.hub.flow().taps.is_empty()
    }

    /// Frames that at least one connection took.
    pub fn sent(&self) -> u64 {
        self.hub.sent.load(Ordering::Relaxed)
    }

    /// Frames that nobody took.
    pub fn dropped(&self) -> u64 {
        self.hub.keys.dropped()
    }

    /// What it carries.
    pub fn spec(&self) -> &TrackSpec {
        &self.hub.spec
    }
}

impl Drop for TrackSender {
    fn drop(&mut self) {
        let mut flow = self.hub.flow();
        flow.closed = true;
        for tap in flow.taps.drain(..) {
            tap.close();
        }
        drop(flow);
        self.hub.keys.close();
    }
}

/// The end that transports tap. Cloning shares it.
#[derive(Clone, Debug)]
pub struct LocalTrack {
    hub: Arc<Hub>,
}

/// The same track, and not one that looks the same.
impl PartialEq for LocalTrack {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.hub, &other.hub)
    }
}

impl Eq for LocalTrack {}

impl LocalTrack {
    /// Begins to take the track, from its next key frame on, which is asked for. Of a track that has ended
    /// it takes the end.
    pub fn tap(&self) -> Tap {
        let queue = Arc::new(Queue::new(TAP_DEPTH));
        if self.hub.spec.kind() == Kind::Video {
            queue.await_key();
            self.hub.keys.want_key();
        }
        let mut flow = self.hub.flow();
        if flow.closed {
            queue.close();
        } else {
            flow.taps.push(queue.clone());
        }
        drop(flow);
        Tap { hub: self.hub.clone(), queue }
    }

    /// Stops or starts the flow without ending the track. When a stop returns no connection gets another
    /// frame: what waits for a slow one is dropped and counted, what one has taken it may still send. After
    /// a start pictures go on with a key frame, which is asked for.
    pub fn set_muted(&self, muted: bool) {
        let mut flow = self.hub.flow();
        let was = std::mem::replace(&mut flow.muted, muted);
        if muted {
            flow.taps.iter().for_each(|tap| tap.clear());
        } else if was {
            self.hub.begin_anew(&flow);
        }
    }

    /// Is the flow stopped?
    pub fn is_muted(&self) -> bool {
        self.hub.flow().muted
    }

    /// Says for all who take it at what size and rate it is wanted; `None` leaves it to each of
    /// them. A session says so of its own tracks, as its far side wishes.
    pub fn want_video(&self, wish: Option<VideoWish>) {
        *self.hub.wish.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// What it carries.
    pub fn spec(&self) -> &TrackSpec {
        &self.hub.spec
    }

    /// How many connections take it now.
    pub fn taps(&self) -> usize {
        self.hub.flow().taps.len()
    }
}

/// One connection's end of a published track. Dropping it stops taking.
#[derive(Debug)]
pub struct Tap {
    hub: Arc<Hub>,
    queue: Arc<Queue>,
}

impl Tap {
    /// The next frame to send; `None` when the track ended.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn next(&mut self) -> Option<EncodedFrame> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Tap::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        let polled = self.queue.poll(cx);
        if self.queue.take_key_wanted() {
            self.hub.keys.want_key();
        }
        polled
    }

    /// Says at what size and rate this taker wants the track; `None`, as at the beginning, is as it
    /// is. Of several takers the one that wants most decides.
    pub fn want_video(&self, wish: Option<VideoWish>) {
        self.queue.set_wish(wish);
    }

    /// Passes on the far side's wish for a key frame.
    pub fn want_key_frame(&self) {
        self.hub.keys.want_key();
    }

    /// What it carries.
    pub fn spec(&self) -> &TrackSpec {
        &self.hub.spec
    }

    /// Frames this tap lost because it was slow.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.queue.close();
        self.hub.flow().taps.retain(|tap| !Arc::ptr_eq(tap, &self.queue));
    }
}
