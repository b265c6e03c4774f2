//! The user's own media on its way into a session: sources that were taken over, tracks that
//! were borrowed. Pacing is `offhook_media::Pump`'s; here is who owns what, and how it is
//! given back (R17, D18).
//!
//! The bugs named here: D18 openai/openai-agents-js#1586.

mod slot;

pub(crate) use slot::{Refused, Slot};

use offhook_media::{Publication, Pump, PumpEnd};
use offhook_transport::media::{Gate, GateLevel, Kind, LocalTrack, TrackSender, TrackSpec, local};
use slot::Swappable;
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// One track of a session, and where its frames come from.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// The session's own track. Muting it mutes nothing else, and it ends with the session.
    pub(crate) track: LocalTrack,
    pub(crate) origin: Origin,
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
    pub(crate) label: String,
    /// What broke; none where it was over.
    pub(crate) error: Option<String>,
}

/// What has to run for a track to carry anything.
pub(crate) enum Feeder {
    /// Paces a source, and whichever takes its place.
    Pump(Pump, Arc<Slot>),
    /// Copies the handles of a borrowed track's frames, never their bytes.
    Relay(LocalTrack, TrackSender),
}

impl Track {
    /// Makes the session's own track of a publication, muted gate first.
    pub(crate) fn new(label: String, publication: Publication) -> (Self, Feeder) {
        match publication {
            Publication::Taken(source) => {
                let slot = Arc::new(Slot::new(source));
                let (sender, track) = local(TrackSpec { codec: slot.codec, label });
                let feeder = Feeder::Pump(Pump::new(Swappable(slot.clone()), sender), slot.clone());
                (Self { track, origin: Origin::Taken(slot) }, feeder)
            }
            Publication::Borrowed(theirs) => {
                let (sender, track) = local(TrackSpec { codec: theirs.spec().codec, label });
                let feeder = Feeder::Relay(theirs.clone(), sender);
                (Self { track, origin: Origin::Borrowed(theirs) }, feeder)
            }
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

impl Feeder {
    /// Runs until the gate is closed, or what feeds it is gone for good: a source that is over or broke may
    /// have another in its place. Each end is told once.
    pub(crate) async fn run(self, gate: Gate, ends: mpsc::Sender<SourceEnd>) {
        match self {
            Self::Pump(pump, slot) => {
                let label = pump.sender().spec().label.clone();
                let mut pump = pump.gated(gate);
                loop {
                    let error = match pump.run().await {
                        PumpEnd::Over => None,
                        PumpEnd::Failed(error) => Some(error.to_string()),
                        PumpEnd::Stopped | PumpEnd::Closed => return,
                    };
                    tracing::debug!(label, ?error, "a source came to its end");
                    if slot.is_over() && ends.send(SourceEnd { label: label.clone(), error }).await.is_err() {
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
                let _ = ends.send(SourceEnd { label: sender.spec().label.clone(), error: None }).await;
            }
        }
    }
}

impl fmt::Debug for Feeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pump(..) => "Pump",
            Self::Relay(..) => "Relay",
        })
    }
}

#[cfg(test)]
#[path = "sources/tests.rs"]
mod tests;
