//! How good the link is, judged once a second from the statistics, without flapping (F72). Decides
//! nothing about the session. What the words mean is in `quality.rs`.

use super::Host;
use super::showing::is_live;
use crate::event::Event;
use crate::quality::{Grade, Limit, Quality};
use offhook_lifecycle::Epoch;
use offhook_transport::Stats;
use offhook_transport::media::{LimitedBy, VideoWanted};
use std::collections::VecDeque;
use std::time::Duration;

/// Seconds of media before the first word: a path that begins is not yet what it will be.
const WARM_UP: u32 = 5;
/// Seconds in a row that must be worse.
const WORSE: u32 = 2;
/// Seconds in a row that must be better, or held back by something else.
const BETTER: u32 = 5;
/// Seconds over which losses are summed up.
const WINDOW: usize = 5;
/// Round trips of which the shortest counts.
const TRIPS: usize = 3;
/// Fewer packets than this in the window say nothing of losses.
const PACKETS: u64 = 50;

/// What is remembered from one second to the next.
#[derive(Debug, Default)]
pub(super) struct Judge {
    before: Option<(Epoch, Stats)>,
    /// Seconds since media flows on this link.
    warm: u32,
    losses: [VecDeque<(u64, u64)>; 2],
    trips: VecDeque<Duration>,
    shown: Option<Quality>,
    /// What the newest seconds say in the place of what is shown, and how many they are.
    run: Option<(Quality, u32)>,
}

/// What is known beside the statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    /// Does a picture that is due stand still?
    pub(super) still: bool,
    /// Did the far side say that something keeps it from more?
    pub(super) limited: bool,
}

impl Judge {
    /// What holds now, where it is known.
    pub(super) fn shown(&self) -> Option<Quality> {
        self.shown
    }

    /// No media is due: what was known is of the past.
    pub(super) fn forget(&mut self) {
        *self = Self { before: self.before.take(), ..Self::default() };
    }

    /// One second in which media is due. True if what is shown changed.
    pub(super) fn measured(&mut self, epoch: Epoch, stats: &Stats, beside: Beside) -> bool {
        let second = match &self.before {
            // Of a link that is being left.
            Some((of, _)) if epoch < *of => return false,
            Some((of, before)) => {
                if *of != epoch {
                    self.warm = 0;
                }
                stats.since(before)
            }
            None => stats.clone(),
        };
        self.before = Some((epoch, stats.clone()));
        self.warm += 1;
        let now = self.judge(&second, beside);
        self.take(now)
    }

    fn judge(&mut self, second: &Stats, beside: Beside) -> Quality {
        let loss = [false, true].map(|inbound| {
            let window = &mut self.losses[usize::from(inbound)];
            if self.warm == 1 {
                // It reaches back into what was before: an outage, or another link.
                window.clear();
            } else {
                window.push_back(lost(second, inbound));
            }
            if window.len() > WINDOW {
                window.pop_front();
            }
            let (due, lost) = window.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            if due < PACKETS { 0 } else { lost * 1_000 / due }
        });
        // A check that was lost and sent again measures its own patience: the shortest of some says
        // how long the way is.
        self.trips.extend(second.round_trip_time);
        if self.trips.len() > TRIPS {
            self.trips.pop_front();
        }
        let millis = |time: Option<Duration>| {
            time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        let grades = [
            (Limit::Loss, by(loss[0].max(loss[1]), [10, 30, 100])),
            (Limit::RoundTrip, by(millis(self.trips.iter().min().copied()), [300, 500, 800])),
            (Limit::Jitter, by(millis(second.totals().jitter), [50, 100, 200])),
            (Limit::Picture, if beside.still { Grade::Critical } else { Grade::Good }),
            (Limit::FarSide, if beside.limited { Grade::Fair } else { Grade::Good }),
        ];
        // Of equals the first.
        let worst = grades.into_iter().min_by_key(|(_, grade)| *grade);
        match worst.filter(|(_, grade)| *grade < Grade::Good) {
            Some((limit, grade)) => Quality { grade, limited_by: Some(limit) },
            None => Quality::GOOD,
        }
    }

    /// Shows it, once it has lasted.
    fn take(&mut self, now: Quality) -> bool {
        let Some(shown) = self.shown else {
            // The better of the last two seconds of the warm-up.
            let best = self.run.map_or(now, |(last, _)| if last.grade > now.grade { last } else { now });
            self.run = Some((now, 0));
            return self.warm >= WARM_UP && self.show(best);
        };
        if now == shown {
            self.run = None;
            return false;
        }
        let worse = now.grade < shown.grade;
        let goes_on = self.run.filter(|(run, _)| run.grade.cmp(&shown.grade) == now.grade.cmp(&shown.grade));
        let (run, count) = match goes_on {
            // What all of these seconds bear out: the best of worse ones, the worst of better ones.
            Some((run, count)) if worse == (run.grade > now.grade) => (run, count + 1),
            Some((_, count)) => (now, count + 1),
            None => (now, 1),
        };
        self.run = Some((run, count));
        let lasting = if worse { WORSE } else { BETTER };
        // A link that is new is not judged, however good the one before it was.
        count >= lasting && self.warm >= WARM_UP && self.show(run)
    }

    fn show(&mut self, quality: Quality) -> bool {
        self.run = None;
        self.shown = Some(quality);
        true
    }
}

/// How many packets were due in one direction, and how many of them were lost.
fn lost(second: &Stats, inbound: bool) -> (u64, u64) {
    let streams = second.streams.iter().filter(|stream| stream.inbound == inbound);
    streams.fold((0, 0), |(due, lost), stream| {
        let missing = u64::try_from(stream.packets_lost).unwrap_or(0);
        // What goes out is counted where it leaves, what comes in where it arrives.
        let arrived = if inbound { missing } else { 0 };
        (due + stream.packets + arrived, lost + missing)
    })
}

/// The grade of a figure of which less is better, by the most that each grade allows.
fn by(figure: u64, [good, fair, poor]: [u64; 3]) -> Grade {
    match figure {
        _ if figure <= good => Grade::Good,
        _ if figure <= fair => Grade::Fair,
        _ if figure <= poor => Grade::Poor,
        _ => Grade::Critical,
    }
}

impl Host {
    /// How good this second was, where media is due.
    pub(super) fn tell_quality(&mut self, epoch: Epoch, stats: &Stats) {
        if !is_live(self.machine.state()) {
            return;
        }
        let limited = |wanted: VideoWanted| wanted.limited_by != LimitedBy::None;
        let beside = Beside { still: self.stalls.any(), limited: self.contents.video.is_some_and(limited) };
        if self.judge.measured(epoch, stats, beside) {
            self.show();
            if let Some(quality) = self.judge.shown() {
                self.tell(Event::QualityChanged(quality));
            }
        }
    }
}

#[cfg(test)]
mod tests;
