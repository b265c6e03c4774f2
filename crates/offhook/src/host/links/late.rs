//! Levels that wait for their turn (R16): the desired state, what is published, that the user is still
//! there. Of each only the newest counts, so that as many as the application sets go out as a few, the
//! last of them for certain. What becomes of a change is the machine's affair: an answer to a revision
//! is one to all before it.

use super::super::pace::{LEVELS, Pace, STILL_THERE};
use super::Links;
use offhook_lifecycle::{Epoch, Time};
use offhook_transport::Action;

/// What there is of one link at most.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Level {
    Desired,
    Published,
    StillThere,
}

impl Level {
    const ALL: [Self; 3] = [Self::Desired, Self::Published, Self::StillThere];
}

/// The levels of one link that are to be said yet.
#[derive(Debug, Default)]
pub(super) struct Late([Option<Action>; Level::ALL.len()]);

/// How fast levels are said, on all links together.
#[derive(Debug)]
pub(super) struct Paces {
    levels: Pace,
    still_there: Pace,
}

impl Default for Paces {
    fn default() -> Self {
        Self { levels: Pace::new(LEVELS), still_there: Pace::new(STILL_THERE) }
    }
}

impl Paces {
    const fn of(&mut self, level: Level) -> &mut Pace {
        match level {
            Level::Desired | Level::Published => &mut self.levels,
            Level::StillThere => &mut self.still_there,
        }
    }
}

impl Links {
    /// Hands a link a level: now, or in its turn, in the place of one that waits.
    pub(in super::super) fn set(&mut self, epoch: Epoch, level: Level, action: Action, now: Time) {
        let link = self.all.iter_mut().find(|link| link.epoch == epoch && !link.closing);
        let Some(link) = link else { return };
        let late = &mut link.late.0[level as usize];
        if late.is_some() || !self.paces.of(level).take(now) {
            *late = Some(action);
            return;
        }
        self.act(epoch, action);
    }

    /// As [`set`](Self::set), on every link that is not being closed.
    pub(in super::super) fn set_on_all(&mut self, level: Level, action: impl Fn() -> Action, now: Time) {
        let epochs: Vec<_> = self.all.iter().filter(|link| !link.closing).map(|link| link.epoch).collect();
        epochs.into_iter().for_each(|epoch| self.set(epoch, level, action(), now));
    }

    /// When the next level that waits may be said.
    pub(in super::super) fn due(&mut self) -> Option<Time> {
        let Self { all, paces, .. } = self;
        let waits = |level: Level| all.iter().any(|link| link.late.0[level as usize].is_some());
        Level::ALL.into_iter().filter(|level| waits(*level)).map(|level| paces.of(level).due()).min()
    }

    /// Says what waits and may be said by now.
    pub(in super::super) fn catch_up(&mut self, now: Time) {
        for at in 0..self.all.len() {
            for level in Level::ALL {
                let waits = self.all[at].late.0[level as usize].is_some();
                if waits
                    && self.paces.of(level).take(now)
                    && let Some(action) = self.all[at].late.0[level as usize].take()
                {
                    self.act(self.all[at].epoch, action);
                }
            }
        }
    }
}
