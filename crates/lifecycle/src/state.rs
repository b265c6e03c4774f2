//! What a reader sees: the machine's leaves, and the field's vocabularies as projections of them.
//! `CallingState` is exhaustive on purpose: a new state must break every build that forgot it.

use crate::Step;
use std::fmt;
use std::time::Duration;

/// Which way a ring goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum Direction {
    /// Somebody rings us.
    Incoming,
    /// We ring somebody.
    Outgoing,
}

/// The leaves of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// Not joined, nothing rings. No deadline: it waits for its user.
    Idle,
    /// A ring goes on.
    Ringing(Direction),
    /// A join is under way, retries included.
    Joining,
    /// Joined, and every plane is healthy. No deadline of its own; liveness has.
    Live,
    /// Moving to another server; media still flows.
    Migrating,
    /// The link is lost and is being recovered.
    Reconnecting,
    /// There is no network. Its deadline may be `None` by policy.
    Offline,
    /// Recovery gave up; a retry or the network's return revives it.
    Failed,
    /// Over for everybody who looks; goodbye and cleanup take at most a second.
    Leaving,
    /// Over. Absorbs everything.
    Left,
}

impl State {
    /// Every leaf, ringing in both directions.
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::Ringing(Direction::Incoming),
        Self::Ringing(Direction::Outgoing),
        Self::Joining,
        Self::Live,
        Self::Migrating,
        Self::Reconnecting,
        Self::Offline,
        Self::Failed,
        Self::Leaving,
        Self::Left,
    ];

    /// Its name, in the words of the transition table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Ringing(Direction::Incoming) => "ringing in",
            Self::Ringing(Direction::Outgoing) => "ringing out",
            Self::Joining => "joining",
            Self::Live => "live",
            Self::Migrating => "migrating",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
            Self::Failed => "failed",
            Self::Leaving => "leaving",
            Self::Left => "left",
        }
    }

    /// The ten-state projection of call SDKs.
    pub const fn calling(self) -> CallingState {
        match self {
            Self::Idle => CallingState::Idle,
            Self::Ringing(direction) => CallingState::Ringing(direction),
            Self::Joining => CallingState::Joining,
            Self::Live => CallingState::Joined,
            Self::Migrating => CallingState::Migrating,
            Self::Reconnecting => CallingState::Reconnecting,
            Self::Offline => CallingState::Offline,
            Self::Failed => CallingState::ReconnectingFailed,
            Self::Leaving | Self::Left => CallingState::Left,
        }
    }

    /// The five-state projection of live-model clients. `generating` is sticky until the
    /// generation ends, and shows only where media flows.
    pub const fn connection(self, generating: bool) -> ConnectionState {
        match self {
            Self::Live | Self::Migrating if generating => ConnectionState::Generating,
            Self::Live | Self::Migrating => ConnectionState::Connected,
            Self::Joining => ConnectionState::Connecting,
            Self::Reconnecting | Self::Offline => ConnectionState::Reconnecting,
            Self::Idle | Self::Ringing(_) | Self::Failed | Self::Leaving | Self::Left => {
                ConnectionState::Disconnected
            }
        }
    }

    /// The progress projection. `step` counts only while joining.
    pub const fn progress(self, step: Step) -> Progress {
        let current = match self {
            Self::Idle | Self::Ringing(_) | Self::Leaving | Self::Left => 0,
            Self::Joining => match step {
                Step::Searching => 1,
                Step::Preparing => 2,
                Step::Connecting => 3,
            },
            Self::Live | Self::Migrating | Self::Reconnecting | Self::Offline | Self::Failed => 4,
        };
        Progress { step: current, queue_position: None, eta: None }
    }

    /// Does it belong to the `joined` part of the machine?
    pub const fn is_joined(self) -> bool {
        match self {
            Self::Live | Self::Migrating | Self::Reconnecting | Self::Offline | Self::Failed => true,
            Self::Idle | Self::Ringing(_) | Self::Joining | Self::Leaving | Self::Left => false,
        }
    }

    /// Is it over, for everybody who looks?
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Leaving | Self::Left)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Ten states, as call SDKs name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum CallingState {
    /// Shown before a first snapshot, and for a foreign name that has no place here.
    Unknown,
    /// Not joined.
    Idle,
    /// A ring goes on.
    Ringing(Direction),
    /// A join is under way.
    Joining,
    /// Joined.
    Joined,
    /// Moving to another server.
    Migrating,
    /// Being recovered.
    Reconnecting,
    /// Recovery gave up.
    ReconnectingFailed,
    /// No network.
    Offline,
    /// Over.
    Left,
}

impl CallingState {
    /// Its name. The direction of a ring is not part of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Idle => "Idle",
            Self::Ringing(_) => "Ringing",
            Self::Joining => "Joining",
            Self::Joined => "Joined",
            Self::Migrating => "Migrating",
            Self::Reconnecting => "Reconnecting",
            Self::ReconnectingFailed => "ReconnectingFailed",
            Self::Offline => "Offline",
            Self::Left => "Left",
        }
    }
}

impl fmt::Display for CallingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Five states, as live-model clients name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum ConnectionState {
    /// A join is under way.
    Connecting,
    /// Media flows.
    Connected,
    /// Media flows and the far side generates.
    Generating,
    /// There is no connection.
    Disconnected,
    /// It is being recovered.
    Reconnecting,
}

impl ConnectionState {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Connected => "Connected",
            Self::Generating => "Generating",
            Self::Disconnected => "Disconnected",
            Self::Reconnecting => "Reconnecting",
        }
    }

    /// Exactly `Connected` or `Generating`.
    pub const fn is_connected(self) -> bool {
        match self {
            Self::Connected | Self::Generating => true,
            Self::Connecting | Self::Disconnected | Self::Reconnecting => false,
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a join is. Monotone within an attempt; it describes the join only: 100 % from the
/// first time it is joined until the end, through every recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    step: u8,
    queue_position: Option<u32>,
    eta: Option<Duration>,
}

impl Progress {
    /// With a place in the queue and an estimate.
    pub(crate) const fn waiting(mut self, queue_position: Option<u32>, eta: Option<Duration>) -> Self {
        self.queue_position = queue_position;
        self.eta = eta;
        self
    }

    /// The steps there are: 5.
    pub const fn total_steps(self) -> u8 {
        5
    }

    /// The step it is at: 0 none, 1 searching, 2 preparing, 3 connecting, 4 joined.
    pub const fn current_step(self) -> u8 {
        self.step
    }

    /// 0, 25, 50, 75 or 100.
    pub const fn percent(self) -> u8 {
        self.step * 25
    }

    /// The place in the far side's queue, counted from 1, while waiting there.
    pub const fn queue_position(self) -> Option<u32> {
        self.queue_position
    }

    /// How long it may still take, if the far side gave a number. Words stay in the host.
    pub const fn eta(self) -> Option<Duration> {
        self.eta
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.step {
            0 => "not started",
            1 => "searching",
            2 => "preparing",
            3 => "connecting",
            4.. => "joined",
        };
        write!(f, "{:3} % {name}", self.percent())?;
        match self.queue_position {
            Some(position) => write!(f, " (number {position} in the queue)"),
            None => Ok(()),
        }
    }
}
