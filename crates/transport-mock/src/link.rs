//! What the world keeps of one connection, and of one media plane that connections share.

use crate::DialSeen;
use offhook_transport::media::{EncodedFrame, Gate, Kind, LocalTrack, RemoteSink, Tap};
use offhook_transport::{Action, Desired, Event, Fault, Plane, Revision, StreamStats};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Reports that wait for one connection's polls; content beyond that is dropped.
const REPORTS: usize = 1024;
/// Actions that wait for the hand.
const INBOX: usize = 1024;
/// The longest between two `Alive` that frames cause: ten a second.
const ALIVE_EVERY: Duration = Duration::from_millis(100);

pub(crate) type LinkId = u64;

/// Something that is to happen on a link at its time.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The client is told this.
    Report(Event),
    /// The plane dies, unless it is dead already, and the client is told.
    Lose(Plane, Fault),
    /// A second of generation is over; how much is used by then.
    Tick(Duration),
    /// The client measures its link: statistics are due, now and every second.
    Measure,
    /// Another piece of an image that the far side lacks has arrived.
    Piece(Box<Upload>),
    /// Our checks were not answered for so long that the media plane counts as lost.
    Starve,
    /// The far side closed the socket, as it does after a goodbye.
    Close,
}

/// A state that waits for its image, piece by piece.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) revision: Revision,
    pub(crate) desired: Desired,
    /// Bytes of the image that have arrived.
    pub(crate) received: usize,
}

#[derive(Debug)]
struct Due {
    at: Instant,
    happening: Happening,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) seen: Arc<DialSeen>,
    pub(crate) media: u64,
    pub(crate) publish: Vec<LocalTrack>,
    pub(crate) sink: Option<RemoteSink>,
    pub(crate) gate: Gate,
    pub(crate) up: bool,
    /// Ended by the far side, which hears last words.
    pub(crate) ended: bool,
    pub(crate) signaling: bool,
    pub(crate) closed: bool,
    pub(crate) goodbye: bool,
    /// Was an ICE restart asked for on this link?
    pub(crate) restarted: bool,
    /// This link was told that the media plane is lost, and not yet of its return: another
    /// link that shares the plane may have brought it back.
    pub(crate) knows_media_lost: bool,
    /// The far side does not read: actions stay in the client's queue.
    pub(crate) stalled: bool,
    /// The far side does not answer on this plane.
    pub(crate) silent: Silent,
    /// Added to every report from now on.
    pub(crate) delay: Duration,
    /// While held, reports of the far side wait here.
    pub(crate) held: Option<Vec<Happening>>,
    pub(crate) waker: Option<Waker>,
    inbox: VecDeque<Arc<Action>>,
    due: Vec<Due>,
    in_order: Option<Instant>,
    last_alive: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silent {
    pub(crate) signaling: bool,
    pub(crate) media: bool,
}

impl Silent {
    pub(crate) fn set(&mut self, plane: Plane, silent: bool) {
        match plane {
            Plane::Signaling => self.signaling = silent,
            Plane::Media => self.media = silent,
        }
    }
}

impl Link {
    pub(crate) fn new(
        seen: Arc<DialSeen>,
        media: u64,
        ports: offhook_transport::media::MediaPorts,
        delay: Duration,
    ) -> Self {
        Self {
            seen,
            media,
            publish: ports.publish,
            sink: ports.sink,
            gate: ports.gate,
            up: false,
            ended: false,
            signaling: true,
            closed: false,
            goodbye: false,
            restarted: false,
            knows_media_lost: false,
            stalled: false,
            silent: Silent::default(),
            delay,
            held: None,
            waker: None,
            inbox: VecDeque::new(),
            due: Vec::new(),
            in_order: None,
            last_alive: None,
        }
    }

    /// Plans a report behind all those planned in order before it.
    pub(crate) fn plan_in_order(&mut self, at: Instant, event: Event) {
        let at = self.in_order.map_or(at, |last| last.max(at));
        self.in_order = Some(at);
        self.plan(at, Happening::Report(event));
    }

    /// Plans something; what was planned earlier for the same instant happens first.
    pub(crate) fn plan(&mut self, at: Instant, happening: Happening) {
        let perishable = matches!(happening, Happening::Report(Event::Content(_) | Event::Alive(_)));
        if self.closed || (perishable && self.due.len() >= REPORTS) {
            return;
        }
        let place = self.due.partition_point(|due| due.at <= at);
        self.due.insert(place, Due { at, happening });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The next thing that is due, or when one will be.
    pub(crate) fn next_due(&mut self, now: Instant) -> Result<Happening, Option<Instant>> {
        match self.due.first() {
            Some(due) if due.at <= now => Ok(self.due.remove(0).happening),
            Some(due) => Err(Some(due.at)),
            None => Err(None),
        }
    }

    /// Unplans what the closure says.
    pub(crate) fn unplan(&mut self, which: impl Fn(&Happening) -> bool) {
        self.due.retain(|due| !which(&due.happening));
    }

    pub(crate) fn receive(&mut self, action: Arc<Action>) {
        if self.inbox.len() == INBOX {
            self.inbox.pop_front();
        }
        self.inbox.push_back(action);
    }

    pub(crate) fn take_action(&mut self) -> Option<Arc<Action>> {
        self.inbox.pop_front()
    }

    /// A frame came in; true if the client is due to hear of it.
    pub(crate) fn saw_frame(&mut self, now: Instant) -> bool {
        let due = self.last_alive.is_none_or(|last| now.saturating_duration_since(last) >= ALIVE_EVERY);
        if due {
            self.last_alive = Some(now);
        }
        due
    }

    /// Lets go of everything the client's end held.
    pub(crate) fn release(&mut self) {
        self.closed = true;
        self.due.clear();
        self.held = None;
        self.publish.clear();
        self.sink = None;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Did not carry yet.
    New,
    Alive,
    Lost,
}

/// A media plane, and the connections that hold it.
#[derive(Debug)]
pub(crate) struct MediaPlane {
    pub(crate) life: Life,
    /// Is the path below there? False while the network is cut.
    pub(crate) path: bool,
    pub(crate) holders: Vec<LinkId>,
    pub(crate) gate: Gate,
    pub(crate) key_wishes: u64,
    pub(crate) counted: Vec<StreamStats>,
    taps: Vec<Tapped>,
}

#[derive(Debug)]
struct Tapped {
    tap: Tap,
    awaits_key: bool,
}

impl MediaPlane {
    pub(crate) fn new(holder: LinkId, gate: Gate) -> Self {
        Self {
            life: Life::New,
            path: true,
            holders: vec![holder],
            gate,
            key_wishes: 0,
            counted: Vec::new(),
            taps: Vec::new(),
        }
    }

    /// Do frames get through?
    pub(crate) fn carries(&self) -> bool {
        self.life == Life::Alive && self.path
    }

    /// Begins to take the tracks that it does not take yet.
    pub(crate) fn tap(&mut self, tracks: &[LocalTrack]) {
        for track in tracks {
            if !self.taps.iter().any(|tapped| tapped.tap.is_of(track)) {
                self.taps.push(Tapped { tap: track.tap(), awaits_key: track.spec().kind() == Kind::Video });
            }
        }
    }

    /// Takes these tracks and no others, if it takes any yet.
    pub(crate) fn retap(&mut self, tracks: &[LocalTrack]) {
        self.taps.retain(|tapped| tracks.iter().any(|track| tapped.tap.is_of(track)));
        if self.life == Life::Alive {
            self.tap(tracks);
        }
    }

    pub(crate) fn taps(&self) -> usize {
        self.taps.len()
    }

    pub(crate) fn want_key_frames(&self) {
        self.taps.iter().for_each(|tapped| tapped.tap.want_key_frame());
    }

    /// Passes on, through the gate, every frame that waits.
    ///
    /// What comes while the plane is down or the gate shut is dropped, and a video track then
    /// starts again at a key frame.
    pub(crate) fn pump(&mut self, cx: &mut Context<'_>, mut out: impl FnMut(&str, EncodedFrame)) {
        let carries = self.carries();
        self.taps.retain_mut(|tapped| {
            loop {
                let frame = match tapped.tap.poll_next(cx) {
                    Poll::Ready(Some(frame)) => frame,
                    Poll::Ready(None) => return false,
                    Poll::Pending => return true,
                };
                let video = frame.codec.kind() == Kind::Video;
                if video && tapped.awaits_key && !frame.key {
                    tapped.tap.want_key_frame();
                    continue;
                }
                let sent = carries && self.gate.pass(|| out(&tapped.tap.spec().label, frame)).is_some();
                tapped.awaits_key = video && !sent;
            }
        });
    }
}
