//! Life is inbound (R9): silence per plane, pings, probes, and the healthy stretch after which
//! counters start anew (R11).

use super::Core;
use super::timers::Timer;
use crate::{Epoch, Event, Fault, Output, Plane, Time};
use std::time::Duration;

/// A plane whose silence was put down to stalls of ours, so often in a row. Nothing was heard of it
/// since the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excused {
    No,
    Often(Plane, u8),
}

impl Excused {
    fn times(self, plane: Plane) -> u8 {
        match self {
            Self::Often(of, times) if of == plane => times,
            Self::No | Self::Often(..) => 0,
        }
    }

    #[cfg(any(test, feature = "walk"))]
    pub(crate) fn is_enough(self, most: u8) -> bool {
        matches!(self, Self::Often(_, times) if times >= most)
    }
}

impl Core {
    /// Watches every plane of the current link that lives, and stops watching the others.
    pub(crate) fn watch_planes(&mut self) {
        for plane in [Plane::Signaling, Plane::Media] {
            let lives = self.current.as_ref().is_some_and(|line| line.lives(plane));
            let timer = silence_of(plane);
            if !lives {
                self.timers.clear(timer);
            } else if !self.timers.is_set(timer) {
                self.timers.set(timer, self.now.plus(self.span_of(plane)));
            }
        }
        let speaks = self.current.as_ref().is_some_and(|line| line.lives(Plane::Signaling));
        if !speaks {
            self.timers.clear(Timer::Ping);
        } else if !self.timers.is_set(Timer::Ping) {
            self.timers.set(Timer::Ping, self.now.plus(self.ping_span()));
        }
    }

    pub(crate) fn stop_watching(&mut self) {
        self.excused = Excused::No;
        for timer in [Timer::SignalingSilence, Timer::MediaSilence, Timer::Ping, Timer::Healthy] {
            self.timers.clear(timer);
        }
    }

    /// Something came in on the current link. The stale and the lost were dropped before.
    #[inline]
    pub(crate) fn heard(&mut self, epoch: Epoch, plane: Plane) {
        if self.is_current(epoch) {
            let timer = silence_of(plane);
            if self.timers.is_set(timer) {
                if self.excused != Excused::No && self.excused.times(plane) > 0 {
                    self.excused = Excused::No;
                }
                let at = self.now.plus(self.span_of(plane));
                self.timers.set(timer, at);
            }
        }
    }

    /// A deadline that is this late shows that we slept, not that they are gone (E13). But a
    /// process that stalls at every deadline must not keep a dead link for ever.
    pub(crate) fn excuses(&self, plane: Plane) -> bool {
        self.late >= self.policy.stall && self.excused.times(plane) < self.policy.stalls
    }

    /// Asks before it judges.
    pub(crate) fn excuse(&mut self, plane: Plane) {
        self.excused = Excused::Often(plane, self.excused.times(plane).saturating_add(1));
        self.probe();
    }

    /// Asks both planes, and gives them the probe's time to answer.
    pub(crate) fn probe(&mut self) {
        let until = self.now.plus(self.policy.probe);
        let Some(line) = &self.current else { return };
        let (epoch, signaling, media) = (line.epoch, line.lives(Plane::Signaling), line.lives(Plane::Media));
        if signaling {
            self.timers.set(Timer::SignalingSilence, until);
            self.timers.set(Timer::Ping, self.now.plus(self.ping_span()));
        }
        if media {
            self.timers.set(Timer::MediaSilence, until);
        }
        if signaling || media {
            self.outputs.push_back(Output::Ping { epoch });
        }
    }

    pub(crate) fn ping(&mut self) {
        if let Some(line) = &self.current {
            self.outputs.push_back(Output::Ping { epoch: line.epoch });
            self.timers.set(Timer::Ping, self.now.plus(self.ping_span()));
        }
    }

    /// Judges a plane of the current link lost. False when there was nothing to judge.
    pub(crate) fn judge_lost(&mut self, epoch: Epoch, plane: Plane, fault: Fault) -> bool {
        let Some(line) = self.current.as_mut().filter(|line| line.epoch == epoch) else { return false };
        if !line.lives(plane) {
            return false;
        }
        line.lost = line.lost.with(plane);
        self.timers.clear(silence_of(plane));
        if plane == Plane::Signaling {
            self.timers.clear(Timer::Ping);
        }
        self.timers.clear(Timer::Healthy);
        self.note_fault(fault);
        self.report(Event::PlaneLost { plane, fault });
        true
    }

    /// As [`judge_lost`](Self::judge_lost) of the current link, whatever its epoch.
    pub(crate) fn judge_silent(&mut self, plane: Plane) -> bool {
        match self.current.as_ref().map(|line| line.epoch) {
            Some(epoch) => self.judge_lost(epoch, plane, Fault::Silent),
            None => false,
        }
    }

    /// Judges every plane of the current link lost. False when there was none to judge.
    pub(crate) fn lose_all_planes(&mut self) -> bool {
        let Some(epoch) = self.current_epoch() else { return false };
        let signaling = self.judge_lost(epoch, Plane::Signaling, Fault::Unreachable);
        let media = self.judge_lost(epoch, Plane::Media, Fault::Unreachable);
        signaling || media
    }

    /// The connection of the current link is gone, with whatever still lived on it: nothing is
    /// left to resume from. False when it is not the current one.
    pub(crate) fn judge_closed(&mut self, epoch: Epoch) -> bool {
        if !self.is_current(epoch) {
            return false;
        }
        self.judge_lost(epoch, Plane::Signaling, Fault::Closed);
        self.judge_lost(epoch, Plane::Media, Fault::Closed);
        self.drop_current();
        true
    }

    fn span_of(&self, plane: Plane) -> Duration {
        match plane {
            Plane::Signaling => self
                .current
                .as_ref()
                .and_then(|line| line.facts.silence)
                .unwrap_or(self.policy.silence)
                .max(Duration::from_millis(1)),
            Plane::Media => self.policy.media_silence,
        }
    }

    fn ping_span(&self) -> Duration {
        let asked = self.current.as_ref().and_then(|line| line.facts.ping).unwrap_or(self.policy.ping);
        // A far side that asks for pings without a pause must not be able to spin us.
        asked.max(Duration::from_millis(100))
    }

    /// The moment by which a lost link's place is kept.
    pub(crate) fn place_kept_until(&self) -> Time {
        let window = self.current.as_ref().and_then(|line| line.facts.resume_window);
        self.now.plus(window.unwrap_or(self.policy.resume_window))
    }
}

const fn silence_of(plane: Plane) -> Timer {
    match plane {
        Plane::Signaling => Timer::SignalingSilence,
        Plane::Media => Timer::MediaSilence,
    }
}
