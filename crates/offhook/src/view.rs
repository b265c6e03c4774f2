//! What a reader sees of a session at one moment: the machine's snapshot, the host's facts
//! beside it, and the user's own wish to leave, which counts from the moment it is made.

use crate::quality::Quality;
use offhook_lifecycle::{CallingState, Cause, ConnectionState, Ending, Progress, Snapshot};
use offhook_transport::Capabilities;
use offhook_transport::media::VideoWanted;
use std::sync::Arc;

/// One moment of a session. Cheap to clone; never changes.
#[derive(Clone, Debug)]
pub struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) facts: Arc<Facts>,
    /// A leave is wanted: readers see `Left` although the machine has yet to hear of it (R18).
    pub(crate) leaving: bool,
}

/// What the host knows and the machine does not need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) session: Option<Arc<str>>,
    pub(crate) resumed: bool,
    pub(crate) member: Option<Arc<str>>,
    pub(crate) capabilities: Option<Capabilities>,
    pub(crate) eta: Option<Arc<str>>,
    pub(crate) loading: Option<Loading>,
    pub(crate) video: Option<VideoWanted>,
    pub(crate) models: Arc<[String]>,
    pub(crate) quality: Option<Quality>,
}

/// What the far side makes ready for a join, while it does (F57).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loading {
    pub(crate) text: Option<Arc<str>>,
    pub(crate) percent: Option<u8>,
}

impl Loading {
    /// What it is, in the far side's words; treat it as untrusted text.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// How much of it is done, 0 to 100, where the far side knows.
    pub fn percent(&self) -> Option<u8> {
        self.percent
    }
}

impl View {
    /// The ten-state view. `Left` from the moment a leave is wanted.
    pub fn state(&self) -> CallingState {
        if self.leaving { CallingState::Left } else { self.snapshot.calling() }
    }

    /// The five-state view.
    pub fn connection_state(&self) -> ConnectionState {
        if self.leaving { ConnectionState::Disconnected } else { self.snapshot.connection() }
    }

    /// Exactly `Connected` or `Generating`.
    pub fn is_connected(&self) -> bool {
        self.connection_state().is_connected()
    }

    /// How far the join is. It describes the join only: it stays at 100 % in recovery, and is
    /// back at 0 % after the end.
    pub fn progress(&self) -> Progress {
        if self.leaving { Progress::default() } else { self.snapshot.progress() }
    }

    /// The far side's own words on how long its queue takes, while we wait in it.
    pub fn eta(&self) -> Option<&str> {
        self.facts.eta.as_deref()
    }

    /// What the far side makes ready, while the join is at its second step.
    pub fn loading(&self) -> Option<&Loading> {
        self.facts.loading.as_ref().filter(|_| self.progress().current_step() == 2)
    }

    /// The far side's id of the session, once it gave one.
    pub fn id(&self) -> Option<&str> {
        self.facts.session.as_deref()
    }

    /// The id under which this session is in the roster, once it is: by it the far side names it to others,
    /// and to itself (F63). Names need not tell members apart; ids do.
    pub fn member_id(&self) -> Option<&str> {
        self.facts.member.as_deref()
    }

    /// What can be asked of the far side on the newest link; nothing before one was up. What is asked for
    /// all the same is refused as `NotSupported`.
    pub fn capabilities(&self) -> Capabilities {
        self.facts.capabilities.unwrap_or(Capabilities::NONE)
    }

    /// Was an earlier session taken up again?
    pub fn resumed(&self) -> bool {
        self.facts.resumed
    }

    /// The size and rate at which the far side wants to be sent video, where it has an opinion (F58).
    /// What this session publishes is scaled to it where the source can; draw no larger, if you draw.
    pub fn video_wanted(&self) -> Option<VideoWanted> {
        self.facts.video
    }

    /// How good the link is, and what keeps it from being better (F72). `None` while it is not known:
    /// before the first five seconds of media, in an outage and for five seconds after it.
    pub fn quality(&self) -> Option<Quality> {
        self.facts.quality.filter(|_| self.is_connected())
    }

    /// The models and personas that the far side says can be asked for with
    /// [`Join::model`](crate::Join::model); empty before a link was up, and where it does not say.
    pub fn models(&self) -> &[String] {
        &self.facts.models
    }

    /// Why the link was lost last, or why recovery gave up.
    pub fn last_error(&self) -> Option<Cause> {
        self.snapshot.last_error()
    }

    /// How it ended, once that is final.
    pub fn ending(&self) -> Option<Ending> {
        self.snapshot.ending()
    }

    /// Are tasks, sockets and tracks of this session gone?
    pub fn is_released(&self) -> bool {
        self.snapshot.is_released()
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.snapshot.serial() == other.snapshot.serial()
            && self.leaving == other.leaving
            && self.facts == other.facts
    }
}
