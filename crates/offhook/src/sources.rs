//! The user's own media on its way into a session: sources that were taken over, tracks that
//! were borrowed. Pacing is `offhook_media::Pump`'s; here is who owns what, and how it is
//! given back (R17, D18).
//!
//! The bugs named here: D18 openai/openai-agents-js#1586.

mod slot;

pub(crate) use slot::{Refused, Slot};

use offhook_media::{Publication, Pump, PumpEnd, Source};
use offhook_transport::media::{Codec, Gate, GateLevel, Kind, LocalTrack, TrackSender, TrackSpec, local};
use slot::Swappable;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// One track of a session, and where its frames come from.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// The session's own track. Muting it mutes nothing else, and it ends with the session.
    pub(crate) track: LocalTrack,
    pub(crate) origin: Origin,
    /// Ends its feeder.
    stop: Arc<Notify>,
}

/// Whose the frames are.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// A source that was taken over. It can be swapped, and taken back.
    Taken(Arc<Slot>),
    /// A track of the user's, that is only listened to.
    Borrowed(LocalTrack),
}

/// Nothing more comes of what a track was published from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceEnd {
    /// Of which track: another one may have its label by now.
    pub(crate) track: LocalTrack,
    /// What broke; none where it was over.
    pub(crate) error: Option<String>,
}

/// What has to run for a track to carry anything.
pub(crate) struct Feeder {
    track: LocalTrack,
    stop: Arc<Notify>,
    feed: Feed,
}

enum Feed {
    /// Paces a source, and whichever takes its place.
    Pump(Pump, Arc<Slot>),
    /// Copies the handles of a borrowed track's frames, never their bytes.
    Relay(LocalTrack, TrackSender),
}

impl Track {
    /// Makes the session's own track of a publication, muted gate first.
    pub(crate) fn new(label: String, publication: Publication) -> (Self, Feeder) {
        Self::from(label, Origin::of(publication))
    }

    /// As [`new`](Self::new), calling nothing of the user's.
    pub(crate) fn from(label: String, origin: Origin) -> (Self, Feeder) {
        let (sender, track) = local(TrackSpec { codec: origin.codec(), label });
        let feed = match &origin {
            Origin::Taken(slot) => Feed::Pump(Pump::new(Swappable(slot.clone()), sender), slot.clone()),
            Origin::Borrowed(theirs) => Feed::Relay(theirs.clone(), sender),
        };
        let stop = Arc::new(Notify::new());
        let feeder = Feeder { track: track.clone(), stop: stop.clone(), feed };
        (Self { track, origin, stop }, feeder)
    }

    /// Ends what feeds it, for good: a source that was taken over is given back, a borrowed track is let go of.
    pub(crate) fn unpublish(&self) -> Option<Box<dyn Source>> {
        self.track.set_muted(true);
        // Also before the feeder runs: the word waits for it.
        self.stop.notify_one();
        match &self.origin {
            Origin::Taken(slot) => slot.take(),
            Origin::Borrowed(_) => None,
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.track.spec().label
    }

    pub(crate) fn kind(&self) -> Kind {
        self.track.spec().kind()
    }

    /// What was published, to be published again. A source that was unpublished is not there any
    /// more.
    pub(crate) fn give_back(&self) -> Option<Publication> {
        match &self.origin {
            Origin::Taken(slot) => slot.take().map(Publication::Taken),
            Origin::Borrowed(theirs) => Some(Publication::Borrowed(theirs.clone())),
        }
    }
}

impl Origin {
    /// Takes a source over, or listens to a track. What a source says of itself is asked here.
    pub(crate) fn of(publication: Publication) -> Self {
        match publication {
            Publication::Taken(source) => Self::Taken(Arc::new(Slot::new(source))),
            Publication::Borrowed(theirs) => Self::Borrowed(theirs),
        }
    }

    pub(crate) fn codec(&self) -> Codec {
        match self {
            Self::Taken(slot) => slot.codec,
            Self::Borrowed(theirs) => theirs.spec().codec,
        }
    }
}

impl Feeder {
    /// Runs until the gate is closed, the track is unpublished, or what feeds it is gone for good: a source
    /// that is over or broke may have another in its place. Each end is told once.
    pub(crate) async fn run(self, gate: Gate, ends: mpsc::Sender<SourceEnd>) {
        let Self { track, stop, feed } = self;
        let end = |error| SourceEnd { track: track.clone(), error };
        tokio::select! {
            biased;
            () = stop.notified() => {}
            () = feed.run(gate, ends, end) => {}
        }
    }
}

impl Feed {
    async fn run(self, gate: Gate, ends: mpsc::Sender<SourceEnd>, end: impl Fn(Option<String>) -> SourceEnd) {
        match self {
            Self::Pump(pump, slot) => {
                let mut pump = pump.gated(gate);
                loop {
                    let error = match pump.run().await {
                        PumpEnd::Over => None,
                        PumpEnd::Failed(error) => Some(error.to_string()),
                        PumpEnd::Stopped | PumpEnd::Closed => return,
                    };
                    tracing::debug!(label = pump.sender().spec().label, ?error, "a source came to its end");
                    if slot.is_over() && ends.send(end(error)).await.is_err() {
                        return;
                    }
                    if !slot.next_source().await {
                        return;
                    }
                }
            }
            Self::Relay(theirs, sender) => {
                let mut tap = theirs.tap();
                while let Some(frame) = tap.next().await {
                    if sender.key_frame_wanted() {
                        tap.want_key_frame();
                    }
                    tap.want_video(sender.video_wanted());
                    if gate.pass(|| sender.try_send(frame)).is_none() && gate.level() == GateLevel::Closed {
                        return;
                    }
                }
                // Nobody is left to tell it to where this fails.
                let _ = ends.send(end(None)).await;
            }
        }
    }
}

impl fmt::Debug for Feeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.feed {
            Feed::Pump(..) => "Pump",
            Feed::Relay(..) => "Relay",
        })
    }
}

#[cfg(test)]
#[path = "sources/tests.rs"]
mod tests;
