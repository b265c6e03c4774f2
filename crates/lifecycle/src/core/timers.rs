//! Every deadline of a session, in one fixed place; none lives outside. Setting one is a store,
//! asking whether one is due is a comparison.

use crate::Time;
use std::time::Duration;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Timer {
    /// The ring rings no longer.
    Ring,
    /// The far side did not confirm our accept.
    Accept,
    /// The whole join.
    Join,
    /// Waiting in the far side's queue.
    Queue,
    /// The present step of the dial (or ICE restart) under way.
    Dial,
    /// The next dial.
    Backoff,
    /// The credential provider.
    Credential,
    /// The migration.
    Migration,
    /// The away budget.
    Away,
    /// The far side keeps the place no longer.
    ResumeWindow,
    /// Being without a network.
    Offline,
    /// `failed` ends by itself.
    EndAt,
    /// Goodbye and cleanup.
    Goodbye,
    /// The next ping.
    Ping,
    /// Signaling counts as dead.
    SignalingSilence,
    /// Media counts as dead.
    MediaSilence,
    /// All planes were healthy for long enough.
    Healthy,
    /// The next command without an answer.
    Command,
}

impl Timer {
    pub(crate) const ALL: [Self; 18] = [
        Self::Ring,
        Self::Accept,
        Self::Join,
        Self::Queue,
        Self::Dial,
        Self::Backoff,
        Self::Credential,
        Self::Migration,
        Self::Away,
        Self::ResumeWindow,
        Self::Offline,
        Self::EndAt,
        Self::Goodbye,
        Self::Ping,
        Self::SignalingSilence,
        Self::MediaSilence,
        Self::Healthy,
        Self::Command,
    ];

    /// The name in the transition table.
    #[cfg(any(test, feature = "walk"))]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ring => "Due(Ring)",
            Self::Accept => "Due(Accept)",
            Self::Join => "Due(Join)",
            Self::Queue => "Due(Queue)",
            Self::Dial => "Due(Dial)",
            Self::Backoff => "Due(Backoff)",
            Self::Credential => "Due(Credential)",
            Self::Migration => "Due(Migration)",
            Self::Away => "Due(Away)",
            Self::ResumeWindow => "Due(ResumeWindow)",
            Self::Offline => "Due(Offline)",
            Self::EndAt => "Due(EndAt)",
            Self::Goodbye => "Due(Goodbye)",
            Self::Ping => "Due(Ping)",
            Self::SignalingSilence => "Due(SignalingSilence)",
            Self::MediaSilence => "Due(MediaSilence)",
            Self::Healthy => "Due(Healthy)",
            Self::Command => "Due(Command)",
        }
    }
}

/// The deadlines of states, cleared by every transition; the rest outlive one.
const OF_STATES: [Timer; 11] = [
    Timer::Ring,
    Timer::Accept,
    Timer::Join,
    Timer::Queue,
    Timer::Dial,
    Timer::Backoff,
    Timer::Credential,
    Timer::Migration,
    Timer::Offline,
    Timer::EndAt,
    Timer::Goodbye,
];

/// Those for which time asleep counts as elapsed.
const SLEEPING_COUNTS: [Timer; 6] =
    [Timer::Ring, Timer::Offline, Timer::Migration, Timer::EndAt, Timer::ResumeWindow, Timer::Credential];

#[derive(Clone, Debug)]
pub(crate) struct Timers {
    at: [Time; Timer::ALL.len()],
    /// Never later than the earliest of `at`: most calls end at one comparison with it.
    next: Time,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { at: [Time::NEVER; Timer::ALL.len()], next: Time::NEVER }
    }

    pub(crate) fn set(&mut self, timer: Timer, at: Time) {
        self.at[timer as usize] = at;
        self.next = self.next.min(at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.at[timer as usize] = Time::NEVER;
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Time> {
        let at = self.at[timer as usize];
        (at != Time::NEVER).then_some(at)
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.at[timer as usize] != Time::NEVER
    }

    /// Takes the earliest deadline up to `now`; equal ones in the order of [`Timer`].
    pub(crate) fn due(&mut self, now: Time) -> Option<(Timer, Time)> {
        if now < self.next {
            return None;
        }
        let (timer, at) = self.earliest();
        self.next = at;
        if at > now || at == Time::NEVER {
            return None;
        }
        self.clear(timer);
        Some((timer, at))
    }

    pub(crate) fn poll(&self) -> Option<Time> {
        let (_, at) = self.earliest();
        (at != Time::NEVER).then_some(at)
    }

    pub(crate) fn clear_states(&mut self) {
        OF_STATES.iter().for_each(|timer| self.clear(*timer));
    }

    pub(crate) fn clear_all(&mut self) {
        *self = Self::new();
    }

    /// Moves the deadlines for which sleep counts earlier, but not before `now`.
    pub(crate) fn slept(&mut self, slept: Duration, now: Time) {
        for timer in SLEEPING_COUNTS {
            if let Some(at) = self.get(timer) {
                self.set(timer, at.earlier(slept).max(now));
            }
        }
    }

    /// Lets `timer` be the next that is due, for the walk: those before it are put off to just
    /// after it. When it is due; `None` where it is not pending.
    #[cfg(any(test, feature = "walk"))]
    pub(crate) fn put_first(&mut self, timer: Timer) -> Option<Time> {
        let at = self.get(timer)?;
        for other in Self::others(timer) {
            if self.get(other).is_some_and(|earlier| earlier <= at) {
                self.set(other, at.plus(Duration::from_millis(1)));
            }
        }
        Some(at)
    }

    /// The name of what is due next.
    #[cfg(test)]
    pub(crate) fn next_name(&self) -> &'static str {
        self.earliest().0.name()
    }

    /// Are two due at the very same instant?
    #[cfg(test)]
    pub(crate) fn is_tied(&self) -> bool {
        let first = self.earliest().1;
        self.at.iter().filter(|at| **at == first).count() > 1
    }

    #[cfg(any(test, feature = "walk"))]
    fn others(timer: Timer) -> impl Iterator<Item = Timer> {
        Timer::ALL.into_iter().filter(move |other| *other != timer)
    }

    fn earliest(&self) -> (Timer, Time) {
        let mut found = (Timer::Ring, Time::NEVER);
        for timer in Timer::ALL {
            let at = self.at[timer as usize];
            if at < found.1 {
                found = (timer, at);
            }
        }
        found
    }
}
