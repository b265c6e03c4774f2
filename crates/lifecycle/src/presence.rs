//! The standing connection over which rings come and go, as a machine of its own: dial, full jitter,
//! credential, keepalive. It knows no session and ends none: a ring has its own deadline in its
//! session's machine, and is kept while this is away. No I/O, no clock; its walk is in `walk`.

mod machine;
#[cfg(any(test, feature = "walk"))]
pub mod walk;
mod words;

pub use words::{Input, Output, State};

use crate::policy::Jitter;
use crate::{CredentialRef, Epoch, JoinErrorKind, Policy, Time};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// The lifecycle of one user's presence.
///
/// # Contract
/// As of [`crate::Machine`]: after each [`handle`](Self::handle) or [`wake`](Self::wake) drain
/// [`poll_output`](Self::poll_output); then sleep until [`poll_timeout`](Self::poll_timeout) or until
/// something happens. A `now` that goes back is taken as the newest seen.
#[derive(Clone)]
pub struct Machine {
    policy: Policy,
    jitter: Jitter,
    now: Time,
    state: State,
    wanted: bool,
    network_up: bool,
    asleep: bool,
    /// Does any ring stand here, so that its state is asked again after silence?
    rings: bool,
    /// The newest dial. Whatever speaks under another one is not heard.
    epoch: Epoch,
    tries: u32,
    /// Was an expired credential replaced in this outage? A second one is final.
    refreshed: bool,
    /// Was a late silence forgiven, because the process was asleep?
    excused: bool,
    credential: Option<CredentialRef>,
    refusal: Option<JoinErrorKind>,
    ping: Duration,
    silence: Duration,
    timers: Timers,
    outputs: VecDeque<Output>,
    ignored: u64,
}

/// The deadlines there are. `poll_timeout` is the earliest; there is none elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The dial has had its time.
    Dial,
    /// The wait between two dials is over.
    Wait,
    /// The provider has had its time.
    Credential,
    /// A sign of life is to be asked for.
    Ping,
    /// Nothing came for too long.
    Silence,
    /// The rings that stand are to be asked about again (F25).
    Ask,
    /// It was up for so long that what went wrong before counts no more (R11).
    Healthy,
    /// The network's return grants a dial at once again.
    Grant,
}

impl Timer {
    const ALL: [Self; 8] = [
        Self::Dial,
        Self::Wait,
        Self::Credential,
        Self::Ping,
        Self::Silence,
        Self::Ask,
        Self::Healthy,
        Self::Grant,
    ];

    #[cfg(any(test, feature = "walk"))]
    const fn name(self) -> &'static str {
        match self {
            Self::Dial => "Due(Dial)",
            Self::Wait => "Due(Wait)",
            Self::Credential => "Due(Credential)",
            Self::Ping => "Due(Ping)",
            Self::Silence => "Due(Silence)",
            Self::Ask => "Due(Ask)",
            Self::Healthy => "Due(Healthy)",
            Self::Grant => "Due(Grant)",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Timers([Option<Time>; Timer::ALL.len()]);

impl Timers {
    const fn set(&mut self, timer: Timer, at: Time) {
        self.0[timer as usize] = Some(at);
    }

    const fn clear(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    const fn is_set(self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    fn next(self) -> Option<(Timer, Time)> {
        let set = Timer::ALL.into_iter().filter_map(|timer| Some((timer, self.0[timer as usize]?)));
        set.min_by_key(|(_, at)| *at)
    }
}

impl Machine {
    /// A presence that nobody wants yet.
    pub fn new(policy: Policy, seed: u64, credential: Option<CredentialRef>) -> Self {
        let (ping, silence) = (policy.ping, policy.silence);
        Self {
            policy,
            jitter: Jitter::seeded(seed),
            now: Time::ZERO,
            state: State::Off,
            wanted: false,
            network_up: true,
            asleep: false,
            rings: false,
            epoch: Epoch::default(),
            tries: 0,
            refreshed: false,
            excused: false,
            credential,
            refusal: None,
            ping,
            silence,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            ignored: 0,
        }
    }

    /// Fires every deadline up to `now`, in order, then handles the input.
    pub fn handle(&mut self, input: Input, now: Time) {
        self.wake(now);
        self.take(input);
    }

    /// Fires every deadline up to `now`, in order.
    pub fn wake(&mut self, now: Time) {
        self.now = self.now.max(now);
        while let Some((timer, at)) = self.timers.next().filter(|(_, at)| *at <= self.now) {
            self.timers.clear(timer);
            self.due(timer, self.now.since(at));
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`wake`](Self::wake) at the latest; `None` is never.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().map(|(_, at)| at)
    }

    /// Where it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Is this the link that counts?
    pub fn admits(&self, epoch: Epoch) -> bool {
        self.epoch == epoch && matches!(self.state, State::Dialling | State::Up)
    }

    /// Why it is [`State::Refused`], or why it was last.
    pub const fn refusal(&self) -> Option<JoinErrorKind> {
        self.refusal
    }

    /// How many inputs were stale, or said nothing where they came.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presence({}, {:?}, try {})", self.state, self.epoch, self.tries)
    }
}

#[cfg(test)]
mod tests;
